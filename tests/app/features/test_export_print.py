"""Figures for print, from what the page sends to the file: width, text, letters, caption, lines and preview."""

import io
import re
import zipfile
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.features import export_answer
from app.features.export_results import ResultsView
from app.page import results
from app.requests.figure_options import SCREEN, FigureOptions
from crt.errors import InvalidSetting
from crt.viz.print_size import MILLIMETRES, PrintSize
from tests.app.features.test_export import BASE
from tests.app.features.test_export_tabs import EMPTY, LAYERS, SIZES
from tests.helpers.figure_texts import figure_texts, points
from tests.helpers.tiny import tiny_checkpoint

COLUMN = {"width": 85, "font": 6, "lines": 1, "letters": False, "caption": "figure"}
MAPS = [{"method": method, "letter": ""} for method in ("resnet", "tscam", "crt")]
SVG = "{http://www.w3.org/2000/svg}"
TABS: dict[str, dict[str, Any]] = {
    "explore": {"tab": "explore", "maps": MAPS, "image": True},
    "difference": {
        "tab": "explore",
        "maps": [{"method": "resnet", "letter": "A"}, {"method": "crt", "letter": "B"}],
        "difference": True,
    },
    "ablate": {"tab": "ablate", "ablate": SIZES},
    "layers": {"tab": "layers", "layers": LAYERS},
    "results": {"tab": "results"},
}


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Any:
    engine = Engine(str(tiny_checkpoint(tmp_path_factory.mktemp("print") / "tiny")))
    return SimpleNamespace(explorer=Explorer(engine, PredictionCache(10**8), {}))


@pytest.fixture(scope="module")
def analysis(page, tmp_path_factory):
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("image") / "a.png"
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return page.explorer.analyze(str(path), "224", "overlap", "s")


def shown(analysis, page, tab: str) -> Any:
    if tab == "results":
        return ResultsView(results(), (0, 1))
    return export_answer.shown_by(analysis, BASE | EMPTY | TABS[tab], page)


def words(svg: bytes) -> str:
    return "\n".join("".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text"))


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("width", [85, 180])
def test_each_tab_is_legible_at_its_printed_width(analysis, page, tab, width):
    options = FigureOptions.of({"figure": COLUMN | {"width": width}})
    figure = shown(analysis, page, tab).sheet().figure(options)
    assert figure.get_size_inches()[0] * MILLIMETRES == pytest.approx(width, abs=0.05)
    texts = figure_texts(figure)
    assert min(points(text) for text in texts) >= 6
    right = figure.bbox.x1
    for text in texts:
        assert text.get_window_extent().x1 <= right + 2, text.get_text()


def test_the_pdf_has_the_width_of_the_column_and_the_png_its_pixels(analysis, page):
    options = FigureOptions.of({"figure": COLUMN})
    files = shown(analysis, page, "explore").figures(["pdf", "png"], options)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", files["pdf"])
    assert box is not None
    assert float(box[1]) / 72 * MILLIMETRES == pytest.approx(85, abs=0.05)
    with Image.open(io.BytesIO(files["png"])) as image:
        assert image.width == pytest.approx(85 / MILLIMETRES * 300, abs=1)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_letters_stand_before_the_titles(analysis, page):
    options = FigureOptions.of({"figure": COLUMN | {"letters": True}})
    text = words(shown(analysis, page, "explore").figures(["svg"], options)["svg"])
    for title in ("(a) Image", "(b) ResNet", "(c) TS-CAM", "(d) CRT"):
        assert title in text


def test_the_caption_is_in_the_figure_or_in_a_file_beside_it(analysis, page):
    screen = shown(analysis, page, "explore")
    inside = FigureOptions.of({"figure": COLUMN})
    beside = FigureOptions.of({"figure": COLUMN | {"caption": "file", "letters": True}})
    assert "Threshold" in words(screen.figures(["svg"], inside)["svg"])
    assert "Threshold" not in words(screen.figures(["svg"], beside)["svg"])
    caption = screen.sheet().caption(beside)
    assert caption.startswith("Class activation maps: ") and caption.endswith(".\n")
    assert "(d) CRT" in caption and "Threshold: " in caption and "sha256" in caption
    with zipfile.ZipFile(io.BytesIO(export_answer.archive(screen, beside))) as zipped:
        assert zipped.read("caption.txt").decode() == caption
    with zipfile.ZipFile(io.BytesIO(export_answer.archive(screen))) as zipped:
        assert "caption.txt" not in zipped.namelist()


def test_the_preview_has_the_figure_and_its_size(analysis, page):
    options = FigureOptions.of({"figure": COLUMN})
    name, data, size = export_answer.preview(shown(analysis, page, "explore"), options)
    assert name.endswith("-preview.png")
    assert size["width"] == pytest.approx(85, abs=0.1)
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == pytest.approx(85 / MILLIMETRES * export_answer.PREVIEW_DPI, abs=1)
        assert image.height == pytest.approx(size["height"] / MILLIMETRES * export_answer.PREVIEW_DPI, abs=2)


def test_options_are_checked():
    assert FigureOptions.of({}) == SCREEN
    assert FigureOptions.of({"figure": COLUMN | {"font": 8, "lines": 1.6, "letters": True}}) == FigureOptions(
        PrintSize(85, 8, 1.6), letters=True
    )
    wrong: list[Any] = [
        3, [], {}, COLUMN | {"width": 84}, COLUMN | {"width": True}, COLUMN | {"width": "85"}, COLUMN | {"font": 1},
        COLUMN | {"font": float("nan")}, COLUMN | {"lines": 50}, COLUMN | {"caption": "none"}, COLUMN | {"caption": []},
        {name: value for name, value in COLUMN.items() if name != "font"},
    ]  # fmt: skip
    for figure in wrong:
        with pytest.raises(InvalidSetting):
            FigureOptions.of({"figure": figure})
