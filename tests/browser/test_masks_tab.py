"""The Masks tab: from maps to labels, with and without the dense CRF."""

import re

import pytest
from playwright.sync_api import expect

from crt.viz.label_colours import LABEL_COLOURS
from tests.browser.driver import HOSTILE, SHOWN, boxes_of, move, open_tab, settle, upload
from tests.browser.faults import Queue

LOOKS = [("light", 1440), ("dark", 390)]
NOTES = {"crf": "mask-note", "walk": "walk-note", "deeplab": "deeplab-note"}
CANVAS = "role => document.querySelector(`[data-role=${role}]`).toDataURL()"


def seed(page) -> str:
    settle(page)
    return page.evaluate(CANVAS, "mask-seed")


def opened(open_page, image, theme, width):
    page = open_page(theme, width)
    upload(page, image)
    open_tab(page, "Masks")
    return page


def all_made(page) -> None:
    """Wait until the server has made every mask and the page has downloaded it."""
    for note in NOTES.values():
        expect(page.locator(f'[data-role="{note}"]')).to_contain_text("ms")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_threshold_outlines_boxes_and_method_redraw_without_the_server(open_page, image, theme, width):
    page = opened(open_page, image, theme, width)
    all_made(page)
    for name in NOTES:  # which follow another method through the server
        page.locator(f'[data-role="mask-{name}"]').set_checked(False, force=True)
        settle(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    seen = [seed(page)]
    move(page, "mask-threshold", 0.5)
    seen.append(seed(page))
    for name in ("mask-boxes", "mask-contours"):
        box = page.locator(f'[data-role="{name}"]')
        box.set_checked(not box.is_checked(), force=True)
        seen.append(seed(page))
    page.get_by_label("Source map").select_option(label="ResNet")
    seen.append(seed(page))
    assert len(set(seen)) == len(seen)
    assert asked == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.dense_crf
@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_crf_follows_its_parameters(open_page, image, theme, width):
    page = opened(open_page, image, theme, width)
    all_made(page)
    crf, note = page.locator('[data-role="mask-crf"]'), page.locator('[data-role="mask-note"]')
    crf.set_checked(True, force=True)
    expect(note).to_contain_text("ms")
    figure = page.locator('[data-role="mask-refined-figure"]')
    expect(figure).to_be_visible()
    shares = page.locator('[data-role="mask-rows"]')
    before, image_before = shares.inner_text(), page.evaluate(CANVAS, "mask-refined")
    for slider in page.locator('[data-role="mask-sliders"] input').all():  # one that smooths everything away
        slider.evaluate("node => { node.value = node.max; node.dispatchEvent(new Event('input', { bubbles: true })); }")
    expect(page.locator('[data-role="mask-preset"]')).to_have_value("own")
    expect(shares).not_to_have_text(before)
    page.wait_for_function(
        "([role, old]) => document.querySelector(`[data-role=${role}]`).toDataURL() !== old",
        arg=["mask-refined", image_before],
    )
    crf.set_checked(False, force=True)
    expect(figure).to_be_hidden()


def test_several_classes_each_have_a_colour_and_a_row(open_page, image):
    page = opened(open_page, image, "light", 1440)
    rows = page.locator('[data-role="mask-rows"] tr')
    expect(rows).to_have_count(1)
    page.get_by_label("Select multiple").set_checked(True, force=True)
    listed = page.locator('[data-role="chart"], .chart').first
    one = seed(page)
    chosen = rows.first.inner_text()
    other = next(name for name in ("cat", "person") if name not in chosen)
    listed.get_by_text(other, exact=True).first.click()
    expect(rows).to_have_count(2)
    assert seed(page) != one
    colours = swatches(page)
    assert len(set(colours)) == 2
    assert set(colours) <= {f"rgb({r}, {g}, {b})" for r, g, b in LABEL_COLOURS}
    move(page, "mask-threshold", 0.7)
    page.locator('[data-role="mask-contours"]').set_checked(False, force=True)
    page.get_by_label("Source map").select_option(label="ResNet")
    settle(page)
    assert swatches(page) == colours  # a class keeps its colour
    listed.get_by_text(other, exact=True).first.click()  # what was made for two classes is still there
    expect(rows).to_have_count(1)
    settle(page)
    assert swatches(page) == colours[:1]
    assert HOSTILE not in page.title()


def swatches(page) -> list[str]:
    """The colours of the table's rows."""
    return page.evaluate(
        "[...document.querySelectorAll('.mask-table .mask-swatch')].map(node => getComputedStyle(node).backgroundColor)"
    )


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_each_mask_has_its_iou_where_the_ground_truth_is_known(open_page, theme, width):
    page = open_page(theme, width)
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    open_tab(page, "Masks")
    iou = re.compile(r"^IoU \d+(\.\d)? %$")
    for role in ("mask-seed", "mask-random-walk", "mask-segmentation"):
        expect(page.locator(f'[data-role="{role}-status"]')).to_have_text(iou)
    expect(page.locator('[data-role="mask-ground-truth"]')).to_be_visible()
    expect(page.locator('[data-role="mask-ground-truth-status"]')).to_be_hidden()
    status = page.locator('[data-role="mask-seed-status"]')
    shown = status.inner_text()
    expect(page.locator('[data-role="mask-rows"] td').first).to_contain_text(shown)
    move(page, "mask-threshold", 0.9)
    expect(status).not_to_have_text(shown)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [390, 768])
