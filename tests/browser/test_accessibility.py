"""axe-core finds no serious barrier in the page, and everything can be reached, seen and heard without a pointer."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.driver import SHOWN, move, open_tab, settings, settle, upload

GRAVE = {"serious", "critical"}
EXPERIMENTAL = (
    "css-orientation-lock", "focus-order-semantics", "label-content-name-mismatch", "p-as-heading",
    "table-fake-caption", "td-has-header",
)  # fmt: skip
"""Rules of axe-core that it does not run unless they are named."""


FOCUSED = """() => {
  const node = document.activeElement;
  if (!node.closest('.crt-viewer')) return null;
  const label = ['radio', 'file'].includes(node.type) ? node.closest('label') : null; // these are seen as their label
  const style = getComputedStyle(label?.querySelector('span') ?? label ?? node);
  const outline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return { name: node.dataset.role ?? node.getAttribute('aria-label')?.split(':')[0] ?? node.textContent, outline };
}"""


def barriers(page, *parts: str, preload: bool = True) -> list[str]:
    """What axe-core finds grave in the page, or in the elements of these selectors, one line for each element.

    `preload`: whether it fetches the style sheets anew, which a policy of the page may forbid.
    """
    context = {"include": [[part] for part in parts]} if parts else None
    rules = {name: {"enabled": True} for name in EXPERIMENTAL}
    found = (
        Axe()
        .run(page, context=context, options={"resultTypes": ["violations"], "rules": rules, "preload": preload})
        .response["violations"]
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_barrier(open_page, image, theme):
    page = open_page(theme)

    def check(state: str, *parts: str) -> None:
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            settle(page)
            assert barriers(page, *parts) == [], (state, width)

    check("no image")
    upload(page, image)
    page.locator('[data-role="boxes"]').check()
    page.get_by_role("application", name="CRT: arrow keys").focus()
    page.keyboard.press("ArrowLeft")
    check("image")
    for view in ("Swipe", "Blink", "Difference"):
        page.get_by_role("radio", name=view).check()
        settle(page)
        check(view, '[aria-label="View"]', '[data-role="compare-sides"]', ".panel.compare")  # what a view changes
    page.get_by_text("Refinement", exact=True).first.click()  # greys the choice of blocks
    for tab in ("Explore", "Ablate", "Layers", "Masks"):
        open_tab(page, tab)
        page.wait_for_timeout(300)
        check(tab)


DIALOGS = {
    "scenes": ("scenes-open", '[data-role="scenes"]'),
    "tour": ("tour-start", '[data-role="tour"]'),
    "export": ("export-open", '[data-role="export-menu"]'),
    "presentation": ("present-start", ".crt-viewer[data-present]"),
}
"""What opens each, and what is then examined."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_barrier_in_what_opens_over_the_page(open_page, image, theme):
    page = open_page(theme)
    upload(page, image)
    for name, (button, part) in DIALOGS.items():
        page.locator(f'[data-role="{button}"]').click()
        page.locator(part).first.wait_for()
        page.wait_for_timeout(300)
        assert barriers(page, part) == [], name
        page.keyboard.press("Escape")
        settle(page)
    page.locator('[data-role="export-open"]').click()
    page.get_by_role("menuitem", name="Figure for print").click()
    page.locator('[data-role="figure-preview"]').wait_for()
    assert barriers(page, '[data-role="figure"]') == []
    page.locator('[data-role="figure-close"]').click()
    page.get_by_role("application", name="CRT: arrow keys").click()
    page.locator('[data-role="inspect"]').wait_for()
    assert barriers(page, '[data-role="inspect"]') == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_barrier_in_what_opens_inside_those(open_page, image, theme, tmp_path):
    page = open_page(theme, 390)
    upload(page, image)
    with settings(page):
        page.locator('[data-role="sheet-close"]').wait_for()
        assert barriers(page, ".sheet") == []
    page.set_viewport_size({"width": 1440, "height": 900})
    scenes = page.get_by_role("button", name="Scenes")
    scenes.click()
    page.get_by_role("button", name="Add scene").click()
    with page.expect_download() as saved:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    saved.value.save_as(tmp_path / "scenes.json")
    page.get_by_role("dialog").get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    page.get_by_role("button", name="Replace").wait_for()
    assert barriers(page, '[data-role="scenes"]') == []
    page.keyboard.press("Escape")
    page.locator('[data-role="present-start"]').click()
    page.locator(".crt-viewer[data-present]").wait_for()
    page.keyboard.press("?")
    page.locator('[data-role="present-keys"]').wait_for()
    assert barriers(page, '[data-role="present-keys"]') == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    open_tab(page, "Layers")
    page.locator(".layers-cell").first.click()
    page.locator('[data-role="layers-large"]').wait_for()
    assert barriers(page, '[data-role="layers-large"]') == []


