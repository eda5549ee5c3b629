"""Scenes and the presentation in a real browser."""

import json
import re

import pytest
from playwright.sync_api import FilePayload, ViewportSize, expect

from app.cli import AppConfig
from tests.browser.driver import SHOWN, boxes_of, changed, move, new_page, open_tab, pixels, settle, upload
from tests.browser.faults import Queue

ON = '.crt-viewer[data-present="on"]'
PROJECTOR: ViewportSize = {"width": 1920, "height": 1080}
RECORD = """node => {
  window.values = [];
  new MutationObserver(() => window.values.push(node.textContent)).observe(node, { childList: true });
}"""
"""Keeps the texts of a node that goes by itself."""
TEXTS = """() => {
  const root = document.querySelector('.crt-viewer');
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || !parent.checkVisibility() || parent.closest('.visually-hidden, [hidden]')) continue;
    const size = parseFloat(getComputedStyle(parent).fontSize) * (parent.currentCSSZoom ?? 1);
    found.push([node.data.trim().slice(0, 40), size]);
  }
  return found;
}"""
"""Every text in sight, and its size in pixels of the screen."""
OUTLINE = """() => {
  const widths = [];
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...rest) {
    widths.push(this.lineWidth);
    return stroke.apply(this, rest);
  };
  document.dispatchEvent(new KeyboardEvent('keydown', { key: 'r', bubbles: true }));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    CanvasRenderingContext2D.prototype.stroke = stroke;
    done(Math.min(...widths) / devicePixelRatio);
  })));
}"""
"""The width of the thinnest line that is drawn after a change of the refinement, in pixels of the screen."""


def assert_large(page) -> None:
    """Nothing on the slide is smaller than 28 px, and it fits into the screen."""
    settle(page)
    small = [(text, size) for text, size in page.evaluate(TEXTS) if size < 28]
    assert small == []
    assert page.evaluate("document.querySelector('.crt-viewer').scrollHeight <= innerHeight + 1")
    assert page.evaluate("document.querySelector('.crt-viewer').scrollWidth <= innerWidth")


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
    page.wait_for_function("!document.fullscreenElement")  # until then the page is wider
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
    expect(drawer.get_by_text("The file has 2 scenes, and 2 scenes are here already.")).to_be_visible()
    expect(drawer.get_by_role("button", name="Add", exact=True)).to_be_focused()
    drawer.get_by_role("button", name="Cancel").click()
    assert titles() == ["first", "c"]
    drawer.get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    drawer.get_by_role("button", name="Add", exact=True).click()
    expect(drawer.get_by_text("2 scenes added, 3 left out.")).to_be_visible()
    assert titles() == ["first", "c", "first", "c"]
    drawer.get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    drawer.get_by_role("button", name="Replace").click()
    expect(drawer.get_by_text("2 scenes opened in place of those before, 3 left out.")).to_be_visible()
    assert titles() == ["first", "c"]
    (tmp_path / "scenes.json").write_text("no scenes")
    drawer.get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    expect(drawer.get_by_text("This is no file of scenes")).to_be_visible()
    page.reload()
    page.wait_for_selector(".crt-viewer[data-tab]")
    assert len(page.evaluate("JSON.parse(localStorage.getItem('crt-scenes')).scenes")) == 2


def test_a_file_of_scenes_that_is_gone_is_named(open_page, image):
    page = open_page()
    upload(page, image)
    page.get_by_role("button", name="Scenes").click()
    page.evaluate("void (Blob.prototype.text = () => Promise.reject(new DOMException('gone', 'NotReadableError')))")
    file: FilePayload = {"name": "talk.json", "mimeType": "application/json", "buffer": b"{}"}
    page.get_by_role("dialog").get_by_label("Import").set_input_files(file)
    expect(page.locator('[data-role="scenes-note"]')).to_have_text("talk.json could not be read: choose it again.")


