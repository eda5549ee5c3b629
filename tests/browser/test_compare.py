"""Two maps against each other: swipe, blink, difference, and two settings of one method."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, boxes_of, move, settings, settle, upload
from tests.browser.test_accessibility import barriers

CANVAS = 'canvas[data-method="compare"]'


def view(page, name: str) -> None:
    page.get_by_role("radio", name=name).check()
    settle(page)


def colours(page) -> np.ndarray:
    """(H, W, 3) of the compared map as it is drawn."""
    url = page.locator(CANVAS).evaluate("canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"), dtype=np.int16)


def opened(open_page, image, width=1440, **options):
    page = open_page("light", width, **options)
    upload(page, image)
    with settings(page):
        page.locator('[data-role="outline"]').uncheck()
        page.locator('[data-role="overlay"]').select_option("heat")  # colours alone, however small the values
    return page


def test_swipe_shows_a_at_the_left_and_b_at_the_right_of_a_divider_that_keys_and_pointers_move(open_page, image):
    page = opened(open_page, image)
    view(page, "Swipe")
    half = colours(page)
    divider = page.get_by_role("slider", name="Divider between A and B")
    divider.focus()
    page.keyboard.press("Home")
    settle(page)
    only_b = colours(page)
    page.keyboard.press("End")
    settle(page)
    only_a = colours(page)
    middle = half.shape[1] // 2
    np.testing.assert_allclose(half[:, : middle - 1], only_a[:, : middle - 1], atol=2)
    np.testing.assert_allclose(half[:, middle + 1 :], only_b[:, middle + 1 :], atol=2)
    assert np.abs(only_a - only_b).max() > 50
    expect(divider).to_have_attribute("aria-valuenow", "100")
    page.get_by_role("button", name="Swap A and B").click()
    settle(page)
    np.testing.assert_array_equal(colours(page), only_b)
    divider.focus()
    page.keyboard.press("PageDown")
    settle(page)
    stage, handle = boxes_of(page.locator(".panel.compare .stage"), divider.locator("i"))
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.25, stage["y"] + 20, steps=4)
    page.mouse.up()
    settle(page)
    assert abs(int(divider.get_attribute("aria-valuenow")) - 25) <= 1
    expect(divider).to_have_attribute("aria-valuetext", "25 %: CRT, 2 loops, refined at the left, ResNet at the right")


INSIDE = """(stage) => [...stage.querySelectorAll('.divider span')].every((name) => {
  const [outer, inner] = [stage, name].map((one) => one.getBoundingClientRect());
  return inner.left >= outer.left && inner.right <= outer.right;
})"""


def test_the_names_beside_the_divider_are_on_the_map_and_clear_of_the_draw_tools(open_page, image):
    page = opened(open_page, image)
    view(page, "Swipe")
    for side in ("a", "b"):
        page.locator(f'[data-role="{side}-class"]').select_option(label="person")
    divider, stage = page.locator(".panel.compare .divider"), page.locator(".panel.compare .stage")
    draw_tools = page.locator('[data-role="draw-tools"]')
    for key in (None, "PageDown", "PageDown", "PageDown"):
        if key:
            divider.focus()
            page.keyboard.press(key)
        settle(page)
        assert stage.evaluate(INSIDE)
        tools, *names = boxes_of(draw_tools, *divider.locator("span").all())
        assert all(name["y"] >= tools["y"] + tools["height"] for name in names)


def test_the_fields_above_the_maps_show_their_whole_text(open_page, image):
    page = opened(open_page, image)
    whole = """node => {
      const style = getComputedStyle(node), pen = document.createElement('canvas').getContext('2d');
      pen.font = style.font;
      return node.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
        - pen.measureText(node.selectedOptions[0].text).width;
    }"""
    assert page.locator('[data-role="added_panel"]').evaluate(whole) >= 0
    view(page, "Difference")
    assert page.locator('[data-role="difference-unit"]').evaluate(whole) >= 0


def test_difference_is_signed_and_nothing_for_the_same_map(open_page, image):
    page = opened(open_page, image)
    view(page, "Difference")
    expect(page.locator(".panel.compare h3")).to_have_text("ResNet − CRT, share of own maximum")
    expect(page.locator(".panel.compare .scale .unit").first).to_have_text("share of own maximum")
    move(page, "opacity", 1)
    forward = colours(page).astype(float)
    low, high = (page.locator(f".panel.compare .{end}").first.text_content() for end in ("low", "high"))
    assert low.split()[0].lstrip("−") == high.split()[-1].lstrip("+")
    page.get_by_role("button", name="Swap A and B").click()
    settle(page)
    backward = colours(page).astype(float)
    warm = forward[..., 0] - forward[..., 2]  # orange is above, blue below
    assert warm.max() > 40
    assert warm.min() < -40
    assert np.corrcoef(warm.ravel(), (backward[..., 0] - backward[..., 2]).ravel())[0, 1] < -0.9


def test_two_settings_of_one_method_are_compared_and_stay_as_they_are(open_page, image):
    page = opened(open_page, image)
    view(page, "Difference")
    page.locator('[data-role="a-method"]').select_option("crt")
    settle(page)
    expect(page.locator(".panel.compare .none")).to_have_text("No difference")
    page.locator('[data-role="a-loops"]').select_option("0")
    page.locator('[data-role="b-loops"]').select_option("3")
    settle(page)
    title, unit = page.locator(".panel.compare h3"), page.locator(".panel.compare .scale .unit").first
    expect(title).to_have_text("CRT: A − B, share of own maximum")
    page.locator('[data-role="difference-unit"]').select_option(label="raw values")
    expect(title).to_have_text("CRT: A − B, raw CAM × attention")
    expect(unit).to_have_text("raw CAM × attention")
    page.locator('[data-role="a-refined"]').select_option("off")  # no unit in common, and the title says which it is
    expect(title).to_have_text("CRT: A − B, share of own maximum")
    page.locator('[data-role="a-refined"]').select_option("as set")
    expect(title).to_have_text("CRT: A − B, raw CAM × attention")
    expect(page.locator(".panel.compare .none")).to_be_hidden()
    before = colours(page)
    move(page, "loops", 1)  # both sides have their own
    np.testing.assert_array_equal(colours(page), before)


def test_the_blink_alternates_and_can_be_paused(open_page, image):
    page = opened(open_page, image)
    view(page, "Blink")
    title = page.locator(".panel.compare h3")
    page.locator('[data-role="blink-rate"]').select_option("2")
    expect(title).to_contain_text("B: CRT")
    expect(title).to_contain_text("A: ResNet")
    page.get_by_role("button", name="Pause the blink").click()
    settle(page)
    kept = title.text_content()
    page.wait_for_timeout(1300)
    assert title.text_content() == kept
    page.get_by_role("button", name="Show the other").click()
    expect(title).not_to_have_text(kept)


def choose(page, name: str) -> None:
    page.locator(".class-row").filter(has_text=name).click()
    settle(page)


def of_two_classes(page, kind: str) -> None:
    """CRT's map of the cat as A, and of the person as B."""
    choose(page, "cat")
    view(page, kind)
    page.locator('[data-role="a-method"]').select_option("crt")
    page.locator('[data-role="b-class"]').select_option(label="person")
    settle(page)


