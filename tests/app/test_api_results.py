"""The files that the endpoints give, made without a server."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.api_results import cams_npz
from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from crt.cam_spec import CamSpec
from crt.errors import InvalidSetting
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def analysis(tmp_path_factory) -> Analysis:
    folder = tmp_path_factory.mktemp("app")
    image = folder / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(image)
    explorer = Explorer(Engine(str(tiny_checkpoint(folder / "tiny"))), PredictionCache(10**8), {})
    return explorer.analyze(str(image), "224", "overlap", "s")


def test_cams_are_those_of_the_prediction(analysis):
    prediction = analysis.prediction
    with np.load(io.BytesIO(cams_npz(analysis, 1, False, "dog, cat"))) as arrays:
        assert list(arrays["classes"]) == ["dog", "cat"]
        np.testing.assert_array_equal(arrays["crt"], prediction.cams("crt", loops=1, refined=False, classes=[1, 0]))
        np.testing.assert_array_equal(arrays["resnet"], prediction.cams("resnet", classes=[1, 0]))
    for loops, names in ((1, "wolf"), (9, "")):
        with pytest.raises(InvalidSetting):
            cams_npz(analysis, loops, True, names)


def test_cams_are_those_of_the_checkpoint_s_defaults_and_of_the_request(analysis):
    prediction = replace(analysis.prediction, default_spec=CamSpec(1, True, "last", (1, 2)))
    analysis = replace(analysis, prediction=prediction)
    with np.load(io.BytesIO(cams_npz(analysis, names="dog"))) as arrays:
        wanted = prediction.cams("crt", loops=1, refined=True, classes=[1], pass_reduction="last", blocks=[1, 2])
        np.testing.assert_array_equal(arrays["crt"], wanted)
    with np.load(io.BytesIO(cams_npz(analysis, 2, True, "dog"))) as arrays:
        wanted = prediction.cams("crt", loops=2, refined=True, classes=[1], pass_reduction="last", blocks=[1, 2])
        np.testing.assert_array_equal(arrays["crt"], wanted)
        assert not np.allclose(wanted, prediction.cams("crt", loops=2, classes=[1], pass_reduction="sum", blocks=None))
    with np.load(io.BytesIO(cams_npz(analysis, 2, True, "dog", "first"))) as arrays:
        wanted = prediction.cams("crt", loops=2, refined=True, classes=[1], pass_reduction="first", blocks=None)
        np.testing.assert_array_equal(arrays["crt"], wanted)
