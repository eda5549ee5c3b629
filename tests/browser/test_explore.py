"""The page in a real browser: a picture goes in, maps come out, controls change what they should and nothing else."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.driver import HOSTILE, SHOWN, changed, move, pixels, settle, upload


def test_upload_then_loops_change_crt_and_nothing_else(open_page, picture):
    page = open_page()
    expect(page.get_by_role("heading", level=1)).to_have_text("CRT explorer")
    upload(page, picture)
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


def test_classes_are_picked_in_the_chart_and_are_text_only(open_page, picture):
    page = open_page()
    upload(page, picture)
    rows = page.locator(".class-row")
    expect(rows).to_have_count(3)
    expect(page.locator(".class-row[aria-pressed=true]")).to_have_count(1)
    before = pixels(page)
    page.locator('.class-row[aria-pressed="false"]').first.click()
    settle(page)
    assert "resnet" in changed(before, pixels(page))
    rows.filter(has_text="evil").click()
    expect(page.locator('[data-role="chosen"]')).to_have_text(HOSTILE)
    page.get_by_text("Pick several").click()
    rows.filter(has_text="cat").click()
    expect(page.locator(".class-row[aria-pressed=true]")).to_have_count(2)
    assert page.title() == "CRT explorer"
    assert page.locator(".crt-viewer img[src=x]").count() == 0


def test_another_size_looks_again_and_a_bad_file_keeps_the_maps(open_page, picture, tmp_path):
    page = open_page()
    upload(page, picture)
    run = page.get_attribute(".crt-viewer", "data-run")
    page.get_by_label("Input size").click()
    page.get_by_role("option", name="224 px").click()
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    expect(page.locator('[data-role="status"]')).to_contain_text("Input 224 × 168 px")
    page.get_by_label("Input size").click()
    page.get_by_role("option", name="672 px").click()  # large enough to travel as a file
    expect(page.locator('[data-role="status"]')).to_contain_text("Input 672 × 504 px", timeout=20000)
    bad = tmp_path / "bad.png"
    bad.write_text(HOSTILE)
    shown = pixels(page)
    page.set_input_files("#crt-picture input[type=file]", str(bad))
    expect(page.get_by_role("alert").filter(has_text="not a picture")).to_be_visible()
    assert changed(shown, pixels(page)) == set()


def test_arrow_keys_read_the_same_place_in_all_maps(open_page, picture):
    page = open_page()
    upload(page, picture)
    maps = pixels(page)
    page.get_by_role("application", name="CRT: arrow keys").focus()
    page.keyboard.press("ArrowRight")
    spoken = page.locator('[data-role="spoken"]')
    expect(spoken).to_contain_text("TS-CAM")
    first = spoken.text_content()
    page.keyboard.press("ArrowDown")
    expect(spoken).not_to_have_text(first)
    expect(page.locator(".scale .value:not(:empty)")).to_have_count(3)
    assert changed(maps, pixels(page)) == set()  # the crosshair has its own canvas


def test_maps_lie_on_the_picture(open_page, picture):
    page = open_page()
    upload(page, picture)
    boxes = page.evaluate(
        "[...document.querySelectorAll('.stage')].map(stage => [...stage.querySelectorAll('canvas')]"
        ".map(canvas => { const box = canvas.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; }))"
    )
    assert len(boxes) == 3
    for map_box, cross_box in boxes:
        np.testing.assert_allclose(map_box, cross_box, atol=0.6)
        assert map_box[2] / map_box[3] == pytest.approx(160 / 120, rel=0.01)


def test_taking_the_picture_away_brings_the_invitation_back(open_page, picture):
    page = open_page()
    upload(page, picture)
    page.locator("#crt-picture").get_by_label("Clear").or_(page.get_by_label("Remove Image")).first.click()
    expect(page.get_by_text("See where each network looks")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_examples_and_no_sideways_scroll(open_page, theme):
    page = open_page(theme, 390)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".sample").first.click()
    page.wait_for_selector(SHOWN)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('.crt-viewer input, .crt-viewer select')]"
        ".filter(node => !node.labels?.length && !node.ariaLabel).map(node => node.outerHTML)"
    )
    assert unnamed == []
