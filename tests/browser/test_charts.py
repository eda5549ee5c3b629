"""Charts: fetched with the first one in view, legible in both themes, saved as files, and missed without harm."""

import re
from pathlib import Path

import pytest
from PIL import ImageColor
from playwright.sync_api import Page, expect

from crt.viz.chart_colours import DARK_RAMP, RAMP, mix_oklab
from tests.browser.driver import open_tab, settle, upload
from tests.browser.test_accessibility import barriers

LIBRARY = re.compile(r"/lib/plotly\.min\.js$")
CHART = ".class-chart .curve"
UNDRAWN = """nodes => nodes.filter(node => node.querySelectorAll('.trace').length !== node.data.length)
  .map(node => node.ariaLabel)"""
"""Plots in which a trace is missing."""
TRACE_COLORS = "node => node.data.map(one => (one.marker ?? one.line).color)"

RAMP_COLORS = """percents => percents.map((percent) => {
  const probe = document.body.appendChild(document.createElement('span'));
  probe.style.color = `color-mix(in oklab, var(--ramp-last) ${percent}%, var(--ramp-first))`;
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  pen.fillStyle = getComputedStyle(probe).color;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
})"""


def open_chart(page: Page) -> None:
    """Open the chart of the class probabilities and wait for its bars."""
    page.get_by_text("Chart of the probabilities").click()
    page.locator(CHART).scroll_into_view_if_needed()
    expect(page.locator(f"{CHART} .barlayer .trace")).to_have_count(4)


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_the_first_chart_in_view_fetches_the_library(open_page, image, theme, width):
    page = open_page(theme, width)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if LIBRARY.search(request.url) else None)
    upload(page, image)
    assert asked == []
    open_chart(page)
    assert len(asked) == 1
    expect(page.locator(f"{CHART} .ytick > text")).to_have_count(3)
    assert page.evaluate("document.title") != "evil"  # a class name is text, whatever it holds
    page.mouse.move(0, 0)
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_pointer_shows_the_values_of_every_network(open_page, image):
    page = open_page()
    upload(page, image)
    open_chart(page)
    page.locator(f"{CHART} .barlayer .point").first.hover(force=True)
    expect(page.locator(f"{CHART} .hoverlayer")).to_contain_text(re.compile(r"CRT.*\d+%"))


def test_every_chart_of_an_ablation_draws_all_its_lines(open_page, image):
    page = open_page()
    upload(page, image)
    open_tab(page, "Ablate")
    page.get_by_role("button", name="Curves", exact=True).click()
    plots = page.locator(".curve-plot:visible")
    expect(plots.first).to_be_visible()
    for plot in plots.all():
        plot.scroll_into_view_if_needed()
        expect(plot.locator(".main-svg").first).to_be_visible()
    assert plots.evaluate_all(UNDRAWN) == []


@pytest.mark.parametrize(("format", "begin"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_a_chart_is_saved_as_a_file(open_page, image, format, begin):
    page = open_page()
    upload(page, image)
    open_chart(page)
    with page.expect_download() as waiting:
        page.locator(CHART).get_by_role("button", name=f"{format}: Class probabilities").click()
    download = waiting.value
    assert download.suggested_filename == f"class-probabilities.{format.lower()}"
    assert Path(download.path()).read_bytes().startswith(begin)


def test_zoom_can_be_taken_back(open_page, image):
    page = open_page()
    upload(page, image)
    open_chart(page)
    reset = page.locator(CHART).get_by_role("button", name="Reset zoom")
    expect(reset).to_be_hidden()
    plot = page.locator(f"{CHART} .nsewdrag")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(reset).to_be_visible()
    width = page.locator(f"{CHART} .curve-plot").evaluate("node => node._fullLayout.width")
    page.set_viewport_size({"width": 1200, "height": 900})
    page.wait_for_function(
        "([chart, width]) => document.querySelector(`${chart} .curve-plot`)._fullLayout.width !== width",
        arg=[CHART, width],
    )
    expect(reset).to_be_visible()  # the chart has another size and is still zoomed
    reset.click()
    expect(reset).to_be_hidden()
    low, high = page.locator(f"{CHART} .curve-plot").evaluate("node => node.layout.xaxis.range")
    assert low < 0 < 1 < high


def test_the_theme_recolours_what_is_drawn(open_page, image):
    page = open_page()
    upload(page, image)
    open_chart(page)
    plot = page.locator(f"{CHART} .curve-plot")
    light = plot.evaluate(TRACE_COLORS)
    assert len(set(light)) == 4
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"([node, old]) => ({TRACE_COLORS})(node)[0] !== old[0]", arg=[plot.element_handle(), light])
    settle(page)
    assert len(set(plot.evaluate(TRACE_COLORS)) | set(light)) == 8


@pytest.mark.parametrize(("theme", "ramp"), [("light", RAMP), ("dark", DARK_RAMP)])
def test_the_browser_mixes_the_ramp_as_the_figures_do(open_page, theme, ramp):
    percents = [0, 13, 25, 50, 67, 100]
    found = open_page(theme).evaluate(RAMP_COLORS, percents)
    for percent, drawn in zip(percents, found, strict=True):
        assert drawn == pytest.approx(ImageColor.getrgb(mix_oklab(ramp[0], ramp[1], percent / 100)), abs=1)


def test_without_the_library_the_numbers_are_there_and_the_next_try_draws(open_page, image):
    page = open_page()
    page.route(LIBRARY, lambda route: route.fulfill(status=200, content_type="text/javascript", body=""))
    upload(page, image)
    page.get_by_text("Chart of the probabilities").click()
    chart = page.locator(CHART)
    chart.scroll_into_view_if_needed()
    expect(chart.get_by_text("could not be loaded")).to_be_visible()
    chart.locator("summary").click()
    expect(chart.locator("tbody tr")).to_have_count(3)
    page.unroute(LIBRARY)
    open_tab(page, "Layers")
    open_tab(page, "Explore")
    chart.scroll_into_view_if_needed()
    expect(chart.locator(".barlayer .trace")).to_have_count(4)
    expect(chart.get_by_text("could not be loaded")).to_be_hidden()
