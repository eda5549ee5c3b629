"""Ground truth in a real browser: a mask file, shapes drawn by hand, and what is measured against them."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Page, expect

from tests.browser.driver import HOSTILE, boxes_of, changed, move, pixels, settle, upload
from tests.browser.faults import Queue

HEADS = ["IoU", "Precision", "Recall", "Box IoU", "Pointing game", "PxAP"]


@pytest.fixture(scope="module")
def mask(tmp_path_factory) -> str:
    """Indices for 160 × 120: the left half is the first class, a strip does not count, and a corner is the third."""
    values = np.zeros((120, 160), np.uint8)
    values[:, :80], values[:, 80:84], values[:20, 140:] = 1, 255, 3
    path = tmp_path_factory.mktemp("mask") / "mask.png"
    Image.fromarray(values).save(path)
    return str(path)


def choose(page: Page, name: str) -> None:
    page.locator(".class-row").filter(has_text=name).click()
    settle(page)


def measures(page: Page) -> dict[str, list[str]]:
    """Cells of the table by the row's name; it waits for sliders to rest, and a test for what it must show."""
    rows = page.locator('[data-role="localization-rows"] tr').all()
    return {row.locator("th .key").inner_text(): row.locator("td").all_text_contents() for row in rows}


def drop(page: Page, path: str) -> None:
    """Drop a file on the maps."""
    page.locator('[data-role="panels"]').evaluate(
        """(node, text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], 'dropped.png'));
            for (const name of ['dragover', 'drop']) {
                const event = new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true });
                if (node.dispatchEvent(event)) throw new Error(`${name} was left to the browser`);
            }
        }""",
        base64.b64encode(Path(path).read_bytes()).decode(),
    )


def in_sight(page: Page, method: str) -> FloatRect:
    """The box of a map on the screen, in the middle of it: the tools above stay in sight and would cover its edge."""
    canvas = page.locator(f'canvas.map[data-method="{method}"]')
    canvas.evaluate("node => node.scrollIntoView({ block: 'center' })")
    box = canvas.bounding_box()
    assert box
    return box


def press(page: Page, *points: tuple[float, float], method: str = "crt") -> None:
    """Click points of a map, from 0 to 1."""
    box = in_sight(page, method)
    for x, y in points:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        settle(page)


def test_a_mask_file_is_read_here_and_measured(open_page, image, mask, tmp_path):
    page = open_page()
    upload(page, image)
    choose(page, "cat")
    card = page.locator('[data-role="ground-truth-card"]')
    expect(card).to_contain_text("There is no mask of cat here")
    before = pixels(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_input_files('[data-role="ground-truth-file"]', mask)
    note = page.locator('[data-role="ground-truth-note"]')
    expect(note).to_contain_text("It holds cat, person.")
    settle(page)
    assert changed(before, pixels(page)) == {"crt", "tscam", "resnet"}
    expect(page.locator('[data-role="localization-head"] th')).to_have_text(HEADS)
    expect(page.locator('[data-role="localization-caption"]')).to_contain_text("This image: cat, at the threshold of")
    first = measures(page)
    assert set(first) == {"ResNet", "TS-CAM", "CRT"}
    assert all(len(cells) == len(HEADS) for cells in first.values())
    move(page, "threshold", 0.9)
    expect(page.locator('[data-role="localization-caption"]')).to_contain_text("90 %")
    assert {name: cells[4:] for name, cells in measures(page).items()} == {
        name: cells[4:] for name, cells in first.items()
    }
    assert measures(page) != first
    page.get_by_text("What do these mean?").first.click()
    expect(page.locator('[data-role="localization-definitions"]')).to_contain_text("Choe et al., 2020")

    choose(page, "evil")
    expect(card).to_contain_text("There is no mask of ${document.title")
    bad = tmp_path / f"{HOSTILE.replace('/', '')}.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\xff" * 40)
    page.set_input_files('[data-role="ground-truth-file"]', str(bad))
    expect(note).to_contain_text("This PNG is cut off")
    choose(page, "cat")
    assert set(measures(page)) == {"ResNet", "TS-CAM", "CRT"}
    page.get_by_role("button", name="Clear annotations").click()
    expect(page.locator('[data-role="ground-truth-source"]')).to_have_text("cat: none yet")
    settle(page)
    expect(page.locator('[data-role="localization"]')).to_be_hidden()
    drop(page, mask)
    expect(page.locator('[data-role="ground-truth-source"]')).to_have_text("cat: your PNG")
    assert [url for url in asked if not url.startswith(("data:", "blob:")) and "/viewer/" not in url] == []
    assert page.title() == "CRT explorer"


