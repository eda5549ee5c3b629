"""Links in a real browser: the address follows the page, a link brings the screen back, nonsense is left out."""

import re

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, changed, move, pixels, settle, upload

STATUS = '[data-role="status"]'
ALERT = '[data-role="message"]'


def address(page, part: str) -> str:
    """Wait until the query of the address holds this -> the query."""
    page.wait_for_function("part => location.search.includes(part)", arg=part)
    return page.evaluate("location.search.slice(1)")


def test_a_link_brings_the_screen_back_while_the_server_keeps_the_image(open_page, tmp_path):
    image = str(tmp_path / "unseen.png")  # other tests have asked for links to theirs
    small = np.random.default_rng(17).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(image)
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    upload(page, image)
    page.locator(".class-row").filter(has_text="evil").click()
    move(page, "loops", 1)
    move(page, "threshold", 0.42)
    page.locator('[data-role="colormap"]').select_option("magma")
    settle(page)
    query = address(page, "cm=magma")
    assert query.startswith("__theme=light&v=1&pic=sha.")  # what is not ours stays
    assert len(query) < 500
    other = open_page(query=query.removeprefix("__theme=light&"))
    expect(other.locator(ALERT)).to_contain_text("no longer on the server")  # no link has been made yet
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator('[data-role="permalink-note"]')).to_have_text(
        "Link copied. The server keeps the image for an hour."
    )
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("?" + query.removeprefix("__theme=light&"))
    other.goto(link)
    other.wait_for_selector(SHOWN)
    expect(other.locator('[data-role="threshold-value"]')).to_contain_text("42 %")
    settle(other)
    assert other.evaluate("location.search.slice(1)") == query.removeprefix("__theme=light&")
    assert changed(pixels(page), pixels(other)) == set()
    expect(other.locator(ALERT)).to_be_hidden()
    assert other.title() == "CRT explorer"


def test_the_settings_of_a_dead_link_wait_for_the_next_image(open_page, image):
    page = open_page(query=f"v=1&pic=sha.{'0' * 32}&s=224&m=non-overlap&l=1&r=0&zzz=%3Cimg%3E&th=9")
    alert = page.locator(ALERT)
    expect(alert).to_contain_text("no longer on the server")
    expect(alert).to_contain_text("“zzz” is not known; th=“9” is no number from 0 to 1.")
    upload(page, image)
    expect(page.locator(STATUS)).to_contain_text("Input 224 × 168 px")
    expect(page.locator(STATUS)).to_contain_text("non-overlap")
    expect(page.locator('[data-role="loops-value"]')).to_have_text("1")
    expect(page.locator('[data-role="refined"]')).not_to_be_checked()
    address(page, "l=1&r=0")


def test_settings_chosen_elsewhere_need_no_stored_image(open_page, image):
    page = open_page()
    upload(page, image)
    page.evaluate(
        "document.querySelector('.crt-viewer').dispatchEvent("
        "new CustomEvent('crt-settings', { detail: { size: 224, mode: 'bilinear' } }))"
    )
    expect(page.locator(STATUS)).to_contain_text("Input 224 × 168 px")
    expect(page.locator(STATUS)).to_contain_text("bilinear")
    expect(page.get_by_label("Cut-merge mode")).to_have_value("bilinear")
    address(page, "s=224&m=bilinear")
    page.evaluate(
        "document.querySelector('.crt-viewer').dispatchEvent("
        "new CustomEvent('crt-settings', { detail: { size: '${evil}', mode: null } }))"
    )
    settle(page)
    expect(page.locator(STATUS)).to_contain_text("Input 224 × 168 px")


def test_without_a_clipboard_the_link_can_be_copied_by_hand_and_a_frame_informs_its_page(open_page, image):
    page = open_page()
    upload(page, image)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy link").click()
    field = page.get_by_label("Link to this view")
    expect(field).to_be_visible()
    expect(field).to_have_value(re.compile(r"\?v=1&pic=sha\.[0-9a-f]{32}&s="))
    assert page.evaluate("document.activeElement.selectionEnd") == len(field.input_value())
    expect(page.locator('[data-role="live-region"]')).to_contain_text("Copy the link")
    page.evaluate(
        "url => { window.reported = []; addEventListener('message', ({ data }) => reported.push(data.queryString));"
        " const frame = document.createElement('iframe'); frame.src = url; document.body.append(frame); }",
        field.input_value().split("&s=")[0],
    )
    page.wait_for_function("reported.some(query => query?.match(/^[?]v=1&pic=sha.*&s=/))")
