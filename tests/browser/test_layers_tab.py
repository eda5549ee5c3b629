"""The Layers tab: attention of every block and pass, heads and rollout, the blocks that refine, and one patch."""

import pytest
from playwright.sync_api import expect

from app.cli import AppConfig
from tests.browser.driver import SHOWN, boxes_of, changed, move, new_page, open_tab, pixels, settle, upload
from tests.browser.faults import Queue
from tests.helpers.tiny import tiny_checkpoint

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
    matrix = page.get_by_role("grid")
    assert matrix.get_by_role("columnheader").all_inner_texts() == ["Block", "Pass 1", "Pass 2", "Pass 3", "Pass 4"]
    expect(matrix.get_by_role("rowheader")).to_have_count(6)
    expect(matrix.get_by_role("row").nth(2).get_by_role("gridcell")).to_have_count(4)
    tops = [box["y"] for box in boxes_of(*cells.all())]
    assert tops == sorted(tops) and len(set(tops)) == 6  # a row for each block
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
          cell.style.width = '44px';  // narrower than any cell
          const number = cell.querySelector('.layers-value');
          number.textContent = '0.0000066';
          const { right, bottom } = cell.getBoundingClientRect();
          const range = document.createRange();
          range.selectNodeContents(number);
          return [...range.getClientRects()].some(box => box.right > right || box.bottom > bottom);
        }"""
    )
    assert not over


HERE = "() => [document.activeElement.dataset.row, document.activeElement.dataset.column].join()"


def test_the_matrix_is_one_stop_and_arrow_keys_lead_through_it(open_page, image):
    page = opened(open_page, image, "light", 1440)
    stop, large = page.get_by_role("grid").locator('button[tabindex="0"]'), page.locator('[data-role="layers-large"]')
    expect(stop).to_have_count(1)
    stop.focus()
    assert page.evaluate(HERE) == "0,1"
    for key, place in (
        ("ArrowDown", "1,1"), ("ArrowRight", "1,2"), ("Control+End", "5,4"), ("ArrowDown", "5,4"), ("Home", "5,0"),
        ("ArrowUp", "4,0"), ("End", "4,4"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert page.evaluate(HERE) == place
        expect(stop).to_have_count(1)
    expect(large).to_be_hidden()
    page.keyboard.press("Enter")
    expect(large).to_be_visible()
    expect(page.locator('[data-role="layers-large-words"]')).to_contain_text("Block 5, pass 4, mean of all heads")
    expect(page.get_by_role("gridcell", selected=True)).to_have_count(1)
    assert page.evaluate(HERE) == "4,4"
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    assert page.evaluate(HERE) == "4,4"
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.locator('[data-role="layers-used"]')).to_have_text("Blocks 5 to 5 of 6")
    assert page.evaluate(HERE) == "4,0"
    page.keyboard.press("Tab")
    assert page.evaluate(HERE) != "4,1"


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_cell_is_enlarged_in_its_place_and_pinned_without_leaving_the_tab(open_page, image, theme, width):
    page = opened(open_page, image, theme, width)
    cells, large = page.locator(".layers-cell"), page.locator('[data-role="layers-large"]')
    for number in (9, 14, 1):  # further down, and up again
        cell = cells.nth(number)
        cell.evaluate("node => node.scrollIntoView()")  # at the upper edge, with room below it
        [before] = boxes_of(cell)
        cell.click()
        expect(cell).to_have_attribute("aria-expanded", "true")
        after, box = boxes_of(cell, large)
        assert abs(after["y"] - before["y"]) < 2  # it stays where it was clicked
        assert 0 <= box["y"] - (after["y"] + after["height"]) < 16
        assert box["width"] > 1.5 * after["width"]
    expect(page.locator('.layers-cell[aria-expanded="true"]')).to_have_count(1)
    button = page.get_by_role("button", name="Pin to Explore")
    button.click()
    expect(page.locator('[data-role="live-region"]')).to_contain_text("pinned to Explore")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.locator(".crt-viewer").get_attribute("data-tab") == "layers"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    open_tab(page, "Explore")
    expect(page.locator(".panel.more")).to_contain_text("block 1, pass 2")
    open_tab(page, "Layers")
    button.click()
    open_tab(page, "Explore")
    expect(page.locator(".panel.more")).to_have_count(0)
    open_tab(page, "Layers")
    large.get_by_role("button", name="Close").click()
    expect(large).to_be_hidden()
    assert page.evaluate(HERE) == "0,2"


SEEN = """name => {
  const node = document.querySelector(`[data-role=${name}]`);
  const { left, right, top, bottom } = node.getBoundingClientRect();
  const corners = [[left + 4, top + 4], [right - 4, bottom - 4]];
  return top >= 0 && corners.every(([x, y]) => node.contains(document.elementFromPoint(x, y)));
}"""
"""Whether an element is in the window, and nothing lies over it."""


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_an_enlarged_cell_at_the_lower_edge_comes_into_view(open_page, image, width, height):
    page = open_page(width=width)
    page.set_viewport_size({"width": width, "height": height})
    upload(page, image)
    open_tab(page, "Layers")
    for number in (9, 23):
        cell = page.locator(".layers-cell").nth(number)
        cell.evaluate("node => scrollBy(0, node.getBoundingClientRect().top - innerHeight + 20)")
        cell.evaluate("node => node.click()")  # most of it is below the window
        for name in ("layers-large-words", "layers-pin", "layers-large-close", "layers-large-map"):
            page.wait_for_function(SEEN, arg=name)
        large = page.locator('[data-role="layers-large-map"] canvas').bounding_box()
        assert large and large["height"] <= height / 2
        page.locator('[data-role="layers-large-close"]').click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_passes_of_the_loop_count_are_marked(open_page, image):
    page = opened(open_page, image, "light", 1440)
    note, taken = page.locator('[data-role="layers-note"]'), page.locator('.layers-title[data-used="yes"]')
    expect(note).to_contain_text("largest share of the class token's attention that one patch has")
    for loops, passes in ((3, 3), (1, 1), (0, 1)):
        move(page, "loops", loops)
        expect(taken).to_have_text([f"Pass {k + 1}" for k in range(passes)])
        expect(page.locator('.layers-place[data-used="no"]')).to_have_count(6 * (4 - passes))
        expect(note).to_contain_text(f"of which {loops} loop")
    page.locator('[data-role="layers-method"]').select_option(label="TS-CAM")
    expect(taken).to_have_text(["Pass 1"])


def test_the_controls_of_the_tab_are_large_enough_for_a_finger(open_page, image):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    upload(page, image)
    open_tab(page, "Layers")
    page.locator(".layers-cell").first.click()
    sizes = page.evaluate(
        "[...document.querySelectorAll('.layers-tab :is(button, select, input)')].filter((one) => one.offsetParent)"
        ".map((one) => one.getBoundingClientRect().height)"
    )
    assert len(sizes) > 30
    assert min(sizes) >= 44


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_heads_of_the_chosen_cell_are_beside_it(open_page, image, theme, width):
    page = opened(open_page, image, theme, width)
    cell = page.locator(".layers-cell").nth(6)
    cell.click()
    heads, load = page.locator(".layers-head"), page.get_by_role("button", name="Show single heads", exact=True)
    expect(page.locator('[data-role="layers-heads-title"]')).to_have_text("Heads of block 2, pass 3")
    queue = Queue(page)
    with queue.hold("load_heads"):
        load.click()
        expect(page.locator('[data-role="layers-heads-skeleton"]')).to_be_visible()
        expect(load).to_be_hidden()
    expect(heads).to_have_count(2)
    expect(page.locator('[data-role="layers-heads-skeleton"]')).to_be_hidden()
    large, panel = boxes_of(*(page.locator(f'[data-role="{role}"]') for role in ("layers-large", "layers-heads")))
    if width > 1000:
        assert panel["x"] >= large["x"] + large["width"]
    else:
        assert panel["y"] >= large["y"] + large["height"]
    matrix = "document.querySelector('.layers-cell canvas').toDataURL()"
    mean = page.evaluate(matrix)
    heads.nth(1).click()
    expect(page.locator('[data-role="layers-head"]')).to_have_value("1")
    expect(page.locator('[data-role="layers-large-words"]')).to_contain_text("head 2")
    settle(page)
    assert page.evaluate(matrix) != mean
    heads.nth(1).click()
    expect(page.locator('[data-role="layers-head"]')).to_have_value("")
    settle(page)
    assert page.evaluate(matrix) == mean
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_address_holds_the_chosen_cell(open_page, image):
    page = opened(open_page, image, "light", 1440)
    page.locator(".layers-cell").nth(7).click()
    page.wait_for_function("location.search.includes('yb=1') && location.search.includes('yp=3')")
    page.locator('[data-role="layers-method"]').select_option(label="TS-CAM")
    expect(page.locator('[data-role="layers-large"]')).to_be_hidden()  # it has one pass
    page.locator('[data-role="layers-method"]').select_option(label="CRT")
    expect(page.locator('[data-role="layers-large"]')).to_be_visible()


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


IN_VIEW = """() => {
  const [inspector, maps] = ['.inspect', '.panels'].map((name) => document.querySelector(name).getBoundingClientRect());
  return maps.top >= -1 && inspector.top < innerHeight && (inspector.bottom <= innerHeight + 1 || maps.top <= 1);
}"""
"""Whether the inspector is seen, as far as it can be without the maps above it leaving the window."""


@pytest.mark.parametrize("width", [390, 1440])
def test_the_inspected_patch_is_marked_on_all_maps_and_the_inspector_is_in_view(open_page, image, width):
    page = open_page(width=width)
    upload(page, image)
    page.mouse.move(1, 1)
    settle(page)
    before = pixels(page)
    page.get_by_role("application", name="CRT: arrow keys").focus()
    for key in ("ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function(IN_VIEW)
    settle(page)
    assert changed(before, pixels(page)) == {"crt", "tscam", "resnet"}
    expect(page.locator('[data-role="inspect-note"]')).to_contain_text("Row")
    page.locator('[data-role="inspect-close"]').click()
    settle(page)
    assert changed(before, pixels(page)) == set()


def test_without_a_transformer_the_tab_says_so_and_offers_nothing(browser, serve, image, tmp_path):
    folder = tiny_checkpoint(tmp_path / "cnn", methods=("resnet",))
    with serve(AppConfig(checkpoint=str(folder), host="127.0.0.1")) as url:
        page = new_page(browser, 1440)
        page.goto(url)
        page.wait_for_selector(".crt-viewer[data-tab]")
        page.set_input_files("#crt-image input[type=file]", image)
        page.wait_for_selector(SHOWN)
        open_tab(page, "Layers")
        expect(page.locator('[data-role="layers-note"]')).to_have_text("This checkpoint has no transformer.")
        expect(page.locator(".layers-tab").get_by_role("button")).to_have_count(0)
        page.close()
