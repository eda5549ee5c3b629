"""The Results tab: the paper's claims at a glance, and the measured tables, readable at two widths."""

import json
import re
from dataclasses import asdict
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app import page as ui
from app.cli import AppConfig
from crt.checkpoint import Defaults, read_config
from scripts.report.sections import KINDS, Section, read_results
from tests.browser.driver import open_tab, settle, upload
from tests.browser.test_accessibility import barriers
from tests.helpers.ablation_sample import whole

LOOKS = [("light", 1440), ("dark", 390)]
LEGIBLE = 11
"""The least size of a chart's text, in px."""
SCREENS, SCREEN = 3, 900
"""The most screens that the tab takes on a laptop, and the height of one in px."""
DRAWN_Y = "node => JSON.stringify(node.data.map(one => [...one.y]))"
INSERTED = """selector => {
  const node = document.createElement('span');
  document.body.offsetWidth; // what was outdated before is brought up to date
  performance.mark('crt-inserted');
  document.querySelector(selector).append(node);
  getComputedStyle(node).color;
  performance.mark('crt-restyled');
  node.remove();
}"""
MARKS = ("inserted", "restyled")
RESTYLED = 100
"""The most elements whose style is computed again because of one that is inserted; the page has thousands."""
TEXT_SIZE = "nodes => Math.min(...nodes.map(node => parseFloat(getComputedStyle(node).fontSize)))"


