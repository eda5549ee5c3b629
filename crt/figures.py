"""Figures: maps laid over pictures, and sheets that put methods side by side with what a reader needs to judge them.

Pure functions of NumPy and Pillow; matplotlib gives the colours and its font, DejaVu Sans, which has the signs and the
accents that Pillow's own lacks. Maps keep their values: a caption gives the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.seeds import normalise, to_pixels
from crt.trace import TokenRecord, Trace, class_probabilities

TITLES: dict[Method, str] = {"resnet": "ResNet", "tscam": "TS-CAM", "crt": "CRT", "crt_cnn": "CRT, CNN branch"}
COLORMAP = "viridis"
MARGIN = 12
INK, PAPER, FAINT = (20, 20, 20), (255, 255, 255), (90, 90, 90)


@dataclass(frozen=True)
class Extra:
    """One more column of `side_by_side`. `maps`: (K, h, w) non-negative, on cells. `span`: the picture in cells."""

    title: str
    maps: np.ndarray
    span: tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One picture of a sheet, (H, W, 3) uint8, and the lines under it, the first in larger type."""

    image: np.ndarray
    lines: tuple[str, ...] = ()


def colour(values: np.ndarray, *, colormap: str = COLORMAP, vmax: float | None = None) -> np.ndarray:
    """(H, W) float -> (H, W, 3) uint8: 0 is the first colour of the map, `vmax` (the largest value) the last.

    NaN and negative values count as 0; a map without positive values is all of the first colour. Raises
    InvalidSetting for a colour map that matplotlib does not have.
    """
    if colormap not in mpl.colormaps:
        raise InvalidSetting(f"There is no colour map {colormap!r}: choose viridis, magma, cividis or gray.")
    values = np.maximum(np.nan_to_num(np.asarray(values, np.float64), nan=0.0), 0)
    top = float(values.max(initial=0)) if vmax is None else float(vmax)
    scaled = np.minimum(values, top) / top if np.isfinite(top) and top > 0 else np.zeros_like(values)
    return mpl.colormaps[colormap](scaled, bytes=True)[..., :3]


def overlay(
    image: np.ndarray, values: np.ndarray, *, colormap: str = COLORMAP, opacity: float = 0.6, vmax: float | None = None
) -> np.ndarray:
    """A picture (H, W, 3) uint8 under the colours of a map (H, W) -> (H, W, 3) uint8.

    Every pixel is `opacity` colour and the rest picture, so that equal values look equal. Raises InvalidSetting for
    sizes that differ and an opacity outside 0 to 1.
    """
    if image.shape[:2] != values.shape:
        raise InvalidSetting(f"The picture has {image.shape[:2]} pixels and the map {values.shape}: resize the map.")
    if not 0 <= opacity <= 1:
        raise InvalidSetting(f"The opacity is {opacity}: choose 0 to 1.")
    mixed = (1 - opacity) * image + opacity * colour(values, colormap=colormap, vmax=vmax)
    return np.rint(mixed).astype(np.uint8)


