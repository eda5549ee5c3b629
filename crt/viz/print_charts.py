"""Line charts and tables as blocks of a printed figure (`crt.viz.print_layout`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from crt.viz.fonts import Typeface, families
from crt.viz.print_canvas import BOLD, FAINT, INK, LINE, POINT, Canvas, first_line, text_lines
from crt.viz.print_layout import NOTE, TEXT
from crt.viz.sheet import printable

SHAPE = 0.6  # height of a chart's axes, in its width
LEFT, BELOW = 0.34, 0.32  # inches beside and under the axes, for numbers and names
RIGHT = 0.13  # inches beside the axes, for half of their last number
LINES = ("solid", "dashed", "dotted", "dashdot")
MARKERS = "os^DP"
MARKED = 12  # points of a line up to which each has its marker
PAD = 0.04  # inches around a cell of a table


@dataclass(frozen=True)
class Series:
    """A line of a chart.

    Attributes:
        name: for the legend.
        colour: as matplotlib takes it.
        points: x and y of each.
        line: one of `LINES`.
        half: half the length of a bar at each point; none if empty.
        hollow: whether it has hollow marks and no line.
    """

    name: str
    colour: str
    points: tuple[tuple[float, float], ...]
    line: str = "solid"
    half: tuple[float, ...] = ()
    hollow: bool = False


@dataclass(frozen=True)
class Axis:
    """An axis of a chart.

    Attributes:
        label: beside it.
        low: least value in sight; None to choose it.
        high: largest value in sight; None to choose it.
        ticks: where numbers stand; None to choose them.
        names: words for the values 0, 1, 2 …
        percent: whether values are shares.
    """

    label: str
    low: float | None = None
    high: float | None = None
    ticks: tuple[float, ...] | None = None
    names: tuple[str, ...] = ()
    percent: bool = False

    def words(self, value: float) -> str:
        """A value as it is written beside the axis.

        Args:
            value: on the axis.

        Returns:
            Its name, percentage or number.
        """
        if self.names and value == int(value) and 0 <= value < len(self.names):
            return printable(self.names[int(value)])
        return f"{100 * value:.0f} %" if self.percent else f"{value:g}".replace("-", "−")


@dataclass(frozen=True)
class Chart:
    """Lines over axes, with a title, a legend and a caption.

    Attributes:
        title: above it.
        x: the axis across.
        y: the axis up.
        series: the lines.
        caption: below it.
        marks: x, y, colour and text of each.
        guides: x and text of each line from top to bottom.
        wide: whether it takes the whole width.
    """

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    caption: str = ""
    marks: tuple[tuple[float, float, str, str], ...] = ()
    guides: tuple[tuple[float, str], ...] = ()
    wide: bool = False

    def above(self, width: float) -> float:  # noqa: ARG002 - of any width
        """See `Block.above`: nothing."""
        return 0.0

    def height(self, width: float) -> float:
        """See `Block.height`: title, axes, legend and caption."""
        texts = LINE * POINT * (NOTE * len(self.series) + TEXT * len(self._captions(width)))
        return LINE * POINT * (TEXT + 1 + NOTE) + SHAPE * width + BELOW + texts

    def draw(self, canvas: Canvas, x: float, y: float, width: float) -> None:
        """See `Block.draw`: the chart from its title to its caption."""
        y = canvas.text(x, y, first_line(self.title, TEXT + 1, width / BOLD), TEXT + 1, weight="bold")
        y = canvas.text(x, y, first_line(self.y.label, NOTE, width), NOTE, color=FAINT)
        tall = SHAPE * width
        axes = canvas.plain_axes(x + LEFT, y, width - LEFT - RIGHT, tall)
        for index, one in enumerate(self.series):
            _line(axes, one, MARKERS[index % len(MARKERS)])
        _style(axes, self.x, self.y)
        for at, text in self.guides:
            axes.axvline(at, color=FAINT, linewidth=0.7, linestyle="dotted")
            _tag(axes, (at, axes.get_ylim()[0]), text, FAINT)
        for at, value, colour, text in self.marks:
            _hollow(axes, [at], [value], colour)
            _tag(axes, (at, value), text, INK)
        canvas.text(x + width, y + tall + 0.17, first_line(self.x.label, NOTE, width), NOTE, color=FAINT, ha="right")
        y += tall + BELOW
        for one in self.series:
            key = canvas.axes(x, y + 0.25 * LINE * POINT * NOTE, 0.3, 0.5 * LINE * POINT * NOTE)
            if one.hollow:
                _hollow(key, [0.5], [0.5], one.colour)
            else:
                key.plot([0, 1], [0.5, 0.5], color=one.colour, linestyle=one.line, linewidth=1.2)
            y = canvas.text(x + 0.36, y, first_line(one.name, NOTE, width - 0.36), NOTE)
        for line in self._captions(width):
            y = canvas.text(x, y, line, TEXT)

    def _captions(self, width: float) -> list[str]:
        return text_lines(self.caption, TEXT, width) if self.caption else []


@dataclass(frozen=True)
class Table:
    """Rows of texts under heads.

    Attributes:
        head: of each column.
        rows: texts of each row.
        strong: for each row the columns whose text is bold.
        wide: whether it takes the whole width.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[tuple[int, ...], ...] = ()
    wide: bool = True

    def above(self, width: float) -> float:  # noqa: ARG002 - of any width
        """See `Block.above`: nothing."""
        return 0.0

    def height(self, width: float) -> float:
        """See `Block.height`: its rows."""
        return sum(self._tall(row, self._widths(width)) for row in (self.head, *self.rows))

    def draw(self, canvas: Canvas, x: float, y: float, width: float) -> None:
        """See `Block.draw`: row by row, a line under each."""
        widths = self._widths(width)
        for index, row in enumerate((self.head, *self.rows)):
            strong = self.strong[index - 1] if index and self.strong else ()
            left = x
            for column, (text, across) in enumerate(zip(row, widths, strict=True)):
                kind = {"color": INK if index else FAINT, "weight": "bold" if column in strong else "normal"}
                top = y + PAD
                for line in text_lines(text, NOTE, across - 2 * PAD):
                    top = canvas.text(left, top, line, NOTE, **kind)
                left += across
            y += self._tall(row, widths)
            axes = canvas.axes(x, y - 0.01, sum(widths), 0.02)
            axes.plot([0, 1], [0.5, 0.5], color="#d4d4d8", linewidth=0.5)

    def _widths(self, width: float) -> list[float]:
        """Inches of the columns: what the longest text of each needs, narrowed where all need too much."""
        font = Typeface(NOTE)
        needs = [
            max(font.getlength(printable(row[column])) for row in (self.head, *self.rows)) * POINT * 1.08 + 4 * PAD
            for column in range(len(self.head))
        ]
        fair = width / len(needs)
        over = sum(max(0.0, need - fair) for need in needs)
        room = width - sum(min(need, fair) for need in needs)
        if over <= room:
            return needs
        return [min(need, fair) + max(0.0, need - fair) * room / over for need in needs]

    @staticmethod
    def _tall(row: Sequence[str], widths: Sequence[float]) -> float:
        lines = max(len(text_lines(text, NOTE, across - 2 * PAD)) for text, across in zip(row, widths, strict=True))
        return LINE * POINT * NOTE * lines + 2 * PAD


