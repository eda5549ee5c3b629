"""Where things are: the CAMs fill the window, and what changes them is beside them or, on a phone, below them."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import open_tab, settle, upload

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


def test_a_phone_shows_the_first_map_on_its_first_screen(open_page, image):
    page = open_page(width=390)
    page.set_viewport_size({"width": 390, "height": 844})
    upload(page, image)
    tabs = page.get_by_role("tablist").bounding_box()
    assert tabs is not None and tabs["y"] + tabs["height"] == pytest.approx(844, abs=1), "the tabs are at the bottom"
    first, second = page.locator(".panels .panel").evaluate_all(BOXES)[:2]
    canvas = page.locator(".panels canvas.map").first.bounding_box()
    assert canvas is not None and canvas["y"] + canvas["height"] / 2 < tabs["y"]
    assert second[0] > first[0] and second[1] == first[1], "the next one is beside it"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    loops = page.locator('[data-role="loops"]').bounding_box()
    assert loops is not None and loops["y"] > canvas["y"]


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
