"""Another checkpoint in the running page: one of those offered, or the user's own where the flag allows it."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from app.cli import AppConfig
from tests.browser.driver import SHOWN, changed, new_page, pixels, settings, settle, upload
from tests.browser.faults import Queue
from tests.helpers.tiny import tiny_checkpoint

ALERT = '[data-role="message"]'
FIELD = "Checkpoint (folder or Hub id)"
LOOKS = [("light", 1440), ("dark", 390)]


@pytest.fixture
def own(tmp_path, serve):
    """A server that takes checkpoints of its users, and such a checkpoint."""
    config = AppConfig(
        checkpoint=str(tiny_checkpoint(tmp_path / "first")), host="127.0.0.1", allow_custom_checkpoints=True
    )
    with serve(config) as url:
        yield url, tiny_checkpoint(tmp_path / "second", classes=("wolf", "owl"), seed=7)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_good_one_takes_the_place_and_a_broken_one_does_not(own, browser, image, theme, width, tmp_path):
    url, second = own
    page = new_page(browser, width)
    page.goto(f"{url}?__theme={theme}")
    page.wait_for_selector(".crt-viewer[data-tab]")
    upload(page, image)
    run = page.get_attribute(".crt-viewer", "data-run")
    field, load = (
        page.get_by_label("Checkpoint (folder or Hub id)"),
        page.get_by_role("button", name="Load", exact=True),
    )
    viewer = page.locator(".crt-viewer")
    with settings(page):
        field.fill(str(tmp_path / "nothing"))
        load.click()
    expect(viewer).to_contain_text("The checkpoint before it goes on.")
    assert page.get_attribute(".crt-viewer", "data-run") == run
    expect(viewer).to_contain_text("cat")
    with settings(page):
        field.fill(str(second))
        load.click()
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    expect(viewer).to_contain_text("wolf")
    expect(viewer).to_contain_text("Checkpoint changed; maps recomputed")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


@pytest.fixture
def server(tmp_path, serve):
    """The address of an app that lets its user choose; `open_page` goes there in this file."""
    config = AppConfig(
        checkpoint=str(tiny_checkpoint(tmp_path / "first")), allow_custom_checkpoints=True, host="127.0.0.1"
    )
    with serve(config) as url:
        yield url


def load(page, folder) -> None:
    with settings(page):
        page.get_by_label(FIELD).fill(str(folder))
        page.get_by_role("button", name="Load", exact=True).click()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_damaged_file_is_named_and_the_model_before_it_still_runs(open_page, image, tmp_path, theme, width):
    second = tiny_checkpoint(tmp_path / "second", classes=("wolf", "<b>fox</b>"), seed=7)
    broken = tmp_path / "broken"
    shutil.copytree(second, broken)
    (broken / "crt.safetensors").write_bytes((broken / "crt.safetensors").read_bytes()[:-1000])
    page = open_page(theme, width)
    upload(page, image)
    rows, alert = page.locator(".class-row"), page.locator(ALERT)
    expect(rows.filter(has_text="cat")).to_have_count(1)
    first = pixels(page)

    with settings(page):
        box = page.get_by_label(FIELD).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    load(page, second)
    expect(rows.filter(has_text="wolf")).to_have_count(1)
    expect(rows.filter(has_text="<b>fox</b>")).to_have_count(1)
    expect(rows).to_have_count(2)
    expect(alert).to_contain_text("Checkpoint changed; maps recomputed")
    settle(page)
    other = pixels(page)
    assert changed(first, other) == {"resnet", "tscam", "crt"}

    load(page, broken)
    expect(alert).to_contain_text("damaged")
    expect(alert).to_contain_text("The checkpoint before it goes on.")
    with settings(page):
        page.get_by_label("Cut-merge mode").click()
        page.get_by_role("option", name="bilinear").click()
    expect(page.locator('[data-role="status"]')).to_contain_text("bilinear")
    page.wait_for_selector(SHOWN)
    settle(page)
    expect(rows.filter(has_text="wolf")).to_have_count(1)
    assert "crt" in changed(other, pixels(page))  # it looked, and in the other way


def test_the_passes_start_as_the_checkpoint_has_them_and_then_are_the_users(open_page, server, image, tmp_path):
    config = tmp_path / "second" / "config.json"
    second = tiny_checkpoint(tmp_path / "second", classes=("wolf", "owl"), seed=7)
    reported = json.loads(config.read_text())
    reported["defaults"] |= {"loops": 3, "pass_reduction": "first"}
    config.write_text(json.dumps(reported))
    page = open_page()
    pass_reduction, note = page.locator('[data-role="pass_reduction"]'), page.locator('[data-role="attention-note"]')
    load(page, second)
    expect(page.locator(ALERT)).to_contain_text("2 classes, is loaded")
    upload(page, image)
    expect(pass_reduction).to_have_value("first")
    expect(note).to_contain_text("of the first pass")
    page.wait_for_function("location.search.includes('cb=first')")
    pass_reduction.select_option("last")
    page.wait_for_function("location.search.includes('cb=last')")
    expect(note).to_contain_text("of the last pass")
    load(page, tmp_path / "first")
    expect(page.locator(ALERT)).to_contain_text("Checkpoint changed; maps recomputed")
    settle(page)
    expect(pass_reduction).to_have_value("last")  # the user's choice stays
    expect(page.locator('[data-role="loops-value"]')).to_have_text("2")  # which the user has not changed


def test_a_tour_goes_on_with_the_classes_of_another_checkpoint(open_page, image, tmp_path):
    second = tiny_checkpoint(tmp_path / "second", classes=("wolf", "owl"), seed=7)
    page = open_page()
    upload(page, image)
    last = page.locator(".class-row").filter(has_text="person")
    last.click()
    page.get_by_role("button", name="Tour").click()
    expect(page.locator("#crt-tour-text")).to_contain_text("evidence for person (p ")
    load(page, second)
    expect(page.locator(ALERT)).to_contain_text("Checkpoint changed; maps recomputed")
    settle(page)
    chosen = page.locator(".class-row[aria-pressed=true] .name")
    expect(page.locator("#crt-tour-text")).to_contain_text(f"evidence for {chosen.inner_text()} (p ")
    expect(page.locator("#crt-tour-text")).not_to_contain_text("NaN")
    page.get_by_role("button", name="End tour").click()
    settle(page)
    expect(chosen).to_have_count(1)


def test_an_image_removed_while_a_checkpoint_is_loaded_leaves_the_checkpoint_to_the_next_one(own, browser, image):
    url, second = own
    page = new_page(browser, 1440)
    page.goto(url)
    page.wait_for_selector(".crt-viewer[data-tab]")
    upload(page, image)
    queue = Queue(page)
    with settings(page), queue.hold("swap"):
        page.get_by_label(FIELD).fill(str(second))
        page.get_by_role("button", name="Load", exact=True).click()
        queue.wait_for("swap")
        page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
        page.wait_for_selector('.crt-viewer[data-state="empty"]')
    queue.wait_for_answers()
    upload(page, image)
    expect(page.locator(".class-row").filter(has_text="wolf")).to_have_count(1)
    expect(page.locator(ALERT)).not_to_contain_text("Loading")
    page.close()


@pytest.fixture
def offering(tmp_path, serve):
    """An app that offers two checkpoints with different starts."""
    birds = tiny_checkpoint(tmp_path / "birds", name="birds", classes=("Ani", "<i>Auklet</i>"), seed=7)
    reported = json.loads((birds / "config.json").read_text())
    reported["defaults"] |= {"threshold": 0.4, "size": 224}
    (birds / "config.json").write_text(json.dumps(reported))
    config = AppConfig(
        checkpoint=str(tiny_checkpoint(tmp_path / "first")), extra_checkpoints=(str(birds),), host="127.0.0.1"
    )
    with serve(config) as url:
        yield url


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_user_chooses_among_the_checkpoints_and_a_link_keeps_the_choice(offering, browser, image, theme, width):
    page = new_page(browser, width)
    page.goto(f"{offering}?__theme={theme}")
    page.wait_for_selector(".crt-viewer[data-tab]")
    upload(page, image)
    rows, field = page.locator(".class-row"), page.get_by_role("combobox", name="Checkpoint", exact=True)
    expect(rows).to_have_count(3)
    with settings(page):
        field.click()
        page.get_by_role("option", name="birds").click()
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="<i>Auklet</i>")).to_have_count(1)
    expect(page.locator(ALERT)).to_contain_text("Checkpoint changed; maps recomputed")
    expect(page.locator('[data-role="threshold-value"]')).to_have_text("40 % of max")
    with settings(page):
        expect(page.get_by_role("combobox", name="Input size", exact=True)).to_have_value("224 px")
    page.wait_for_function("location.search.includes('k=birds')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("button", name="Copy link").click()
    expect(page.locator('[data-role="permalink-note"]')).to_contain_text("keeps the image")
    other = new_page(browser, width)
    other.goto(page.url)
    expect(other.locator(".class-row")).to_have_count(2)
    with settings(other):
        expect(other.get_by_role("combobox", name="Checkpoint", exact=True)).to_have_value("birds")
    other.close()

    other = new_page(browser, width)
    other.goto(f"{offering}?v=1&k=birds")  # settings alone: they wait for an image
    expect(other.get_by_role("combobox", name="Checkpoint", exact=True)).to_have_value("birds")
    expect(other.get_by_role("combobox", name="Input size", exact=True)).to_have_value("224 px")
    expect(other.locator(ALERT)).to_be_hidden()
    upload(other, image)
    expect(other.locator(".class-row")).to_have_count(2)
    other.close()

    with settings(page):
        field.click()
        page.get_by_role("option", name="tiny").click()
    expect(rows).to_have_count(3)
    page.wait_for_function("!location.search.includes('k=')")
    page.close()
