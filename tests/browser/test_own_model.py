"""Another checkpoint in the running page, where the flag allows it."""

import pytest
from playwright.sync_api import expect

from app.config import AppConfig
from app.ui import build, launch_options
from tests.browser.driver import upload
from tests.tiny import tiny_checkpoint

LOOKS = [("light", 1440), ("dark", 390)]


@pytest.fixture
def own(tmp_path):
    """A server that takes checkpoints of its users, and such a checkpoint."""
    config = AppConfig(checkpoint=str(tiny_checkpoint(tmp_path / "first")), host="127.0.0.1", own_models=True)
    demo = build(config)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options(config))
    yield url, tiny_checkpoint(tmp_path / "second", classes=("wolf", "owl"), seed=7)
    demo.close()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_good_one_takes_the_place_and_a_broken_one_does_not(own, browser, picture, theme, width, tmp_path):
    url, second = own
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{url}?__theme={theme}")
    page.wait_for_selector(".crt-viewer")
    upload(page, picture)
    run = page.get_attribute(".crt-viewer", "data-run")
    field, load = (
        page.get_by_label("Checkpoint (folder or Hub id)"),
        page.get_by_role("button", name="Load", exact=True),
    )
    viewer = page.locator(".crt-viewer")
    field.fill(str(tmp_path / "nothing"))
    load.click()
    expect(viewer).to_contain_text("The checkpoint before it goes on.")
    assert page.get_attribute(".crt-viewer", "data-run") == run
    expect(viewer).to_contain_text("cat")
    field.fill(str(second))
    load.click()
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=run)
    expect(viewer).to_contain_text("wolf")
    expect(viewer).to_contain_text("These maps are by another checkpoint")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
