"""Two maps against each other: swipe, blink, difference, and two settings of one method."""

import base64
import io

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import move, settle, upload

CANVAS = 'canvas[data-method="compare"]'


def view(page, name: str) -> None:
    page.get_by_role("radio", name=name).check()
    settle(page)


def colours(page) -> np.ndarray:
    """(H, W, 3) of the compared map as it is drawn."""
    url = page.locator(CANVAS).evaluate("canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"), dtype=np.int16)


def opened(open_page, image, width=1440, **options):
    page = open_page("light", width, **options)
    upload(page, image)
    page.locator('[data-role="outline"]').uncheck()
    page.locator('[data-role="overlay"]').select_option("heat")  # colours alone, however small the values
    settle(page)
    return page


def test_swipe_shows_a_at_the_left_and_b_at_the_right_of_a_divider_that_keys_and_pointers_move(open_page, image):
    page = opened(open_page, image)
    view(page, "Swipe")
    half = colours(page)
    divider = page.get_by_role("slider", name="Divider between A and B")
    divider.focus()
    page.keyboard.press("Home")
    settle(page)
    only_b = colours(page)
    page.keyboard.press("End")
    settle(page)
    only_a = colours(page)
    middle = half.shape[1] // 2
    np.testing.assert_allclose(half[:, : middle - 1], only_a[:, : middle - 1], atol=2)
    np.testing.assert_allclose(half[:, middle + 1 :], only_b[:, middle + 1 :], atol=2)
    assert np.abs(only_a - only_b).max() > 50
    expect(divider).to_have_attribute("aria-valuenow", "100")
    page.get_by_role("button", name="Swap A and B").click()
    settle(page)
    np.testing.assert_array_equal(colours(page), only_b)
    divider.focus()
    page.keyboard.press("PageDown")
    settle(page)
    stage = page.locator(".panel.compare .stage").bounding_box()
    handle = divider.locator("i").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.25, stage["y"] + 20, steps=4)
    page.mouse.up()
    settle(page)
    assert abs(int(divider.get_attribute("aria-valuenow")) - 25) <= 1
    expect(divider).to_have_attribute("aria-valuetext", "25 %: CRT, 2 loops, refined at the left, ResNet at the right")


def test_difference_is_signed_and_nothing_for_the_same_map(open_page, image):
    page = opened(open_page, image)
    view(page, "Difference")
    expect(page.locator(".panel.compare h3")).to_have_text("ResNet − CRT, share of own maximum")
    expect(page.locator(".panel.compare .scale .unit").first).to_have_text("share of own maximum")
    move(page, "opacity", 1)
    forward = colours(page).astype(float)
    low, high = (page.locator(f".panel.compare .{end}").first.text_content() for end in ("low", "high"))
    assert low.split()[0].lstrip("−") == high.split()[-1].lstrip("+")
    page.get_by_role("button", name="Swap A and B").click()
    settle(page)
    backward = colours(page).astype(float)
    warm = forward[..., 0] - forward[..., 2]  # orange is above, blue below
    assert warm.max() > 40
    assert warm.min() < -40
    assert np.corrcoef(warm.ravel(), (backward[..., 0] - backward[..., 2]).ravel())[0, 1] < -0.9


def test_two_settings_of_one_method_are_compared_and_stay_as_they_are(open_page, image):
    page = opened(open_page, image)
    view(page, "Difference")
    page.locator('[data-role="a-method"]').select_option("crt")
    settle(page)
    expect(page.locator(".panel.compare .none")).to_have_text("No difference")
    page.locator('[data-role="a-loops"]').select_option("0")
    page.locator('[data-role="b-loops"]').select_option("3")
    settle(page)
    title, unit = page.locator(".panel.compare h3"), page.locator(".panel.compare .scale .unit").first
    expect(title).to_have_text("CRT: A − B, share of own maximum")
    page.locator('[data-role="difference-unit"]').select_option(label="raw values")
    expect(title).to_have_text("CRT: A − B, raw CAM × attention")
    expect(unit).to_have_text("raw CAM × attention")
    page.locator('[data-role="a-refined"]').select_option("off")  # no unit in common, and the title says which it is
    expect(title).to_have_text("CRT: A − B, share of own maximum")
    page.locator('[data-role="a-refined"]').select_option("as set")
    expect(title).to_have_text("CRT: A − B, raw CAM × attention")
    expect(page.locator(".panel.compare .none")).to_be_hidden()
    before = colours(page)
    move(page, "loops", 1)  # both sides have their own
    np.testing.assert_array_equal(colours(page), before)


def test_the_blink_alternates_and_can_be_paused(open_page, image):
    page = opened(open_page, image)
    view(page, "Blink")
    title = page.locator(".panel.compare h3")
    page.locator('[data-role="blink-rate"]').select_option("2")
    expect(title).to_contain_text("B: CRT")
    expect(title).to_contain_text("A: ResNet")
    page.get_by_role("button", name="Pause the blink").click()
    settle(page)
    kept = title.text_content()
    page.wait_for_timeout(1300)
    assert title.text_content() == kept
    page.get_by_role("button", name="Show the other").click()
    expect(title).not_to_have_text(kept)


def test_comparing_fits_a_phone(open_page, image):
    page = opened(open_page, image, 390)
    for name in ("Swipe", "Blink", "Difference"):
        view(page, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        box = page.locator(f".panel.compare {CANVAS}").bounding_box()
        assert box["width"] > 300
    view(page, "Side by side")
    expect(page.locator(".panel")).to_have_count(3)
