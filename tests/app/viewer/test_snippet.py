"""The Python that the page copies runs, and makes the maps on the page again."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.checkpoint_sources import source_of
from app.core.engine import Engine
from crt.postprocess import cam_to_labels, max_normalize
from crt.resample import upsample_cam
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]
CLASSES = ("cat", 'a "quoted" \\ name\n{x} ${y}', "größe \u202e😀 \ud800'")
SHOWN = {"resnet": True, "tscam": True, "crt": True}
COMPARED = {"view": "swipe", "a": {"method": "crt", "loops": 0}, "b": {"method": "tscam", "refined": False}}
TWO_CLASSES = {"view": "difference", "a": {"method": "resnet"}, "b": {"method": "crt", "loops": 1, "class": CLASSES[1]}}
REFINED, BARE = {"refined": True}, {"refined": False}
SOME, LAST = (
    REFINED | {"blocks": [1, 2, 3], "pass_reduction": "mean"},
    REFINED | {"blocks": [4, 5], "pass_reduction": "last"},
)
# A state of the page, and the maps that it shows: name of the array -> method and keywords of Prediction.cams.
STATES: list[tuple[dict, dict[str, tuple[str, dict]]]] = [
    (
        {"classes": [0], "loops": 3, "refined": True, "threshold": 0.3, "visible": SHOWN},
        {"resnet": ("resnet", {}), "tscam": ("tscam", REFINED), "crt": ("crt", REFINED | {"loops": 3})},
    ),
    (
        {"classes": [2, 1], "loops": 0, "refined": False, "visible": {"crt": True, "crt_cnn": True}},
        {"crt": ("crt", BARE | {"loops": 0}), "crt_cnn": ("crt_cnn", {})},
    ),
    (
        {"classes": [1], "loops": 2, "refined": True, "blocks": [1, 3], "pass_reduction": "mean", "visible": SHOWN},
        {"resnet": ("resnet", {}), "tscam": ("tscam", SOME), "crt": ("crt", SOME | {"loops": 2})},
    ),
    (
        {
            "classes": [0],
            "loops": 4,
            "refined": True,
            "blocks": [4, 90],
            "pass_reduction": "last",
            "visible": {"crt": True},
        },
        {"crt": ("crt", LAST | {"loops": 4})},
    ),
    (
        {"classes": [0], "loops": 3, "refined": True, "compare": COMPARED},
        {"a": ("crt", REFINED | {"loops": 0}), "b": ("tscam", BARE)},
    ),
    (
        {"classes": [0], "loops": 2, "refined": True, "compare": TWO_CLASSES},
        {"a": ("resnet", {"classes": [0]}), "b": ("crt", REFINED | {"loops": 1, "classes": [1]})},
    ),
]
LOOKS = [
    ("224", "overlap"), ("336", "non-overlap"), ("native", "bilinear"), ("224", "bilinear"), ("native", "overlap"),
    ("224", "overlap"),
]  # fmt: skip

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("snippet") / "a 'tiny' \"one\"", classes=CLASSES)


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def explorer(folder, request) -> Explorer:
    return Explorer(Engine(str(folder), precision=request.param), PredictionCache(10**9), {})


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> str:
    small = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("snippet") / 'image "1" \\ \'.png'
    Image.fromarray(small).resize((130, 100), Image.Resampling.BICUBIC).save(path)
    return str(path)


@pytest.fixture(scope="module")
def left(folder, explorer, image, tmp_path_factory) -> list[dict]:
    """The names that the program of each state leaves behind."""
    asked = []
    for (state, _), (size, mode) in zip(STATES, LOOKS, strict=True):
        header, _ = explorer.payload(image, size, mode, "s")
        header |= {"imageFile": image, "checkpoint": header["checkpoint"] | {"source": str(folder)}}
        asked.append({"state": state, "run": header})
    file = tmp_path_factory.mktemp("snippet") / "asked.json"
    file.write_text(json.dumps(asked))
    command = ["node", str(ROOT / "tests/viewer/snippets.mjs"), str(file)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    found = []
    for text in json.loads(done.stdout):
        names: dict = {}
        exec(compile(text, "snippet", "exec"), names)
        found.append(names)
    return found


@pytest.mark.parametrize("at", range(len(STATES)))
def test_the_program_makes_the_maps_of_the_page(explorer, image, left, at):
    (state, wanted), names = STATES[at], left[at]
    prediction = explorer.analyze(image, *LOOKS[at], "s").prediction
    assert names["classes"] == state["classes"]
    assert {name for name in ("resnet", "tscam", "crt", "crt_cnn", "a", "b") if name in names} == set(wanted)
    for name, (method, own) in wanted.items():
        options = {"classes": state["classes"], **own}
        maps = prediction.cams(method, **options)
        np.testing.assert_array_equal(names[name], maps)
        if method == "crt":
            seeds = max_normalize(upsample_cam(maps, prediction.content_size("crt"), prediction.source))
            np.testing.assert_array_equal(
                names["mask"], cam_to_labels(seeds, options["classes"], state.get("threshold", 0.15))
            )
            assert names["mask"].any()


def test_a_checkpoint_in_the_repository_or_on_the_hub_is_named_and_another_is_not(folder):
    assert source_of(str(ROOT / "checkpoints/voc")) == "checkpoints/voc"
    assert source_of("checkpoints/voc") == "checkpoints/voc"
    assert source_of("voc") == "checkpoints/voc"
    assert source_of("user/name") == "user/name"
    assert source_of(str(folder)) is None
