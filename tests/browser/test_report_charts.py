"""The charts of the documentation as chromium draws them: the same every time, with every text in sight."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser

from crt.checkpoint import Defaults
from scripts.report.base import Chart, Line
from scripts.report.chart_files import cleaned, draw, stamp
from scripts.report.charts import WIDTH, figure
from scripts.report.sections import KINDS
from tests.browser.driver import new_page
from tests.helpers.ablation_sample import whole

ROOT = Path(__file__).parents[2]
COMMITTED = sorted((ROOT / "docs/figures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
LONG = "a title of many words that is longer than the chart is wide " * 3
NAMES = tuple(f"the class number {k}, of a long name" for k in range(20))
MANY = Chart(
    f"<b>{LONG}</b> & more",
    "x",
    "a name of the axis that is longer than the axis itself, whatever it may say about it",
    tuple(Line(f"CRT & the way {k} of refining", (0, 1), (k, 5 + k), (0.5, 0.5)) for k in range(7)),
    "says",
)
CLASSES = Chart(
    "IoU", "class", "IoU, %", (Line("CRT", tuple(range(20)), tuple(range(20))),), "says", NAMES, joined=False
)
TEXT_BOXES = """() => [...document.querySelectorAll('text')].filter((one) => one.textContent.trim()).map((one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return [one.textContent, left, top, right, bottom];
})"""
Box = tuple[str, float, float, float, float]


@pytest.fixture(scope="module")
def boxes(browser: Browser) -> Callable[[str], list[Box]]:
    """Texts of an SVG with left, top, right and bottom, in px."""

    def read(svg: str) -> list[Box]:
        page = new_page(browser, 900)
        try:
            page.set_content(f'<body style="margin: 0">{svg}</body>')
            return [tuple(one) for one in page.evaluate(TEXT_BOXES)]
        finally:
            page.close()

    return read


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share more than a pixel both ways."""
    across = min(one[3], other[3]) - max(one[1], other[1])
    down = min(one[4], other[4]) - max(one[2], other[2])
    return across > 1 and down > 1


@pytest.fixture(scope="module")
def twice() -> tuple[list[str], list[str]]:
    """Charts of every kind, drawn by two browsers."""
    charts = [*KINDS["rows"](whole(), Defaults()).charts, MANY, CLASSES]
    figures = [figure(chart) for chart in charts]
    stamps = [stamp(one) for one in figures]
    first, second = (list(map(cleaned, draw(figures), stamps)) for _ in range(2))
    return first, second


def test_a_figure_is_the_same_file_every_time(twice: tuple[list[str], list[str]]) -> None:
    first, second = twice
    assert first == second and len(set(first)) == len(first)


def test_every_text_is_inside_the_chart_and_none_covers_another(twice, boxes) -> None:
    for svg in twice[0]:
        texts = boxes(svg)
        root = ElementTree.fromstring(svg)
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        turned = "rotate(-60" in svg  # the boxes of turned names are larger than the names
        assert width == WIDTH and len(texts) > 5
        for name, left, top, right, bottom in texts:
            assert left >= -1 and top >= -1 and right <= width + 1 and bottom <= height + 1, name
        for k, one in enumerate(texts):
            assert turned or not any(overlap(one, other) for other in texts[k + 1 :]), one


def test_markup_in_a_name_is_text(twice) -> None:
    drawn = "".join(ElementTree.fromstring(twice[0][-2]).itertext())
    assert "<b>a title" in drawn and "& more" in drawn and "CRT & the way 6 of refining" in drawn


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_chart_is_whole_and_of_no_machine(path: Path) -> None:
    svg = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(svg)
    ids = [node.attrib["id"] for node in root.iter() if "id" in node.attrib]
    assert len(ids) == len(set(ids)) and all(root.attrib["data-figure"][:6] in one for one in ids)
    used = set(re.findall(r"url\(['\"]?#([^'\")]+)", svg))
    assert used and used <= set(ids)
    assert not re.search(r"file:|/tmp|/home|/usr|https?://(?!www\.w3\.org/)|<script|<image", svg)
    assert [node for node in root.iter(f"{SVG}text") if node.text] and len(svg) < 100_000
