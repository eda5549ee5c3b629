"""The figure of a tab before it has a size: its blocks, its title and what stands below."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from app.requests.figure_options import FigureOptions
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

    def files(self, kinds: Sequence[Kind], settings: dict[str, Any], options: FigureOptions) -> dict[Kind, bytes]:
        """The figure as files.

        Args:
            kinds: of files.
            settings: for their metadata.
            options: for print, or none.

        Returns:
            The bytes of the file of each kind.

        Raises:
            InvalidSetting: there are no blocks.
        """
        figure, description = self.figure(options), json.dumps(settings)
        return {kind: render(figure, kind, title=self.subject, description=description) for kind in kinds}

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
