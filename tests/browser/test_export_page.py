"""The export menu: what is on the screen as files and as a program."""

import io
import json
import re
import time
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Download, expect

from app.features import export_answer
from tests.browser.driver import PATIENCE, move, open_tab, settings, upload

NOTE = '[data-role="export-note"]'
LOOKS = [("light", 1440), ("dark", 390)]


def download(page, name: str) -> bytes:
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waited:
        page.get_by_role("menuitem", name=name).click()
    return waited.value.path().read_bytes()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_one_zip_holds_what_is_on_the_screen(open_page, image, theme, width):
    page = open_page(theme, width, accept_downloads=True)
    upload(page, image)
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
def test_each_figure_alone(open_page, image, name, start):
    page = open_page(accept_downloads=True)
    upload(page, image)
    assert download(page, name).startswith(start)


@pytest.mark.parametrize("refused", [("/gradio_api/file=",)])
def test_a_file_that_cannot_be_downloaded_is_said_on_the_page(open_page, image):
    page = open_page(accept_downloads=True)
    upload(page, image)
    page.route("**/gradio_api/file=**", lambda route: route.abort("connectionfailed"))
    page.get_by_role("button", name="Export").click()
    page.get_by_role("menuitem", name="PNG").click()
    expect(page.locator(NOTE)).to_contain_text("could not be downloaded")
    page.unroute("**/gradio_api/file=**")
    assert download(page, "PNG").startswith(b"\x89PNG")