def test_scenes_that_the_browser_has_no_room_for_stay_on_the_page(open_page, image):
    page = open_page()
    upload(page, image)
    add_scene(page, "a")
    page.evaluate("void (Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); })")
    titles = page.locator('[data-role="scenes-list"] input')
    for title in ("b", "c"):
        page.get_by_role("button", name="Scenes").click()
        page.get_by_label("Title of the current view").fill(title)
        page.get_by_role("button", name="Add scene").click()
        expect(page.locator('[data-role="scenes-note"]')).to_contain_text("no room for more scenes")
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Scenes").click()
    assert [one.input_value() for one in titles.all()] == ["a", "b", "c"]
    other = page.context.new_page()  # where another scene is kept, of which this page hears
    other.goto(page.url)
    other.evaluate("""() => {
      const kept = JSON.parse(localStorage.getItem('crt-scenes'));
      kept.scenes.push({ ...kept.scenes[0], title: 'd' });
      localStorage.setItem('crt-scenes', JSON.stringify(kept));
    }""")
    expect(titles).to_have_count(4)
    assert [one.input_value() for one in titles.all()] == ["a", "b", "c", "d"]
    other.close()


def test_a_late_answer_about_a_new_scene_leaves_a_newer_note(open_page, image):
    page = open_page()
    upload(page, image)
    queue = Queue(page)
    note = page.locator('[data-role="scenes-note"]')
    with queue.hold("keep"):
        add_scene(page, "a")
        queue.wait_for("keep")
        page.get_by_role("button", name="Scenes").click()
        page.get_by_role("button", name="Delete: a").click()
        expect(note).to_have_text("a deleted.")
        page.get_by_role("dialog").get_by_role("button", name="Close").click()
        note.evaluate(RECORD)
    add_scene(page, "b")
    whole = "Scene 1 added. The server keeps the image for an hour."
    expect(note).to_have_text(whole)
    assert page.evaluate("window.values").count(whole) == 1


def test_a_presentation_that_has_ended_does_not_fill_the_screen(open_page, image):
    page = open_page()
    upload(page, image)
    page.evaluate(
        """() => {
          const granted = new Promise((done) => { window.grant = done; });
          document.querySelector('.crt-viewer').requestFullscreen = () => granted;
          document.exitFullscreen = async () => { window.exited = true; };
        }"""
    )
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(".crt-viewer[data-present]")
    page.keyboard.press("Escape")
    expect(page.locator(".crt-viewer[data-present]")).to_have_count(0)
    page.evaluate("window.grant()")
    page.wait_for_function("window.exited")


def test_an_image_that_comes_during_the_presentation_is_there_with_its_own_class_after_it(open_page, image):
    page = open_page()
    page.evaluate(
        """window.seen = new Set(); new MutationObserver(() => seen.add(
        document.querySelector('.crt-viewer').dataset.run)).observe(
        document.querySelector('.crt-viewer'), { attributeFilter: ['data-run'] })"""
    )
    queue = Queue(page)
    with queue.hold(""):
        page.set_input_files("#crt-image input[type=file]", image)
        queue.wait_for("")
        page.get_by_role("button", name="Present").click()
        page.wait_for_selector(ON)
        title = page.locator('[data-role="present-title"]').inner_text()
        slides = page.evaluate("[...seen]")
    page.wait_for_function("slides => [...seen].some(run => run && !slides.includes(run))", arg=slides)
    settle(page)
    expect(page.locator('[data-role="present-title"]')).to_have_text(title)
    assert page.get_attribute(".crt-viewer", "data-run") in slides
    page.keyboard.press("Escape")
    page.wait_for_function("slides => !slides.includes(document.querySelector('.crt-viewer').dataset.run)", arg=slides)
    expect(page.locator(".class-row[aria-pressed=true]")).to_have_count(1)
    settle(page)
    assert page.locator("canvas[data-method=crt]").evaluate("node => node.width") > 0


