"""The Results tab: the measured tables of the repository, readable at two widths."""

from dataclasses import asdict

import pytest
from playwright.sync_api import expect

from app import page as ui
from app.cli import AppConfig
from crt.checkpoint import Defaults, read_config
from scripts.report.sections import KINDS, Section, read_results
from tests.browser.driver import open_tab, upload
from tests.browser.test_accessibility import barriers
from tests.helpers.ablation_sample import whole

LOOKS = [("light", 1440), ("dark", 390)]
LEGIBLE = 11
"""The least size of a chart's text, in px."""
TEXT_SIZE = "nodes => Math.min(...nodes.map(node => parseFloat(getComputedStyle(node).fontSize)))"


@pytest.fixture(scope="module")
def sections() -> tuple[Section, ...]:
    """The results of the repository, and ablations, which have every kind of chart."""
    results = read_results(ui.ROOT / "results", read_config(ui.ROOT / "checkpoints" / "voc").defaults)
    return (*(one for one in results if one.page == "results"), KINDS["rows"](whole(), Defaults()))


@pytest.fixture(scope="module")
def server(checkpoint, sections, serve):
    """A page that shows them."""
    config = AppConfig(checkpoint=checkpoint, host="127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ui, "results", lambda: [asdict(section) for section in sections])
        with serve(config) as url:
            yield url


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_every_section_is_shown_with_its_tables_and_command(open_page, image, sections, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    open_tab(page, "Results")
    shown = page.locator(".result")
    expect(shown).to_have_count(len(sections))
    for index, section in enumerate(sections):
        node = shown.nth(index)
        expect(node.locator("h3").first).to_have_text(section.title)
        expect(node.locator(".result-table")).to_have_count(len(section.tables))
        expect(node.locator(".curve-plot")).to_have_count(len(section.charts))
        expect(node.locator(".result-caption")).to_have_count(sum(len(table.caption) for table in section.tables))
        if section.command:
            expect(node.locator("code")).to_have_text(section.command)
    first = sections[0].tables[0].rows[0]
    assert shown.first.locator("tbody tr").first.locator("th, td").all_inner_texts() == list(first)
    expect(page.locator('[data-role="results-none"]')).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("tab", name="Explore").click()
    expect(page.locator(".result").first).to_be_hidden()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_charts_stand_by_their_tables_with_words_for_who_cannot_see_them(open_page, image, sections, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    open_tab(page, "Results")
    node, section = page.locator(".result").last, sections[-1]
    for table, says in zip(node.locator(".result-table").all(), section.tables, strict=True):
        assert table.evaluate("node => node.nextElementSibling.textContent") == says.caption[0]
    for figure, chart in zip(node.locator(".curve").all(), section.charts, strict=True):
        expect(figure.locator(".curve-reading")).to_have_text(chart.caption)
        names = ", ".join(line.name for line in chart.lines)
        told = f"{chart.title}: {chart.y} against {chart.x}, {names}"
        expect(figure.locator(".curve-plot")).to_have_attribute("aria-label", told)
        figure.scroll_into_view_if_needed()
        expect(figure.locator(".scatterlayer .trace")).to_have_count(len(chart.lines))
        spreads = sum(len(line.half_range) for line in chart.lines)
        expect(figure.locator(".errorbar")).to_have_count(spreads)
        assert figure.locator(".curve-plot text").evaluate_all(TEXT_SIZE) >= LEGIBLE
    assert node.locator(".errorbar").count() > 0
    summary = node.locator(".curve summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(node.locator(".curve-table tbody th").nth(1)).to_have_text("0.01")  # the λ, not its place
    page.wait_for_timeout(300)
    assert barriers(page) == []
