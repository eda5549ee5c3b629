"""The guided tour and the gallery in a real browser."""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, changed, move, pixels, settle, upload


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_five_steps_point_explain_and_leave_everything_as_it_was(open_page, image, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    move(page, "loops", 2)
    page.wait_for_function("new URLSearchParams(location.search).get('l') === '2'")  # the address follows
    before, state = pixels(page), page.evaluate("location.search")
    page.get_by_role("button", name="Tour").click()
    card = page.get_by_role("dialog", name=re.compile("."))
    titles, pointed = [], []
    for step in range(1, 6):
        expect(card).to_contain_text(f"Step {step} of 5")
        expect(card.get_by_role("heading")).to_be_focused()
        titles.append(card.get_by_role("heading").inner_text())
        assert card.locator("#crt-tour-text").inner_text().count(". ") == 1, "two sentences"
        target = page.locator(".tour-target")
        expect(target).to_have_count(1)
        expect(target).to_be_in_viewport()
        expect(card.get_by_role("button", name="Next" if step < 5 else "Done")).to_be_in_viewport()
        pointed.append(target.get_attribute("class"))
        if step == 4:
            expect(page.locator('[data-role="loops-value"]')).to_have_text("3")
            expect(card).to_contain_text("%")
        if step == 3:
            expect(card).to_contain_text("64 × 64 pixels")
        card.get_by_role("heading").press("ArrowRight")
    assert len(set(titles)) == 5
    assert len(set(pointed)) == 5
    card.get_by_role("button", name="Done").click()
    expect(card).to_be_hidden()
    expect(page.get_by_role("button", name="Tour")).to_be_focused()
    settle(page)
    assert changed(before, pixels(page)) == set()
    page.wait_for_function("state => location.search === state", arg=state)
    page.get_by_role("button", name="Tour").click()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_image_that_comes_during_the_tour_has_its_own_class(open_page, image, tmp_path):
    other = str(tmp_path / "other.png")
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(other)
    chosen = ".class-row[aria-pressed=true] .name"
    first = open_page()
    upload(first, other)
    top = first.locator(chosen).inner_text()
    page = open_page()  # of another session, so that its run of the other image comes in parts
    upload(page, image)
    page.locator(".class-row .name").filter(has_not_text=top).first.click()
    expect(page.locator(chosen)).not_to_have_text(top)
    page.get_by_role("button", name="Tour").click()
    page.set_input_files("#crt-image input[type=file]", other)
    expect(page.locator("#crt-tour-text")).to_contain_text(f"evidence for {top} (p ")
    page.keyboard.press("Escape")
    settle(page)
    expect(page.locator(chosen)).to_have_text(top)


def test_a_card_of_the_gallery_names_what_it_shows_and_sets_it(open_page):
    page = open_page()
    card = page.locator(".example").filter(has_text="photographer")
    claim = card.locator(".example-claim").inner_text()
    card.click()
    page.wait_for_selector(SHOWN)
    line = page.locator('[data-role="claim"]')
    expect(line).to_have_text(claim)
    move(page, "threshold", 0.3)
    expect(line).to_have_text(re.compile(r"^person at a threshold of 30 %: .*CRT, \d loops, refined(, IoU \d+ %)?$"))
    expect(page.locator(".class-row[aria-pressed=true]")).to_contain_text("person")
    page.wait_for_function("location.search.includes('p=tscam.crt')")
    assert page.locator("canvas.map").count() >= 2
    page.locator('[data-role="colormap"]').select_option("magma")
    page.locator(".example").filter(has_text="every loop").click()
    page.wait_for_function("location.search.includes('pic=ex.motorcycle')")
    expect(page.locator('[data-role="loops-value"]')).to_have_text("4")
    expect(page.locator('[data-role="colormap"]')).to_have_value("magma")  # a choice of the user's own
    assert page.locator('[data-role="panels"]').evaluate("node => node.getBoundingClientRect().top < innerHeight")
