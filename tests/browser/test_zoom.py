"""One zoom and one crosshair for all maps: wheel, drag, keys, two fingers; and clicks that are passed on."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, changed, pixels, settle, upload

PICKS = """() => {
  window.picks = [];
  document.querySelector('.crt-viewer').addEventListener('crt-pick', ({ detail }) => window.picks.push(detail));
}"""


def zoom_of(page) -> float:
    return float(page.locator('[data-role="zoom-value"]').text_content().rstrip("×"))


def test_all_maps_zoom_and_pan_together_and_positions_stay_right(open_page, image):
    page = open_page()
    upload(page, image)
    page.evaluate(PICKS)
    whole = pixels(page)
    stage = page.locator(".panel.crt .stage")
    box = stage.bounding_box()
    at = (box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.move(*at)
    position = page.locator('[data-role="readout-position"]')
    before = position.text_content()
    page.mouse.wheel(0, -120)  # without Ctrl or focus the page scrolls
    page.wait_for_timeout(200)
    assert zoom_of(page) == 1
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(*at)
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    settle(page)
    assert zoom_of(page) > 2
    assert changed(whole, pixels(page)) == {"crt", "tscam", "resnet"}
    page.mouse.move(at[0] + 1, at[1])
    assert [int(part) for part in re.findall(r"\d+", position.text_content())] == pytest.approx(
        [int(part) for part in re.findall(r"\d+", before)], abs=2
    )  # what was under the pointer is still there
    zoomed = pixels(page)
    page.mouse.down()
    page.mouse.move(at[0] + 60, at[1] + 30, steps=4)
    page.mouse.up()
    settle(page)
    assert changed(zoomed, pixels(page)) == {"crt", "tscam", "resnet"}
    assert page.evaluate("window.picks") == []  # that was no click
    page.mouse.move(at[0] + 60, at[1] + 30)
    assert [int(part) for part in re.findall(r"\d+", position.text_content())] == pytest.approx(
        [int(part) for part in re.findall(r"\d+", before)], abs=3
    )  # the image came along
    page.mouse.click(at[0] + 60, at[1] + 30)
    [pick] = page.evaluate("window.picks")
    assert pick["method"] == "crt"
    assert (pick["x"], pick["y"]) == pytest.approx((0.3, 0.6), abs=0.02)
    page.locator('[data-role="inspect-close"]').click()  # with the mark of the patch on the maps
    page.get_by_role("button", name="Reset").click()
    settle(page)
    page.mouse.move(0, 0)
    settle(page)
    assert changed(whole, pixels(page)) == set()


def test_keys_zoom_pan_and_pick(open_page, image):
    page = open_page()
    upload(page, image)
    page.evaluate(PICKS)
    page.get_by_role("application", name="TS-CAM: arrow keys").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    settle(page)
    assert zoom_of(page) == 1.5
    expect(page.locator('[data-role="live-region"]')).to_contain_text("Zoom 1.5")
    before = pixels(page)
    page.keyboard.press("Shift+ArrowLeft")
    settle(page)
    assert changed(before, pixels(page)) == {"crt", "tscam", "resnet"}
    page.keyboard.press("Enter")
    [pick] = page.evaluate("window.picks")
    assert (pick["method"], pick["x"], pick["y"]) == ("tscam", pytest.approx(0.525), 0.5)
    page.keyboard.press("0")
    settle(page)
    assert zoom_of(page) == 1


def test_two_fingers_zoom_and_one_touch_reads(open_page, image):
    page = open_page("light", 390, has_touch=True)
    upload(page, image)
    stage = page.locator(".panel.resnet .stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.touchscreen.tap(*middle)
    expect(page.locator('[data-role="readout-position"]')).to_contain_text("of 160 × 120 px")
    assert page.locator(".scale .value:not(:empty)").count() == 3
    touch = page.context.new_cdp_session(page)

    def send(kind: str, apart: float) -> None:
        points = [{"x": middle[0] + sign * apart, "y": middle[1], "id": index} for index, sign in enumerate((-1, 1))]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    send("touchStart", 20)
    for apart in (30, 40, 60):
        send("touchMove", apart)
    send("touchEnd", 0)
    settle(page)
    assert zoom_of(page) == pytest.approx(3, abs=0.2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


ROW = """() => {
  const canvas = document.querySelector('canvas[data-method="crt"]');
  return [...canvas.getContext('2d').getImageData(0, Math.round(canvas.height / 2), canvas.width, 1).data];
}"""


def test_the_outline_of_the_mask_is_where_the_image_is_magnified(open_page):
    page = open_page()
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    page.locator('[data-role="outline"]').uncheck()

    def positions() -> np.ndarray:
        """Where the outline crosses the middle row, from 0 to 1 of the canvas."""
        rows = []
        for wanted in (True, False):
            page.locator('[data-role="ground_truth"]').set_checked(wanted)
            settle(page)
            rows.append(np.array(page.evaluate(ROW)).reshape(-1, 4))
        differs = np.flatnonzero((rows[0] != rows[1]).any(1))
        return differs / len(rows[0])

    whole = positions()
    page.get_by_role("button", name="Zoom in").click()
    zoomed = positions()
    expected = 1.5 * (whole - 0.5) + 0.5
    expected = expected[(expected > 0.02) & (expected < 0.98)]
    assert len(expected)
    assert np.abs(expected[:, None] - zoomed[None]).min(1).max() < 0.02
    assert np.abs(zoomed[:, None] - (1.5 * (whole - 0.5) + 0.5)[None]).min(1).max() < 0.02


def test_a_still_pointer_does_not_undo_what_the_keys_did(open_page, image):
    page = open_page()
    upload(page, image)
    stage = page.get_by_role("application", name="CRT: arrow keys")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    stage.focus()
    page.keyboard.press("ArrowRight")
    position = page.locator('[data-role="readout-position"]')
    before = position.text_content()
    stage.evaluate(  # what a browser tells when the page has scrolled below the pointer
        "(stage, [clientX, clientY]) => stage.dispatchEvent(new PointerEvent('pointermove', { clientX, clientY }))",
        [box["x"] + 40, box["y"] + 60],
    )
    assert position.text_content() == before
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    expect(position).not_to_have_text(before)


def test_a_finger_held_on_a_map_shows_the_image_until_it_is_lifted(open_page, image):
    page = open_page(width=390)
    upload(page, image)
    heat = pixels(page)
    stage = page.locator(".panel.crt .stage")
    finger = {"pointerType": "touch", "isPrimary": True, "pointerId": 7, "button": 0, "bubbles": True}
    stage.dispatch_event("pointerdown", finger | {"clientX": 100, "clientY": 500})
    page.wait_for_function(
        "before => document.querySelector('canvas[data-method=crt]').toDataURL() !== before", arg=heat["crt"]
    )
    held = pixels(page)
    assert held["crt"] == held["tscam"] == held["resnet"], "the same image in all panels"
    stage.dispatch_event("pointerup", finger | {"clientX": 100, "clientY": 500})
    settle(page)
    assert pixels(page) == heat
    expect(page.locator('[data-role="inspect"]')).to_be_hidden()
