"""Where things are: the CAMs fill the window, and what changes them is beside them or, on a phone, below them."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, boxes_of, changed, move, open_tab, pixels, settle, upload
from tests.browser.test_input_note import texts_cut
from tests.helpers.narrow import present

SHAPES = {"landscape": (90, 160), "square": (120, 120), "portrait": (160, 90)}
BOXES = (
    "nodes => nodes.map(node => node.getBoundingClientRect()).map(({ x, y, width, height }) => [x, y, width, height])"
)


@pytest.fixture(params=SHAPES)
def shaped(request, tmp_path) -> str:
    path = tmp_path / f"{request.param}.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (*SHAPES[request.param], 3), dtype=np.uint8)).save(path)
    return str(path)


def test_a_laptop_shows_three_or_four_panels_in_one_row_with_the_controls_beside_them(open_page, shaped):
    page = open_page()
    upload(page, shaped)
    for count in (3, 4):
        if count == 4:
            page.locator('.chip[data-name="crt_cnn"]').click()
            settle(page)
        boxes = page.locator(".panels .panel").evaluate_all(BOXES)
        assert len(boxes) == count
        assert len({round(y) for _, y, _, _ in boxes}) == 1, "one row"
        assert max(y + height for _, y, _, height in boxes) <= 900
    for role in ("loops", "refined", "threshold"):
        expect(page.locator(f'[data-role="{role}"]')).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 1440


@pytest.mark.parametrize("view", ["swipe", "blink", "difference"])
def test_a_comparison_of_two_maps_is_whole(open_page, shaped, view):
    page = open_page()
    upload(page, shaped)
    page.locator(f'input[name="crt-view"][value="{view}"]').check()
    settle(page)
    boxes = page.locator(".panels .panel").evaluate_all(BOXES)
    assert len({round(y) for _, y, _, _ in boxes}) == 1, "one row"
    assert all(y > 0 and y + height <= 900 for _, y, _, height in boxes), boxes


def test_what_is_below_the_maps_stays_where_it_is_when_the_pointer_leaves_them(open_page, image):
    page = open_page(width=1000)
    upload(page, image)
    button = page.get_by_text("Mask PNG", exact=True)
    page.locator(".panel.crt .stage").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-role="readout"]')).to_have_attribute("data-active", "yes")
    with_numbers = button.bounding_box()
    page.locator(".panel.crt .stage").blur()
    expect(page.locator('[data-role="readout"]')).to_have_attribute("data-active", "no")
    assert button.bounding_box() == with_numbers


def test_the_settings_of_a_laptop_are_in_sight_and_the_input_is_folded_unless_it_was_opened(open_page, image):
    page = open_page()
    page.reload()  # with the groups as they are at first
    page.wait_for_selector(".crt-viewer[data-tab]")
    fields = page.locator(".inspector .fields")
    expect(fields).to_have_attribute("open", "")
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    expect(page.locator('[data-role="threshold-curve"]')).to_be_visible()
    expect(fields).not_to_have_attribute("open", "")
    shown = page.locator(".inspector").locator("input:visible, button:visible, summary:visible")
    assert shown.count() > 10
    for control in shown.all():
        expect(control).to_be_in_viewport(ratio=1)
    assert page.locator(".inspector").evaluate("node => node.scrollTop === 0 && node.scrollHeight <= node.clientHeight")
    assert page.evaluate("scrollY") == 0
    fields.locator("summary").click()
    upload(page, image)
    expect(fields).to_have_attribute("open", "")


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_moves_while_the_loops_change(open_page, width):
    page = open_page(width=width)
    page.locator(".example").filter(has_text="photographer").click()
    page.wait_for_selector(SHOWN)
    settle(page)
    assert page.locator('[data-role="claim"]').is_visible()
    boxes = []
    for loops in (2, 0, 1, 3, 4):
        move(page, "loops", loops)
        boxes.append(page.locator(".panels, #crt-threshold, .class-row, .workspace").evaluate_all(BOXES))
    assert all(one == boxes[0] for one in boxes)


def test_a_phone_shows_the_first_map_on_its_first_screen(open_page, image):
    page = open_page(width=390)
    page.set_viewport_size({"width": 390, "height": 844})
    upload(page, image)
    panels, slider = page.locator(".panels .panel"), page.locator('[data-role="loops"]')
    tabs, canvas, loops, first, second = boxes_of(
        page.get_by_role("tablist"), page.locator(".panels canvas.map").first, slider, panels.nth(0), panels.nth(1)
    )
    assert tabs["y"] + tabs["height"] == pytest.approx(844, abs=1), "the tabs are at the bottom"
    assert canvas["y"] + canvas["height"] / 2 < tabs["y"]
    assert second["x"] > first["x"] and second["y"] == first["y"], "the next one is beside it"
    assert loops["y"] > canvas["y"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_settings_of_a_phone_are_in_a_sheet_below_the_map_that_they_change(open_page, image):
    page = open_page(width=390)
    page.set_viewport_size({"width": 390, "height": 844})
    upload(page, image)
    sheet = page.get_by_role("group", name="More settings")
    panels, loops, hint = boxes_of(*(page.locator(where) for where in (".panels", "#crt-loops", ".under-stage")))
    assert panels["y"] + panels["height"] < loops["y"] < hint["y"]
    expect(sheet).to_be_hidden()
    more = page.get_by_role("button", name="More settings")
    more.click()
    expect(sheet).to_be_visible()
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    stage, box, tabs = boxes_of(page.locator(".panels .stage").first, sheet, page.get_by_role("tablist"))
    assert stage["y"] >= 0 and stage["y"] + stage["height"] / 2 < box["y"], "the map is in sight"
    assert box["y"] + box["height"] == pytest.approx(tabs["y"], abs=1)
    before = pixels(page)
    sheet.get_by_label("Raw resolution").check()
    settle(page)
    assert changed(before, pixels(page)) == {"resnet", "tscam", "crt"}
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(more).to_be_focused()
    more.click()
    open_tab(page, "Layers")
    expect(sheet).to_be_hidden()
    open_tab(page, "Explore")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(more).to_be_hidden()
    expect(page.get_by_label("Raw resolution")).to_be_visible()


def test_a_finger_swipes_to_the_next_map(open_page, image):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    upload(page, image)
    box = present(page.locator(".panel.resnet .stage").bounding_box())
    touch = page.context.new_cdp_session(page)

    def send(kind: str, x: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": box["y"] + 60}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", 320)
    for x in range(300, 20, -20):
        send("touchMove", x)
        settle(page)
    send("touchEnd", 0)
    page.wait_for_function(
        "() => { const { left, right } = document.querySelector('.panel.tscam').getBoundingClientRect();"
        " return left >= 0 && right <= innerWidth; }"
    )


def test_the_draw_tools_of_a_phone_are_on_the_map_in_the_middle(open_page, image):
    page = open_page(width=390)
    upload(page, image)
    tools = page.get_by_role("group", name="Draw ground truth")
    row = page.locator(".panels")
    for place, name in enumerate(("resnet", "tscam", "crt")):
        row.evaluate("(node, place) => { node.scrollLeft = place * node.scrollWidth / 3; }", place)
        page.wait_for_function(  # the row snaps to a panel
            "name => { const { left, right } = document.querySelector(`.panel.${name}`).getBoundingClientRect();"
            " return left >= 0 && right <= innerWidth; }",
            arg=name,
        )
        bar, panel = boxes_of(tools, page.locator(f".panel.{name}"))
        assert panel["x"] < bar["x"] and bar["x"] + bar["width"] < panel["x"] + panel["width"]


def test_a_notice_moves_nothing_and_goes_by_itself(open_page, image):
    page = open_page()
    upload(page, image)
    places = page.locator("[role=tab], .actions button, .panel")
    before = places.evaluate_all(BOXES)
    page.get_by_role("button", name="Export").click()
    page.get_by_role("menuitem", name="PNG").click()
    note = page.locator('[data-role="export-note"]')
    page.wait_for_function(
        "note => note.checkVisibility() && note.textContent.includes('.png,')", arg=note.element_handle()
    )
    assert places.evaluate_all(BOXES) == before
    expect(note).to_be_hidden()  # after ten seconds


@pytest.mark.parametrize("width", [768, 1440])
def test_the_titles_maps_and_colour_bars_of_a_row_are_in_line_and_whole(open_page, width):
    page = open_page(width=width)
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    expect(page.locator(".panel .iou").filter(has_text="IoU")).to_have_count(3)
    settle(page)
    assert texts_cut(page) == []
    for view in ("side", "difference"):
        page.locator(f'input[name="crt-view"][value="{view}"]').check()
        settle(page)
        for part in ("header", ".stage", ".scale:not([hidden]) .rampbox"):
            boxes = page.locator(f".panels .panel > {part}").evaluate_all(BOXES)
            assert len(boxes) == 3
            assert len({round(y) for _, y, _, _ in boxes}) == 1, part


@pytest.mark.parametrize("width", [768, 1440, 1920])
def test_the_headers_of_four_panels_are_whole(open_page, width):
    page = open_page(width=width)
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    page.locator('.chip[data-name="crt_cnn"]').click()
    move(page, "loops", 4)
    expect(page.locator(".panel .iou").filter(has_text="IoU")).to_have_count(4)
    settle(page)
    assert texts_cut(page) == []


def test_a_phone_says_that_several_classes_are_shown_as_their_maximum(open_page, image):
    page = open_page(width=390)
    upload(page, image)
    page.get_by_text("Select multiple").click()
    page.locator('.class-row[aria-pressed="false"]').last.click()
    line = page.get_by_text("(maximum of their CAMs)").locator("visible=true")
    expect(line).to_have_count(1)
    expect(line).to_be_in_viewport()
    page.locator('.class-row[aria-pressed="true"]').last.click()
    expect(line).to_have_count(0)


def test_the_iou_of_each_loop_count_is_below_its_stop_and_apart_from_the_next(open_page):
    page = open_page()
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    numbers = page.locator('[data-role="loops-iou"] li > span:last-child')
    expect(numbers).to_have_count(5)
    loops, *below = boxes_of(page.locator('[data-role="loops"]'), *numbers.all())
    for stop, box in enumerate(below):  # the thumb is 16 px wide
        assert box["x"] + box["width"] / 2 == pytest.approx(loops["x"] + 8 + stop * (loops["width"] - 16) / 4, abs=1)
    assert all(after["x"] - before["x"] - before["width"] >= 6 for before, after in pairwise(below))


def test_a_tab_has_one_threshold_where_it_is_of_use(open_page, image):
    page = open_page()
    upload(page, image)
    for tab, count in (("Explore", 1), ("Ablate", 1), ("Layers", 0), ("Masks", 1)):
        open_tab(page, tab)
        expect(page.get_by_role("slider", name="Threshold", exact=True)).to_have_count(count)


def test_what_needs_no_image_can_be_opened_before_there_is_one(open_page):
    page = open_page()
    for name in ("Copy link", "Tour", "Export"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    open_tab(page, "Results")
    expect(page.locator('[data-role="results"] h4').first).to_be_visible()
    expect(page.locator(".examples")).to_be_hidden()
    open_tab(page, "Explore")
    expect(page.locator(".examples")).to_be_visible()
    page.get_by_role("button", name="Scenes").click()
    drawer = page.get_by_role("dialog", name="Scenes")
    expect(drawer.get_by_role("button", name="Add scene")).to_be_disabled()
    drawer.get_by_role("button", name="Close").click()


def test_the_examples_are_presented_from_an_empty_page_which_is_empty_again(open_page):
    page = open_page()
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector('.crt-viewer[data-present="on"]')
    expect(page.locator(".panel.crt")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator('.crt-viewer[data-state="empty"]')).to_be_visible()
    expect(page.locator(".panels")).to_be_hidden()