def test_the_program_is_put_on_the_clipboard_and_keys_reach_the_menu(open_page, image):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    upload(page, image)
    move(page, "loops", 1)
    page.get_by_role("button", name="Export").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Copy Python")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator('[data-role="export-note"]')).to_be_visible()
    program = page.evaluate("navigator.clipboard.readText()")
    assert "from crt." in program and "loops=1" in program
    compile(program, "snippet", "exec")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_files_hold_the_settings_of_the_screen(open_page, image, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    page.locator(".class-row").filter(has_text="person").click()
    move(page, "loops", 1)
    move(page, "threshold", 0.42)
    with settings(page):
        page.locator('[data-role="colormap"]').select_option("magma")
    shown = page.evaluate("[...document.querySelectorAll('canvas[data-method]')].map((one) => one.dataset.method)")
    page.get_by_role("button", name="Export").click()
    expect(page.locator('[data-role="export-menu"]')).to_be_visible()
    menu = page.locator('[data-role="export-menu"]').bounding_box()
    assert menu["x"] >= 0 and menu["x"] + menu["width"] <= width  # the whole menu is on the screen
    page.keyboard.press("Escape")
    data = download(page, "Everything")
    expect(page.locator(NOTE)).to_contain_text("crt-person-")
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert zipped.testzip() is None
        files = {one: zipped.read(one) for one in zipped.namelist()}
    with Image.open(io.BytesIO(files["figure.png"])) as figure:
        assert figure.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert files["figure.pdf"].startswith(b"%PDF-")
    assert b"<svg" in files["figure.svg"]
    told = json.loads(files["settings.json"])
    assert [one["name"] for one in told["classes"]] == ["person"]
    stored = {one: told["shown"][one] for one in ("loops", "threshold", "colormap", "refined")}
    assert stored == {"loops": 1, "threshold": 0.42, "colormap": "magma", "refined": True}
    assert set(told["maps"]) == set(shown) - {"input"} >= {"resnet", "tscam", "crt"}
    assert told["maps"]["crt"]["loops"] == 1
    with np.load(io.BytesIO(files["maps.npz"])) as arrays:
        assert list(arrays["classes"]) == ["person"]
        assert arrays["crt"].max() == pytest.approx(told["maps"]["crt"]["max_value"])
    with Image.open(io.BytesIO(files["mask_crt.png"])) as mask:
        assert mask.mode == "P" and mask.size == (160, 120)
        assert set(np.unique(np.asarray(mask))) == {0, 3}


def python(page) -> None:
    page.get_by_role("button", name="Export").click()
    page.get_by_role("menuitem", name="Copy Python").click()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_python_of_the_screen_is_copied_or_shown(open_page, image, theme, width):
    page = open_page(theme, width, permissions=["clipboard-read", "clipboard-write"])
    upload(page, image)
    move(page, "loops", 3)
    python(page)
    expect(page.locator(NOTE)).to_have_text("Python copied.")
    text = page.evaluate("navigator.clipboard.readText()")
    compile(text, "snippet", "exec")
    options = 'loops=3, refined=True, blocks=None, pass_reduction="sum", classes=classes'
    assert f'crt = prediction.cams("crt", {options})' in text
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    python(page)
    field = page.get_by_label("Python program that makes these maps")
    expect(field).to_be_visible()
    expect(field).to_have_value(text)
    box = field.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width


def open_figure(page):
    page.get_by_role("button", name="Export").click()
    page.get_by_role("menuitem", name="Figure for print").click()
    dialog = page.get_by_role("dialog", name="Figure for print")
    expect(dialog.locator('[data-role="figure-note"]')).to_contain_text("85 ×")
    return dialog


def test_a_preview_that_fails_is_gone_and_can_be_tried_again(open_page, image, monkeypatch):
    page = open_page()
    upload(page, image)
    dialog = open_figure(page)
    monkeypatch.setattr(export_answer, "PREVIEW_DPI", 0)
    dialog.locator('[data-role="figure-width"]').select_option("180")
    expect(dialog.locator('[data-role="figure-note"]')).to_contain_text("Try again")
    expect(dialog.locator("img")).to_be_hidden()
    monkeypatch.undo()
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.locator('[data-role="figure-note"]')).to_contain_text("180 ×")
    expect(dialog.locator("img.waiting")).to_have_count(0)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_figure_for_print_is_previewed_and_saved_at_its_width(open_page, image, theme, width):
    page = open_page(theme, width, accept_downloads=True)
    upload(page, image)
    dialog = open_figure(page)
    note, preview = dialog.locator('[data-role="figure-note"]'), dialog.locator("img")
    expect(note).to_have_text(re.compile(r"^85 × \d+ mm, smallest text 6 pt\.$"))
    expect(preview).to_be_visible()
    assert preview.evaluate("node => node.naturalWidth") == pytest.approx(85 / 25.4 * 144, abs=1)
    box = preview.bounding_box()
    assert box is not None
    assert box["width"] == pytest.approx(85 / 25.4 * 96, abs=1)  # its printed size
    before = preview.get_attribute("src")
    dialog.get_by_label("Width").select_option("180")
    dialog.get_by_label("Smallest text").select_option("8")
    expect(note).to_have_text(re.compile(r"^180 × \d+ mm, smallest text 8 pt\.$"))
    assert preview.get_attribute("src") != before
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert dialog.evaluate("node => node.scrollWidth <= node.clientWidth")
    dialog.get_by_label("Panel letters").check()
    dialog.get_by_label("Caption").select_option("file")
    dialog.get_by_label("Format").select_option("png")
    saved: list[Download] = []
    page.on("download", lambda download: saved.append(download))  # noqa: PLW0108 - Playwright takes no built-in method
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(NOTE)).to_contain_text("and its caption as a text file")
    until = time.monotonic() + PATIENCE / 1000
    while len(saved) < 2:
        assert time.monotonic() < until, "the caption was not saved"
        page.wait_for_timeout(50)
    files = {one.suggested_filename.rsplit(".", 1)[-1]: one.path().read_bytes() for one in saved}
    figure = Image.open(io.BytesIO(files["png"]))
    assert figure.width == pytest.approx(180 / 25.4 * 300, abs=1)
    assert "(c) CRT" in files["txt"].decode()


def test_the_dialog_of_a_figure_works_by_keyboard_and_shows_each_tab(open_page, image):
    page = open_page()
    upload(page, image)
    page.get_by_role("button", name="Export").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Copy Python")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Figure for print")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Figure for print")
    expect(dialog.locator("img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Export")).to_be_focused()
    for tab in ("Ablate", "Layers", "Masks", "Results"):
        open_tab(page, tab)
        dialog = open_figure(page)
        expect(dialog.locator("img")).to_be_visible()
        dialog.get_by_role("button", name="Close").click()