def test_axe_sees_a_barrier_that_is_there(open_page):
    page = open_page()
    page.evaluate("document.querySelector('.invite h2').style.color = '#eee'")
    assert any(line.startswith("color-contrast") for line in barriers(page))
    assert any(line.startswith("color-contrast") for line in barriers(page, ".invite h2"))
    assert barriers(page, '[aria-label="View"]') == []


CONTROLS = (
    "button, summary, select, [role=tab], label:has(> input), .threshold-curve,"
    " input:is([type=range], [type=number], [type=text])"
)
SMALL = """nodes => nodes.filter(one => !one.closest('#crt-image, #crt-side')).map((one) => {
  const { width, height } = one.getBoundingClientRect();
  const name = one.dataset.role ?? one.firstElementChild?.dataset.role ?? one.textContent.trim();
  return { width, height, name };
}).filter(({ width, height }) => Math.min(width, height) < 43.5)"""
"""Controls that are smaller than a fingertip, without those of Gradio."""


@pytest.mark.parametrize("width", [390, 1024])
def test_every_control_of_explore_is_as_large_as_a_fingertip(open_page, width):
    page = open_page("light", width, has_touch=True)
    page.locator(".example").first.click()
    page.wait_for_selector(SHOWN)
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    controls = page.locator(f".crt-viewer :is({CONTROLS}):visible")
    with settings(page):
        page.locator('[data-role="scale"]').select_option("absolute")
        settle(page)
        assert controls.count() > 40
        assert controls.evaluate_all(SMALL) == []
    for view in ("swipe", "blink", "difference", "classes"):
        page.locator(f'input[name="crt-view"][value="{view}"]').check(force=True)
        settle(page)
        assert controls.evaluate_all(SMALL) == []


def test_the_keyboard_reaches_every_control_and_focus_is_seen(open_page, image):
    page = open_page()
    upload(page, image)
    page.evaluate("document.body.focus()")
    hidden: list[str] = []
    seen = set()
    for _ in range(140):
        page.keyboard.press("Tab")
        one = page.evaluate(FOCUSED)
        if one:
            seen.add(one["name"])
            if not one["outline"]:
                hidden.append(one["name"])
    assert hidden == []
    wanted = {"play", "loops", "refined", "zoom-in", "threshold", "opacity", "outline", "boxes", "cells", "scale"}
    wanted |= {"colormap", "overlay", "blocks-first", "blocks-last", "pass_reduction", "TS-CAM", "CRT"}
    assert wanted <= seen, wanted - seen


def test_reduced_motion_moves_nothing_by_itself(open_page, image):
    page = open_page(reduced_motion="reduce")
    upload(page, image)
    expect(page.get_by_role("button", name="Next loop count")).to_be_visible()
    move(page, "loops", 0)
    page.get_by_role("button", name="Next loop count").click()
    page.wait_for_timeout(1300)
    expect(page.locator('[data-role="loops-value"]')).to_have_text("1")
    page.get_by_role("radio", name="Blink").check()
    expect(page.get_by_role("button", name="Start the blink")).to_be_visible()
    title = page.locator(".panel.compare h3")
    expect(title).to_contain_text("A: ResNet")
    page.wait_for_timeout(1300)
    expect(title).to_contain_text("A: ResNet")
    page.get_by_role("button", name="Show the other").click()
    expect(title).to_contain_text("B: CRT")
