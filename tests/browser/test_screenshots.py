"""The screenshots of the documentation can be made of the page as it is."""

import pytest

from scripts.dev.screenshots import SCREENSHOTS, WINDOW, take
from tests.helpers.narrow import present


@pytest.mark.parametrize("name", SCREENSHOTS)
def test_a_picture_is_taken(browser, server, name):
    screenshot = SCREENSHOTS[name]
    frames = take(browser, server, screenshot)
    assert len(frames) == max(1, len(screenshot.frames))
    assert all(frame.size == WINDOW and len(present(frame.getcolors(WINDOW[0] * WINDOW[1]))) > 50 for frame in frames)