def test_two_classes_are_compared_each_with_its_own_label_and_map(open_page, image):
    page = opened(open_page, image)
    of_two_classes(page, "Swipe")
    expect(page.locator(".panel.compare h3")).to_have_text("cat by CRT | person by CRT")
    names = [f"{letter}: {name} by CRT, 2 loops, refined" for letter, name in (("A", "cat"), ("B", "person"))]
    expect(page.locator(".panel.compare .scale .name")).to_have_text(names)
    label = page.locator(CANVAS).get_attribute("aria-label")
    assert "A CRT, 2 loops, refined map of cat" in label and "B CRT, 2 loops, refined map of person" in label
    divider = page.get_by_role("slider", name="Divider between A and B")
    words = "cat by CRT, 2 loops, refined at the left, person by CRT, 2 loops, refined at the right"
    expect(divider).to_have_attribute("aria-valuetext", f"50 %: {words}")
    divider.focus()
    page.keyboard.press("Home")
    settle(page)
    own = colours(page)
    choose(page, "evil")  # a class of its own stays
    np.testing.assert_array_equal(colours(page), own)
    page.locator('[data-role="b-class"]').select_option("")
    choose(page, "person")
    np.testing.assert_array_equal(colours(page), own)
    expect(page.locator(".panel.compare h3")).to_have_text("CRT | CRT")


def test_the_value_of_each_class_is_read_at_the_crosshair(open_page, image):
    page = opened(open_page, image)
    of_two_classes(page, "Swipe")
    page.locator(".panel.compare .stage").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".panel.compare .scale .value").nth(1)).not_to_be_empty()
    spoken = page.locator('[data-role="live-region"]')
    expect(spoken).to_contain_text("A cat by CRT, 2 loops, refined")
    expect(spoken).to_contain_text("B person by CRT, 2 loops, refined")


def test_a_difference_of_two_classes_names_both_and_travels_by_link(open_page, image):
    page = opened(open_page, image, permissions=["clipboard-read", "clipboard-write"])
    of_two_classes(page, "Difference")
    titles = ["CRT: cat − person, share of own maximum", "A: cat by CRT", "B: person by CRT"]
    expect(page.locator(".panels h3")).to_have_text(titles)
    expect(page.locator(".panel.compare .high").first).to_contain_text("more cat")
    page.wait_for_function("location.search.includes('wb=crt~person')")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator('[data-role="permalink-note"]')).to_contain_text("Link copied")
    before = colours(page)
    other = open_page()
    other.goto(page.evaluate("navigator.clipboard.readText()"))
    other.wait_for_selector(SHOWN)
    expect(other.locator(".panels h3")).to_have_text(titles)
    assert other.locator('[data-role="b-class"] option:checked').inner_text() == "person"
    settle(other)
    np.testing.assert_allclose(colours(other), before, atol=2)


