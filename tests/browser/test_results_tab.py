"""The Results tab: the measured tables of the repository, readable at two widths."""

import pytest
from playwright.sync_api import expect

from app.ui import results
from tests.browser.driver import open_tab, upload

LOOKS = [("light", 1440), ("dark", 390)]


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_every_section_is_shown_with_its_tables_and_command(open_page, picture, theme, width):
    page = open_page(theme, width)
    upload(page, picture)
    open_tab(page, "Results")
    sections = results()
    assert sections
    shown = page.locator(".result")
    expect(shown).to_have_count(len(sections))
    for index, section in enumerate(sections):
        node = shown.nth(index)
        expect(node.locator("h3").first).to_have_text(section.title)
        expect(node.locator("table")).to_have_count(len(section.tables))
        expect(node.locator(".curve-plot svg")).to_have_count(len(section.charts))
        expect(node.locator(".result-says")).to_have_count(sum(len(table.says) for table in section.tables))
        if section.command:
            expect(node.locator("code")).to_have_text(section.command)
    first = sections[0].tables[0].rows[0]
    assert shown.first.locator("tbody tr").first.locator("th, td").all_inner_texts() == list(first)
    expect(page.locator('[data-role="results-none"]')).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("tab", name="Explore").click()
    expect(page.locator(".result").first).to_be_hidden()
