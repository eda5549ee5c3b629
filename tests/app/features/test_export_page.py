"""The interactive page holds the run on the page, under the settings that its links name."""

import base64
import gzip
import json
import re
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.features.export_page import interactive_page
from app.rpc import Page
from crt.errors import InvalidSetting
from tests.helpers.tiny import tiny_checkpoint

CLASSES = ("cat", "</script><script>alert(1)</script>")


@pytest.fixture(scope="module")
def explorer(tmp_path_factory) -> Explorer:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("page") / "tiny", classes=CLASSES)
    return Explorer(Engine(str(folder)), PredictionCache(10**8), {})


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> str:
    file = tmp_path_factory.mktemp("image") / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(file)
    return str(file)


@pytest.mark.parametrize("size", ["224", "native"])
def test_the_file_has_the_header_and_the_bytes_of_the_run_on_the_page(explorer, path, size):
    analysis = explorer.analyze(path, size, "non-overlap", "s")
    viewer = SimpleNamespace(props={"results": json.dumps({"sections": []})})
    page = cast("Page", SimpleNamespace(explorer=explorer, viewer=viewer))
    name, data = interactive_page(analysis, {"query": "v=1&l=2", "scenes": [], "drawn": []}, page)
    assert re.fullmatch(r"crt-maps-page-[0-9a-f]{8}\.html", name)
    text = data.decode()
    assert "alert(1)" not in text
    packed = re.search(r'id="crt-record">([^<]+)<', text)
    assert packed is not None
    record: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    header, arrays = explorer.payload(path, size, "non-overlap", "s")
    value = record["value"]
    assert base64.b64decode(value["data"]) == arrays
    same = ("classes", "chosen", "imageId", "records", "scores", "checkpoint", "defaults", "masks")
    assert {key: value[key] for key in same} == json.loads(json.dumps({key: header[key] for key in same}))
    assert value["chosen"] == {"size": size, "mode": "non-overlap", "checkpoint": ""}
    assert record["results"] == {"sections": []}
    assert record["saved"] == {"query": "v=1&l=2", "scenes": [], "drawn": []}


def test_a_screen_that_cannot_be_read_makes_no_file(explorer, path):
    with pytest.raises(InvalidSetting):
        interactive_page(explorer.analyze(path, "224", "overlap", "s"), {}, cast("Page", SimpleNamespace()))