def test_the_cutoff_of_a_mask_with_soft_edges_is_chosen_on_the_maps(open_page, image, tmp_path):
    hard = np.zeros((30, 40), np.uint8)
    hard[8:22, 10:30] = 255
    soft = str(tmp_path / "soft.png")
    Image.fromarray(hard).resize((160, 120), Image.Resampling.BICUBIC).save(soft)
    page = open_page()
    upload(page, image)
    choose(page, "cat")
    source = page.locator('[data-role="ground-truth-source"]')
    field = page.get_by_label("Cut-off of the soft edges")
    expect(field).to_be_hidden()
    page.set_input_files('[data-role="ground-truth-file"]', soft)
    expect(page.locator('[data-role="ground-truth-note"]')).to_contain_text("above the cut-off is taken for cat")
    expect(source).to_have_text("cat: your PNG, cut off at 50 %")
    expect(page.locator('[data-role="cutoff-value"]')).to_have_text("50 %")
    settle(page)
    expect(page.locator('[data-role="localization-rows"] tr')).to_have_count(3)
    before, measured = pixels(page), page.locator('[data-role="localization-rows"]').text_content()
    move(page, "cutoff", 0.9)
    expect(source).to_have_text("cat: your PNG, cut off at 90 %")
    settle(page)
    assert changed(before, pixels(page)) == {"crt", "tscam", "resnet"}
    expect(page.locator('[data-role="localization-rows"]')).not_to_have_text(measured)
    choose(page, "person")
    expect(field).to_be_hidden()
    choose(page, "cat")
    expect(field).to_have_value("0.9")
    page.get_by_role("button", name="Clear annotations").click()
    expect(field).to_be_hidden()


def test_shapes_are_drawn_by_mouse_and_keyboard_and_taken_back(open_page, image):
    page = open_page()
    upload(page, image)
    choose(page, "cat")
    picked = (
        "window.picked = 0; document.querySelector('.crt-viewer').addEventListener('crt-pick', () => window.picked++)"
    )
    page.evaluate(picked)
    source, note = page.locator('[data-role="ground-truth-source"]'), page.locator('[data-role="ground-truth-note"]')
    plain = pixels(page)
    page.get_by_role("button", name="Draw a box").click()
    press(page, (0.1, 0.2))
    sketch = page.locator(".sketch .bright").first
    first = page.locator(".sketch .first").first
    expect(first).to_have_attribute(
        "d", re.compile(r"^M(9|10)\.\d+ (19|20)\.\d+h0$")
    )  # the first corner has a mark of its own
    page.mouse.move(5, 5)
    press(page, (0.6, 0.7))
    expect(note).to_have_text("A box for cat was drawn, 25 % of the image.")
    expect(source).to_have_text("cat: drawn by you")
    assert changed(plain, pixels(page)) == {"crt", "tscam", "resnet"}
    expect(sketch).to_have_attribute("d", "")

    page.get_by_role("button", name="Draw a polygon").click()
    press(page, (0.7, 0.1), (0.9, 0.1), (0.9, 0.5), method="resnet")
    assert sketch.get_attribute("d")
    page.keyboard.press("Backspace")
    press(page, (0.9, 0.4), (0.7, 0.1), method="resnet")
    expect(note).to_contain_text("A polygon for cat was drawn, 3.0 % of the image.")
    assert page.evaluate("window.picked") == 0

    page.get_by_role("button", name="Draw a box").focus()
    page.keyboard.press("Enter")
    settle(page)
    for key in ["ArrowLeft", "Enter", *["ArrowDown"] * 8, *["ArrowRight"] * 8, "Enter"]:
        page.keyboard.press(key)
    settle(page)
    expect(note).to_contain_text("4.0 % of the image")
    for left in ("cat: drawn by you", "cat: drawn by you", "cat: none yet"):
        page.get_by_role("button", name="Undo").click()
        expect(source).to_have_text(left)
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    settle(page)
    page.mouse.move(5, 5)
    assert changed(plain, pixels(page)) == set()


def test_a_finger_draws_a_polygon_and_escape_leaves_the_tool(open_page, image):
    page = open_page("dark", 390, has_touch=True)
    upload(page, image)
    tool = page.get_by_role("button", name="Draw a polygon")
    tool.tap()
    expect(tool).to_have_attribute("aria-pressed", "true")
    box = in_sight(page, "tscam")
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)):
        page.touchscreen.tap(box["x"] + x * box["width"], box["y"] + y * box["height"])
        settle(page)
    page.get_by_role("button", name="Close the shape").tap()
    expect(page.locator('[data-role="ground-truth-note"]')).to_contain_text("18 % of the image")
    expect(tool).to_have_attribute("aria-pressed", "false")
    expect(page.locator('[data-role="localization-rows"] tr')).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tool.tap()
    page.locator(".stage").first.focus()
    page.keyboard.press("Escape")
    expect(tool).to_have_attribute("aria-pressed", "false")