def test_where_the_settings_are_not_beside_the_masks_the_masks_come_first(open_page, image, width):
    page = open_page(width=width)
    upload(page, image)
    open_tab(page, "Masks")
    masks, controls = boxes_of(page.locator(".mask-views"), page.locator(".mask-controls"))
    assert masks["y"] + masks["height"] <= controls["y"]


def test_the_threshold_has_the_ends_that_it_has_in_explore(open_page, image):
    page = open_page()
    upload(page, image)
    move(page, "threshold", 0.97)
    open_tab(page, "Masks")
    expect(page.locator('[data-role="mask-threshold"]')).to_have_value("0.97")
    move(page, "mask-threshold", 0)
    expect(page.locator('[data-role="mask-note"]')).to_contain_text(re.compile(r"\d+ ms"))
    expect(page.locator('[data-role="mask-threshold-value"]')).to_have_text("0 % of max")


def test_a_skeleton_stands_where_a_mask_is_being_computed(open_page, image):
    page = open_page()
    upload(page, image)
    queue = Queue(page)
    figures = [page.locator(f'[data-role="{role}-figure"]') for role in ("mask-random-walk", "mask-edges")]
    with queue.hold("walk"):
        open_tab(page, "Masks")
        queue.wait_for("walk")
        for figure in figures:
            expect(figure).to_have_attribute("aria-busy", "true")
            expect(figure.locator("canvas.skeleton")).to_be_visible()
            expect(figure.locator(".mask-status")).to_have_text("Computing…")
        size = figures[0].locator("canvas").bounding_box()
    expect(page.locator('[data-role="walk-note"]')).to_contain_text("ms")
    for figure in figures:
        expect(figure).to_have_attribute("aria-busy", "false")
        expect(figure.locator("canvas.skeleton")).to_have_count(0)
        expect(figure.locator(".mask-status")).to_be_hidden()
    now = figures[0].locator("canvas").bounding_box()
    assert size and now and (now["width"], now["height"]) == (size["width"], size["height"])


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_walk_and_the_segmentation_network_are_shown_and_the_walk_follows_its_settings(
    open_page, image, theme, width
):
    page = opened(open_page, image, theme, width)
    note = page.locator('[data-role="walk-note"]')
    all_made(page)
    for role in ("mask-random-walk", "mask-segmentation", "mask-edges"):
        expect(page.locator(f'[data-role="{role}"]')).to_be_visible()
    heads = page.locator('[data-role="mask-heads"] th').all_inner_texts()
    assert heads == ["Label", "Seed", "CRF", "Walk", "DeepLab"]
    expect(page.get_by_label("Background", exact=True)).to_have_value("0.3")  # what measured best for this checkpoint
    cells = page.locator('[data-role="mask-rows"] tr').first.locator("td")
    assert all("%" in text for text in cells.all_inner_texts())

    settle(page)
    propagated = page.evaluate(CANVAS, "mask-random-walk")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    move_to(page, "walkThreshold", 0.8)
    settle(page)
    higher = page.evaluate(CANVAS, "mask-random-walk")
    assert higher != propagated and asked == []
    move_to(page, "walkSteps", 0)
    page.wait_for_function(
        "([role, old]) => document.querySelector(`[data-role=${role}]`).toDataURL() !== old",
        arg=["mask-random-walk", higher],
    )
    expect(note).to_contain_text("ms")
    assert asked
    for name in ("walk", "deeplab"):
        page.locator(f'[data-role="mask-{name}"]').set_checked(False, force=True)
        settle(page)  # the note below goes, and what is under it moves up
    expect(page.locator('[data-role="mask-random-walk"]')).to_be_hidden()
    expect(page.locator('[data-role="mask-segmentation"]')).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def move_to(page, name: str, value: float) -> None:
    page.locator(f"#crt-mask-{name}").evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )
