"""The interactive page: one HTML file that works from the disk, without a server and without a network."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driver import HOSTILE, PATIENCE, changed, move, new_page, open_tab, pixels, settle, upload

NOTE = '[data-role="export-note"]'


@pytest.fixture(scope="module")
def saved(server, browser, image, tmp_path_factory) -> Path:
    """The file of a page with loops, threshold, class and refinement of its own, and with one scene."""
    page = new_page(browser, 1440)
    page.goto(server)
    page.wait_for_selector(".crt-viewer[data-tab]")
    upload(page, image)
    page.locator(".class-row").filter(has_text="person").click()
    move(page, "loops", 1)
    page.get_by_role("button", name="Scenes").click()
    page.locator('[data-role="scenes-title"]').fill("</script><b>One loop</b>")
    page.get_by_role("button", name="Add scene").click()
    expect(page.locator('[data-role="scenes-list"] li')).to_have_count(1)
    page.locator('[data-role="scenes-close"]').click()
    move(page, "loops", 2)
    move(page, "threshold", 0.42)
    page.get_by_text("Refinement", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waited:
        page.get_by_role("menuitem", name="Interactive page").click()
    expect(page.locator(NOTE)).to_contain_text(".html")
    path = tmp_path_factory.mktemp("saved") / "page.html"
    waited.value.save_as(path)
    page.close()
    return path


@pytest.fixture
def open_saved(browser):
    """Opens a file without a network; at the end no request beyond the file is allowed."""
    troubles: list[str] = []
    contexts = []

    def open_one(path: Path, width: int, theme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.set_offline(True)
        page = context.new_page()
        own = ("file:", "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(own) else troubles.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("canvas[data-method=crt]")
        settle(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


Opened = Callable[..., Page]


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_file_opens_at_the_saved_screen_and_works_offline(saved: Path, open_saved: Opened, width, theme):
    page = open_saved(saved, width, theme)
    assert page.title() == "CRT explorer"
    assert page.locator('[data-role="loops"]').input_value() == "2"
    assert page.locator('[data-role="threshold"]').input_value() == "0.42"
    assert not page.locator('[data-role="refined"]').is_checked()
    expect(page.locator('.class-row[aria-pressed="true"] .name')).to_have_text("person")
    assert ("dark" in page.evaluate("document.body.className")) is (theme == "dark")
    before = pixels(page)
    move(page, "loops", 0)
    assert changed(before, pixels(page)) == {"crt"}
    before = pixels(page)
    page.locator("label").filter(has=page.locator('[data-role="refined"]')).click()
    settle(page)
    assert changed(before, pixels(page)) == {"crt", "tscam"}
    before = pixels(page)
    move(page, "threshold", 0.2)
    assert changed(before, pixels(page)) == set(before)
    page.locator(".class-row").filter(has_text="evil").click()
    settle(page)
    expect(page.locator('.class-row[aria-pressed="true"] .name')).to_have_text(HOSTILE)
    page.locator('canvas[data-method="crt"]').hover()
    expect(page.locator('[data-role="readout"]')).to_have_attribute("data-active", "yes")
    page.locator('input[name="crt-view"][value="difference"]').evaluate("(node) => node.click()")
    expect(page.locator(".panel.compare")).to_be_visible()
    assert page.title() == "CRT explorer"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_classes_are_compared_offline(saved: Path, open_saved: Opened):
    page = open_saved(saved, 390)
    page.locator('input[name="crt-view"][value="difference"]').evaluate("(node) => node.click()")
    page.locator('[data-role="b-class"]').select_option(label="cat")
    title = "person by ResNet − cat by CRT, share of own maximum"
    expect(page.locator(".panel.compare h3")).to_have_text(title)
    page.locator('input[name="crt-view"][value="classes"]').evaluate("(node) => node.click()")
    expect(page.locator(".panels > .panel")).to_have_count(9)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_layers_curves_and_charts_work_offline(saved: Path, open_saved: Opened):
    page = open_saved(saved, 1440)
    open_tab(page, "Layers")
    expect(page.locator(".layers-block")).to_have_count(6)
    page.locator(".layers-cell").first.click()
    expect(page.locator('[data-role="layers-large"]')).to_be_visible()
    page.get_by_role("button", name="Pin to Explore").click()
    open_tab(page, "Explore")
    expect(page.locator(".panels > .panel").filter(has_text="block 1, pass 1")).to_be_visible()
    open_tab(page, "Ablate")
    page.locator('[data-role="ablate-show-curves"]').click()
    expect(page.locator('[data-role="ablate-curves"] .main-svg').first).to_be_visible()
    open_tab(page, "Masks")
    expect(page.locator('[data-role="mask-seed"]')).to_be_visible()
    expect(page.locator('[data-role="mask-refined"]')).to_be_hidden()


def test_scenes_of_the_file_are_presented_offline(saved: Path, open_saved: Opened):
    page = open_saved(saved, 390)
    page.get_by_role("button", name="Present").click()
    expect(page.locator('[data-role="present-title"]')).to_have_text("</script><b>One loop</b>")
    expect(page.locator('[data-role="loops"]')).to_have_value("1")
    page.keyboard.press("Escape")
    expect(page.locator('[data-role="present-head"]')).to_be_hidden()
    expect(page.locator('[data-role="loops"]')).to_have_value("2")
    page.get_by_role("button", name="Scenes").click()
    page.get_by_role("button", name="Add scene").click()
    expect(page.locator('[data-role="scenes-note"]')).to_have_text("Scene 2 added.")


@pytest.fixture(scope="module")
def talk(server, browser, image, tmp_path_factory) -> Path:
    """The file of a page with five scenes: grid, layers and masks of one image; maps and a difference of another."""
    page = new_page(browser, 1440)
    page.goto(server)
    page.wait_for_selector(".crt-viewer[data-tab]")

    def add(title: str) -> None:
        page.get_by_role("button", name="Scenes").click()
        page.locator('[data-role="scenes-title"]').fill(title)
        page.get_by_role("button", name="Add scene").click()
        expect(page.locator('[data-role="scenes-note"]')).to_contain_text("added")
        page.locator('[data-role="scenes-close"]').click()

    upload(page, image)
    page.wait_for_function("location.search.includes('pic=sha.')")
    open_tab(page, "Ablate")
    page.locator('[data-role="ablate-run"]').click()
    expect(page.locator('[data-role="ablate-run"]')).to_have_text("All 5 sizes are here")
    add("Grid")
    open_tab(page, "Layers")
    add("Layers")
    open_tab(page, "Masks")
    for note in ("mask-note", "walk-note", "deeplab-note"):
        expect(page.locator(f'[data-role="{note}"]')).to_contain_text(" ms")
    add("Masks")
    page.locator(".example").filter(has_text="photographer").click()
    page.wait_for_function("location.search.includes('pic=ex.photographer')")
    open_tab(page, "Explore")
    add("Maps")
    page.locator('input[name="crt-view"][value="difference"]').evaluate("(node) => node.click()")
    settle(page)
    add("Difference")
    page.locator('input[name="crt-view"][value="side"]').evaluate("(node) => node.click()")
    page.wait_for_selector("canvas[data-method=crt]")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waited:
        page.get_by_role("menuitem", name="Interactive page").click()
    expect(page.locator(NOTE)).to_contain_text("MB, 5 scenes")
    path = tmp_path_factory.mktemp("talk") / "talk.html"
    waited.value.save_as(path)
    page.close()
    return path


@pytest.mark.parametrize(("width", "theme"), [(1920, "light"), (390, "dark")])
def test_a_talk_of_five_scenes_is_given_from_the_file_without_a_network(talk: Path, open_saved: Opened, width, theme):
    page = open_saved(talk, width, theme)
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector('.crt-viewer[data-present="on"]')
    title, count = page.locator('[data-role="present-title"]'), page.locator('[data-role="present-count"]')
    expect(count).to_have_text("1 of 5")
    expect(title).to_have_text("Grid")
    expect(page.locator('[data-role="ablate-sizes-grid"] button')).to_have_count(25)
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Layers")
    expect(page.locator(".layers-cell").first).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Masks")
    for role in ("mask-seed", "mask-refined", "mask-random-walk", "mask-segmentation"):
        expect(page.locator(f'[data-role="{role}"]')).to_be_visible()
    expect(page.locator(".mask-views canvas.waiting:visible")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Maps")
    expect(page.locator("canvas[data-method=crt]")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Difference")
    expect(page.locator(".panel.compare")).to_be_visible()
    expect(page.get_by_role("button", name="Next slide")).to_be_disabled()
    assert page.evaluate("document.querySelector('.crt-viewer').scrollWidth <= innerWidth")
    page.keyboard.press("Home")
    expect(title).to_have_text("Grid")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Scenes").click()
    page.get_by_role("button", name="Show this scene: Masks").click()
    expect(page.locator('[data-role="mask-random-walk"]')).to_be_visible()
    expect(page.locator('[data-role="message"]')).to_be_hidden()


def test_what_needs_the_server_is_absent_and_any_request_is_answered(saved: Path, open_saved: Opened):
    page = open_saved(saved, 1440)
    for role in ("copy-link", "added_panel", "faithfulness-start", "examples", "offline"):
        expect(page.locator(f'[data-role="{role}"]')).to_be_hidden()
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("menuitem")).to_have_count(1)
    page.keyboard.press("Escape")
    open_tab(page, "Layers")
    page.locator('[data-role="layers-deepen"]').evaluate("(node) => node.click()")
    expect(page.locator('[data-role="layers-note"]')).to_have_text("This needs the app: this file has no server.")


def test_texts_of_users_are_no_markup_in_the_file(saved: Path):
    text = saved.read_text(encoding="utf-8")
    assert "'evil'" not in text and "One loop" not in text
    assert text.count("</script>") == 4
    assert "default-src 'none'" in text