def test_faithfulness_is_measured_on_the_button_and_can_be_cancelled(open_page, image):
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "queue/join" in request.url else None)
    upload(page, image)
    run = page.get_attribute(".crt-viewer", "data-run")
    page.get_by_role("combobox", name="Input size", exact=True).click()
    page.get_by_role("option", name="224 px").click()  # ROAD's equations take their time at larger sizes
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    settle(page)
    assert not any('"measure"' in text for text in asked)
    for chip in ("ResNet", "TS-CAM"):
        page.locator('[data-role="panels-shown"]').get_by_role("button", name=chip, exact=True).click()
    start, stop = page.get_by_role("button", name="Measure faithfulness"), page.get_by_role("button", name="Cancel")
    with Queue(page).hold("faithfulness"):  # so that it does not end before it is cancelled
        start.click()
        expect(stop).to_be_visible()
        stop.click()
    expect(page.locator('[data-role="faithfulness-note"]')).to_contain_text("Cancelled")
    start.click()
    expect(page.get_by_role("button", name="Measured")).to_be_disabled()
    rows = page.locator('[data-role="faithfulness-rows"] tr')
    expect(rows).to_have_count(1)
    assert len(rows.locator("td").all()) == 5
    assert "…" not in rows.first.inner_text()
    expect(page.locator('[data-role="faithfulness-curves"] .curve-plot:visible')).to_have_count(3)
    move(page, "loops", 0)
    expect(start).to_be_enabled()  # another map, another measurement
    expect(page.locator('[data-role="faithfulness-found"]')).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_tools_lie_on_the_first_map_and_leave_it_free_while_drawing(open_page, image, width):
    page = open_page(width=width)
    upload(page, image)
    tools = page.locator('[data-role="draw-tools"]')
    stage = page.locator(".panel.resnet .stage")
    stage.scroll_into_view_if_needed()
    bar, drawn = boxes_of(tools, stage)
    assert drawn["y"] <= bar["y"] and bar["y"] + bar["height"] <= drawn["y"] + drawn["height"]
    page.get_by_role("button", name="Draw a polygon").click()
    expect(page.locator('[data-role="draw-subject"]')).to_contain_text("set its corners")
    settle(page)
    bar, drawn = boxes_of(tools, stage)
    assert bar["y"] + bar["height"] <= drawn["y"] + 1
    assert bar["x"] + bar["width"] <= width
    stage.hover()
    assert page.locator(".scale .value:not(:empty)").count() == 0  # no value of a map guides the hand
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Draw a polygon")).to_have_attribute("aria-pressed", "false")


def test_no_map_is_in_sight_while_ground_truth_is_drawn(open_page, image):
    page = open_page()
    upload(page, image)
    before = pixels(page)
    page.get_by_role("button", name="Draw a box").click()
    settle(page)
    bare = pixels(page)
    assert bare["crt"] == bare["tscam"] == bare["resnet"] != before["resnet"]
    page.get_by_role("button", name="Draw a box").click()  # ends it
    settle(page)
    assert pixels(page) == before


def test_the_curve_below_the_threshold_shows_the_iou_and_sets_it(open_page, image):
    page = open_page()
    curve = page.locator('[data-role="threshold-curve"]')
    upload(page, image)
    expect(curve).to_be_hidden()
    page.locator(".example").first.click()
    expect(curve).to_be_visible()
    lines = curve.locator("polyline")
    expect(lines).to_have_count(3)
    name = curve.get_attribute("aria-label") or ""
    found = re.search(r"\bCRT (\d+(?:\.\d)?) % at (\d+) %", name)
    assert found and name.count(" at ") == 4 and "ResNet" in name and "TS-CAM" in name, name
    lines.evaluate_all("nodes => nodes.forEach((node) => { node.dataset.before = 'yes'; })")
    box = curve.locator("> div").bounding_box()
    assert box
    at_best = (box["x"] + box["width"] * int(found[2]) / 100, box["y"] + 5)
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 5)
    page.mouse.down()
    expect(page.locator('[data-role="threshold-value"]')).to_have_text("90 % of max")
    page.mouse.move(*at_best)
    page.mouse.up()
    page.mouse.move(box["x"], box["y"] + 5)
    expect(page.locator('[data-role="threshold-value"]')).to_have_text(f"{found[2]} % of max")
    expect(page.locator(".panel.crt .iou")).to_have_text(f"IoU {round(float(found[1]))} %")
    tick = curve.locator("span").bounding_box()
    assert tick and tick["x"] + 1 == pytest.approx(at_best[0], abs=0.6)
    assert lines.evaluate_all("nodes => nodes.every((node) => node.dataset.before)"), "another threshold draws no line"
    page.locator('.chip[data-name="tscam"]').click()
    expect(lines).to_have_count(2)
    page.locator('[data-role="ground_truth"]').uncheck()
    expect(curve).to_be_hidden()
