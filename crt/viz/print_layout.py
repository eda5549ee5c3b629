"""Figures for print: blocks in rows under a title, with notes below, as PNG, PDF or SVG.

One matplotlib figure gives all three, so they show the same. In PDF and SVG text is text and lines are paths.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from crt.errors import InvalidSetting
from crt.viz.fonts import Typeface, families
from crt.viz.sheet import printable, wrap

Kind = Literal["png", "pdf", "svg"]
DPI = 300
WIDTH = 2.3  # inches of a panel
GAP, EDGE = 0.16, 0.18  # inches between panels and around the figure
POINT = 1 / 72  # inches
TITLE, TEXT, NOTE = 11, 8, 7  # points
LINE = 1.4  # height of a line of text, in its size
INK, FAINT = "#141414", "#5a5a5a"
_RENDERING = threading.Lock()  # matplotlib's settings and fonts belong to the process


class Block(Protocol):
    """A part of a figure that takes one column, or the whole width where `wide`."""

    @property
    def wide(self) -> bool:
        """Whether it takes the whole width."""
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

    def height(self, width: float) -> float:
        """See `Block.height`: its lines."""
        return LINE * POINT * self._size * len(text_lines(self.text, self._size, width))

    def draw(self, canvas: Canvas, x: float, y: float, width: float) -> None:
        """See `Block.draw`: line by line."""
        kind: dict[str, Any] = {"weight": "bold"} if self.heading else {}
        for line in text_lines(self.text, self._size, width):
            y = canvas.text(x, y, line, self._size, **kind)

    @property
    def _size(self) -> int:
        return TEXT + 1 if self.heading else TEXT


def lay_out(
    rows: Sequence[Sequence[Block]],
    *,
    title: str = "",
    notes: Sequence[str] = (),
    width: float = WIDTH,
    columns: int = 1,
) -> Figure:
    """Lay blocks out in rows under a title and over notes. Every text is taken literally and broken into lines.

    Args:
        rows: of blocks.
        title: above all.
        notes: below all.
        width: inches of a column.
        columns: the least number of columns.

    Returns:
        A figure for `render`.

    Raises:
        InvalidSetting: there are no blocks.
    """
    if not any(rows):
        raise InvalidSetting("A figure needs at least one panel: switch one on.")
    columns = max(columns, *(sum(not block.wide for block in row) for row in rows), 1)
    across = columns * width + (columns - 1) * GAP
    heads = text_lines(title, TITLE, across) if title else []
    feet = [line for note in notes for line in text_lines(note, NOTE, across)]
    tall = [max(block.height(across if block.wide else width) for block in row) for row in rows]
    height = 2 * EDGE + LINE * POINT * TITLE * len(heads) + (GAP / 2 if heads else 0)
    height += 0.5 * LINE * POINT * NOTE
    gaps = [GAP / 3 if all(isinstance(block, Words) for block in row) else GAP for row in rows]
    height += LINE * POINT * NOTE * len(feet) + sum(tall) + sum(gaps)
    figure = Figure(figsize=(across + 2 * EDGE, height), facecolor="white")
    canvas = Canvas(figure, across + 2 * EDGE, height)
    y = EDGE
    for line in heads:
        y = canvas.text(EDGE, y, line, TITLE, weight="bold")
    y += GAP / 2 if heads else 0
    for row, part, gap in zip(rows, tall, gaps, strict=True):
        for column, block in enumerate(row):
            block.draw(canvas, EDGE + column * (width + GAP), y, across if block.wide else width)
        y += part + gap
    y += 0.5 * LINE * POINT * NOTE
    for line in feet:
        y = canvas.text(EDGE, y, line, NOTE, color=FAINT)
    return figure


def render(figure: Figure, kind: Kind, *, title: str = "", description: str = "") -> bytes:
    """Write a figure as the bytes of a file; the same figure gives the same bytes.

    Args:
        figure: of `lay_out`.
        kind: PNG (RGB, 300 dpi), PDF or SVG.
        title: for the metadata.
        description: for the metadata.

    Returns:
        The file.

    Raises:
        InvalidSetting: another kind.
    """
    title, description = printable(title), printable(description)
    stream = io.BytesIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "crt", "pdf.fonttype": 42}
    with _RENDERING, mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # `families` has named the characters
        if kind == "png":
            figure.set_dpi(DPI)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            info = PngInfo()
            info.add_itxt("Title", title)
            info.add_itxt("Description", description)
            pixels = np.asarray(canvas.buffer_rgba())[..., :3]
            Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG", dpi=(DPI, DPI), pnginfo=info)
        elif kind == "pdf":
            figure.savefig(
                stream, format="pdf", metadata={"Title": title, "Subject": description, "CreationDate": None}
            )
        elif kind == "svg":
            figure.savefig(stream, format="svg", metadata={"Title": title, "Description": description, "Date": None})
        else:
            raise InvalidSetting(f"There is no figure of the kind {kind!r}: choose {', '.join(get_args(Kind))}.")
    return stream.getvalue()


class Canvas:
    """A figure in inches, y from the top down.

    Args:
        figure: matplotlib's.
        width: inches across.
        height: inches down.
    """

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self.width, self.height = figure, width, height

    def text(self, x: float, y: float, text: str, size: float, **kind) -> float:
        """Write a line.

        Args:
            x: inches from the left.
            y: inches from the top to the top of the line.
            text: taken literally.
            size: in points.
            kind: keywords of matplotlib's text.

        Returns:
            Inches from the top to the top of the next line.
        """
        place = x / self.width, 1 - y / self.height
        style = {"color": INK, "fontfamily": families(text), **kind}
        self.figure.text(*place, text, fontsize=size, va="top", parse_math=False, **style)
        return y + LINE * POINT * size

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes without ticks and frame, 0 to 1 to the right and down.

        Args:
            x: inches from the left to their left edge.
            y: inches from the top to their upper edge.
            width: inches across.
            height: inches down.

        Returns:
            The axes.
        """
        axes = self.plain_axes(x, y, width, height)
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(1, 0))
        return axes

    def plain_axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes as matplotlib has them.

        Args:
            x: inches from the left to their left edge.
            y: inches from the top to their upper edge.
            width: inches across.
            height: inches down.

        Returns:
            The axes.
        """
        return self.figure.add_axes(
            (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        )


def stroke(
    axes: Axes, lines: Sequence[np.ndarray], styles: Sequence[tuple], *, fine: float = 1.0, clip: bool = True
) -> None:
    """Draw lines as one path, once in each style.

    Args:
        axes: that they are drawn on.
        lines: each (N, 2) x and y.
        styles: colour, points, dashes and opacity of each.
        fine: what the points are multiplied by.
        clip: whether the lines are cut at the frame.
    """
    if not lines:
        return
    path = Path.make_compound_path(*(Path(line) for line in lines))
    for color, width, dashes, alpha in styles:
        patch = PathPatch(path, fill=False, edgecolor=color, linewidth=fine * width, linestyle=dashes, alpha=alpha)
        patch.set(joinstyle="round")
        axes.add_patch(patch)
        patch.set_clip_on(clip)


def text_lines(text: str, size: int, width: float) -> list[str]:
    """Break a text into lines.

    Args:
        text: any.
        size: in points.
        width: inches that a line may take.

    Returns:
        At least one line.
    """
    return wrap(printable(text), Typeface(size), int(width / POINT))


def first_line(text: str, size: int, width: float) -> str:
    """Cut a text to a width.

    Args:
        text: any.
        size: in points.
        width: inches that it may take.

    Returns:
        Its first line, with a sign where it goes on.
    """
    lines = text_lines(text, size, width)
    return lines[0] + (" …" if len(lines) > 1 else "")