def _style(axes: Axes, x: Axis, y: Axis) -> None:
    """Spines, ticks and limits."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=NOTE - 1, length=2, width=0.5, pad=1.5, colors=INK)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
    for axis, about in ((axes.xaxis, x), (axes.yaxis, y)):
        if about.ticks is not None:
            axis.set_ticks(list(about.ticks))
        axis.set_major_formatter(FuncFormatter(lambda value, _, about=about: about.words(value)))
    for about, setter in ((x, axes.set_xlim), (y, axes.set_ylim)):
        if about.low is not None and about.high is not None:
            setter(about.low, about.high)
        elif about.low is not None:
            setter(about.low, None)
        elif about.high is not None:
            setter(None, about.high)
    axes.grid(visible=True, axis="y", linewidth=0.3, color="#d4d4d8")


def _line(axes: Axes, one: Series, marker: str) -> None:
    xs, ys = [x for x, _ in one.points], [y for _, y in one.points]
    if one.hollow:
        _hollow(axes, xs, ys, one.colour)
    else:
        shape = marker if len(one.points) <= MARKED else ""
        axes.plot(xs, ys, color=one.colour, linestyle=one.line, linewidth=1.2, marker=shape, markersize=3)
    if any(one.half):
        axes.errorbar(xs, ys, yerr=list(one.half), fmt="none", ecolor=one.colour, elinewidth=0.7, capsize=1.5)


def _hollow(axes: Axes, xs: Sequence[float], ys: Sequence[float], colour: str) -> None:
    axes.plot(xs, ys, "o", markersize=4, markerfacecolor="none", color=colour, clip_on=False)


def _tag(axes: Axes, place: tuple[float, float], text: str, colour: str) -> None:
    """Words beside a place, on the side where there is room."""
    low, high = axes.get_xlim()
    right = place[0] > low + 0.7 * (high - low)
    axes.annotate(
        printable(text), place, xytext=(-4 if right else 4, 3), textcoords="offset points", fontsize=NOTE - 1,
        color=colour, ha="right" if right else "left", parse_math=False, fontfamily=families(text),
    )  # fmt: skip
