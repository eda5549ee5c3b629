"""Figures for print: maps over an image with outlines, colour bars and captions, as PNG, PDF or SVG.

One matplotlib figure gives all three, so they show the same. In PDF and SVG the text is text and outlines are paths;
the image under its heat map is one embedded image.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

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
from crt.viz.contours import crossings
from crt.viz.fonts import Typeface, families
from crt.viz.layer import MapLayer, Style, bar, mixed
from crt.viz.sheet import printable, wrap

Kind = Literal["png", "pdf", "svg"]
DPI = 300
WIDTH = 2.3  # inches of a panel
TALLEST = 1.6  # height of a panel's image, in widths
GAP, EDGE = 0.16, 0.18  # inches between panels and around the figure
POINT = 1 / 72  # inches
TITLE, TEXT, NOTE = 11, 8, 7  # points
LINE = 1.4  # height of a line of text, in its size
BAR = 0.08  # inches, height of a colour bar
INK, FAINT, TRUTH = "#141414", "#5a5a5a", "#ffd166"
_RENDERING = threading.Lock()  # matplotlib's settings and fonts belong to the process


@dataclass(frozen=True)
class Plot:
    """One panel.

    Attributes:
        title: above it.
        note: below the title.
        layer: the map over the image, or None.
        lines: of text below.
    """

    title: str
    note: str = ""
    layer: MapLayer | None = None
    lines: tuple[str, ...] = ()


def plot(
    image: np.ndarray, panels: Sequence[Plot], style: Style, *, title: str = "", notes: Sequence[str] = ()
) -> Figure:
    """Draw an image once per panel, at most four in a row, under a title and with notes below.

    Every text is taken literally and broken into lines.

    Args:
        image: (H, W, 3) uint8.
        panels: from left to right.
        style: what they share.
        title: above all.
        notes: below all.

    Returns:
        A figure for `render`.

    Raises:
        InvalidSetting: no panels, or an unknown colour map.
    """
    if not panels:
        raise InvalidSetting("A figure needs at least one panel: switch one on.")
    columns = len(panels) if len(panels) <= 4 else 3
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    width = 2 * EDGE + columns * WIDTH + (columns - 1) * GAP
    tall = min(TALLEST * WIDTH, WIDTH * image.shape[0] / image.shape[1])
    heads = _lines(title, TITLE, width - 2 * EDGE) if title else []
    feet = [line for note in notes for line in _lines(note, NOTE, width - 2 * EDGE)]
    texts = [[[line for text in panel.lines for line in _lines(text, TEXT, WIDTH)] for panel in row] for row in rows]
    above = LINE * POINT * (TEXT + 1) + LINE * POINT * NOTE
    below = [
        (BAR + 2.4 * POINT * NOTE if any(panel.layer for panel in row) else 0)
        + LINE * POINT * TEXT * max(map(len, lines))
        for row, lines in zip(rows, texts, strict=True)
    ]
    height = 2 * EDGE + LINE * POINT * TITLE * len(heads) + (GAP / 2 if heads else 0)
    height += 0.5 * LINE * POINT * NOTE
    height += LINE * POINT * NOTE * len(feet) + sum(above + tall + part + GAP for part in below)
    figure = Figure(figsize=(width, height), facecolor="white")
    canvas = _Canvas(figure, width, height)
    y = EDGE
    for line in heads:
        y = canvas.text(EDGE, y, line, TITLE, weight="bold")
    y += GAP / 2 if heads else 0
    for row, lines, part in zip(rows, texts, below, strict=True):
        for column, (panel, own) in enumerate(zip(row, lines, strict=True)):
            x = EDGE + column * (WIDTH + GAP)
            _panel(canvas, (x, y), tall, image, panel, own, style)
        y += above + tall + part + GAP
    y += 0.5 * LINE * POINT * NOTE
    for line in feet:
        y = canvas.text(EDGE, y, line, NOTE, color=FAINT)
    return figure


def render(figure: Figure, kind: Kind, *, title: str = "", description: str = "") -> bytes:
    """Write a figure as the bytes of a file; the same figure gives the same bytes.

    Args:
        figure: of `plot`.
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


