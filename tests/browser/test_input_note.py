"""Very wide and very high images, and files that hold several."""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driver import settle, upload

CUT = """nodes => nodes.filter(one => {
  const own = one.getBoundingClientRect();
  const panel = one.closest('.panel').getBoundingClientRect();
  const across = own.left < panel.left || own.right > panel.right;
  return one.scrollWidth > one.clientWidth + 1 || across || own.top < panel.top || own.bottom > panel.bottom;
}).map(one => `${one.className}: ${one.textContent}`)"""
"""Texts of panels that do not fit into them."""


def strip(folder, height: int, width: int) -> str:
    """A file of a smooth image of this size."""
    small = np.random.default_rng(3).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    path = folder / f"{width}x{height}.png"
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(path)
    return str(path)


def texts_cut(page: Page) -> list[str]:
    shown = ".panel :is(h3, .note, .score, .iou, .unit, .low, .high, p.none):visible"
    return page.locator(shown).evaluate_all(CUT)


def test_a_flat_image_is_named_and_a_larger_size_is_one_click_away(open_page, tmp_path, image):
    page = open_page()
    upload(page, strip(tmp_path, 100, 1300))
    note = page.locator('[data-role="input-note"]')
    expect(note).to_contain_text(
        re.compile(r"The networks get this image of 1300 × 100 px as 336 × 26 px: \d+ × \d patches")
    )
    larger = note.get_by_role("button")
    label = larger.inner_text()
    assert re.fullmatch(r"Use \d{3,4} × \d{2,3} px", label)
    run = page.get_attribute(".crt-viewer", "data-run")
    larger.click()
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    settle(page)
    expect(page.locator('[data-role="status"]')).to_contain_text(label.removeprefix("Use "))
    upload(page, image)
    page.wait_for_function("() => document.querySelector('.panels').dataset.shape === 'plain'")
    expect(note).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("shape", [(100, 1300), (1300, 100)], ids=["flat", "narrow"])
def test_the_texts_of_the_panels_of_a_strip_are_whole(open_page, tmp_path, shape, width):
    page = open_page(width=width)
    upload(page, strip(tmp_path, *shape))
    assert texts_cut(page) == []
    page.locator(".class-row").nth(1).click()
    settle(page)
    assert texts_cut(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pages_that_are_not_used_are_named(open_page, tmp_path):
    pages = [Image.new("RGB", (160, 120), colour) for colour in ("teal", "white")]
    path = tmp_path / "pages.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    page = open_page()
    upload(page, str(path))
    note = page.locator('[data-role="input-note"]')
    expect(note).to_have_text("This file holds several pages: the first one is used.")
    expect(note.get_by_role("button")).to_be_hidden()
