"""Figures for print: blocks in rows under a title, with notes below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from matplotlib.figure import Figure

from crt.errors import InvalidSetting
from crt.viz.print_canvas import BOLD, FAINT, LINE, POINT, Canvas, text_lines

PANEL_WIDTH = 2.3  # inches of a panel
GAP, EDGE = 0.16, 0.18  # inches between panels and around the figure
TITLE, TEXT, NOTE = 11, 8, 7  # points


class Block(Protocol):
    """A part of a figure that takes one column, or the whole width where `wide`."""

    @property
    def wide(self) -> bool:
        """Whether it takes the whole width."""
        ...

    def above(self, width: float) -> float:
        """How much of its height is above what the blocks of a row have at one height.

        Args:
            width: inches that it has across.

        Returns:
            Inches down, 0 where nothing is.
        """
        ...

    def height(self, width: float) -> float:
        """How much room it needs.

        Args:
            width: inches that it has across.

        Returns:
            Inches down.
        """
        ...

    def draw(self, canvas: Canvas, x: float, y: float, width: float) -> None:
        """Draw it.

        Args:
            canvas: the figure.
            x: inches from the left to its left edge.
            y: inches from the top to its upper edge.
            width: inches that it has across.
        """
        ...


@dataclass(frozen=True)
class Words:
    """A line of text over the whole width, broken where it is too long.

    Attributes:
        text: any.
        heading: whether it is larger and bold.
        wide: whether it takes the whole width.
    """

    text: str
    heading: bool = False
    wide: bool = True

    def above(self, width: float) -> float:  # noqa: ARG002 - of any width
        """See `Block.above`: nothing."""
        return 0.0

    def height(self, width: float) -> float:
        """See `Block.height`: its lines."""
        return LINE * POINT * self._size * len(self._lines(width))

    def draw(self, canvas: Canvas, x: float, y: float, width: float) -> None:
        """See `Block.draw`: line by line."""
        kind: dict[str, Any] = {"weight": "bold"} if self.heading else {}
        for line in self._lines(width):
            y = canvas.text(x, y, line, self._size, **kind)

    def _lines(self, width: float) -> list[str]:
        return text_lines(self.text, self._size, width / BOLD if self.heading else width)

    @property
    def _size(self) -> int:
        return TEXT + 1 if self.heading else TEXT


def lay_out(
    rows: Sequence[Sequence[Block]],
    *,
    title: str = "",
    notes: Sequence[str] = (),
    width: float = PANEL_WIDTH,
    columns: int = 1,
    edge: float = EDGE,
) -> Figure:
    """Lay blocks out in rows under a title and over notes. Every text is taken literally and broken into lines.

    Args:
        rows: of blocks.
        title: above all.
        notes: below all.
        width: inches of a column.
        columns: the least number of columns.
        edge: inches around the figure.

    Returns:
        A figure for `render`.

    Raises:
        InvalidSetting: there are no blocks.
    """
    if not any(rows):
        raise InvalidSetting("A figure needs at least one panel: switch one on.")
    columns = max(columns, *(sum(not block.wide for block in row) for row in rows), 1)
    across = columns * width + (columns - 1) * GAP
    heads = text_lines(title, TITLE, across / BOLD) if title else []
    feet = [line for note in notes for line in text_lines(note, NOTE, across)]
    placed = [_below_heads([(block, across if block.wide else width) for block in row]) for row in rows]
    tall = [max(top + block.height(wide) for block, wide, top in row) for row in placed]
    height = 2 * edge + LINE * POINT * TITLE * len(heads) + (GAP / 2 if heads else 0)
    height += 0.5 * LINE * POINT * NOTE
    gaps = [GAP / 3 if all(isinstance(block, Words) for block in row) else GAP for row in rows]
    height += LINE * POINT * NOTE * len(feet) + sum(tall) + sum(gaps)
    figure = Figure(figsize=(across + 2 * edge, height), facecolor="white")
    canvas = Canvas(figure, across + 2 * edge, height)
    y = edge
    for line in heads:
        y = canvas.text(edge, y, line, TITLE, weight="bold")
    y += GAP / 2 if heads else 0
    for row, part, gap in zip(placed, tall, gaps, strict=True):
        for column, (block, wide, top) in enumerate(row):
            block.draw(canvas, edge + column * (width + GAP), y + top, wide)
        y += part + gap
    y += 0.5 * LINE * POINT * NOTE
    for line in feet:
        y = canvas.text(edge, y, line, NOTE, color=FAINT)
    return figure


def _below_heads(row: Sequence[tuple[Block, float]]) -> list[tuple[Block, float, float]]:
    """Blocks with their widths -> those and the inches by which each begins lower, so that their images are in line."""
    heads = [block.above(width) for block, width in row]
    return [(block, width, max(heads) - head) for (block, width), head in zip(row, heads, strict=True)]
