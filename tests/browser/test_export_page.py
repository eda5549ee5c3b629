"""The export menu: what is on the screen as files and as a program."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import move, upload

LOOKS = [("light", 1440), ("dark", 390)]


def download(page, name: str) -> bytes:
    page.get_by_role("button", name="Export").click()
    with page.expect_download(timeout=60000) as waited:
        page.get_by_role("menuitem", name=name).click()
    return waited.value.path().read_bytes()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_one_zip_holds_what_is_on_the_screen(open_page, picture, theme, width):
    page = open_page(theme, width, accept_downloads=True)
    upload(page, picture)
    move(page, "loops", 3)
    move(page, "threshold", 0.25)
    with zipfile.ZipFile(io.BytesIO(download(page, "Everything"))) as archive:
        files = {name.rsplit("/", 1)[-1]: archive.read(name) for name in archive.namelist()}
    kinds = {name.rsplit(".", 1)[-1] for name in files}
    assert {"png", "pdf", "svg", "npz", "json"} <= kinds
    settings = json.loads(next(data for name, data in files.items() if name.endswith(".json")))
    text = json.dumps(settings)
    assert '"loops": 3' in text and "0.25" in text
    figure = Image.open(io.BytesIO(max((data for name, data in files.items() if name.endswith(".png")), key=len)))
    assert round(figure.info["dpi"][0]) == 300
    masks = [Image.open(io.BytesIO(data)) for name, data in files.items() if name.endswith(".png")]
    assert any(image.mode == "P" and image.size == (160, 120) for image in masks)
    with np.load(io.BytesIO(next(d for n, d in files.items() if n.endswith(".npz"))), allow_pickle=False) as maps:
        assert any(np.isfinite(maps[name]).all() for name in maps.files if maps[name].ndim >= 2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("name", "start"), [("PNG", b"\x89PNG"), ("PDF", b"%PDF"), ("SVG", b"<?xml")])
def test_each_figure_alone(open_page, picture, name, start):
    page = open_page(accept_downloads=True)
    upload(page, picture)
    assert download(page, name).startswith(start)


def test_the_program_is_put_on_the_clipboard_and_keys_reach_the_menu(open_page, picture):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    upload(page, picture)
    move(page, "loops", 1)
    page.get_by_role("button", name="Export").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Copy Python")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator('[data-role="export-note"]')).to_be_visible()
    program = page.evaluate("navigator.clipboard.readText()")
    assert "from crt." in program and "loops=1" in program
    compile(program, "snippet", "exec")