def test_scenes_are_ordered_by_dragging_and_by_arrow_keys(open_page, image):
    page = open_page()
    upload(page, image)
    for title in ("a", "b", "c"):
        add_scene(page, title)
    page.get_by_role("button", name="Scenes").click()
    drawer = page.get_by_role("dialog")

    def titles() -> list[str]:
        return [field.input_value() for field in drawer.get_by_label(re.compile("Title of scene")).all()]

    handles = drawer.locator('[data-role="scene-handle"]')
    grip, goal = boxes_of(handles.nth(2), handles.nth(0))
    page.mouse.move(grip["x"] + 8, grip["y"] + 8)
    page.mouse.down()
    page.mouse.move(goal["x"] + 8, goal["y"] - 20, steps=8)
    expect(drawer.locator("li.drop-before")).to_have_count(1)
    page.mouse.up()
    expect(drawer.locator('[data-role="scenes-note"]')).to_have_text("c is now scene 1.")
    assert titles() == ["c", "a", "b"]
    handles.nth(0).focus()
    page.keyboard.press("ArrowDown")
    assert titles() == ["a", "c", "b"]
    expect(handles.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # the last one stays
    assert titles() == ["a", "b", "c"]
    grip = handles.nth(0).bounding_box()
    assert grip is not None
    page.mouse.move(grip["x"] + 8, grip["y"] + 8)
    page.mouse.down()
    page.mouse.move(grip["x"] + 8, grip["y"] + 400, steps=8)
    page.keyboard.press("Escape")  # nothing is dropped, and the drawer stays
    page.mouse.up()
    assert titles() == ["a", "b", "c"]
    expect(drawer).to_be_visible()
    expect(drawer.locator("img.scene-thumb")).to_have_count(3)


def test_a_file_of_scenes_opens_where_the_image_is_not(open_page, image, browser, serve, checkpoint, tmp_path):
    page = open_page()
    upload(page, image)
    move(page, "loops", 1)
    move(page, "threshold", 0.3)
    add_scene(page, "Mine")
    run = page.get_attribute(".crt-viewer", "data-run")
    page.get_by_role("button", name="Scenes").click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    file = tmp_path / "scenes.json"
    download.value.save_as(file)
    with serve(AppConfig(checkpoint=checkpoint, host="127.0.0.1")) as other:
        elsewhere = new_page(browser, 1440)
        elsewhere.goto(other)
        elsewhere.wait_for_selector(".crt-viewer[data-tab]")
        elsewhere.get_by_role("button", name="Scenes").click()
        elsewhere.get_by_role("dialog").get_by_label("Import").set_input_files(file)
        expect(elsewhere.get_by_text("1 scene added.")).to_be_visible()
        elsewhere.get_by_role("button", name="Show this scene: Mine").click()
        expect(elsewhere.locator('[data-role="loops-value"]')).to_have_text("1")
        expect(elsewhere.locator('[data-role="threshold"]')).to_have_value("0.3")
        assert elsewhere.get_attribute(".crt-viewer", "data-run") == run
        open_tab(elsewhere, "Layers")
        elsewhere.locator('[data-role="layers-deepen"]').click()
        expect(elsewhere.locator('[data-role="layers-note"]')).to_contain_text("is not on the server")
        elsewhere.reload()  # the browser has kept it
        elsewhere.wait_for_selector(".crt-viewer[data-tab]")
        elsewhere.get_by_role("button", name="Present").click()
        elsewhere.wait_for_selector(ON)
        expect(elsewhere.locator('[data-role="present-title"]')).to_have_text("Mine")
        elsewhere.close()


def test_a_scene_presents_what_its_tab_shows_without_the_server(open_page, image):
    page = open_page()
    page.set_viewport_size(PROJECTOR)
    upload(page, image)
    open_tab(page, "Ablate")
    page.locator('[data-role="ablate-run"]').click()
    expect(page.locator('[data-role="ablate-run"]')).to_have_text("All 5 sizes are here")
    add_scene(page, "Grid")
    open_tab(page, "Layers")
    page.locator('[data-role="layers-deepen"]').click()
    expect(page.locator('[data-role="layers-rollout"]')).to_be_visible()
    page.locator('[data-role="layers-head"]').select_option("1")
    add_scene(page, "Layers")
    open_tab(page, "Masks")
    for note in ("mask-note", "walk-note", "deeplab-note"):
        expect(page.locator(f'[data-role="{note}"]')).to_contain_text(re.compile(r"\d+ ms"))
    add_scene(page, "Masks")
    open_example(page, "pic=ex.")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(ON)
    page.context.set_offline(True)
    title = page.locator('[data-role="present-title"]')
    expect(title).to_have_text("Grid")
    expect(page.locator('[data-role="ablate-sizes-grid"] button')).to_have_count(25)
    assert_large(page)
    page.locator('[data-role="ablate-sizes-grid"] button').first.click()  # it opens nothing
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Layers")
    expect(page.locator('[data-role="layers-head"]')).to_have_value("1")
    expect(page.locator('[data-role="layers-rollout"]')).to_be_visible()
    assert_large(page)
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Masks")
    for role in ("mask-seed", "mask-refined", "mask-random-walk", "mask-segmentation"):
        expect(page.locator(f'[data-role="{role}"]')).to_be_visible()
    expect(page.locator(".mask-views canvas.waiting:visible")).to_have_count(0)
    assert_large(page)
    page.context.set_offline(False)
    page.keyboard.press("Escape")
    expect(page.locator('[data-role="message"]')).to_be_hidden()
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")


def test_curves_the_ladder_and_the_results_fit_a_projector(open_page, image):
    page = open_page()
    page.set_viewport_size(PROJECTOR)
    upload(page, image)
    open_tab(page, "Ablate")
    page.locator('[data-role="ablate-show-ladder"]').click()
    page.locator('[data-role="ablate-run"]').click()
    expect(page.locator('[data-role="ablate-run"]')).to_have_text("The ladder is complete")
    add_scene(page, "Ladder")
    page.locator('[data-role="ablate-show-curves"]').click()
    page.locator('[data-role="ablate-run"]').click()
    expect(page.locator('[data-role="ablate-run"]')).to_have_text("All 5 sizes are here")
    add_scene(page, "Curves")
    open_tab(page, "Results")
    add_scene(page, "Results")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(ON)
    title = page.locator('[data-role="present-title"]')
    expect(title).to_have_text("Ladder")
    expect(page.locator(".ladder li:visible")).to_have_count(6)
    assert_large(page)
    images = boxes_of(*page.locator(".ladder canvas:visible").all())
    assert all(box["height"] > 120 for box in images)
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Curves")
    charts = page.locator('[data-role="ablate-curves"] .curve:visible')
    expect(charts).to_have_count(4)
    expect(page.locator('[data-role="ablate-curves"] .main-svg:visible').first).to_be_visible()
    page.wait_for_timeout(500)  # the charts have taken their size
    assert_large(page)
    foot, *drawn = boxes_of(page.locator('[data-role="present-foot"]'), *charts.all())
    lowest = max(box["y"] + box["height"] for box in drawn)
    assert foot["y"] - 60 < lowest <= foot["y"]  # the height is used
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("Results")
    page.wait_for_timeout(500)
    assert_large(page)
    page.keyboard.press("Escape")


def test_on_a_projector_text_and_outlines_are_large_and_the_height_is_used(open_page, image):
    page = open_page()
    page.set_viewport_size(PROJECTOR)
    upload(page, image)
    add_scene(page, "Maps")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(ON)
    settle(page)
    assert_large(page)
    stages = page.locator(f"{ON} .stage").all()
    assert len(stages) == 3
    assert all(box["width"] > 550 for box in boxes_of(*stages))
    lines = page.evaluate(OUTLINE)
    assert 4 <= lines < 20


@pytest.mark.parametrize("width", [1440, 390])
def test_the_title_of_a_scene_is_whole_in_its_field(open_page, image, width):
    page = open_page(width=width)
    upload(page, image)
    page.get_by_role("button", name="Scenes").click()
    field = page.locator('[data-role="scenes-title"]')
    field.fill("Cat on a sofa: cat + dog, 2 loops, refined")
    assert field.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_keys_change_loops_and_refinement_and_are_listed(open_page, image):
    page = open_page()
    upload(page, image)
    move(page, "loops", 1)
    add_scene(page, "Maps")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(ON)
    settle(page)
    value, words = page.locator('[data-role="present-value"]'), page.locator('[data-role="present-words"]')
    before = pixels(page)
    value.evaluate(RECORD)
    page.keyboard.press("ArrowUp")
    page.wait_for_function("window.values.includes('2 loops')")
    expect(words).to_contain_text("CRT with 2 loops")
    settle(page)
    assert changed(before, pixels(page)) == {"crt"}
    expect(value).to_be_hidden()  # after a moment
    page.keyboard.press("r")
    page.wait_for_function("window.values.includes('Not refined')")
    expect(page.locator('[data-role="live-region"]')).to_have_text("Not refined")
    page.keyboard.press("?")
    keys = page.get_by_role("region", name="Keys")
    expect(keys).to_contain_text("More or fewer loops of CRT")
    expect(keys.get_by_role("button", name="Close")).to_be_focused()
    keys.get_by_role("button", name="Close").click()
    expect(keys).to_be_hidden()
    expect(page.get_by_role("button", name="Keys")).to_be_focused()
    expect(page.locator(ON)).to_have_count(1)
    page.get_by_role("button", name="Keys").click()
    expect(keys).to_be_visible()
    page.keyboard.press("?")
    expect(keys).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator('[data-role="loops-value"]')).to_have_text("1")


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