def cells(page) -> list[str]:
    return page.locator(".panels > .panel h3").all_inner_texts()


def test_a_grid_shows_each_class_by_each_network_and_a_click_shows_the_class(open_page, image):
    page = opened(open_page, image)
    choose(page, "cat")
    view(page, "Classes")
    titles = cells(page)
    names = [title.removesuffix(" by ResNet") for title in titles[::3]]
    assert titles == [f"{name} by {network}" for name in names for network in ("ResNet", "TS-CAM", "CRT")]
    assert set(names) >= {"cat", "person"} and len(names) == 3
    panels = boxes_of(*page.locator(".panels > .panel").all())
    rows = [panels[first : first + 3] for first in (0, 3, 6)]
    assert all(len({round(box["y"]) for box in row}) == 1 for row in rows)
    assert all(len({round(row[column]["x"]) for row in rows}) == 1 for column in range(3))
    expect(page.locator('.chip[data-name="input"]')).to_be_hidden()
    page.locator('.chip[data-name="tscam"]').click()
    expect(page.locator(".panels > .panel")).to_have_count(6)
    page.locator('canvas[data-method="class_2_crt"]').click()
    expect(page.get_by_role("radio", name="Side by side")).to_be_checked()
    expect(page.locator('.class-row[aria-pressed="true"] .name')).to_have_text(names[2])
    expect(page.locator(".panel.crt .stage")).to_be_focused()
    assert cells(page) == ["ResNet", "CRT"]


def test_the_maps_of_a_row_of_the_grid_are_in_line(open_page, image):
    page = opened(open_page, image)
    view(page, "Classes")
    tops = page.locator(".panels > .panel").evaluate_all("""(panels) => panels.slice(0, 3).map((panel, i) => {
      panel.querySelector('h3').textContent = i === 1 ? 'a name that takes a second line' : 'cat';
      return panel.querySelector('.stage');
    }).map((stage) => Math.round(stage.getBoundingClientRect().y))""")
    assert len(set(tops)) == 1


def test_the_grid_is_walked_and_chosen_from_with_keys(open_page, image):
    page = opened(open_page, image)
    choose(page, "cat")
    page.get_by_role("radio", name="Side by side").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    settle(page)
    first = page.locator(".panel.class_0_resnet")
    name = first.locator("h3").inner_text()
    stage = page.get_by_role("application", name=f"{name}: arrow keys")
    stage.focus()
    page.keyboard.press("ArrowRight")
    expect(first.locator(".scale .value").first).not_to_be_empty()
    page.keyboard.press("Enter")
    expect(page.locator('.class-row[aria-pressed="true"] .name')).to_have_text(name.removesuffix(" by ResNet"))
    expect(page.locator(".panel.resnet .stage")).to_be_focused()


def test_several_chosen_classes_are_the_rows_of_the_grid(open_page, image):
    page = opened(open_page, image)
    choose(page, "person")
    page.locator("label").filter(has=page.locator('[data-role="multi_select"]')).click()
    choose(page, "cat")
    view(page, "Classes")
    assert cells(page)[::3] == ["person by ResNet", "cat by ResNet"]
    page.wait_for_function("location.search.includes('w=classes')")


def test_a_slide_of_the_grid_stays_as_it_is(open_page, image):
    page = opened(open_page, image)
    view(page, "Classes")
    titles = cells(page)
    page.get_by_role("button", name="Scenes").click()
    page.get_by_role("button", name="Add scene").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    view(page, "Side by side")
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector('.crt-viewer[data-present="on"]')
    settle(page)
    assert cells(page) == titles
    page.locator('canvas[data-method="class_0_crt"]').click()
    settle(page)
    assert cells(page) == titles
    page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_barrier_where_classes_are_compared(open_page, image, theme):
    page = open_page(theme)
    upload(page, image)
    of_two_classes(page, "Difference")
    for parts in (('[data-role="compare-sides"]', ".panels"), (".viewbar", ".panels")):
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            settle(page)
            assert barriers(page, *parts) == [], width
        view(page, "Classes")


def test_a_phone_shows_the_networks_of_the_grid_beside_each_other(open_page, image):
    page = open_page("dark", 390)
    upload(page, image)
    view(page, "Classes")
    panels = boxes_of(*page.locator(".panels > .panel").all()[:3])
    assert len({round(box["y"]) for box in panels}) == 1
    assert all(box["width"] > 100 and 0 <= box["x"] <= 390 - box["width"] for box in panels)
    of_two_classes(page, "Swipe")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_comparing_fits_a_phone(open_page, image):
    page = opened(open_page, image, 390)
    view(page, "Classes")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("Swipe", "Blink", "Difference"):
        view(page, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        box = page.locator(f".panel.compare {CANVAS}").bounding_box()
        assert box["width"] > 300
    view(page, "Side by side")
    expect(page.locator(".panel")).to_have_count(3)
