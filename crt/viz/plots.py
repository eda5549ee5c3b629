"""Panels for print: maps and masks over an image with outlines, colour bars and captions.

The image under its heat map is one embedded image; text and outlines stay vectors in PDF and SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from crt.viz.contours import crossings, without_specks
from crt.viz.fonts import Typeface, families
from crt.viz.layer import LabelLayer, MapLayer, Style, bar, blend, labelled
from crt.viz.print_canvas import BOLD, FAINT, INK, LINE, POINT, Canvas, first_lines, stroke, text_lines
from crt.viz.print_file import DPI, Kind, render
from crt.viz.print_layout import NOTE, PANEL_WIDTH, TEXT, Block, lay_out
from crt.viz.sheet import printable

__all__ = ["Kind", "MapBlock", "Plot", "Style", "grid_of", "plot", "render"]

TALLEST = 1.6  # height of a panel's image, in widths
BAR = 0.08  # inches, height of a colour bar
SWATCH = 0.09  # inches, side of a square in a legend
HEAD_LINES = 3  # of a title or a note at most
UNIT_LINES = 2  # of the words below a colour bar at most
UNDER = 0.03  # inches between an image without one and its lines
TRUTH_LINE = "#ffd166"
OUTLINE = [("black", 1.5, "solid", 0.75), ("white", 0.7, "solid", 1)]
LABEL_OUTLINE = [("black", 1.0, "solid", 0.75), ("white", 0.45, "solid", 1)]  # app/viewer/masks/mask_views.mjs
BOX = [("black", 2.4, "solid", 0.8), ("white", 1.1, "solid", 1)]


@dataclass(frozen=True)
class Plot:
    """One panel.

    Attributes:
        title: above it.
        note: below the title.
        layer: the map or mask over the image, or None.
        lines: of text below.
        swatches: RGB of a square before each line, or none.
        barred: whether a map has its colour bar.
        truth: rings (N, 2) of x and y from 0 to 1, drawn as dashed outlines in place of the style's, or None.
    """

    title: str
    note: str = ""
    layer: MapLayer | LabelLayer | None = None
    lines: tuple[str, ...] = ()
    swatches: tuple[tuple[int, int, int], ...] = ()
    barred: bool = True
    truth: tuple[np.ndarray, ...] | None = None


def plot(
    image: np.ndarray,
    panels: Sequence[Plot],
    style: Style,
    *,
    title: str = "",
    notes: Sequence[str] = (),
    columns: int = 0,
) -> Figure:
    """Draw an image once per panel, at most four in a row, under a title and with notes below.

    Args:
        image: (H, W, 3) uint8.
        panels: from left to right.
        style: what they share.
        title: above all.
        notes: below all.
        columns: panels in a row; 0 for three, or all up to four.

    Returns:
        A figure for `render`.

    Raises:
        InvalidSetting: no panels, or an unknown colour map.
    """
    blocks = [MapBlock(image, panel, style) for panel in panels]
    return lay_out(grid_of(blocks, columns), title=title, notes=notes)


def grid_of(blocks: Sequence[Block], columns: int = 0) -> list[Sequence[Block]]:
    """Put blocks in rows.

    Args:
        blocks: from left to right.
        columns: blocks in a row; 0 for three, or all up to four.

    Returns:
        The rows.
    """
    columns = columns or (max(1, len(blocks)) if len(blocks) <= 4 else 3)
    return [blocks[start : start + columns] for start in range(0, len(blocks), columns)]


@dataclass(frozen=True)
class MapBlock:
    """A panel over an image.

    Attributes:
        image: (H, W, 3) uint8.
        panel: what is drawn over it.
        style: what panels share.
        wide: whether it takes the whole width.
    """

    image: np.ndarray
    panel: Plot
    style: Style
    wide: bool = False

    def above(self, width: float) -> float:
        """See `Block.above`: title and note."""
        title, note = self._head(width)
        return LINE * POINT * ((TEXT + 1) * len(title) + NOTE * len(note))

    def height(self, width: float) -> float:
        """See `Block.height`: title, note, image, colour bar and lines."""
        lines = sum(len(text_lines(text, TEXT, width - self._indent)) for text in self.panel.lines)
        below = BAR + (2.4 + self._stacked(width) * LINE) * POINT * NOTE if self._bar else UNDER
        return self.above(width) + self._tall(width) + below + LINE * POINT * TEXT * lines

    def draw(self, canvas: Canvas, x: float, y: float, width: float) -> None:
        """See `Block.draw`: the panel from its title to its last line."""
        panel, tall = self.panel, self._tall(width)
        title, note = self._head(width)
        for line in title:
            y = canvas.text(x, y, line, TEXT + 1, weight="bold")
        for line in note:
            y = canvas.text(x, y, line, NOTE, color=FAINT)
        across = min(width, tall * self.image.shape[1] / self.image.shape[0])
        axes = canvas.axes(x + (width - across) / 2, y, across, tall)
        size = max(1, round(across * DPI)), max(1, round(tall * DPI))
        drawn = np.asarray(Image.fromarray(self.image).resize(size, Image.Resampling.LANCZOS))
        fine = min(1.0, width / PANEL_WIDTH)  # lines of a small panel are thinner
        if isinstance(panel.layer, LabelLayer):
            axes.imshow(labelled(drawn, panel.layer), extent=(0, 1, 1, 0), aspect="auto", interpolation="none")
            _labels(axes, panel.layer, fine)
        else:
            _map(axes, drawn, panel.layer, self.style, fine)
        truth = self.style.truth if panel.truth is None else panel.truth
        if truth:
            lines = [_closed(ring) for ring in truth]
            stroke(axes, lines, [("black", 1.8, "solid", 0.85), (TRUTH_LINE, 0.9, (0, (4, 3)), 1)], fine=fine)
        y += tall
        if isinstance(panel.layer, MapLayer) and self._bar:
            y = _bar(canvas, (x, y + 0.05, width), panel.layer, self.style, stacked=self._stacked(width))
        else:
            y += UNDER
        for k, text in enumerate(panel.lines):
            if panel.swatches:
                canvas.swatch(x, y + (1.1 * POINT * TEXT - SWATCH) / 2, SWATCH, panel.swatches[k])
            for line in text_lines(text, TEXT, width - self._indent):
                y = canvas.text(x + self._indent, y, line, TEXT)

    def _head(self, width: float) -> tuple[list[str], list[str]]:
        """The lines of the title and of the note."""
        title = first_lines(self.panel.title, TEXT + 1, width / BOLD, HEAD_LINES)
        return title, first_lines(self.panel.note, NOTE, width, HEAD_LINES)

    def _tall(self, width: float) -> float:
        return min(TALLEST * width, width * self.image.shape[0] / self.image.shape[1])

    @property
    def _indent(self) -> float:
        return 1.5 * SWATCH if self.panel.swatches else 0.0

    @property
    def _bar(self) -> bool:
        return self.panel.barred and isinstance(self.panel.layer, MapLayer)

    def _stacked(self, width: float) -> int:
        """Lines that the words of the colour bar take where they have no room between its numbers, else 0."""
        layer, font = self.panel.layer, Typeface(NOTE)
        if not isinstance(layer, MapLayer):
            return 0
        low, high = _ends(layer)
        texts = (low, high) if layer.ends else (low, layer.unit, high)
        if (sum(font.getlength(printable(text)) for text in texts) + NOTE * len(texts)) * POINT <= width:
            return 0
        return 1 if layer.ends else len(_unit(layer, width))


def _map(axes: Axes, image: np.ndarray, layer: MapLayer | None, style: Style, fine: float) -> None:
    """A map over an image of the size that is printed, with outline and box; a map of nothing leaves the image."""
    if layer is None or not layer.values.any():
        axes.imshow(image, extent=(0, 1, 1, 0), aspect="auto", interpolation="none")
        return
    axes.imshow(blend(image, layer, style), extent=(0, 1, 1, 0), aspect="auto", interpolation="none")
    if layer.outlined and layer.level is not None and layer.level > 0:
        stroke(axes, crossings(layer.values, layer.level), OUTLINE, fine=fine)
    if layer.box is not None:
        stroke(axes, [_rectangle(*layer.box)], BOX, fine=fine)


def _labels(axes: Axes, layer: LabelLayer, fine: float) -> None:
    """Outlines of the labels without their specks, and named boxes around all points of each."""
    height, width = layer.labels.shape
    outlined = without_specks(layer.labels) if layer.outlined else layer.labels
    for label, name in enumerate(layer.names[1:], 1):
        inside = layer.labels == label
        if not inside.any():
            continue
        if layer.outlined:
            stroke(axes, crossings((outlined == label).astype(np.float32), 0.5), LABEL_OUTLINE, fine=fine)
        if layer.boxed:
            rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
            left, top = columns[0] / width, rows[0] / height
            corners = _rectangle(left, top, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
            stroke(axes, [corners], BOX, fine=fine)
            text = printable(name)
            tag = {"facecolor": "black", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
            axes.text(
                left, max(top, 0.0), text, fontsize=NOTE, color="white", va="bottom" if top > 0.1 else "top",
                fontfamily=families(text), parse_math=False, bbox=tag, clip_on=True,
            )  # fmt: skip


def _ends(layer: MapLayer) -> tuple[str, str]:
    """The words at the left and the right end of a colour bar."""
    low, high = "0", f"{layer.vmax:.3g}"
    return (f"−{high} {printable(layer.ends[0])}", f"{printable(layer.ends[1])} +{high}") if layer.ends else (low, high)


def _unit(layer: MapLayer, width: float) -> list[str]:
    """The lines of a unit below its colour bar."""
    return first_lines(layer.unit, NOTE, width, UNIT_LINES)


def _bar(canvas: Canvas, place: tuple[float, float, float], layer: MapLayer, style: Style, *, stacked: int) -> float:
    """A colour bar from 0 to `vmax` with its unit, and a tick at the level -> the y below it.

    `place`: x, y, width. `stacked`: lines of the words below the numbers, 0 where they are between them.
    """
    x, y, width = place
    axes = canvas.axes(x, y, width, BAR)
    axes.imshow(bar(layer, style), extent=(0, 1, 1, 0), aspect="auto", interpolation="none")
    if layer.level is not None and layer.vmax > 0 and layer.values.max(initial=0) > 0:
        at = min(1.0, layer.level / layer.vmax)
        tick = [np.array([[at, -0.3], [at, 1.3]])]
        stroke(axes, tick, [("white", 2, "solid", 1), (INK, 1, "solid", 1)], clip=False)
    top = y + BAR + 0.03
    low, high = _ends(layer)
    below = top + min(stacked, 1) * LINE * POINT * NOTE
    canvas.text(x, top, low, NOTE)
    canvas.text(x + width, below if layer.ends else top, high, NOTE, ha="right")
    for line in [] if layer.ends else _unit(layer, width):
        canvas.text(x + width / 2, below, line, NOTE, color=FAINT, ha="center")
        below += LINE * POINT * NOTE
    last = top + stacked * LINE * POINT * NOTE
    return last + 2.1 * POINT * NOTE - 0.03


def _rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return _closed(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))


def _closed(ring: np.ndarray) -> np.ndarray:
    """A polygon (N, 2) with its first point at the end again."""
    return np.concatenate([ring, ring[:1]])