def outline(image: np.ndarray, mask: np.ndarray, *, ink: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """A copy of a picture with the edge of a mask (H, W) bool drawn two pixels wide, one inside and one outside."""
    padded = np.pad(mask.astype(bool), 1, mode="edge")
    around = [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]
    drawn = image.copy()
    drawn[~mask & np.any(around, axis=0)] = (0, 0, 0)
    drawn[mask & ~np.all(around, axis=0)] = ink
    return drawn


def fit(image: np.ndarray, width: int, *, tallest: float = 1.6) -> np.ndarray:
    """A picture resized to fit `width` pixels and at most `tallest` times that height, both sides at least 1."""
    height, across = image.shape[:2]
    scale = min(width / across, tallest * width / height)
    size = max(1, round(across * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def colour_bar(width: int, height: int, *, colormap: str = COLORMAP) -> np.ndarray:
    """(height, width, 3) uint8: the colours from 0 at the left to the largest value at the right."""
    return colour(np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1)), colormap=colormap, vmax=1.0)


def contact_sheet(
    rows: Sequence[Sequence[Panel]],
    *,
    title: str = "",
    notes: Sequence[str] = (),
    bar: tuple[str, str] | None = None,
    width: int = 256,
    colormap: str = COLORMAP,
    text: int = 14,
) -> Image.Image:
    """Panels in rows under a title, with notes below them, as one RGB picture.

    `width`: pixels of a panel; wider ones are shrunk to it. `bar`: the words at both ends of a colour bar, if any.
    `text`: pixels of the small type. Lines that are too long are broken. Raises InvalidSetting for a sheet of nothing.
    """
    if not rows or not all(rows):
        raise InvalidSetting("A sheet needs at least one picture in every row.")
    small, large, heading = _font(text), _font(text + 3), _font(text + 8)
    across = max(len(row) for row in rows) * (width + MARGIN) + MARGIN
    head = _wrap(title, heading, across - 2 * MARGIN) if title else []
    foot = [line for note in notes for line in _wrap(note, small, across - 2 * MARGIN)]
    blocks = [[_panel(panel, width, small, large) for panel in row] for row in rows]
    heights = [max(block.height for block in row) for row in blocks]
    title_step, note_step, bar_step = round(1.35 * (text + 8)), round(1.4 * text), (2 * text + MARGIN if bar else 0)
    total = MARGIN + len(head) * title_step + sum(heights) + MARGIN * len(rows) + bar_step + len(foot) * note_step
    sheet = Image.new("RGB", (across, total + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    y = MARGIN
    for line in head:
        draw.text((MARGIN, y), line, INK, heading)
        y += title_step
    for row, height in zip(blocks, heights, strict=True):
        for column, block in enumerate(row):
            sheet.paste(block, (MARGIN + column * (width + MARGIN), y))
        y += height + MARGIN
    if bar:
        colours = Image.fromarray(colour_bar(width, text, colormap=colormap))
        draw.text((MARGIN, y), bar[0], FAINT, small)
        x = MARGIN + round(small.getlength(bar[0])) + 8
        sheet.paste(colours, (x, y + 2))
        draw.text((x + width + 8, y), bar[1], FAINT, small)
        y += bar_step
    for line in foot:
        draw.text((MARGIN, y), line, FAINT, small)
        y += note_step
    return sheet


def probabilities(trace: Trace, method: Method, *, loops: int = 0, single_label: bool = False) -> np.ndarray:
    """(C,) float32 class probabilities of a method: a sigmoid of each score, or a softmax where one label is right."""
    scores = trace.scores(method, trace.clamp(method, loops))
    return class_probabilities(scores, single_label=single_label).astype(np.float32)


def side_by_side(
    trace: Trace,
    image: np.ndarray,
    classes: Sequence[int],
    *,
    loops: int,
    refined: bool,
    methods: Sequence[Method] | None = None,
    threshold: float | None = None,
    extras: Sequence[Extra] = (),
    single_label: bool = False,
    colormap: str = COLORMAP,
    width: int = 256,
) -> Image.Image:
    """One row per class: the picture, then the maps of each method over it, and a line that says how they were made.

    `image`: (H, W, 3) uint8, the traced picture. `loops`, `refined`: of CRT; TS-CAM follows `refined` and has no loops.
    `threshold`: a seed's outline where a map is at least this share of its largest value. Every map is scaled by
    its own largest value, which its caption gives. Raises InvalidSetting for what the Trace does not hold.
    """
    small = fit(image, width)
    shown = tuple(trace.methods if methods is None else methods)
    rows = []
    for position, index in enumerate(classes):
        name = trace.classes[index]
        panels = [Panel(small, (name, f"{trace.source[1]} × {trace.source[0]} px"))]
        for method in shown:
            count = trace.clamp(method, loops)
            maps = trace.maps(method, loops=count, refined=refined, classes=[index])
            share = probabilities(trace, method, loops=count, single_label=single_label)[index]
            detail = _detail(trace, method, count, refined)
            lines = (TITLES[method], f"{name} {share:.1%}{detail}")
            panels.append(_over(small, maps, trace.span(method), lines, threshold, colormap))
        for extra in extras:
            lines = (extra.title, name)
            panels.append(_over(small, extra.maps[position][None], extra.span, lines, threshold, colormap))
        rows.append(panels)
    notes = [settings_line(trace, loops=loops, refined=refined)]
    if threshold is not None:
        notes.append(f"White outline: at least {threshold:g} of the map's largest value.")
    bar = ("0", "the largest value of each map, given under it")
    return contact_sheet(rows, notes=notes, bar=bar, width=width, colormap=colormap)


def settings_line(trace: Trace, *, loops: int, refined: bool) -> str:
    """One line from which a figure can be made again: size, mode, loops, refinement, tiles, passes, checkpoint."""
    grid, made = trace.grid, trace.provenance
    passes = max(1, loops) if "crt" in trace.records else 0
    parts = [
        f"input {grid.width} × {grid.height} px",
        f"mode {grid.mode}",
        f"loops {loops}",
        "refined" if refined else "not refined",
        f"{len(grid)} {'tile' if len(grid) == 1 else 'tiles'}",
        f"{passes} {'pass' if passes == 1 else 'passes'}",
        f"checkpoint {made.get('checkpoint', '?')} {str(made.get('checkpoint_sha256', ''))[:8]}".rstrip(),
    ]
    return " · ".join(parts)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _detail(trace: Trace, method: Method, loops: int, refined: bool) -> str:
    if not isinstance(trace.record(method), TokenRecord):
        return ""
    count = f", {loops} {'loop' if loops == 1 else 'loops'}" if method == "crt" else ""
    return count + (", refined" if refined else "")


def _over(
    image: np.ndarray,
    maps: np.ndarray,
    span: tuple[float, float],
    lines: tuple[str, ...],
    threshold: float | None,
    colormap: str,
) -> Panel:
    """(1, h, w) map on cells over a picture, its largest value in the caption."""
    pixels = to_pixels(maps, span, image.shape[:2])
    drawn = overlay(image, pixels[0], colormap=colormap)
    if threshold is not None and pixels.max() > 0:
        drawn = outline(drawn, normalise(pixels)[0] >= threshold)
    return Panel(drawn, (*lines, f"largest value {pixels.max():.3g}"))


def _panel(panel: Panel, width: int, small: ImageFont.FreeTypeFont, large: ImageFont.FreeTypeFont) -> Image.Image:
    """A picture at the panel's width with its lines below."""
    picture = Image.fromarray(panel.image if panel.image.shape[1] <= width else fit(panel.image, width))
    lines = [(line, large if i == 0 else small) for i, text in enumerate(panel.lines)
             for line in _wrap(text, large if i == 0 else small, width)]  # fmt: skip
    height = picture.height + 6 + sum(round(1.35 * font.size) for _, font in lines)
    block = Image.new("RGB", (width, height), PAPER)
    block.paste(picture, ((width - picture.width) // 2, 0))
    draw, y = ImageDraw.Draw(block), picture.height + 6
    for line, font in lines:
        draw.text((0, y), line, INK, font)
        y += round(1.35 * font.size)
    return block


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a text into lines of at most `width` pixels, between words where that is possible."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line] or [""]
