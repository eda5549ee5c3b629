"""Figures at the width of a printed column, with text, lines and panels of a chosen size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.text import Text

from crt.viz.plots import MapBlock
from crt.viz.print_charts import Chart
from crt.viz.print_layout import GAP, NOTE, PANEL_WIDTH, Block, lay_out

MILLIMETRES = 25.4  # of an inch
SMALLEST = NOTE - 1  # points of the smallest text that `lay_out` gives a figure: the numbers of a chart's axes
EDGE_INCHES = 0.05  # inches around the figure, which has the margins of the page besides
Part = TypeVar("Part", bound=Artist)
LEAST_PLAIN, LEAST_PANEL, LEAST_CHART = 0.66, 0.95, 1.6
"""Inches of a column at `SMALLEST` points, in which the texts have room: of maps with a title and a note alone, of
other panels, of charts.
"""


@dataclass(frozen=True)
class PrintSize:
    """How large a figure and its parts are on the printed page.

    Attributes:
        width: millimetres of the figure.
        font: points of its smallest text.
        lines: what the widths of outlines and curves are multiplied by.
    """

    width: float
    font: float = SMALLEST
    lines: float = 1.0


def print_figure(
    rows: Sequence[Sequence[Block]],
    size: PrintSize,
    *,
    title: str = "",
    notes: Sequence[str] = (),
    columns: int = 1,
    joined: bool = False,
) -> Figure:
    """Lay blocks out as `lay_out` does, in a figure of a given width.

    A row with more blocks than have room is broken into several of about the same length.

    Args:
        rows: of blocks.
        size: of the figure on the page.
        title: above all.
        notes: below all.
        columns: the least number of columns, where there is room for them.
        joined: whether rows of as many maps, each with a title and a note alone, stand beside each other where there is
            room for them.

    Returns:
        A figure for `render`.

    Raises:
        InvalidSetting: there are no blocks.
    """
    scale = size.font / SMALLEST
    across = size.width / MILLIMETRES / scale - 2 * EDGE_INCHES
    fitted = [part for row in (_joined(rows, across) if joined else rows) for part in _broken(row, across)]
    columns = min(columns, _room(LEAST_PANEL, across))
    columns = max(1, columns, *(sum(not block.wide for block in row) for row in fitted))
    width = (across - (columns - 1) * GAP) / columns
    figure = lay_out(fitted, title=title, notes=notes, width=width, columns=columns, edge=EDGE_INCHES)
    _rescale(figure, scale, size.lines, min(1.0, width / PANEL_WIDTH))
    return figure


def lettered(rows: Sequence[Sequence[Block]]) -> list[Sequence[Block]]:
    """Give each panel and each chart a letter before its title: (a), (b) … (z), (aa) …

    Args:
        rows: of blocks.

    Returns:
        The rows, with other blocks as they were.
    """
    count = 0
    found: list[Sequence[Block]] = []
    for row in rows:
        made: list[Block] = []
        for block in row:
            if isinstance(block, MapBlock):
                panel = replace(block.panel, title=f"({_letter(count)}) {block.panel.title}".rstrip())
                made.append(replace(block, panel=panel))
            elif isinstance(block, Chart):
                made.append(replace(block, title=f"({_letter(count)}) {block.title}".rstrip()))
            else:
                made.append(block)
                continue
            count += 1
        found.append(made)
    return found


def _letter(index: int) -> str:
    first, last = divmod(index, 26)
    return (_letter(first - 1) if first else "") + chr(ord("a") + last)


def _broken(row: Sequence[Block], across: float) -> list[Sequence[Block]]:
    """The row in parts of about the same length, none longer than there is room for."""
    if len(row) < 2 or any(block.wide for block in row):
        return [row]
    parts = -(-len(row) // _room(max(map(_least, row)), across))
    length = -(-len(row) // parts)
    return [row[start : start + length] for start in range(0, len(row), length)]


def _joined(rows: Sequence[Sequence[Block]], across: float) -> list[Sequence[Block]]:
    """The rows with those of plain maps, one after another and equally long, put into one as far as there is room."""
    found: list[Sequence[Block]] = []
    length = 0  # of the rows that the last one is made of; 0 where none can follow
    for row in rows:
        plain = all(_least(block) == LEAST_PLAIN for block in row)
        if plain and length == len(row) and len(found[-1]) + length <= _room(LEAST_PLAIN, across):
            found[-1] = [*found[-1], *row]
        else:
            found.append(row)
        length = len(row) if plain else 0
    return found


def _room(least: float, across: float) -> int:
    """How many columns of so many inches there are, one at the least."""
    return max(1, int((across + GAP) / (least + GAP)))


def _least(block: Block) -> float:
    """The inches that a block needs across."""
    if isinstance(block, Chart):
        return LEAST_CHART
    plain = isinstance(block, MapBlock) and not (block.wide or block.panel.barred or block.panel.lines)
    return LEAST_PLAIN if plain else LEAST_PANEL


def _rescale(figure: Figure, scale: float, lines: float, fine: float) -> None:
    """Multiply the figure and all that is measured in points by `scale`, and lines by `lines` too.

    `fine` is what `MapBlock` has multiplied its outlines by; in print they keep the width of a large panel's.
    """
    figure.set_size_inches(*(side * scale for side in figure.get_size_inches()))
    for text in _all(figure, Text):
        text.set_fontsize(float(text.get_fontsize()) * scale)
    for line in _all(figure, Line2D):
        line.set_linewidth(line.get_linewidth() * scale * lines)
        line.set_markersize(line.get_markersize() * scale)
    for patch in _all(figure, PathPatch):
        patch.set_linewidth(patch.get_linewidth() * scale * lines / fine)
    for bars in _all(figure, LineCollection):
        bars.set_linewidth([float(width) * scale * lines for width in np.atleast_1d(bars.get_linewidth())])
    for axes in figure.axes:
        if axes.axison:  # ticks are made when they are drawn: what is set here holds for those too
            axes.tick_params(labelsize=SMALLEST * scale, length=2 * scale, width=0.5 * scale, pad=1.5 * scale)
            axes.tick_params(grid_linewidth=0.3 * scale)
            for spine in axes.spines.values():
                spine.set_linewidth(spine.get_linewidth() * scale)


def _all(figure: Figure, kind: type[Part]) -> list[Part]:
    """The parts of a figure that are of one class."""
    return [one for one in figure.findobj(kind) if isinstance(one, kind)]
