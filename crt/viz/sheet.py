"""Sheets: images in rows with lines of text under them, as one raster image.

Text is drawn by `crt.viz.fonts`, in whatever script it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from crt.errors import InvalidSetting
from crt.viz.colours import COLORMAP, colour_bar, fit
from crt.viz.fonts import Typeface

MARGIN = 12
SHEET_INK, WHITE, SHEET_FAINT = (20, 20, 20), (255, 255, 255), (90, 90, 90)


@dataclass(frozen=True)
class Panel:
    """One image of a sheet.

    Attributes:
        image: (H, W, 3) uint8.
        lines: under it, the first in larger type.
    """

    image: np.ndarray
    lines: tuple[str, ...] = ()


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
    """Draw panels in rows under a title, with notes below them. Lines that are too long are broken.

    Args:
        rows: of panels.
        title: above all.
        notes: below all.
        bar: the words at both ends of a colour bar, if there is one.
        width: pixels of a panel; wider ones are shrunk to it.
        colormap: of the bar.
        text: pixels of the small type.

    Returns:
        The sheet, RGB.

    Raises:
        InvalidSetting: a sheet of nothing.
    """
    if not rows or not all(rows):
        raise InvalidSetting("A sheet needs at least one image in every row.")
    small, large, heading = Typeface(text), Typeface(text + 3), Typeface(text + 8)
    across = max(len(row) for row in rows) * (width + MARGIN) + MARGIN
    head = wrap(title, heading, across - 2 * MARGIN) if title else []
    foot = [line for note in notes for line in wrap(note, small, across - 2 * MARGIN)]
    blocks = [[_panel(panel, width, small, large) for panel in row] for row in rows]
    heights = [max(block.height for block in row) for row in blocks]
    title_step, note_step, bar_step = round(1.35 * (text + 8)), round(1.4 * text), (2 * text + MARGIN if bar else 0)
    total = MARGIN + len(head) * title_step + sum(heights) + MARGIN * len(rows) + bar_step + len(foot) * note_step
    sheet = Image.new("RGB", (across, total + MARGIN), WHITE)
    draw = ImageDraw.Draw(sheet)
    y = MARGIN
    for line in head:
        heading.draw(draw, (MARGIN, y), line, SHEET_INK)
        y += title_step
    for row, height in zip(blocks, heights, strict=True):
        for column, block in enumerate(row):
            sheet.paste(block, (MARGIN + column * (width + MARGIN), y))
        y += height + MARGIN
    if bar:
        colours = Image.fromarray(colour_bar(width, text, colormap=colormap))
        small.draw(draw, (MARGIN, y), bar[0], SHEET_FAINT)
        x = MARGIN + round(small.getlength(bar[0])) + 8
        sheet.paste(colours, (x, y + 2))
        small.draw(draw, (x + width + 8, y), bar[1], SHEET_FAINT)
        y += bar_step
    for line in foot:
        small.draw(draw, (MARGIN, y), line, SHEET_FAINT)
        y += note_step
    return sheet


def printable(text: str) -> str:
    """A text that every format can hold.

    Args:
        text: any.

    Returns:
        It with blanks for white space and a sign for what is no character.
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))


def wrap(text: str, font: Typeface, width: int) -> list[str]:
    """Break a text into lines, between words where that is possible.

    Args:
        text: any.
        font: that it is drawn in.
        width: pixels that a line may take.

    Returns:
        At least one line.
    """
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


def _panel(panel: Panel, width: int, small: Typeface, large: Typeface) -> Image.Image:
    """An image at the panel's width with its lines below."""
    image = Image.fromarray(panel.image if panel.image.shape[1] <= width else fit(panel.image, width))
    lines = [(line, large if i == 0 else small) for i, text in enumerate(panel.lines)
             for line in wrap(text, large if i == 0 else small, width)]  # fmt: skip
    height = image.height + 6 + sum(round(1.35 * font.size) for _, font in lines)
    block = Image.new("RGB", (width, height), WHITE)
    block.paste(image, ((width - image.width) // 2, 0))
    draw, y = ImageDraw.Draw(block), image.height + 6
    for line, font in lines:
        font.draw(draw, (0, y), line, SHEET_INK)
        y += round(1.35 * font.size)
    return block