@pytest.fixture(scope="module")
def sections() -> tuple[Section, ...]:
    """The results of the repository, and ablations, which have every kind of chart."""
    results = read_results(ui.ROOT / "results", read_config(ui.ROOT / "checkpoints" / "voc").defaults)
    return (*(one for one in results if one.page == "results"), KINDS["rows"](whole(), Defaults()))


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    """What the repository shows."""
    return json.loads(ui.SUMMARY.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server(checkpoint, sections, summary, serve):
    """A page that shows them."""
    config = AppConfig(checkpoint=checkpoint, host="127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ui, "results", lambda: summary | {"sections": [asdict(section) for section in sections]})
        with serve(config) as url:
            yield url


def unfold(page: Page) -> None:
    """Open every measurement."""
    page.locator(".result").evaluate_all("nodes => nodes.forEach(node => { node.open = true; })")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_every_section_is_shown_with_its_tables_and_command(open_page, image, sections, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    open_tab(page, "Results")
    shown = page.locator(".result")
    expect(shown).to_have_count(len(sections))
    expect(shown.first.locator(".result-table").first).to_be_hidden()
    unfold(page)
    for index, section in enumerate(sections):
        node = shown.nth(index)
        expect(node.locator("h4").first).to_have_text(section.title)
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
    unfold(page)
    node, section = page.locator(".result").last, sections[-1]
    assert any(table.caption for table in section.tables)
    for table, says in zip(node.locator(".result-table").all(), section.tables, strict=True):
        if says.caption:
            assert table.evaluate("node => node.nextElementSibling.textContent") == says.caption[0]
    for figure, chart in zip(node.locator(".curve").all(), section.charts, strict=True):
        expect(figure.locator(".curve-reading")).to_have_text(chart.caption)
        names = ", ".join(line.name for line in chart.lines)
        reported = f"{chart.title}: {chart.y} against {chart.x}, {names}"
        expect(figure.locator(".curve-plot")).to_have_attribute("aria-label", reported)
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


def test_a_node_that_is_inserted_restyles_little_else(open_page, browser):
    page = open_page()
    open_tab(page, "Results")
    for selector in (".claim-card .curve", ".results-overview", ".viewbar"):
        browser.start_tracing(page=page, categories=["blink.user_timing", "devtools.timeline"])
        page.evaluate(INSERTED, selector)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        begin, end = (next(one["ts"] for one in events if one["name"] == f"crt-{mark}") for mark in MARKS)
        updates = [one for one in events if one["name"] == "UpdateLayoutTree" and begin <= one["ts"] <= end]
        assert updates and max(one["args"]["elementCount"] for one in updates) <= RESTYLED, selector


def test_the_tab_is_at_most_three_screens_long_on_a_laptop(open_page):
    page = open_page()
    open_tab(page, "Results")
    for card in page.locator(".claim-card").all():  # drawn as they come into view
        card.scroll_into_view_if_needed()
    expect(page.locator(".claim-card .main-svg:first-child").last).to_be_attached()
    settle(page)
    assert page.evaluate("document.documentElement.scrollHeight") <= SCREENS * SCREEN


@pytest.mark.parametrize(("theme", "width"), [("light", 390), ("dark", 390), ("light", 1440), ("dark", 1440)])
def test_claims_are_cards_without_barriers(open_page, summary, theme, width):
    page = open_page(theme, width)
    open_tab(page, "Results")
    cards = page.locator(".claim-card")
    expect(cards).to_have_count(len(summary["claims"]))
    for card, claim in zip(cards.all(), summary["claims"], strict=True):
        card.scroll_into_view_if_needed()
        expect(card.locator("h4")).to_have_text(claim["sentence"])
        expect(card.locator(".badge")).to_contain_text(claim["verdict"])
        expect(card.get_by_text(claim["reason"])).to_be_visible()
        lines = [*claim["chart"]["ours"], *([claim["chart"]["paper"]] if claim["chart"]["paper"]["x"] else [])]
        expect(card.locator(".scatterlayer .trace")).to_have_count(len(lines))
        assert card.locator(".curve-plot text").evaluate_all(TEXT_SIZE) >= LEGIBLE
    first, claim = cards.first, summary["claims"][0]
    expect(first.locator("code")).to_be_hidden()
    first.locator("summary").click()
    expect(first.locator("code")).to_have_text(claim["command"])
    expect(first.locator("tbody tr")).to_have_count(len(claim["rows"]))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    settle(page)
    assert barriers(page) == []


def test_the_headline_follows_its_two_controls(open_page, summary):
    page = open_page()
    open_tab(page, "Results")
    headline = page.locator(".headline")
    network, refinement = headline.locator("select").all()
    assert [network.input_value(), refinement.input_value()] == summary["shown"]

    def lines() -> list[list[float]]:
        wanted = (network.input_value(), refinement.input_value())
        found = next(one for one in summary["headline"] if (one["network"], one["refinement"]) == wanted)
        expect(headline.locator(".scatterlayer .trace")).to_have_count(len(found["lines"]))
        return [line["y"] for line in found["lines"]]

    for name, way in (("CRT trained with 3 loops", "none"), (summary["shown"][0], "last pass")):
        network.select_option(name)
        refinement.select_option(way)
        settle(page)
        page.wait_for_function(
            f"wanted => ({DRAWN_Y})(document.querySelector('.headline .curve-plot')) === JSON.stringify(wanted)",
            arg=lines(),
        )
    refinements = {one["network"]: {one["refinement"]} for one in summary["headline"]}
    for one in summary["headline"]:
        refinements[one["network"]].add(one["refinement"])
    for lacking in [name for name, ways in refinements.items() if "last pass" not in ways][:1]:  # not measured there
        network.select_option(lacking)
        expect(refinement).to_have_value("sum over passes")
        expect(refinement.locator("option", has_text="last pass")).to_have_attribute("disabled", "")
        network.select_option(summary["shown"][0])
        expect(refinement).to_have_value("last pass")


def test_classes_and_networks_are_a_table_coloured_by_iou(open_page, summary):
    page = open_page()
    open_tab(page, "Results")
    about = summary["per_class"]
    rows = page.locator(".class-table tbody tr")
    expect(rows).to_have_count(len(about["classes"]))
    cells = rows.first.locator("td")
    assert cells.all_inner_texts() == [f"{value:.1f}" for value in about["values"][0]]
    colours = page.locator(".class-table td").evaluate_all(
        "nodes => nodes.map(node => getComputedStyle(node).backgroundColor)"
    )
    assert len(set(colours)) > len(about["classes"])
    expect(page.locator('[data-role="results-setups"] tbody tr')).to_have_count(len(summary["setups"]))


def test_an_address_names_a_card_until_another_tab_is_opened(open_page, server, summary):
    page = open_page()
    claim = summary["claims"][-1]
    page.goto(f"{server}?__theme=light#claim-{claim['id']}")
    page.reload()  # as a visitor opens it
    card = page.locator(f"#claim-{claim['id']}")
    expect(card).to_be_in_viewport()
    expect(card).to_be_focused()
    expect(page.get_by_role("tab", name="Results")).to_have_attribute("aria-selected", "true")
    other = page.locator(f"#claim-{summary['claims'][0]['id']}")
    other.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"#claim-{summary['claims'][0]['id']}$"))
    expect(other).to_have_class(re.compile("addressed"))
    expect(card).not_to_have_class(re.compile("addressed"))
    open_tab(page, "Explore")
    expect(page).not_to_have_url(re.compile("#claim"))
    open_tab(page, "Results")
    expect(other).not_to_have_class(re.compile("addressed"))
