"""Text in any script: DejaVu Sans, which comes with matplotlib, and for what it lacks the fonts of the system."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from PIL import ImageDraw, ImageFont

FAMILY = "DejaVu Sans"
# Signs only, or boxes for every character, or bitmaps in colours that matplotlib cannot draw.
_NOT_FOR_TEXT = ("last resort", "stix", "cmb10", "cmex", "cmmi", "cmr10", "cmss", "cmsy", "cmtt", "emoji", "blank")
_LOOKING = threading.Lock()  # matplotlib's list of fonts belongs to the process
_WARNED: set[str] = set()


class FontWarning(UserWarning):
    """No installed font has some of the characters of a text; they are drawn as boxes."""


def families(text: str) -> list[str]:
    """The families for a text, as matplotlib's `fontfamily`: DejaVu Sans, then one for each character that it lacks.

    Warns with a FontWarning, once for each character, where no installed font has it.

    Args:
        text: that is drawn.

    Returns:
        Names of installed fonts.
    """
    found = dict.fromkeys([FAMILY])
    for letter in _lacking(text):
        if (family := _family_with(letter)) is not None:
            found[family] = None
    return list(found)


class Typeface:
    """DejaVu Sans with the fonts that a text needs besides, in pixels of an em, for Pillow."""

    def __init__(self, size: int) -> None:
        """Start with DejaVu Sans.

        Args:
            size: pixels of an em, above 0.
        """
        self.size = size

    def getlength(self, text: str) -> float:
        """The width of a line.

        Args:
            text: one line.

        Returns:
            Pixels.
        """
        return sum(font.getlength(run) for font, run in self._runs(text))

    def draw(self, canvas: ImageDraw.ImageDraw, place: tuple[float, float], text: str, ink: tuple[int, ...]) -> None:
        """Draw a line.

        Args:
            canvas: Pillow's.
            place: x of its left end and y of the top of its ascenders, in pixels.
            text: one line.
            ink: red, green and blue, 0 … 255.
        """
        x, y = place
        baseline = y + _font(FAMILY, self.size).getmetrics()[0]
        for font, run in self._runs(text):
            canvas.text((x, baseline), run, ink, font, anchor="ls")
            x += font.getlength(run)

    def _runs(self, text: str) -> Iterator[tuple[ImageFont.FreeTypeFont, str]]:
        """Stretches of a text that one font has, with that font."""
        order = families(text)

        def family_of(letter: str) -> str:
            return next((family for family in order if ord(letter) in _characters(family)), FAMILY)

        for family, letters in groupby(text, family_of):
            yield _font(family, self.size), "".join(letters)


def _lacking(text: str) -> list[str]:
    """The printable characters of a text that DejaVu Sans lacks."""
    return [
        letter
        for letter in dict.fromkeys(text)
        # Joiners and variation selectors say how to draw others and are not drawn.
        if letter.isprintable() and not letter.isspace() and not 0xFE00 <= ord(letter) <= 0xFE0F
        if ord(letter) not in _characters(FAMILY)
    ]


def _family_with(letter: str) -> str | None:
    family = _first_with(letter)
    if family is None and letter not in _WARNED:
        _WARNED.add(letter)
        warnings.warn(
            f"No installed font has the character {letter} (U+{ord(letter):04X}), so figures show a box for it: "
            "install a font that has it, such as one of Noto.",
            FontWarning,
            stacklevel=3,
        )
    return family


@lru_cache(maxsize=4096)
def _first_with(letter: str) -> str | None:
    """The first family by name that has a character, sans serif before others."""
    for family in _all_families():
        if ord(letter) in _characters(family):
            return family
    return None


@lru_cache(maxsize=1)
def _all_families() -> tuple[str, ...]:
    """Families that may hold letters, those installed since matplotlib made its list included."""
    with _LOOKING:
        manager = font_manager.fontManager
        known = {entry.fname for entry in manager.ttflist}
        for path in font_manager.findSystemFonts():
            if path not in known:
                try:
                    manager.addfont(path)
                except Exception:  # nosec B112  # noqa: BLE001, S112 - a broken file, or a format that FreeType lacks
                    continue
        names = {entry.name for entry in manager.ttflist}
    usable = [name for name in names if not any(word in name.lower() for word in _NOT_FOR_TEXT)]
    return tuple(sorted(usable, key=lambda name: ("sans" not in name.lower(), "mono" in name.lower(), name)))


@lru_cache(maxsize=256)
def _path(family: str) -> str:
    with _LOOKING:
        return str(font_manager.findfont(font_manager.FontProperties(family=[family]), fallback_to_default=False))


@lru_cache(maxsize=256)
def _characters(family: str) -> frozenset[int]:
    """The code points that a family has; none if its file cannot be opened."""
    try:
        return frozenset(FT2Font(_path(family)).get_charmap())
    except Exception:  # noqa: BLE001 - FreeType and the list of fonts raise their own at broken or vanished files
        return frozenset()


@lru_cache(maxsize=256)
def _font(family: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_path(family), size)
