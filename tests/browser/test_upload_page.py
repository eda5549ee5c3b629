"""The upload: what Gradio's own component shows of a file."""

import io
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driver import SHOWN, pixels, settle, upload

PREVIEW = """() => {
  const image = document.querySelector('#crt-image img');
  const seen = image && image.complete && image.naturalWidth > 0 && getComputedStyle(image).visibility !== 'hidden';
  return seen ? image.src : null;
}"""
"""The address of the preview, if it is seen."""


def encoded(folder: Path, kind: str) -> str:
    """A file that no browser decodes."""
    image = np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    path = folder / f"image.{kind}"
    if kind == "heic":
        stream = io.BytesIO()
        pillow_heif.from_pillow(Image.fromarray(image)).save(stream)
        path.write_bytes(stream.getvalue())
    elif kind == "16.tif":  # three channels of 16 bits, which Pillow does not write
        path.write_bytes(cv2.imencode(".tiff", image.astype(np.uint16) * 257)[1].tobytes())
    else:
        Image.fromarray(image).save(path)
    return str(path)


def preview(page: Page) -> str:
    """Wait until the preview is seen -> its address."""
    return page.wait_for_function(PREVIEW).json_value()


@pytest.mark.parametrize("kind", ["tif", "16.tif", "heic"])
def test_the_preview_of_a_file_that_no_browser_decodes_is_the_image_of_the_server(open_page, image, tmp_path, kind):
    page = open_page()
    upload(page, encoded(tmp_path, kind))
    assert preview(page).startswith("data:image/jpeg")
    page.set_input_files("#crt-image input[type=file]", image)
    page.wait_for_function(f"() => !(({PREVIEW})() ?? 'data:').startsWith('data:')")
    page.set_input_files("#crt-image input[type=file]", encoded(tmp_path, kind))
    page.wait_for_function(f"() => (({PREVIEW})() ?? '').startsWith('data:image/jpeg')")


CRT_IS = "before => document.querySelector('canvas[data-method=crt]')?.toDataURL() === before"


def test_an_image_that_was_replaced_or_removed_can_be_brought_back(open_page, image, tmp_path):
    page = open_page()
    undo = page.get_by_role("button", name="Previous image")
    upload(page, image)
    expect(undo).to_be_hidden()
    first = pixels(page)
    run = page.get_attribute(".crt-viewer", "data-run")
    page.set_input_files("#crt-image input[type=file]", encoded(tmp_path, "tif"))
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    expect(undo).to_be_visible()
    undo.click()
    page.wait_for_function(CRT_IS, arg=first["crt"])
    expect(undo).to_be_visible()  # the image is in the upload again
    page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
    page.wait_for_selector('.crt-viewer[data-state="empty"]')
    undo.click()
    page.wait_for_selector(SHOWN)
    page.wait_for_function(CRT_IS, arg=first["crt"])
    settle(page)
    assert pixels(page) == first


def test_a_file_that_is_no_image_leaves_no_broken_icon_and_nothing_to_try_again(open_page, tmp_path):
    page = open_page()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no image")
    page.set_input_files("#crt-image input[type=file]", str(broken))
    message = page.locator('[data-role="message"]')
    expect(message.get_by_role("button", name="Close message")).to_be_visible()
    expect(message.get_by_role("button", name="Try again")).to_have_count(0)
    settle(page)
    seen = """nodes => nodes.filter(one => !one.naturalWidth && getComputedStyle(one).visibility !== 'hidden').length"""
    assert page.locator("#crt-image img").evaluate_all(seen) == 0


def test_the_page_shows_no_key_of_a_translation(open_page, image):
    page = open_page()
    upload(page, image)
    page.wait_for_timeout(6000)  # Gradio says that an event has ended after at most five seconds
    assert "common." not in page.evaluate("document.body.textContent")
