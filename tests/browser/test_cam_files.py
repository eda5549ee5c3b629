"""CAMs of other methods from files, in a real browser: a panel, comparisons, exports, and what is refused."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import HOSTILE, PATIENCE, SHOWN, move, settle, upload
from tests.browser.test_present import add_scene
from tests.helpers.cam_files import PICKLED, REFUSED, npy, npz, png

CELLS = np.zeros((3, 4), np.float32)
CELLS[0, 0], CELLS[2, 3] = 8, -2
"""For an image of 160 × 120: evidence in the corner at the top left alone."""
MORE = ".panel.more"
NOTE = '[data-role="cam-note"]'
EXPORT_NOTE = '[data-role="export-note"]'
NOTHING_KEPT = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open('crt-scenes', 1);
  opening.onerror = reject;
  opening.onsuccess = () => {
    const counting = opening.result.transaction('kept').objectStore('kept').count();
    counting.onerror = reject;
    counting.onsuccess = () => { opening.result.close(); resolve(counting.result === 0); };
  };
})"""
"""Whether this browser has dropped what no scene shows any more."""


def choose(page: Page, name: str, data: bytes) -> None:
    """Give a file by the button."""
    page.set_input_files(
        '[data-role="cam-file"]', {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def drop(page: Page, role: str, name: str, data: bytes) -> None:
    """Drop a file on the element of this role."""
    page.locator(f'[data-role="{role}"]').evaluate(
        """(node, [name, text]) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name));
            for (const kind of ['dragover', 'drop']) {
                const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
                if (node.dispatchEvent(event)) throw new Error(`${kind} was left to the browser`);
            }
        }""",
        [name, base64.b64encode(data).decode()],
    )


def show(page: Page, name: str) -> None:
    """Choose a class."""
    page.locator(".class-row").filter(has_text=name).click()
    settle(page)


def point_at(page: Page, x: float, y: float) -> str:
    """The value of the file's map at a point, from 0 to 1."""
    canvas = page.locator(f"{MORE} canvas.map")
    canvas.evaluate("node => node.scrollIntoView({ block: 'center' })")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    settle(page)
    return page.locator(f"{MORE} .value").first.inner_text()


def download(page: Page, name: str) -> bytes:
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waited:
        page.get_by_role("menuitem", name=name).click()
    return waited.value.path().read_bytes()


@pytest.fixture
def shown(open_page, image) -> Page:
    """A page with the image, of the class cat, with the map of a file."""
    page = open_page(accept_downloads=True)
    upload(page, image)
    show(page, "cat")
    choose(page, "mine.npy", npy(CELLS))
    expect(page.locator(MORE)).to_be_visible()
    settle(page)
    return page


def test_a_file_is_a_panel_with_a_name_a_range_values_and_an_outline(shown: Page):
    page = shown
    expect(page.locator(NOTE)).to_have_text("mine.npy was read as the map of cat.")
    more = page.locator(MORE)
    expect(more.get_by_role("heading")).to_have_text("mine")
    expect(more.locator(".note")).to_have_text("−2 to 8 on 4 × 3")
    expect(more.locator(".unit").first).to_have_text("arbitrary units")
    expect(more.locator(".high").first).to_have_text("8")
    assert point_at(page, 0.1, 0.1) == "8"
    assert point_at(page, 0.9, 0.9) == "0"  # values below 0 are no evidence
    before = page.evaluate("document.querySelector('.panel.more canvas.map').toDataURL()")
    move(page, "threshold", 0.7)
    assert page.evaluate("document.querySelector('.panel.more canvas.map').toDataURL()") != before
    name = page.get_by_label("Name", exact=True)
    name.fill("  <b>Grad-CAM</b> of mine ")
    name.press("Enter")
    expect(more.get_by_role("heading")).to_have_text("<b>Grad-CAM</b> of mine")
    show(page, "person")
    expect(more.locator(".none")).to_have_text("No map for this class")
    show(page, "cat")
    expect(more.locator(".none")).to_be_hidden()
    more.get_by_role("button", name="Close panel").click()
    expect(more).to_have_count(0)
    page.locator('[data-role="added_panel"]').select_option(label="<b>Grad-CAM</b> of mine")
    expect(more.get_by_role("heading")).to_have_text("<b>Grad-CAM</b> of mine")


def test_the_button_is_reached_and_named(open_page, image):
    page = open_page()
    upload(page, image)
    page.locator('[data-role="added_panel"]').focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.role") == "cam-file"
    expect(page.get_by_label("Add file…")).to_be_focused()


def test_maps_of_all_classes_follow_the_class(open_page, image):
    page = open_page()
    upload(page, image)
    stack = np.stack([CELLS, 2 * CELLS, np.flip(CELLS)])
    for name, data in (("all.npy", npy(stack)), ("named.npz", npz(cat=stack[0], Person=stack[2]))):
        choose(page, name, data)
        more = page.locator(MORE)
        expect(page.locator(NOTE)).to_contain_text(f"{name} was read, with maps of cat")
        show(page, "cat")
        assert point_at(page, 0.1, 0.1) == "8"
        show(page, "person")
        assert point_at(page, 0.9, 0.9) == "8" and point_at(page, 0.1, 0.1) == "0"
        show(page, "evil")
        if name == "all.npy":
            expect(more.locator(".high").first).to_have_text("16")
        else:
            expect(more.locator(".none")).to_have_text("No map for this class")


def test_files_are_dropped_on_the_maps_and_a_mask_there_stays_one(open_page, image):
    page = open_page()
    upload(page, image)
    show(page, "cat")
    heading = page.locator(MORE).get_by_role("heading")
    drop(page, "panels", "one.npy", npy(CELLS))
    expect(heading).to_have_text("one")
    drop(page, "panels", "two.png", png((np.maximum(CELLS, 0) * 5000).astype(np.uint16)))
    expect(heading).to_have_text("two")
    mask = np.zeros((120, 160), np.uint8)
    mask[:60, :80] = 255
    drop(page, "panels", "mask.png", png(mask))
    expect(page.locator('[data-role="ground-truth-source"]')).to_have_text("cat: your PNG")
    expect(heading).to_have_text("two")
    iou = page.locator(f"{MORE} .iou")
    expect(iou).to_contain_text("IoU")
    expect(page.get_by_role("button", name="Use as a map instead")).to_have_count(0)
    drop(page, "cam-box", "three.png", png(mask))
    expect(heading).to_have_text("three")
    expect(iou).to_have_text(re.compile(r"^IoU (9\d|100) %$"))  # but for the interpolation along its edges
    expect(page.locator('[data-role="localization-rows"]')).to_contain_text("three")
    drop(page, "panels", "photo.jpg", b"\xff\xd8\xff\xe0")
    expect(page.locator('[data-role="ground-truth-note"]')).to_contain_text("no PNG")


@pytest.mark.parametrize("zeros", [30, 115], ids=["refused as a mask", "taken as a mask with soft edges"])
def test_a_grey_png_on_the_maps_that_may_be_a_map_can_become_one(open_page, image, zeros):
    page = open_page()
    upload(page, image)
    show(page, "cat")
    cam = np.zeros((120, 160), np.uint8)
    cam[zeros:] = np.linspace(10, 250, (120 - zeros) * 160).reshape(-1, 160)
    source = page.locator('[data-role="ground-truth-source"]')
    drop(page, "panels", "grey.png", png(cam))
    expect(source).to_have_text("cat: your PNG, cut off at 50 %" if zeros > 100 else "cat: none yet")
    button = page.get_by_role("button", name="Use as a map instead")
    expect(button).to_be_in_viewport()
    button.click()
    expect(page.locator(MORE).get_by_role("heading")).to_have_text("grey")
    expect(source).to_have_text("cat: none yet")
    expect(page.locator('[data-role="ground-truth-note"]')).to_have_text("")
    expect(button).to_have_count(0)


def test_what_cannot_be_shown_is_refused_with_one_sentence_and_changes_nothing(shown: Page):
    page = shown
    for name in ("objects.npy", "NaN.npy", "int64.npy", "one dimension.npy", "empty.npy", "cut.npz", "colour.png"):
        data, sentence = REFUSED[name]
        choose(page, name, data)
        expect(page.locator(NOTE)).to_have_text(f"{name}: {sentence}")
    assert REFUSED["objects.npy"][1] == PICKLED
    choose(page, "square.npy", npy(np.ones((9, 9), np.float32)))
    expect(page.locator(NOTE)).to_have_text(
        "square.npy: This map has the shape (9, 9), which does not fit the image of (120, 160): resize it to the shape "
        "of the image."
    )
    expect(page.locator(MORE).get_by_role("heading")).to_have_text("mine")
    evil = HOSTILE.replace("/", "")
    choose(page, f"{evil}.npy", npy(CELLS))
    expect(page.locator(MORE).get_by_role("heading")).to_have_text(evil[:60].strip())
    assert page.title() == "CRT explorer"


def test_it_is_one_of_two_maps_that_are_compared(shown: Page):
    page = shown
    page.get_by_role("radio", name="Difference").check()
    page.locator('[data-role="a-method"]').select_option(label="mine")
    settle(page)
    title = page.locator(".panel.compare h3")
    expect(title).to_have_text("mine − CRT, share of own maximum")
    expect(page.locator('[data-role="a-loops"]')).to_be_hidden()
    expect(page.locator('.panels [data-panel="compare_a"] h3')).to_have_text("A: mine")
    page.get_by_role("button", name="Swap A and B").click()
    expect(title).to_have_text("CRT − mine, share of own maximum")
    expect(page.locator('[data-role="b-method"]')).to_have_value("added_panel")
    choose(page, "other.npy", npy(CELLS))
    expect(title).to_contain_text("other")  # a file given while two are compared is A
    page.get_by_role("radio", name="Side by side").check()
    page.locator(MORE).get_by_role("button", name="Close panel").click()
    page.get_by_role("radio", name="Swipe").check()
    settle(page)
    expect(page.locator('[data-role="a-method"] option')).to_have_text(["ResNet", "TS-CAM", "CRT", "CRT's CNN"])
    expect(page.locator('[data-role="a-method"]')).to_have_value("crt")


def test_each_side_and_each_row_of_the_grid_has_its_own_class(open_page, image):
    page = open_page(accept_downloads=True)
    upload(page, image)
    show(page, "cat")
    choose(page, "all.npz", npz(cat=CELLS, person=np.flip(CELLS)))
    expect(page.locator(MORE)).to_be_visible()
    page.get_by_role("radio", name="Difference").check()
    for side, name in (("a", "cat"), ("b", "person")):
        page.locator(f'[data-role="{side}-method"]').select_option(label="all")
        page.locator(f'[data-role="{side}-class"]').select_option(label=name)
        settle(page)
    expect(page.locator(".panel.compare h3")).to_have_text("all: cat − person, share of own maximum")
    expect(page.locator('.panels [data-panel="compare_b"] h3')).to_have_text("B: person by all")
    svg = download(page, "SVG").decode()
    assert "A: cat by all" in svg and "B: person by all" in svg
    page.get_by_role("radio", name="Classes").check()
    settle(page)
    expect(page.locator(".panels > .panel")).to_have_count(12)  # of three classes: three networks and the file
    column = page.locator('.panels [data-panel$="_added_panel"]')
    expect(column).to_have_count(3)
    expect(column.filter(has_text="cat by all")).to_be_visible()
    expect(column.filter(has_text="No map for this class")).to_have_count(1)
    grid = download(page, "SVG").decode()
    assert grid.count(' by all"') == 3  # in its record
    column.filter(has_text="person by all").locator("canvas.map").click()
    settle(page)
    expect(page.get_by_role("radio", name="Side by side")).to_be_checked()
    expect(page.locator('[data-role="chosen"]')).to_have_text("person")
    expect(page.locator(MORE).get_by_role("heading")).to_have_text("all")


@contextmanager
def opened_offline(browser: Browser, path: Path) -> Iterator[Page]:
    """An interactive page without a network."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    context.set_offline(True)
    page = context.new_page()
    page.goto(path.as_uri())
    yield page
    context.close()


def test_scenes_their_file_and_the_interactive_page_hold_it(shown: Page, browser, tmp_path: Path):
    page = shown
    page.get_by_role("radio", name="Difference").check()
    page.locator('[data-role="a-method"]').select_option(label="mine")
    settle(page)
    add_scene(page, "With a file")
    expect(page.locator('[data-role="scenes-note"]')).to_contain_text("The server keeps the image")
    title = "mine − CRT, share of own maximum"
    page.get_by_role("radio", name="Side by side").check()
    page.locator(MORE).get_by_role("button", name="Close panel").click()
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector('.crt-viewer[data-present="on"]')
    page.context.set_offline(True)
    expect(page.locator(".panel.compare h3")).to_have_text(title)
    page.keyboard.press("Escape")
    page.context.set_offline(False)
    expect(page.locator(MORE)).to_have_count(0)
    whole = tmp_path / "page.html"
    whole.write_bytes(download(page, "Interactive page"))
    page.get_by_role("button", name="Scenes").click()
    with page.expect_download() as waited:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    scenes = json.loads(waited.value.path().read_text())
    page.get_by_role("button", name="Delete: With a file").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.wait_for_function(NOTHING_KEPT)
    page.reload()
    page.wait_for_selector(SHOWN)
    lost = "1 scene added. 1 map from a file left out, which cannot be read."
    for damaged, note in ((True, lost), (False, "in place of those before")):
        file = tmp_path / f"{damaged}.json"
        if damaged:
            (key,) = (one for one in scenes["kept"] if json.loads(one)[0] == "cams")
            given = {**scenes["kept"][key], "cams": [{**scenes["kept"][key]["cams"][0], "h": 4000}]}
            file.write_text(json.dumps({**scenes, "kept": {**scenes["kept"], key: given}}))
        else:
            file.write_text(json.dumps(scenes))
        page.get_by_role("button", name="Scenes").click()
        drawer = page.get_by_role("dialog")
        drawer.get_by_label("Import").set_input_files(file)
        if not damaged:
            drawer.get_by_role("button", name="Replace").click()
        expect(drawer.locator('[data-role="scenes-note"]')).to_contain_text(note)
        drawer.get_by_role("button", name="Show this scene: With a file").click()
        expect(page.locator(".panel.compare h3")).to_contain_text("ResNet − CRT" if damaged else title)
    with opened_offline(browser, whole) as saved:
        saved.wait_for_selector(SHOWN)
        saved.get_by_role("button", name="Scenes").click()
        saved.get_by_role("button", name="Show this scene: With a file").click()
        expect(saved.locator(".panel.compare h3")).to_have_text(title)


def test_exports_have_it(shown: Page):
    page = shown
    with zipfile.ZipFile(io.BytesIO(download(page, "Everything"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with np.load(io.BytesIO(files["maps.npz"]), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["added_panel"], np.maximum(CELLS, 0))
    settings = json.loads(files["settings.json"])["maps"]["added_panel"]
    assert (settings["title"], settings["unit"], settings["max_value"]) == ("mine", "explainer", 8)
    assert b"mine" in files["figure.svg"] and Image.open(io.BytesIO(files["figure.png"])).width > 1000
    page.get_by_role("radio", name="Difference").check()
    page.locator('[data-role="b-method"]').select_option(label="mine")
    settle(page)
    svg = download(page, "SVG").decode()
    assert "B: mine" in svg and "share of own maximum" in svg


def test_a_large_map_is_shown_smaller_and_exported(open_page, image):
    page = open_page(accept_downloads=True)
    upload(page, image)
    choose(page, "large.npy", npy(np.ones((900, 1200), np.float16)))
    expect(page.locator(f"{MORE} .note")).to_have_text("1 to 1 on 1200 × 900")
    with zipfile.ZipFile(io.BytesIO(download(page, "Everything"))) as archive:
        data = archive.read("maps.npz")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert arrays["added_panel"].shape == (384, 512)
        np.testing.assert_allclose(arrays["added_panel"], 1, rtol=1e-6)


def test_a_link_is_without_it_and_says_so(open_page, image):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    upload(page, image)
    choose(page, "mine.npy", npy(CELLS))
    expect(page.locator(MORE)).to_be_visible()
    page.get_by_role("button", name="Copy link").click()
    note = page.locator('[data-role="permalink-note"]')
    expect(note).to_contain_text("Link copied.")
    expect(note).to_contain_text("The map from a file is not in it.")
    assert "file" not in page.evaluate("navigator.clipboard.readText()").partition("?")[2]


def test_it_goes_with_its_image_and_comes_back_with_it(shown: Page, image: str, tmp_path: Path):
    page = shown
    other = tmp_path / "other.png"
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (90, 160, 3), dtype=np.uint8)).save(other)
    files = page.locator('[data-role="added_panel"] optgroup[label="Files"]')
    for path, count in ((str(other), 0), (image, 1)):
        page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
        page.wait_for_selector('.crt-viewer[data-state="empty"]')
        upload(page, path)
        expect(page.locator(MORE)).to_have_count(0)
        expect(files).to_have_count(count)
        expect(page.locator(NOTE)).to_have_text("")
    page.locator('[data-role="added_panel"]').select_option(label="mine")
    expect(page.locator(MORE)).to_be_visible()


def test_an_interactive_page_has_it_without_a_server(shown: Page, browser, tmp_path: Path):
    page = shown
    page.get_by_role("radio", name="Difference").check()
    page.locator('[data-role="a-method"]').select_option(label="mine")
    settle(page)
    path = tmp_path / "page.html"
    path.write_bytes(download(page, "Interactive page"))
    expect(page.locator(EXPORT_NOTE)).to_contain_text(".html")
    with opened_offline(browser, path) as saved:
        expect(saved.locator(".panel.compare h3")).to_have_text("mine − CRT, share of own maximum")
        saved.get_by_role("radio", name="Side by side").check()
        settle(saved)
        expect(saved.locator(f"{MORE} .note")).to_have_text("−2 to 8 on 4 × 3")
        assert point_at(saved, 0.1, 0.1) == "8"
        saved.locator(MORE).get_by_role("button", name="Close panel").click()
        saved.locator('[data-role="added_panel"]').select_option(label="mine")
        expect(saved.locator(MORE)).to_be_visible()
        choose(saved, "other.npy", npy(CELLS))
        expect(saved.locator(MORE).get_by_role("heading")).to_have_text("other")
