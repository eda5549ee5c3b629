"""The file that needs no server: it is whole, small enough, and holds texts as data alone."""

import base64
import gzip
import hashlib
import json
import re
from typing import Any

import numpy as np

from app.core.codec import image_url
from app.viewer.files import modules, plotly_js
from app.viewer.saved_page import BLOB_OF, IMAGE_QUALITY, document, linked_modules

HOSTILE = "</script><script>alert(1)</script><!-- record -->"
LIMIT = 3_000_000  # bytes of one image at 336 pixels with 20 classes
RECORD = {"value": {"classes": [HOSTILE]}, "results": {}, "saved": {"query": HOSTILE, "scenes": [], "drawn": []}}


def unpacked(text: str, part: str) -> bytes:
    found = re.findall(rf'<script type="text/plain" id="crt-{part}">([A-Za-z0-9+/=]+)</script>', text)
    assert len(found) == 1
    return gzip.decompress(base64.b64decode(found[0]))


def test_the_file_holds_record_modules_and_charts_and_no_text_of_a_user_as_markup():
    text = document(RECORD).decode()
    assert "alert(1)" not in text
    assert text.count("<script") == text.count("</script>") == 4
    assert text.count("<h1") == 1
    assert json.loads(unpacked(text, "record")) == RECORD
    assert dict(json.loads(unpacked(text, "modules"))) == dict(linked_modules())
    assert unpacked(text, "plotly") == plotly_js()
    assert document(RECORD).decode() == text


def test_no_connection_is_allowed_and_only_this_script():
    text = document(RECORD).decode()
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert script is not None and policy is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}' blob:;" in policy[1]
    assert policy[1].startswith("default-src 'none';") and "connect-src" not in policy[1]
    assert not re.search(r"(src|href)=\"(?!https://arxiv\.org)", text.split('<script type="text/plain"')[0])


def test_each_module_comes_after_those_that_it_imports():
    seen: set[str] = set()
    for name, source in linked_modules():
        imported = re.findall(rf"'{BLOB_OF}([^']+)'", source)
        assert set(imported) <= seen
        assert not re.search(r"(?m)^import .*'\.|^(?! *[/*]).*\bimport\('\.", source), name
        seen.add(name)
    assert seen == set(modules())


def test_a_module_in_a_page_is_that_of_the_app_without_comments():
    for name, source in linked_modules():
        kept, code = (
            [re.sub(rf"'(?:{BLOB_OF}|\.)[^']+'", "''", line) for line in text.splitlines()]
            for text in (source, modules()[name].decode())
        )
        remaining = iter(code)
        assert all(line in remaining for line in kept), name  # in their order
        assert not [line for line in kept if re.match(r"\s*(//|/\*\*? .*\*/$|\* )", line)], name
        begins = ("import ", "export ", "const ", "let ", "function ", "async function ", "class ")
        assert [line for line in kept if line.startswith(begins)] == [line for line in code if line.startswith(begins)]


def test_one_image_at_336_pixels_with_20_classes_is_small_enough():
    numbers = np.random.default_rng(0)
    loops, tiles, classes, cells, patches, blocks = 4, 4, 20, 14 * 14, 14 * 14, 12
    tscam = tiles * classes * cells + blocks * tiles * patches
    crt = (loops + 1) * tiles * classes * cells + loops * blocks * tiles * patches
    arrays = numbers.standard_normal(tscam + crt + 2 * classes * 21 * 21).astype("<f2").tobytes()
    grain = numbers.normal(0, 6, (1024, 1024, 1))  # as much as in a photograph at dusk
    waves = 128 + 90 * np.sin(np.arange(1024) / 40)[:, None, None] * np.cos(np.arange(1024) / 25)[None, :, None]
    image = np.clip(waves + grain + np.zeros(3), 0, 255).astype(np.uint8)
    url = image_url(image, quality=IMAGE_QUALITY)
    value: dict[str, Any] = {"data": base64.b64encode(arrays).decode(), "image": url}
    assert len(document(RECORD | {"value": value})) <= LIMIT
