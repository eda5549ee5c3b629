"""A figure for print in inches, with y from the top down: text, axes and lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from crt.viz.fonts import Typeface, families
from crt.viz.sheet import printable, wrap

POINT = 1 / 72  # inches
LINE = 1.4  # height of a line of text, in its size
INK, FAINT = "#141414", "#5a5a5a"
MORE = " …"  # where a text goes on
ROOM = 0.98  # of a line's width that is used: drawn letters are a little wider than measured ones
BOLD = 1.14  # width of a bold text, in that of a plain one


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

    def swatch(self, x: float, y: float, side: float, colour: tuple[int, int, int]) -> None:
        """Draw a square of one colour, as a legend has it.

        Args:
            x: inches from the left to its left edge.
            y: inches from the top to its upper edge.
            side: inches.
            colour: RGB, 0 to 255.
        """
        square = Rectangle(
            (x / self.width, 1 - (y + side) / self.height), side / self.width, side / self.height,
            transform=self.figure.transFigure, facecolor=tuple(value / 255 for value in colour), edgecolor=FAINT,
            linewidth=0.4,
        )  # fmt: skip
        self.figure.add_artist(square)

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
    return wrap(printable(text), Typeface(size), int(ROOM * width / POINT))


def first_lines(text: str, size: int, width: float, most: int) -> list[str]:
    """Break a text into lines, and cut it after the last that it may have.

    Args:
        text: any.
        size: in points.
        width: inches that a line may take.
        most: lines.

    Returns:
        At least one line; the last one with a sign where the text goes on.
    """
    lines = text_lines(text, size, width)
    return [*lines[: most - 1], first_line(" ".join(lines[most - 1 :]), size, width)] if len(lines) > most else lines


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
    if len(lines) == 1:
        return lines[0]
    return text_lines(text, size, width - POINT * Typeface(size).getlength(MORE))[0] + MORE
