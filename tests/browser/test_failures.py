"""Every request of the page fails once in every way: the feature shows it in its place and works when tried again."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app.cli import AppConfig
from app.viewer.viewer import EVENTS
from tests.browser.driver import open_tab, settle, upload
from tests.browser.faults import JOIN, KINDS, NO_CONNECTION, Queue


@pytest.fixture
def refused() -> tuple[str, ...]:
    # Of an answer in parts Gradio's client gets only the later ones where a stream has broken in between.
    return ("/queue/join", "/queue/data", "Cannot set properties of undefined")


@pytest.fixture(scope="module")
def server(checkpoint, serve):
    """The address of an app that also loads checkpoints of its users; `open_page` goes there in this file."""
    with serve(AppConfig(checkpoint=checkpoint, host="127.0.0.1", allow_custom_checkpoints=True)) as url:
        yield url


def role(page: Page, name: str) -> Locator:
    return page.locator(f'[data-role="{name}"]')


def press(name: str) -> Callable[[Page], None]:
    return lambda page: role(page, name).click()


def try_again(page: Page) -> None:
    page.get_by_role("button", name="Try again").locator("visible=true").click()


@dataclass(frozen=True)
class Case:
    """One event. `ask` requests it first and `again` once it has failed; `place` holds the sentence, with `around` it.

    `works` matches what stands in `proof` (`place`, if there is none) when the answer has come. `before`: what the page
    has to be doing for it.
    """

    ask: Callable[[Page], None]
    place: str
    works: str
    again: Callable[[Page], None]
    proof: str = ""
    before: Callable[[Page], None] | None = None


def other_size(page: Page) -> None:
    page.evaluate(
        "document.querySelector('.crt-viewer').dispatchEvent("
        "new CustomEvent('crt-settings', { detail: { size: '224', mode: 'non-overlap' } }))"
    )


def explainer(page: Page) -> None:
    role(page, "added_panel").select_option("gradcam crt")


def patch(page: Page) -> None:
    page.locator("canvas[data-method=crt]").click()


def export(page: Page) -> None:
    role(page, "export-open").click()
    page.get_by_role("menuitem", name="PNG").click()


def example(page: Page) -> None:
    page.locator(".example").filter(has_text="Cat").first.click()


def swap(page: Page) -> None:
    page.get_by_role("button", name="Load", exact=True).click()


def measuring(page: Page) -> None:
    role(page, "faithfulness-start").click()
    page.wait_for_function("document.querySelector('[data-role=faithfulness-progress]').value > 0")  # by the server


def cancelled(page: Page) -> None:
    if role(page, "faithfulness-stop").is_hidden():
        measuring(page)
    role(page, "faithfulness-stop").click()


def masks(page: Page) -> None:
    open_tab(page, "Masks")


def small_size(page: Page) -> None:
    page.get_by_label("Input size").click()
    page.get_by_role("option", name="224 px").click()


def refused_size(page: Page) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=429, json={"detail": KINDS["limit"]})

    page.route(JOIN, refuse)
    small_size(page)
    expect(role(page, "message")).to_contain_text(KINDS["limit"])
    page.unroute(JOIN, refuse)


CASES = {
    "example": Case(example, "examples-note", "for|settles", example, proof="claim"),
    "explain": Case(explainer, "panels", r"of CRT, \d+ ms", try_again),
    "inspect": Case(patch, "inspect-note", "Row", patch),
    "load_heads": Case(
        press("layers-deepen"), "layers-note", "Attention rollout", press("layers-deepen"), "layers-rollout",
        lambda page: open_tab(page, "Layers"),
    ),
    "ablate": Case(
        press("ablate-run"), "ablate-sizes-grid", "All 5 sizes are here", press("ablate-run"), "ablate-run",
        lambda page: open_tab(page, "Ablate"),
    ),
    "segment": Case(masks, "mask-note", r"\d+ ms", try_again),
    "walk": Case(masks, "walk-note", r"\d+ ms", try_again),
    "deeplab": Case(masks, "deeplab-note", r"\d+ ms", try_again),
    "faithfulness": Case(
        press("faithfulness-start"), "faithfulness-note", "Drop", press("faithfulness-start"), "faithfulness-found"
    ),
    "cancel": Case(
        cancelled, "faithfulness-note", "Cancelled. Completed measurements are kept.", cancelled, before=measuring
    ),
    "export": Case(export, "export-note", r"\.png, \d+", export),
    "export_results": Case(
        export, "export-note", r"\.png, \d+", export, before=lambda page: open_tab(page, "Results")
    ),
    "reopen": Case(other_size, "message", "Input 224 × 168 px", try_again, "status"),
    "reopen_run": Case(other_size, "message", "Input 224 × 168 px", try_again, "status"),
    "keep": Case(press("copy-link"), "permalink-note", "keeps the image for an hour", press("copy-link")),
    "swap": Case(swap, "message", "is loaded", swap),
    "rerun": Case(try_again, "message", "Input 224 × 168 px", try_again, "status", refused_size),
}  # fmt: skip


MASKS = ("segment", "walk", "deeplab")
OTHERS = [name for name in CASES if name not in ("inspect", "cancel", *MASKS)]
"""With a stream of their own, unlike the masks, which come together, and a cancel, which comes with what it cancels."""


def test_there_is_a_case_for_every_event():
    assert set(CASES) == set(EVENTS)


@pytest.mark.nightly  # minutes of waiting
@pytest.mark.parametrize("event", EVENTS)
def test_a_failed_request_has_its_message_in_place_and_works_again(open_page, image, checkpoint, event):
    case = CASES[event]
    page = open_page()
    if event != "example":
        upload(page, image)
    page.get_by_label("Checkpoint (folder or Hub id)").fill(checkpoint)
    if case.before:
        case.before(page)
    queue = Queue(page)
    place = role(page, case.place)
    for number, (kind, sentence) in enumerate(KINDS.items()):
        expect(role(page, "ablate-progress")).to_be_hidden()  # the columns that did not fail are here
        if kind == "silence":
            page.clock.install()
        queue.fail(event, kind)
        (case.again if number else case.ask)(page)
        if kind == "silence":
            while queue.count(event) <= number:
                page.wait_for_timeout(50)
            queue.pass_time(place, sentence)
        expect(place).to_contain_text(sentence)
        if kind == "silence":
            queue.end_streams()
    case.again(page)
    expect(role(page, case.proof or case.place)).to_contain_text(re.compile(case.works))
    expect(page.get_by_role("button", name="Try again").locator("visible=true")).to_have_count(0)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    if role(page, "faithfulness-stop").is_visible():
        role(page, "faithfulness-stop").click()


@pytest.mark.parametrize("event", ["inspect", *(pytest.param(name, marks=pytest.mark.nightly) for name in OTHERS)])
def test_a_stream_that_breaks_fails_what_waits_for_it_and_the_next_one_works(open_page, image, checkpoint, event):
    case = CASES[event]
    page = open_page()
    if event != "example":
        upload(page, image)
    page.get_by_label("Checkpoint (folder or Hub id)").fill(checkpoint)
    queue = Queue(page)
    queue.fail(event, "stream")
    state = page.locator(".crt-viewer").get_attribute("data-state")
    if case.before:
        case.before(page)
    case.ask(page)
    expect(role(page, case.place)).to_contain_text(NO_CONNECTION)
    assert page.locator(".crt-viewer").get_attribute("data-state") == state  # the page has not been loaded anew
    case.again(page)
    expect(role(page, case.proof or case.place)).to_contain_text(re.compile(case.works))
    settle(page)


@pytest.mark.nightly
def test_a_stream_that_breaks_fails_every_mask_and_each_works_again(open_page, image):
    page = open_page()
    upload(page, image)
    queue = Queue(page)
    queue.keep_streams()
    masks(page)
    queue.wait_for_queued(len(MASKS))
    queue.end_streams()
    for event in MASKS:
        expect(role(page, CASES[event].place)).to_contain_text(NO_CONNECTION)
    again = page.get_by_role("button", name="Try again").locator("visible=true")
    for left in reversed(range(len(MASKS))):
        again.first.click()
        expect(again).to_have_count(left)
    for event in MASKS:
        expect(role(page, CASES[event].place)).to_contain_text(re.compile(CASES[event].works))


WAYS = [*KINDS, "stream"]


@pytest.mark.parametrize("kind", [WAYS[0], *(pytest.param(kind, marks=pytest.mark.nightly) for kind in WAYS[1:])])
def test_an_image_that_fails_has_its_message_and_is_tried_again(open_page, image, kind):
    page = open_page()
    queue = Queue(page)
    if kind == "silence":
        page.clock.install()
    queue.fail("", kind)
    page.set_input_files("#crt-image input[type=file]", image)
    if kind == "silence":
        queue.wait_for("")
        queue.pass_time(role(page, "message"), KINDS[kind])
    expect(role(page, "message")).to_contain_text(KINDS.get(kind, NO_CONNECTION))
    if kind == "silence":
        queue.end_streams()
    try_again(page)
    expect(role(page, "status")).to_contain_text("Input 336 × 252 px")
    expect(role(page, "message")).to_be_hidden()


def test_a_size_that_was_refused_is_tried_again(open_page, image):
    page = open_page()
    upload(page, image)
    refused_size(page)
    try_again(page)
    expect(role(page, "status")).to_contain_text("Input 224 × 168 px")
    expect(role(page, "message")).to_be_hidden()
