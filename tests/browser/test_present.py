"""Scenes and the presentation in a real browser."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, changed, move, pixels, settle, upload

ON = '.crt-viewer[data-present="on"]'


def add_scene(page, title: str) -> None:
    page.get_by_role("button", name="Scenes").click()
    page.get_by_label("Title of the current view").fill(title)
    page.get_by_role("button", name="Add scene").click()
    expect(page.get_by_role("dialog").locator("[role=status]")).to_contain_text("added")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def open_example(page, query: str) -> None:
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    page.wait_for_function("query => location.search.includes(query)", arg=query)


def test_scenes_of_two_images_are_presented_without_the_server(open_page, image):
    page = open_page()
    upload(page, image)
    move(page, "loops", 1)
    add_scene(page, "Mine, one loop")
    page.locator('[data-role="colormap"]').select_option("gray")
    add_scene(page, "Mine in grey")
    open_example(page, "pic=ex.")
    add_scene(page, "<b>An example</b>")
    page.wait_for_timeout(500)  # the address has followed
    before, state = pixels(page), page.evaluate("location.search")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(ON)
    title, count = page.locator('[data-role="present-title"]'), page.locator('[data-role="present-count"]')
    expect(title).to_have_text("Mine, one loop")
    page.context.set_offline(True)
    settle(page)
    first = pixels(page)
    assert changed(before, first) == {"crt", "tscam", "resnet"}
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Mine in grey")
    settle(page)
    assert changed(first, pixels(page)) == {"crt", "tscam", "resnet"}
    page.keyboard.press("PageDown")
    expect(title).to_have_text("<b>An example</b>")
    expect(count).to_have_text("3 of 3")
    expect(page.locator('[data-role="live-region"]')).to_contain_text("Slide 3 of 3")
    expect(page.get_by_role("button", name="Next slide")).to_be_disabled()
    page.keyboard.press("Home")
    expect(count).to_have_text("1 of 3")
    settle(page)
    assert changed(first, pixels(page)) == set()
    page.get_by_role("button", name="Next slide").click()
    expect(count).to_have_text("2 of 3")
    page.context.set_offline(False)
    page.keyboard.press("Escape")
    expect(page.locator(ON)).to_have_count(0)
    settle(page)
    assert changed(before, pixels(page)) == set()
    assert page.evaluate("location.search") == state
    expect(page.get_by_role("button", name="Present")).to_be_focused()
    assert page.evaluate("document.querySelectorAll('[inert]').length") == 0


def test_scenes_are_kept_ordered_renamed_and_carried_as_a_file(open_page, image, tmp_path):
    page = open_page()
    upload(page, image)
    for title in ("a", "b", "c"):
        add_scene(page, title)
    page.get_by_role("button", name="Scenes").click()
    drawer = page.get_by_role("dialog")

    def titles() -> list[str]:
        return [field.input_value() for field in drawer.get_by_label(re.compile("Title of scene")).all()]

    drawer.get_by_role("button", name="Move up: c").click()
    assert titles() == ["a", "c", "b"]
    drawer.get_by_label("Title of scene 1").fill("first")
    drawer.get_by_label("Title of scene 1").press("Tab")
    drawer.get_by_role("button", name="Delete: b").click()
    assert titles() == ["first", "c"]
    with page.expect_download() as download:
        drawer.get_by_role("button", name="Export").click()
    data = json.loads(download.value.path().read_text())
    assert [scene["title"] for scene in data["scenes"]] == ["first", "c"]
    data["scenes"] += [{"title": "evil", "query": "javascript:alert(1)"}, {"title": 3, "query": "v=1"}, None]
    (tmp_path / "scenes.json").write_text(json.dumps(data))
    drawer.get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    expect(drawer.get_by_text("2 scenes added, 3 left out.")).to_be_visible()
    (tmp_path / "scenes.json").write_text("no scenes")
    drawer.get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    expect(drawer.get_by_text("This is no file of scenes")).to_be_visible()
    page.reload()
    page.wait_for_selector(".crt-viewer[data-tab]")
    assert len(page.evaluate("JSON.parse(localStorage.getItem('crt-scenes')).scenes")) == 4


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_without_scenes_the_examples_are_presented_with_what_they_show(open_page, theme, width):
    page = open_page(theme, width)
    open_example(page, "pic=ex.")
    page.evaluate("document.querySelector('.crt-viewer').requestFullscreen = undefined")  # the window is filled then
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(ON)
    settle(page)
    expect(page.locator('[data-role="present-count"]')).to_have_text(re.compile(r"1 of \d"))
    expect(page.locator('[data-role="present-claim"]')).to_have_text(re.compile(r"\w+.*\."))
    expect(page.locator('[data-role="present-words"]')).to_contain_text("threshold")
    box = page.locator(ON).bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, width, 900)
    assert page.evaluate("document.querySelector('.crt-viewer').scrollWidth <= innerWidth")
    if width > 1000:  # all panels and the buttons without scrolling
        assert page.evaluate("document.querySelector('.crt-viewer').scrollHeight <= innerHeight")
    expect(page.locator("#crt-image")).to_be_hidden()
    expect(page.locator("#crt-header")).to_have_js_property("inert", value=True)
    page.evaluate(
        "for (const [kind, x] of [['pointerdown', 300], ['pointerup', 120]])"
        " document.querySelector('.crt-viewer').dispatchEvent(new PointerEvent("
        "kind, { pointerType: 'touch', isPrimary: true, clientX: x, clientY: 400, bubbles: true }))"
    )  # a swipe to the left
    expect(page.locator('[data-role="present-count"]')).to_have_text(re.compile(r"2 of \d"))
    page.keyboard.press("Escape")
    expect(page.locator(ON)).to_have_count(0)
