"""The Layers tab: attention of every block and pass, heads and rollout, the blocks that refine, and one patch."""

import pytest
from playwright.sync_api import expect

from tests.browser.driver import changed, move, open_tab, pixels, settle, upload

LOOKS = [("light", 1440), ("dark", 390)]
CANVAS = "role => document.querySelector(`[data-role=${role}]`).toDataURL()"


def opened(open_page, image, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    open_tab(page, "Layers")
    return page


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_cell_for_each_block_and_pass_and_a_number_for_each_pass(open_page, image, theme, width):
    page = opened(open_page, image, theme, width)
    cells = page.locator(".layers-cell")
    expect(cells).to_have_count(6 * 4)  # blocks of the tiny transformer, passes of four loops
    images = page.evaluate("[...document.querySelectorAll('.layers-cell canvas')].map(node => node.toDataURL())")
    assert len(set(images)) == len(images)
    rows = page.locator('[data-role="layers-rows"] tr')
    expect(rows).to_have_count(2)
    for row in rows.all():
        numbers = [float(text) for text in row.locator("td").all_inner_texts()]
        assert len(numbers) == 4 and len(set(numbers)) > 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator('[data-role="layers-method"]').select_option(label="TS-CAM")
    expect(cells).to_have_count(6)


def test_a_long_number_under_a_narrow_cell_is_not_cut(open_page, image):
    page = opened(open_page, image, "light", 1440)
    over = page.locator(".layers-cell").first.evaluate(
        """cell => {
          cell.style.width = '56px';  // what 12 blocks leave of 1440 pixels
          const [pass, number] = cell.querySelectorAll('span > span');
          number.textContent = '0.00066';
          const { right, bottom } = cell.getBoundingClientRect();
          const boxes = [pass, number].map(node => node.getBoundingClientRect());
          return boxes.some(box => box.right > right || box.bottom > bottom);
        }"""
    )
    assert not over


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_single_heads_and_rollout_come_on_demand(open_page, image, theme, width):
    page = opened(open_page, image, theme, width)
    rollout, heads = page.locator('[data-role="layers-rollout"]'), page.locator('[data-role="layers-head"]')
    expect(rollout).to_be_hidden()
    assert heads.locator("option").count() == 1
    first = page.locator(".layers-cell canvas").first
    mean = first.evaluate("node => node.toDataURL()")
    page.get_by_role("button", name="Show single heads and rollout").click()
    expect(rollout).to_be_visible()
    expect(heads.locator("option")).to_have_count(3)
    heads.select_option(index=2)
    settle(page)
    assert first.evaluate("node => node.toDataURL()") != mean
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_blocks_that_refine_change_the_transformers_and_not_the_cnn(open_page, image):
    page = opened(open_page, image, "light", 1440)
    open_tab(page, "Explore")
    before = pixels(page)
    open_tab(page, "Layers")
    move(page, "layers-first", 5)
    expect(page.locator('[data-role="layers-used"]')).to_contain_text("5")
    open_tab(page, "Explore")
    assert changed(before, pixels(page)) == {"crt", "tscam"}
    open_tab(page, "Layers")
    page.get_by_role("button", name="Use all blocks").click()
    open_tab(page, "Explore")
    settle(page)
    assert changed(before, pixels(page)) == set()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_click_on_a_map_shows_the_attention_of_that_patch(open_page, image, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    patch = page.locator('[data-role="inspect"]')
    expect(patch).to_be_hidden()
    stage = page.locator(".panel", has=page.locator("canvas[data-method=crt]")).locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    stage.click(position={"x": box["width"] * 0.3, "y": box["height"] * 0.3})
    expect(patch).to_be_visible()
    expect(page.locator('[data-role="inspect-similarity-note"]')).not_to_have_text("")
    settle(page)
    shown = {role: page.evaluate(CANVAS, role) for role in ("inspect-attention", "inspect-similarity")}
    assert len(set(shown.values())) == 2
    move(page, "inspect-block", 2)
    assert page.evaluate(CANVAS, "inspect-attention") != shown["inspect-attention"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    patch.get_by_role("button", name="Close").click()
    expect(patch).to_be_hidden()
