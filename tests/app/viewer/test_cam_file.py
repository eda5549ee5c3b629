"""CAMs of other methods: the page reads, and refuses, the same files as the library, with the same sentences."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crt.data.cam_files import check_aspect
from crt.errors import InvalidCam
from tests.helpers.cam_files import CLASSES, READABLE, REFUSED

SCRIPT = Path(__file__).parents[2] / "viewer" / "cam_file_parity.mjs"
SHAPES = [
    ((h, w), image)
    for h in (2, 14, 24, 375)
    for w in (3, 14, 32, 500, 501, 502)
    for image in ((375, 500), (500, 500), (1000, 12_000))
]


@pytest.fixture(scope="module")
def of_the_page(tmp_path_factory) -> dict[Any, Any]:
    """What the page makes of each file, by its name, and of each pair of shapes, by both."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    folder = tmp_path_factory.mktemp("cams")
    names = [*READABLE, *REFUSED]
    files = [f"{index}" for index in range(len(names))]
    for file, (data, _) in zip(files, [*READABLE.values(), *REFUSED.values()], strict=True):
        (folder / file).write_bytes(data)
    (folder / "cases.json").write_text(json.dumps({"classes": CLASSES, "files": files, "shapes": SHAPES}))
    done = subprocess.run(["node", str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return dict(zip(names, found["files"], strict=True)) | dict(zip(SHAPES, found["shapes"], strict=True))


@pytest.mark.parametrize("name", READABLE)
def test_the_page_reads_the_values_that_the_library_reads(of_the_page, name: str) -> None:
    found, wanted = of_the_page[name], READABLE[name][1]
    assert isinstance(found, dict) and sorted(found) == sorted(wanted), found
    for label, cam in wanted.items():
        values = np.frombuffer(base64.b64decode(found[label]["values"]), "<f4")
        np.testing.assert_array_equal(values.reshape(found[label]["h"], found[label]["w"]), cam.astype(np.float32))


@pytest.mark.parametrize("name", REFUSED)
def test_the_page_refuses_the_other_files_with_the_same_sentence(of_the_page, name: str) -> None:
    assert of_the_page[name] == REFUSED[name][1]


def test_the_page_has_the_same_rule_for_shapes(of_the_page) -> None:
    def sentence(cam: tuple[int, int], image: tuple[int, int]) -> str:
        try:
            check_aspect(cam, image)
        except InvalidCam as error:
            return str(error)
        return ""

    wanted = {shapes: sentence(*shapes) for shapes in SHAPES}
    assert len(set(wanted.values())) > 20 and list(wanted.values()).count("") > 5
    assert {shapes: of_the_page[shapes] for shapes in SHAPES} == wanted
