"""Requests that cross: the newest one counts, the user's own image wins, and none is sent twice."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, boxes_of, move, open_tab, settle, upload
from tests.browser.faults import JOIN, LIMIT, NO_CONNECTION, Queue
from tests.browser.test_accessibility import barriers
from tests.helpers.narrow import present

KEEP_SCENE = """query => {
  localStorage.setItem('crt-scenes', JSON.stringify({ version: 1, scenes: [{ title: 'a', query }] }));
  dispatchEvent(new StorageEvent('storage', { key: 'crt-scenes' }));
}"""
"""As another tab would add a scene."""
NOTE = '[data-role="inspect-note"]'


@pytest.fixture
def refused() -> tuple[str, ...]:
    return ("/queue/join", "/cancel", "/reset", "/file=")  # what is held back cannot be cancelled


def test_of_two_quick_clicks_only_the_second_is_shown(open_page, image):
    page = open_page()
    upload(page, image)
    queue = Queue(page)
    with queue.hold("inspect"):
        page.locator("canvas[data-method=tscam]").click(position={"x": 20, "y": 20})
        queue.wait_for("inspect")
        page.locator("canvas[data-method=crt]").click(position={"x": 200, "y": 150})
        page.locator("canvas[data-method=crt]").click(position={"x": 5, "y": 5})
        settle(page)
    expect(page.locator('[data-role="inspect-title"]')).to_have_text("CRT: one patch")
    expect(page.locator(NOTE)).to_contain_text("Row 1, column 1 ")
    assert queue.count("inspect") == 2  # the one between was never sent


def copied_link(page) -> str:
    """A link to what is on the page, whose image the server keeps."""
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator('[data-role="permalink-note"]')).to_contain_text("keeps the image")
    return page.locator('[data-role="permalink-url"]').input_value()


def test_a_link_is_copied_by_one_request_and_not_again_while_that_waits(open_page, image):
    page = open_page()
    upload(page, image)
    queue = Queue(page)
    copy = page.get_by_role("button", name="Copy link")
    with queue.hold("keep"):
        copy.click()
        copy.click()
        queue.wait_for("keep")
        copy.click()
    expect(page.locator('[data-role="permalink-note"]')).to_contain_text("keeps the image for an hour")
    assert queue.joined == ["keep"]


def test_an_image_chosen_while_a_link_opens_wins(open_page, image, tmp_path):
    page = open_page()
    upload(page, image)
    move(page, "threshold", 0.3)
    link = copied_link(page)
    mine = str(tmp_path / "mine.png")
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(mine)
    other = open_page()
    queue = Queue(other)
    with queue.hold("reopen"):
        other.evaluate(KEEP_SCENE, link.partition("?")[2])
        upload(other, mine)
        other.get_by_role("button", name="Scenes").click()
        other.get_by_role("button", name="Show this scene: a").click()
        queue.wait_for("reopen")
        run = other.get_attribute(".crt-viewer", "data-run")
        other.locator("#crt-image").get_by_role("button", name="Remove Image").click()
        other.wait_for_selector('.crt-viewer[data-state="empty"]')
        other.set_input_files("#crt-image input[type=file]", mine)
    other.wait_for_function("run => (document.querySelector('.crt-viewer').dataset.run ?? run) !== run", arg=run)
    foreign = link.partition("pic=")[2][:20]
    own = "foreign => location.search.includes('pic=sha.') && !location.search.includes(foreign)"
    other.wait_for_function(own, arg=foreign)
    queue.wait_for_answers()  # what the link would bring has come
    assert other.evaluate(own, foreign)
    expect(other.locator('[data-role="message"]')).to_be_hidden()
    expect(other.locator('[data-role="threshold-value"]')).not_to_contain_text("30 %")


def test_a_failed_example_leaves_nothing_for_the_next_image(open_page, image):
    page = open_page()
    queue = Queue(page)
    queue.fail("example", "limit")
    page.locator(".example").filter(has_text="Motorcycle").first.click()  # it shows two panels, not refined
    expect(page.locator('[data-role="examples-note"]')).to_contain_text("Rate limit reached")
    upload(page, image)
    expect(page.locator('[data-role="refined"]')).to_be_checked()
    expect(page.locator(".panel.resnet")).to_be_visible()
    expect(page.locator('[data-role="claim"]')).to_contain_text("at a threshold of")  # no claim
    page.wait_for_function("location.search.includes('pic=sha.')")  # the address follows


def test_panels_that_an_example_shows_are_its_own(open_page, image):
    page = open_page()
    page.locator(".example").filter(has_text="Motorcycle").first.click()
    page.wait_for_selector(SHOWN)
    expect(page.locator(".panel.resnet")).to_have_count(0)
    page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
    page.wait_for_selector('.crt-viewer[data-state="empty"]')
    upload(page, image)
    expect(page.locator(".panel.resnet")).to_be_visible()


def test_scenes_added_in_two_tabs_are_both_kept(open_page, image):
    page = open_page()
    upload(page, image)
    tab = page.context.new_page()
    tab.goto(copied_link(page))
    tab.wait_for_selector(SHOWN)
    for one, title in ((page, "first"), (tab, "second")):
        one.bring_to_front()
        one.get_by_role("button", name="Scenes").click()
        one.get_by_label("Title of the current view").fill(title)
        one.get_by_role("button", name="Add scene").click()
        expect(one.get_by_role("dialog").locator("[role=status]")).to_contain_text("added")
    for one in (page, tab):
        expect(one.locator('[data-role="scenes-list"] input').nth(1)).to_have_value("second")
        expect(one.locator('[data-role="scenes-list"] input').nth(0)).to_have_value("first")
    tab.close()


def test_an_image_is_brought_back_once_there_is_a_connection(open_page, image, other_image):
    page = open_page()
    upload(page, image)
    run = page.get_attribute(".crt-viewer", "data-run")
    page.set_input_files("#crt-image input[type=file]", other_image)
    page.wait_for_function("run => (document.querySelector('.crt-viewer').dataset.run ?? run) !== run", arg=run)
    back = page.get_by_role("button", name="Previous image")
    page.route("**/gradio_api/file=**", lambda route: route.abort("connectionfailed"))
    back.click()
    expect(page.locator('[data-role="message"]')).to_contain_text(NO_CONNECTION)
    page.unroute("**/gradio_api/file=**")
    page.route(JOIN, lambda route: route.fulfill(status=429, json={"detail": LIMIT}))
    run = page.get_attribute(".crt-viewer", "data-run")
    back.click()
    page.wait_for_timeout(500)
    page.unroute(JOIN)
    again = page.locator('[data-role="message"]').get_by_role("button", name="Try again")
    if again.is_visible():
        again.click()
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    expect(back).to_be_visible()  # which is the other one now


def test_a_refused_image_has_its_message_beside_the_toast(open_page, image):
    page = open_page()
    page.route(
        "**/gradio_api/queue/join*",
        lambda route: route.fulfill(status=429, json={"detail": "Rate limit reached; try again in 7 s."}),
    )
    page.set_input_files("#crt-image input[type=file]", image)
    message = page.locator('[data-role="message"]')
    expect(message).to_have_text(f"{LIMIT} Try again ")
    assert barriers(page, '[data-role="message"]') == []
    message.get_by_role("button", name="Close message").click()
    expect(message).to_be_hidden()
    page.unroute(JOIN)
    page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
    upload(page, image)
    expect(message).to_be_hidden()


def test_on_a_phone_a_message_lies_above_the_tabs(open_page, image):
    page = open_page("light", 390)
    upload(page, image)
    page.route(JOIN, lambda route: route.fulfill(status=429, json={"detail": LIMIT}))
    page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
    page.set_input_files("#crt-image input[type=file]", image)
    message = page.locator('[data-role="message"]')
    expect(message).to_be_visible()
    box, tabs = boxes_of(message, page.get_by_role("tablist").first)
    assert box["y"] + box["height"] <= tabs["y"]


@pytest.fixture
def other_image(tmp_path) -> str:
    path = str(tmp_path / "other.png")
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path)
    return path


def test_nothing_about_an_image_whose_run_was_refused_is_shown_over_the_maps_of_another(open_page, image, other_image):
    page = open_page()
    upload(page, image)
    page.route(JOIN, lambda route: route.fulfill(status=429, json={"detail": LIMIT}))
    page.set_input_files("#crt-image input[type=file]", other_image)
    expect(page.locator('[data-role="message"]')).to_contain_text(LIMIT)
    page.unroute(JOIN)
    page.locator("canvas[data-method=crt]").click()
    expect(page.locator(NOTE)).to_contain_text("The maps are of the image before")
    expect(page.locator('[data-role="inspect"].waiting')).to_have_count(0)
    expect(page.locator('[data-role="inspect-attention"]')).to_have_attribute("aria-label", "No values yet")
    expect(page.locator('[data-role="message"]')).to_contain_text(LIMIT)  # of a run, which no other answer ends
    open_tab(page, "Masks")
    for role in ("mask-note", "walk-note", "deeplab-note"):
        expect(page.locator(f'[data-role="{role}"]')).to_contain_text("The maps are of the image before")


def test_a_patch_is_of_the_size_of_the_maps_where_another_size_was_refused(open_page, image):
    page = open_page()
    upload(page, image)
    page.route(JOIN, lambda route: route.fulfill(status=429, json={"detail": LIMIT}))
    page.get_by_label("Input size").click()
    page.get_by_role("option", name="224 px").click()
    expect(page.locator('[data-role="message"]')).to_contain_text(LIMIT)
    page.unroute(JOIN)
    box = present(page.locator("canvas[data-method=crt]").bounding_box())
    page.locator("canvas[data-method=crt]").click(position={"x": box["width"] - 4, "y": box["height"] - 4})
    expect(page.locator(NOTE)).to_have_text("Row 16, column 21 of 16 × 21 patches, seen in tile 70 of 70.")
