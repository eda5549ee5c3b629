"""Text in scripts that DejaVu Sans lacks: drawn by a font that has them, or named in one warning."""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image, ImageDraw

from crt.viz import fonts
from crt.viz.fonts import FontWarning, Typeface, families
from crt.viz.layer import Style
from crt.viz.plots import Kind, Plot, plot, render
from crt.viz.sheet import Panel, contact_sheet

GLYPH = "猫"
UNKNOWN = "\u16f0"  # a rune that DejaVu Sans and the font made here lack


def build(path: Path, family: str, *, cff: bool) -> None:
    """A font with one filled square, a whole em wide, for GLYPH."""
    builder = FontBuilder(1000, isTTF=not cff)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(GLYPH): "square"})
    corners = [(0, 0), (0, 800), (1000, 800), (1000, 0)]

    def draw(pen, filled):
        if filled:
            pen.moveTo(corners[0])
            for corner in corners[1:]:
                pen.lineTo(corner)
            pen.closePath()
        return pen

    if cff:
        glyphs = {n: draw(T2CharStringPen(1000, {}), n == "square").getCharString() for n in (".notdef", "square")}
        builder.setupCFF(family.replace(" ", ""), {}, glyphs, {})
    else:
        builder.setupGlyf({n: draw(TTGlyphPen(None), n == "square").glyph() for n in (".notdef", "square")})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": family.replace(" ", "")})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)


def forget() -> None:
    for cached in (fonts._first_with, fonts._all_families, fonts._path, fonts._characters, fonts._font):
        cached.cache_clear()
    fonts._WARNED.clear()


@pytest.fixture(params=[False, True], ids=["TrueType", "CFF"])
def font(request, tmp_path, monkeypatch) -> Iterator[str]:
    """A font with GLYPH among those of the system, installed after matplotlib made its list; no other has it."""
    family = f"Square Sans {'CFF' if request.param else 'TTF'}"
    build(tmp_path / "square.otf", family, cff=request.param)
    ours = [entry for entry in font_manager.fontManager.ttflist if entry.name.startswith("DejaVu Sans")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", ours)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "square.otf")])
    forget()
    yield family
    forget()


def solid(image: Image.Image | np.ndarray) -> int:
    """The side of the largest dark square in a drawing."""
    dark = np.asarray(image.convert("L") if isinstance(image, Image.Image) else image) < 100
    size = np.zeros((dark.shape[0] + 1, dark.shape[1] + 1), int)
    for y, x in np.argwhere(dark):
        size[y + 1, x + 1] = 1 + min(size[y, x], size[y, x + 1], size[y + 1, x])
    return int(size.max())


def test_sheets_use_a_font_that_has_the_characters(font):
    assert families("cat") == ["DejaVu Sans"] and families(f"a {GLYPH}") == ["DejaVu Sans", font]
    white = np.full((20, 100, 3), 255, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sheet = contact_sheet([[Panel(white, (f"cat {GLYPH}",))]], title=GLYPH, notes=[GLYPH])
    assert solid(sheet) >= 15  # the title, of 22 pixels an em
    assert solid(contact_sheet([[Panel(white, ("cat",))]], title="c", notes=["b"])) < 6
    type22 = Typeface(22)
    assert type22.getlength(f"a{GLYPH}b") == pytest.approx(22 + type22.getlength("a") + type22.getlength("b"))


def test_a_line_of_several_fonts_stands_on_one_baseline(font):
    image = Image.new("RGB", (200, 60), "white")
    Typeface(30).draw(ImageDraw.Draw(image), (10, 10), f"H{GLYPH}H", (0, 0, 0))
    dark = np.asarray(image.convert("L")) < 128
    columns = np.flatnonzero(dark.any(0))
    foot = [np.flatnonzero(dark[:, x]).max() for x in (columns[1], columns[len(columns) // 2], columns[-2])]
    assert max(foot) - min(foot) <= 1


def test_figures_for_print_use_it_in_every_format(font):
    style, image = Style(), np.full((40, 60, 3), 255, np.uint8)

    def drawn(title: str, kind: Kind) -> bytes:
        return render(plot(image, [Plot(title, lines=(title,))], style, title=title), kind, title=title)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png, vector, pdf = (drawn(f"{GLYPH} cat", kind) for kind in ("png", "svg", "pdf"))
    assert solid(Image.open(io.BytesIO(png))) > 20
    assert font in vector.decode() and GLYPH in vector.decode()
    assert font.replace(" ", "").encode() in pdf and pdf != drawn("cat", "pdf")


def test_a_character_of_no_font_is_named_once(font):
    def draw() -> None:
        contact_sheet([[Panel(np.zeros((9, 9, 3), np.uint8), (f"{UNKNOWN} {GLYPH}",))]], title=UNKNOWN)
        render(plot(np.zeros((9, 9, 3), np.uint8), [Plot(UNKNOWN)], Style()), "png")

    with pytest.warns(FontWarning, match=r"No installed font has the character ᛰ \(U\+16F0\)") as caught:
        draw()
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw()
