"""What a visitor reads while the networks are busy with the request of another."""

import threading
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from crt.predictor import Predictor
from tests.browser.driver import PATIENCE, SHOWN, upload

MESSAGE = '[data-role="message"]'


@pytest.fixture
def held(monkeypatch):
    """Runs wait for `go`; `began` is set by the first."""
    began, go, predict = threading.Event(), threading.Event(), Predictor.predict

    def slow(*given, **named):
        began.set()
        assert go.wait(PATIENCE / 1000)
        return predict(*given, **named)

    monkeypatch.setattr(Predictor, "predict", slow)
    yield began, go
    go.set()


@pytest.fixture
def further_images(tmp_path) -> list[str]:
    paths = [str(tmp_path / f"{number}.png") for number in range(2)]
    for number, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path)
    return paths


def hold(other, path: str, began: threading.Event) -> None:
    """Let a visitor's run begin, which then waits."""
    began.clear()
    other.set_input_files("#crt-image input[type=file]", path)
    until = time.monotonic() + PATIENCE / 1000
    while not began.is_set():
        assert time.monotonic() < until, "no run began"
        other.wait_for_timeout(50)


def test_the_place_of_a_request_is_read_until_it_is_answered(open_page, image, held, further_images):
    began, go = held
    go.set()
    page, other = open_page(), open_page()
    upload(page, image)
    go.clear()
    hold(other, further_images[0], began)
    page.locator("canvas[data-method=crt]").click(position={"x": 20, "y": 20})
    expect(page.locator(MESSAGE)).to_contain_text("Waiting for 1 other request")
    go.set()
    expect(page.locator('[data-role="inspect-title"]')).to_have_text("CRT: one patch")
    expect(page.locator(MESSAGE)).to_be_hidden()
    other.wait_for_selector(SHOWN)


def test_the_place_of_a_new_image_is_read_and_its_removal_ends_the_wait(open_page, held, further_images):
    began, go = held
    page, other = open_page(), open_page()
    hold(other, further_images[0], began)
    page.set_input_files("#crt-image input[type=file]", further_images[1])
    expect(page.get_by_text("Waiting for 1 other request").first).to_be_visible()
    page.locator("#crt-image").get_by_role("button", name="Remove Image").click()
    expect(page.get_by_text("Waiting for 1 other request")).to_have_count(0)
    go.set()
    other.wait_for_selector(SHOWN)
    expect(page.locator(MESSAGE)).to_be_hidden()
    upload(page, further_images[1])
