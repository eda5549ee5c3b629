"""Markup in the names of files, classes and checkpoints, and in links, is text on the page: no script of it runs."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from app.cli import AppConfig
from tests.browser.driver import SHOWN, open_tab, settle, upload
from tests.helpers.tiny import tiny_checkpoint

SET = "window.evil=(window.evil||0)+1"
IMAGE = f"<img src=x onerror={SET}>"
SCRIPT = f"</script><script>{SET}</script>"
TEMPLATE = f"${{{SET}}}{{{{{SET}}}}}"
VECTOR = f"'\"><svg onload={SET}>"
CLASSES = (f"cat {IMAGE}", f"dog {SCRIPT}", f"bird {TEMPLATE}", f"sheep {VECTOR}")


@pytest.fixture(scope="module")
def server(tmp_path_factory, serve):
    """Shadows the shared one: here the names of the checkpoint and of all its classes are an enemy's."""
    folder = tmp_path_factory.mktemp("markup")
    config = AppConfig(
        checkpoint=str(tiny_checkpoint(folder / "first", name=IMAGE, classes=CLASSES, masks=True)),
        extra_checkpoints=(str(tiny_checkpoint(folder / "second", name=TEMPLATE + SCRIPT, classes=CLASSES, seed=1)),),
        host="127.0.0.1",
    )
    with serve(config) as url:
        yield url


@pytest.fixture
def image(tmp_path) -> str:
    path = tmp_path / f"{IMAGE}{TEMPLATE}{VECTOR}.png".replace("/", "")
    small = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return str(path)


def unharmed(page) -> None:
    """Nothing of the markup ran, and nothing of it became elements."""
    settle(page)
    assert page.evaluate("window.evil") is None
    assert page.title() == "CRT explorer"
    assert page.locator("img[src='x']").count() == 0
    assert page.evaluate("document.querySelectorAll('[onerror], [onload]').length") == 0


def test_the_flag_would_be_seen(open_page):
    page = open_page()
    page.route("**/x", lambda route: route.fulfill(status=200, body=""))  # the image that is none, without an error
    page.evaluate("html => { document.body.insertAdjacentHTML('beforeend', html); }", IMAGE)
    page.wait_for_function("window.evil === 1")


def test_names_of_files_classes_and_checkpoints_are_text(open_page, image):
    page = open_page()
    unharmed(page)
    upload(page, image)
    for name in CLASSES:
        row = page.locator(".class-row").filter(has_text=name)
        expect(row).to_have_count(1)
        row.click()
        unharmed(page)
    for name in page.get_by_role("tab").all_inner_texts():
        open_tab(page, name)
        unharmed(page)
    open_tab(page, "Explore")
    page.get_by_label("Checkpoint", exact=True).click()
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_count(2)
    options.nth(1).click()
    page.wait_for_selector(SHOWN)
    unharmed(page)


@pytest.mark.parametrize("text", [IMAGE, SCRIPT, TEMPLATE, VECTOR, f"javascript:{SET}"])
def test_what_stands_in_a_link_is_text(open_page, image, text):
    from urllib.parse import quote

    names = ("pic", "s", "m", "c", "ck", "l", "r", "th", "cm", "x", text)
    query = "v=1&" + "&".join(f"{quote(name)}={quote(text)}" for name in names)
    page = open_page(query=query)
    unharmed(page)
    expect(page.locator('[data-role="message"]')).to_contain_text(re.compile("link|known|no number"))
    unharmed(page)
    upload(page, image)
    unharmed(page)


def test_messages_of_the_server_with_markup_are_text(open_page, image, monkeypatch):
    from app.core.runs import Runs
    from crt.errors import InvalidImage

    def refuse(self, *args, **kwargs):
        raise InvalidImage(f"No {IMAGE}{TEMPLATE}{SCRIPT}{VECTOR}.")

    page = open_page()
    upload(page, image)
    monkeypatch.setattr(Runs, "predict_in_parts", refuse)
    page.get_by_role("combobox", name="Input size").click()
    page.get_by_role("listbox").get_by_role("option").first.click()
    expect(page.locator('[data-role="message"]')).to_contain_text(f"No {IMAGE}")
    unharmed(page)


def test_scenes_from_a_file_are_text(open_page, image, tmp_path):
    page = open_page()
    upload(page, image)
    page.get_by_role("button", name="Scenes").click()
    drawer = page.get_by_role("dialog")
    scenes = [{"title": text[:60], "query": f"v=1&x={text}"} for text in (IMAGE, SCRIPT, TEMPLATE, VECTOR)]
    (tmp_path / "scenes.json").write_text(json.dumps({"version": 1, "scenes": scenes}))
    drawer.get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    expect(drawer.get_by_label(re.compile("Title of scene"))).to_have_count(len(scenes))
    unharmed(page)
    page.reload()
    page.wait_for_selector(".crt-viewer[data-tab]")
    unharmed(page)
