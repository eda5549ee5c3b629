"""The screenshots of the documentation: their views are links that the page reads, and their files are small."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from PIL import Image

from app.requests.settings import SETTINGS
from crt.errors import InvalidSetting
from scripts.dev import screenshots
from scripts.dev.screenshots import ANIMATED_WIDTH, SCREENSHOTS, Screenshots, save

ROOT = Path(__file__).resolve().parents[3]
OF_AN_IMAGE = {"pic", "c", "k", "s", "m"}


@pytest.mark.parametrize("name", SCREENSHOTS)
def test_a_view_is_a_link(name: str) -> None:
    fields = dict(parse_qsl(SCREENSHOTS[name].query, strict_parsing=True))
    known = {setting.key: setting for setting in SETTINGS if setting.key}
    assert fields["pic"].startswith("ex.") and fields.keys() <= OF_AN_IMAGE | known.keys()
    for key, value in fields.items():
        if key in known and known[key].type == "choice":
            assert value in known[key].names


def test_every_control_is_on_the_page() -> None:
    text = Path(screenshots.__file__).read_text(encoding="utf-8")
    roles = set(re.findall(r"_(?:role\(page, |click\(|slide\(|check\(|scroll_to\()\"([\w-]+)\"", text))
    viewer = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "app/viewer").rglob("*.html"))
    assert len(roles) > 8 and all(f'data-role="{role}"' in viewer for role in roles), roles


def test_an_unknown_screenshot_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="no screenshot 'one': choose among explore, "):
        Screenshots(names=("one",))


@pytest.mark.parametrize("count", [1, 3])
def test_frames_become_one_file(count: int, tmp_path: Path) -> None:
    path = tmp_path / "screenshot.webp"
    save([Image.new("RGB", (1440, 900), (80 * at, 0, 0)) for at in range(count)], path)
    with Image.open(path) as image:
        assert image.format == "WEBP" and getattr(image, "n_frames", 1) == count
        assert image.size == ((1440, 900) if count == 1 else (ANIMATED_WIDTH, 600))
