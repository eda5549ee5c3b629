"""The page in a real browser: an image goes in, maps come out, controls change what they should and nothing else."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.driver import HOSTILE, SHOWN, boxes_of, changed, move, open_tab, pixels, settle, upload


def test_upload_then_loops_change_crt_and_nothing_else(open_page, image):
    page = open_page()
    expect(page.get_by_role("heading", level=1)).to_have_text("CRT explorer")
    upload(page, image)
    first = pixels(page)
    assert len(set(first.values())) == 3
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_role("slider", name="Loops").focus()
    page.keyboard.press("Home")
    settle(page)
    after = pixels(page)
    assert changed(first, after) == {"crt"}
    page.get_by_text("Refinement", exact=True).click()
    settle(page)
    assert changed(after, pixels(page)) == {"crt", "tscam"}
    after = pixels(page)
    for role, value in (("threshold", 0.6), ("opacity", 0.2)):
        move(page, role, value)
        assert changed(after, pixels(page)) == {"crt", "tscam", "resnet"}, role
        after = pixels(page)
    page.locator('[data-role="colormap"]').select_option("magma")
    settle(page)
    assert changed(after, pixels(page)) == {"crt", "tscam", "resnet"}
    assert [url for url in requests if "queue/join" in url or "/run/" in url] == []
    expect(page.get_by_role("status").filter(has_text="Input")).to_contain_text("tiles")


DRAWN = (
    "() => Object.fromEntries([...document.querySelectorAll('.panels canvas.map')]"
    ".map((one) => [one.dataset.method, Number(one.dataset.drawn)]))"
)
"""How often each map was drawn."""


def test_only_what_has_changed_is_drawn(open_page, image):
    page = open_page()
    upload(page, image)

    def drawn_by(change) -> set[str]:
        before = page.evaluate(DRAWN)
        change()
        settle(page)
        after = page.evaluate(DRAWN)
        return {name for name in after if after[name] != before[name]}

    move(page, "loops", 1)
    assert drawn_by(lambda: move(page, "loops", 0)) == {"crt"}
    assert drawn_by(lambda: page.get_by_text("Refinement", exact=True).click()) == {"crt", "tscam"}
    assert drawn_by(lambda: move(page, "threshold", 0.6)) == {"crt", "tscam", "resnet"}
    assert drawn_by(lambda: (open_tab(page, "Results"), open_tab(page, "Explore"))) == set()
    assert drawn_by(lambda: page.get_by_text("Select multiple").click()) == set()
    page.mouse.move(5, 5)
    assert drawn_by(lambda: page.locator("canvas[data-method=crt]").hover()) == set()
    assert drawn_by(lambda: page.set_viewport_size({"width": 1000, "height": 800})) == {"crt", "tscam", "resnet"}


def test_classes_are_picked_in_the_chart_and_are_text_only(open_page, image):
    page = open_page()
    upload(page, image)
    rows = page.locator(".class-row")
    expect(rows).to_have_count(3)
    keys = page.locator('[data-role="legend"] .key').all_inner_texts()
    assert keys[:3] == page.locator(".panel h3").all_inner_texts(), "in the order of the panels"
    expect(page.locator('[data-role="legend"]')).to_contain_text("Number: CRT")
    number = rows.first.locator(".number").inner_text()
    assert f"CRT {number}" in (rows.first.get_attribute("title") or "")
    expect(page.locator(".class-row[aria-pressed=true]")).to_have_count(1)
    before = pixels(page)
    page.locator('.class-row[aria-pressed="false"]').first.click()
    settle(page)
    assert "resnet" in changed(before, pixels(page))
    rows.filter(has_text="evil").click()
    expect(page.locator('[data-role="chosen"]')).to_have_text(HOSTILE)
    page.get_by_text("Select multiple").click()
    rows.filter(has_text="cat").click()
    expect(page.locator(".class-row[aria-pressed=true]")).to_have_count(2)
    assert page.title() == "CRT explorer"
    assert page.locator(".crt-viewer img[src=x]").count() == 0


def test_another_size_runs_again_and_a_bad_file_keeps_the_maps(open_page, image, tmp_path):
    page = open_page()
    upload(page, image)
    run = page.get_attribute(".crt-viewer", "data-run")
    page.get_by_role("combobox", name="Input size", exact=True).click()
    page.get_by_role("option", name="224 px").click()
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    expect(page.locator('[data-role="status"]')).to_contain_text("Input 224 × 168 px")
    page.get_by_role("combobox", name="Input size", exact=True).click()
    page.get_by_role("option", name="672 px").click()  # large enough to travel as a file
    expect(page.locator('[data-role="status"]')).to_contain_text("Input 672 × 504 px")
    bad = tmp_path / "bad.png"
    bad.write_text(HOSTILE)
    shown = pixels(page)
    page.set_input_files("#crt-image input[type=file]", str(bad))
    expect(page.get_by_role("alert").filter(has_text="not an image")).to_be_visible()
    assert changed(shown, pixels(page)) == set()


def test_arrow_keys_read_the_same_place_in_all_maps(open_page, image):
    page = open_page()
    upload(page, image)
    maps = pixels(page)
    page.get_by_role("application", name="CRT: arrow keys").focus()
    page.keyboard.press("ArrowRight")
    spoken = page.locator('[data-role="live-region"]')
    expect(spoken).to_contain_text("TS-CAM")
    first = spoken.text_content()
    page.keyboard.press("ArrowDown")
    expect(spoken).not_to_have_text(first)
    expect(page.locator(".scale .value:not(:empty)")).to_have_count(3)
    position = page.locator('[data-role="readout-position"]')
    expect(position).to_have_text("x 85, y 64 of 160 × 120 px")  # a step of a 40th from the middle
    assert changed(maps, pixels(page)) == set()  # the crosshair has its own canvas


def test_maps_lie_on_the_image(open_page, image):
    page = open_page()
    upload(page, image)
    boxes = page.evaluate(
        "[...document.querySelectorAll('.stage')].map(stage => [...stage.querySelectorAll('canvas')]"
        ".map(canvas => { const box = canvas.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; }))"
    )
    assert len(boxes) == 3
    for map_box, cross_box in boxes:
        np.testing.assert_allclose(map_box, cross_box, atol=0.6)
        assert map_box[2] / map_box[3] == pytest.approx(160 / 120, rel=0.01)


def test_boxes_cells_and_blocks_need_no_server(open_page, image):
    page = open_page()
    upload(page, image)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    before = pixels(page)
    page.locator('[data-role="boxes"]').check()
    box = page.locator(".panel.crt .box")
    expect(box).to_have_text(re.compile(r"^Box: x \d+ to \d+, y \d+ to \d+ px \(\d+ × \d+\)$"))
    x0, x1, y0, y1, *_ = map(int, re.findall(r"\d+", box.inner_text()))
    assert 0 <= x0 < x1 <= 160 and 0 <= y0 < y1 <= 120, "pixels of the image, which the networks get larger"
    label = page.locator('canvas[data-method="crt"]').get_attribute("aria-label")
    assert "Box: x" in label
    assert changed(before, pixels(page)) == {"crt", "tscam", "resnet"}
    page.locator('[data-role="boxes"]').uncheck()
    page.locator('[data-role="cells"]').check()
    settle(page)
    assert changed(before, pixels(page)) == {"crt", "tscam", "resnet"}
    page.locator('[data-role="cells"]').uncheck()
    settle(page)
    assert changed(before, pixels(page)) == set()
    move(page, "blocks-first", 3)
    assert changed(before, pixels(page)) == {"crt", "tscam"}
    expect(page.locator('[data-role="attention-note"]')).to_contain_text("blocks 3–6 of 6")
    page.get_by_role("button", name="All blocks").last.click()
    settle(page)
    assert changed(before, pixels(page)) == set()
    page.locator('[data-role="pass_reduction"]').select_option("last")
    settle(page)
    assert changed(before, pixels(page)) == {"crt"}
    page.locator('[data-role="refined"]').uncheck()
    expect(page.locator('[data-role="blocks-first"]')).to_be_disabled()
    expect(page.locator('[data-role="attention-note"]')).to_contain_text("Refinement is off")
    assert [url for url in requests if "queue/join" in url or "/run/" in url] == []


def test_the_loops_play_and_stop_where_the_user_takes_over(open_page, image):
    page = open_page()
    upload(page, image)
    move(page, "loops", 0)
    value = page.locator('[data-role="loops-value"]')
    page.get_by_role("button", name="Play the loop counts").click()
    expect(value).to_have_text("1")
    expect(page.locator('[data-role="loops-similarity"]')).to_contain_text("cosine to previous pass")
    expect(value).to_have_text("2")
    move(page, "loops", 0)
    expect(page.get_by_role("button", name="Play the loop counts")).to_be_visible()
    page.wait_for_timeout(1300)
    expect(value).to_have_text("0")


def test_the_loops_play_on_the_tabs_whose_maps_follow_them_and_stop_elsewhere(open_page, image):
    page = open_page()
    upload(page, image)
    play, value = page.locator('[data-role="play"]'), page.locator('[data-role="loops-value"]')
    for name in ("Layers", "Results", "Ablate"):
        open_tab(page, name)
        expect(play).to_be_hidden()
    page.get_by_role("button", name="Modes × refinement").click()
    for name in ("Ablate", "Masks"):
        open_tab(page, name)
        move(page, "loops", 0)
        play.click()
        expect(value).to_have_text("1")
        expect(value).to_have_text("2")
    open_tab(page, "Layers")
    expect(play).to_be_hidden()
    slider, row = boxes_of(page.locator('[data-role="loops"]'), page.locator(".toolbar .loops"))
    assert slider["width"] > row["width"] - 8
    shown = value.text_content()
    page.wait_for_timeout(1300)
    expect(value).to_have_text(shown)


def test_each_loop_count_has_its_iou_where_there_is_a_mask(open_page):
    page = open_page()
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    counts = page.locator('[data-role="loops-iou"] li')
    expect(counts).to_have_count(5)
    expect(page.locator('[data-role="loops-iou"] .best')).to_have_count(1)
    shown = page.locator(".panel.crt .iou").text_content().removeprefix("IoU ")
    expect(page.locator('[data-role="loops-iou"] [aria-current]')).to_contain_text(shown)
    move(page, "threshold", 0.9)
    expect(page.locator(".panel.crt .iou")).not_to_have_text(f"IoU {shown}")
    expect(page.locator('[data-role="loops-iou"] [aria-current]')).not_to_contain_text(f"IoU {shown}")


def test_one_more_map_stands_beside_the_others_and_can_be_taken_away(open_page, image):
    page = open_page()
    upload(page, image)
    open_tab(page, "Layers")
    page.locator(".layers-cell").first.click()
    page.get_by_role("button", name="Pin to Explore").click()
    open_tab(page, "Explore")
    more = page.locator(".panel.more")
    expect(more.get_by_role("heading")).to_have_text("CRT attention")
    expect(more.locator(".unit").first).to_have_text("share of attention")
    close = more.get_by_role("button", name="Close panel")
    close.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".panel")).to_have_count(3)
    assert page.evaluate("document.activeElement.dataset.role") == "added_panel"


def test_taking_the_image_away_brings_the_invitation_back(open_page, image):
    page = open_page()
    upload(page, image)
    page.locator("#crt-image").get_by_label("Clear").or_(page.get_by_label("Remove Image")).first.click()
    expect(page.get_by_text("Compare class activation maps")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_examples_and_no_sideways_scroll(open_page, theme):
    page = open_page(theme, 390)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('.crt-viewer input, .crt-viewer select')]"
        ".filter(node => !node.labels?.length && !node.ariaLabel).map(node => node.outerHTML)"
    )
    assert unnamed == []
