"""Ground truth from a mask file goes with scenes and with the interactive page."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driver import SHOWN, new_page, settle, upload

ON = '.crt-viewer[data-present="on"]'
IOU = ".panel.crt .iou"


@pytest.fixture
def mask(image, tmp_path) -> str:
    """A mask of one object, as large as the image, with pixels that do not count."""
    with Image.open(image) as opened:
        labels = np.zeros(opened.size[::-1], np.uint8)
    height, width = labels.shape
    labels[height // 4 : height // 2, width // 3 :] = 1
    labels[height // 2 :] = 255
    path = tmp_path / "mask.png"
    Image.fromarray(labels).save(path)
    return str(path)


@pytest.fixture
def given(open_page, image, mask) -> tuple[Page, str]:
    """A page with the mask and one scene, and the IoU of CRT."""
    page = open_page()
    upload(page, image)
    page.locator(".class-row").filter(has_text="cat").click()
    page.set_input_files('[data-role="ground-truth-file"]', mask)
    expect(page.locator(IOU)).to_contain_text("IoU")
    page.get_by_role("button", name="Scenes").click()
    page.locator('[data-role="scenes-title"]').fill("With a mask")
    page.get_by_role("button", name="Add scene").click()
    expect(page.locator('[data-role="scenes-note"]')).to_contain_text("added")
    return page, page.locator(IOU).text_content() or ""


def present(page: Page) -> None:
    page.get_by_role("button", name="Present").click()
    page.wait_for_selector(ON)
    settle(page)


def test_a_file_of_scenes_has_the_mask(given, open_page, tmp_path):
    page, iou = given
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "scenes.json")
    elsewhere = open_page()
    elsewhere.get_by_role("button", name="Scenes").click()
    elsewhere.get_by_role("dialog").get_by_label("Import").set_input_files(tmp_path / "scenes.json")
    expect(elsewhere.get_by_text("1 scene added.")).to_be_visible()
    elsewhere.locator('[data-role="scenes-close"]').click()
    present(elsewhere)
    expect(elsewhere.locator(IOU)).to_have_text(iou)
    elsewhere.keyboard.press("Escape")
    elsewhere.get_by_role("button", name="Scenes").click()
    elsewhere.get_by_role("button", name="Show this scene: With a mask").click()
    elsewhere.wait_for_selector(SHOWN)
    expect(elsewhere.locator(IOU)).to_have_text(iou)
    expect(elsewhere.locator('[data-role="ground-truth-source"]')).to_have_text("cat: your PNG")


@pytest.mark.parametrize("scenes", [True, False])
def test_an_interactive_page_has_the_mask(given, browser, tmp_path, scenes):
    page, iou = given
    if not scenes:
        page.get_by_role("button", name="Delete: With a mask").click()
    page.locator('[data-role="scenes-close"]').click()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Interactive page").click()
    download.value.save_as(tmp_path / "page.html")
    alone = new_page(browser, 1440)
    alone.context.set_offline(True)
    alone.goto((tmp_path / "page.html").as_uri())
    alone.wait_for_selector("canvas[data-method=crt]")
    expect(alone.locator(IOU)).to_have_text(iou)
    present(alone)
    expect(alone.locator(IOU)).to_have_text(iou)
    alone.close()