class _Canvas:
    """A figure in inches, y from the top down."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self.width, self.height = figure, width, height

    def text(self, x: float, y: float, text: str, size: float, **kind) -> float:
        """Put a line with its top at y -> the top of the next line."""
        place = x / self.width, 1 - y / self.height
        style = {"color": INK, "fontfamily": families(text), **kind}
        self.figure.text(*place, text, fontsize=size, va="top", parse_math=False, **style)
        return y + LINE * POINT * size

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes without ticks and frame, 0 to 1 to the right and down."""
        box = x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height
        axes = self.figure.add_axes(box)
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(1, 0))
        return axes


def _panel(
    canvas: _Canvas,
    place: tuple[float, float],
    tall: float,
    image: np.ndarray,
    panel: Plot,
    lines: Sequence[str],
    style: Style,
) -> None:
    x, y = place
    y = canvas.text(x, y, _first(panel.title, TEXT + 1), TEXT + 1, weight="bold")
    y = canvas.text(x, y, _first(panel.note, NOTE), NOTE, color=FAINT)
    across = min(WIDTH, tall * image.shape[1] / image.shape[0])
    axes = canvas.axes(x + (WIDTH - across) / 2, y, across, tall)
    size = max(1, round(across * DPI)), max(1, round(tall * DPI))
    drawn = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    layer = panel.layer if panel.layer is not None and panel.layer.values.any() else None
    if layer is not None:
        drawn = mixed(drawn, layer, style)
    axes.imshow(drawn, extent=(0, 1, 1, 0), aspect="auto", interpolation="none")
    if layer is not None and layer.outlined and layer.level is not None and layer.level > 0:
        _stroke(axes, crossings(layer.values, layer.level), [("black", 1.5, "solid", 0.75), ("white", 0.7, "solid", 1)])
    if layer is not None and layer.box is not None:
        left, top, right, bottom = layer.box
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        _stroke(axes, [_closed(corners)], [("black", 2.4, "solid", 0.8), ("white", 1.1, "solid", 1)])
    if style.truth:
        _stroke(
            axes, [_closed(ring) for ring in style.truth], [("black", 1.8, "solid", 0.85), (TRUTH, 0.9, (0, (4, 3)), 1)]
        )
    y += tall
    if panel.layer is not None:
        y = _bar(canvas, x, y + 0.05, panel.layer, style)
    for line in lines:
        y = canvas.text(x, y, line, TEXT)


def _bar(canvas: _Canvas, x: float, y: float, layer: MapLayer, style: Style) -> float:
    """A colour bar from 0 to the top with its unit, and a tick at the level -> the y below it."""
    axes = canvas.axes(x, y, WIDTH, BAR)
    axes.imshow(bar(layer, style), extent=(0, 1, 1, 0), aspect="auto", interpolation="none")
    if layer.level is not None and layer.top > 0 and layer.values.max(initial=0) > 0:
        at = min(1.0, layer.level / layer.top)
        _stroke(axes, [np.array([[at, -0.3], [at, 1.3]])], [("white", 2, "solid", 1), (INK, 1, "solid", 1)])
    top = y + BAR + 0.03
    low, high = ("0", f"{layer.top:.3g}")
    if layer.ends:
        low, high = f"−{high} {printable(layer.ends[0])}", f"{printable(layer.ends[1])} +{high}"
    canvas.text(x, top, low, NOTE)
    canvas.text(x + WIDTH / 2, top, "" if layer.ends else layer.unit, NOTE, color=FAINT, ha="center")
    canvas.text(x + WIDTH, top, high, NOTE, ha="right")
    return y + BAR + 2.1 * POINT * NOTE


def _closed(ring: np.ndarray) -> np.ndarray:
    """A polygon (N, 2) with its first point at the end again."""
    return np.concatenate([ring, ring[:1]])


def _stroke(axes: Axes, lines: Sequence[np.ndarray], styles: Sequence[tuple]) -> None:
    """Lines as one path, once in each style (colour, points, dashes, opacity)."""
    if not lines:
        return
    path = Path.make_compound_path(*(Path(line) for line in lines))
    for color, width, dashes, alpha in styles:
        patch = PathPatch(path, fill=False, edgecolor=color, linewidth=width, linestyle=dashes, alpha=alpha)
        patch.set(clip_on=False, joinstyle="round")
        axes.add_patch(patch)


def _lines(text: str, size: int, width: float) -> list[str]:
    """A text as lines of at most `width` inches."""
    return wrap(printable(text), Typeface(size), int(width / POINT))


def _first(text: str, size: int) -> str:
    """A text cut to the width of a panel."""
    lines = _lines(text, size, WIDTH)
    return lines[0] + (" …" if len(lines) > 1 else "")
