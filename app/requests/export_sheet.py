"""What a tab exports, and its figure before it has a size: its blocks, its title and what stands below."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from app.requests.figure_options import SCREEN, FigureOptions
from crt.viz.plots import MapBlock
from crt.viz.print_file import Kind, render
from crt.viz.print_layout import PANEL_WIDTH, Block, lay_out
from crt.viz.print_size import lettered, print_figure


@dataclass(frozen=True)
class Sheet:
    """A figure's contents.

    Attributes:
        subject: for the metadata of the file.
        rows: of blocks.
        title: above all.
        notes: below all.
        width: inches of a column where the figure is not made for print.
        columns: the least number of columns.
        joined: whether rows of small maps stand beside each other in print, where there is room for them.
    """

    subject: str
    rows: Sequence[Sequence[Block]]
    title: str
    notes: Sequence[str] = ()
    width: float = PANEL_WIDTH
    columns: int = 1
    joined: bool = False

    def figure(self, options: FigureOptions) -> Figure:
        """Draw it.

        Args:
            options: for print, or none.

        Returns:
            A figure for `crt.viz.print_file.render`.

        Raises:
            InvalidSetting: there are no blocks.
        """
        rows = lettered(self.rows) if options.letters else self.rows
        inside = options.caption == "figure"
        title, notes = (self.title, self.notes) if inside else ("", ())
        if options.size is None:
            return lay_out(rows, title=title, notes=notes, width=self.width, columns=self.columns)
        return print_figure(rows, options.size, title=title, notes=notes, columns=self.columns, joined=self.joined)

    def caption(self, options: FigureOptions) -> str:
        """Title, panels by their letters, and settings as one paragraph.

        Args:
            options: for print, or none.

        Returns:
            Plain text with a line break at its end.
        """
        rows = lettered(self.rows) if options.letters else self.rows
        panels = [block.panel for row in rows for block in row if isinstance(block, MapBlock)]
        named = [" ".join(filter(None, (panel.title, panel.note))) for panel in panels] if options.letters else []
        parts = [self.subject, "; ".join(named), *self.notes]
        return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part) + "\n"


class Exported(ABC):
    """The contents of a tab, computed again on the server."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A file name of plain letters, without its ending."""

    @abstractmethod
    def sheet(self) -> Sheet:
        """The figure before it has a size."""

    @abstractmethod
    def files(self) -> dict[str, bytes]:
        """The data behind it, by file name."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """All that made the files, as JSON values."""

    @abstractmethod
    def readme(self) -> str:
        """One paragraph about the files."""

    def figures(self, kinds: Sequence[Kind], options: FigureOptions = SCREEN) -> dict[Kind, bytes]:
        """The contents of the screen as one figure.

        Args:
            kinds: of files.
            options: for print.

        Returns:
            The bytes of the file of each kind.
        """
        sheet, description = self.sheet(), json.dumps(self.settings())
        figure = sheet.figure(options)
        return {kind: render(figure, kind, title=sheet.subject, description=description) for kind in kinds}
