"""The Ablate tab in a real browser: columns come one by one, can be stopped, fail alone, and open in Explore."""

import re

import pytest
from playwright.sync_api import expect

from app.core.messages import INTERNAL_ERROR
from app.core.runs import Runs
from tests.browser.driver import SHOWN, move, open_tab, settle, upload
from tests.helpers.narrow import present

RUN, STATUS = '[data-role="ablate-run"]', '[data-role="ablate-status"]'
SIZES = '[data-role="ablate-sizes-grid"]'


def part(page, name: str) -> None:
    page.get_by_role("group", name="What to compare").get_by_role("button", name=name).click()
    settle(page)


def run(page, words: str) -> None:
    """Run what is missing and wait until it is there."""
    page.locator(RUN).click()
    expect(page.locator(RUN)).to_have_text(words)
    settle(page)


def joins(page) -> list[str]:
    """The bodies of all requests that the page sends from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "queue/join" in request.url else None)
    return asked


def test_nothing_runs_before_the_button_and_then_sizes_come_one_by_one(open_page, image):
    page = open_page()
    upload(page, image)
    asked = joins(page)
    open_tab(page, "Ablate")
    cells = page.locator(f"{SIZES} button")
    expect(cells).to_have_count(5)  # of the size that is on the page
    expect(page.locator(SIZES).get_by_text("Not run yet")).to_have_count(4)
    assert asked == []
    run(page, "All 5 sizes are here")
    assert [re.findall(r'"size":"(\d+)"', body)[-1] for body in asked] == ["224", "336", "448", "560", "672"]
    expect(cells).to_have_count(25)
    drawn = page.evaluate(f"[...document.querySelectorAll('{SIZES} canvas')].map(one => one.toDataURL())")
    assert len(set(drawn)) == 25
    move(page, "threshold", 0.5)
    page.locator('.class-row[aria-pressed="false"]').first.click()
    page.get_by_text("Refinement", exact=True).click()
    settle(page)
    after = page.evaluate(f"[...document.querySelectorAll('{SIZES} canvas')].map(one => one.toDataURL())")
    assert not set(drawn) & set(after)
    assert len(asked) == 5  # all of that without the server
    page.evaluate(
        "() => { const root = document.querySelector('.crt-viewer');"
        " root.addEventListener('crt-settings', ({ detail }) => { root.dataset.wanted = JSON.stringify(detail); }); }"
    )
    page.get_by_role("button", name=re.compile("448 px, 1 loop,")).focus()
    page.keyboard.press("Enter")
    settle(page)
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")
    expect(page.locator('[data-role="loops-value"]')).to_have_text("1")
    assert page.get_attribute(".crt-viewer", "data-wanted") == '{"size":"448","mode":"overlap"}'


def test_cancel_requests_nothing_more_and_the_next_run_takes_up_the_rest(open_page, image):
    page = open_page()
    upload(page, image)
    open_tab(page, "Ablate")
    asked, held = joins(page), []

    def hold(route):
        if '"size":"448"' in (route.request.post_data or "") and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/queue/join*", hold)
    page.locator(RUN).click()
    expect(page.locator(STATUS)).to_have_text("2 of 5 sizes")
    expect(page.locator(SIZES).get_by_text("Computing…")).to_have_count(1)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(STATUS)).to_have_text("Stopped at 2 of 5 sizes.")
    expect(page.locator(RUN)).to_be_focused()
    held[0].continue_()
    expect(page.locator(f"{SIZES} button")).to_have_count(15)  # what was under way is kept
    expect(page.locator(STATUS)).to_have_text("Stopped at 3 of 5 sizes.")
    assert len(asked) == 3
    expect(page.locator(RUN)).to_have_text("Run the 2 missing sizes")
    run(page, "All 5 sizes are here")
    assert len(asked) == 5


def test_a_column_that_fails_has_its_message_and_the_others_come(open_page, image, monkeypatch):
    page = open_page()
    upload(page, image)
    open_tab(page, "Ablate")
    prediction = Runs.predict

    def broken(self, session, image, settings, *rest, **keywords):
        if settings.size == 560:
            raise RuntimeError("out of memory")
        return prediction(self, session, image, settings, *rest, **keywords)

    monkeypatch.setattr(Runs, "predict", broken)
    run(page, "Run the 1 missing size")
    expect(page.locator(f"{SIZES} .failed")).to_have_text(INTERNAL_ERROR)
    expect(page.locator(f"{SIZES} button")).to_have_count(20)
    expect(page.locator(STATUS)).to_contain_text("1 of 5 sizes failed")
    monkeypatch.undo()
    run(page, "All 5 sizes are here")
    part(page, "Modes × refinement")
    run(page, "All 4 modes are here")
    grid = page.locator('[data-role="ablate-modes-grid"]')
    expect(grid.locator("button")).to_have_count(6)
    expect(grid.get_by_text("cannot do deconvolution")).to_be_visible()  # and the reason why


@pytest.mark.parametrize(("theme", "width"), [("dark", 390), ("light", 1440)])
def test_with_a_mask_there_are_curves_a_ladder_and_a_best_cell(open_page, theme, width):
    page = open_page(theme, width)
    page.locator(".example").filter(has_text="astronaut").click()
    page.wait_for_selector(SHOWN)
    page.locator(".class-row").filter(has_text="person").click()
    open_tab(page, "Ablate")
    expect(page.locator('[data-role="ablate-answer"]')).to_contain_text(re.compile(r"on this image: IoU \d"))
    expect(page.locator(f"{SIZES} .best")).to_have_count(1)
    expect(page.locator(f"{SIZES} .best")).to_have_text("best")
    part(page, "Ladder")
    run(page, "The ladder is complete")
    rungs = page.locator(".ladder li")
    expect(rungs).to_have_count(6)
    expect(rungs.get_by_text(re.compile("^best IoU"))).to_have_count(6)
    expect(rungs.nth(1)).to_contain_text("one 64 px tile")  # that of the tiny checkpoint
    expect(rungs.nth(5)).to_contain_text(re.compile(r"\d loops · refined"))
    part(page, "Curves")
    charts = page.locator(".curve:visible")
    expect(charts).to_have_count(6)
    use = page.get_by_role("group", name="Best thresholds").get_by_role("button", name="best for CRT")
    wanted = int(present(re.search(r"Use (\d+) %", use.text_content()))[1])
    use.click()
    settle(page)
    assert float(page.locator('[data-role="threshold"]').input_value()) == pytest.approx(wanted / 100)
    charts.nth(1).get_by_text("Numbers", exact=True).click()
    expect(charts.nth(1).locator("tbody tr")).to_have_count(101)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    drawn = "[...document.querySelectorAll('.curves .curve-plot:not([hidden])')]"
    named = f"{drawn}.every(one => one.getAttribute('aria-label'))"
    assert page.evaluate(named)
