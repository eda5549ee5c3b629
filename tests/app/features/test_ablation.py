"""The Ablate tab on the server: one column of the grid, cached or run, and the distance of the branches."""

import json

import numpy as np
import pytest
import torch

from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.decoded import fingerprint
from app.core.engine import Engine
from app.features.ablation import column
from crt.analysis.consistency import branch_distance
from crt.errors import InvalidSetting
from crt.models.consistency import cam_consistency_loss
from crt.models.outputs import VitOutputs
from crt.prediction import Prediction
from crt.predictor import InferenceConfig
from tests.helpers.tiny import tiny_checkpoint

IMAGE = np.random.default_rng(0).integers(0, 256, (70, 110, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def explorer(tmp_path_factory) -> Explorer:
    return Explorer(Engine(str(tiny_checkpoint(tmp_path_factory.mktemp("tiny")))), PredictionCache(10**8), {})


@pytest.fixture(scope="module")
def analysis(explorer) -> Analysis:
    settings = InferenceConfig(size=224)
    return Analysis(IMAGE, settings, explorer.runs.predict("s", IMAGE, settings), "s")


def array(answer: dict, method: str, name: str) -> np.ndarray:
    """One array of an answer, as the browser opens it."""
    record = next(record for record in answer["records"] if record["method"] == method)
    about = record[name]
    flat = np.frombuffer(answer["data"], "<f2", int(np.prod(about["shape"])), about["offset"])
    return flat.astype(np.float32).reshape(about["shape"]) * about["scale"]


# A column


def test_a_column_holds_the_prediction_of_its_size_and_mode(explorer, analysis):
    answer = column(explorer, analysis, {"size": "336", "mode": "non-overlap"})
    prediction = explorer.runs.predict("s", IMAGE, InferenceConfig(size=336, mode="non-overlap"))
    about = json.loads(json.dumps({name: value for name, value in answer.items() if name != "data"}))
    assert (about["size"], about["mode"], about["input"]) == ("336", "non-overlap", [214, 336])
    assert (about["tiles"], about["passes"], about["stored"]) == (len(prediction.grid), 4, False)
    assert about["image"] == fingerprint(IMAGE)
    assert about["checkpoint"] == explorer.engine.sha256
    assert about["timings"].keys() >= {"resnet", "tscam", "crt", "crt_cnn"}
    assert len(about["similarity"]) == 5
    record = prediction.record("crt")
    assert isinstance(record, VitOutputs)
    np.testing.assert_allclose(array(answer, "crt", "cams"), record.cams, atol=2e-3 * np.abs(record.cams).max())
    assert [len(rows) for rows in about["scores"].values()] == [1, 1, 5, 1]


def test_distances_of_both_pairs_travel_along(explorer, analysis):
    answer = column(explorer, analysis, {"size": "224", "mode": "overlap"})
    np.testing.assert_allclose(answer["distance"]["coupled"], branch_distance(analysis.prediction), atol=1e-5)
    np.testing.assert_allclose(
        answer["distance"]["alone"], branch_distance(analysis.prediction, "tscam", "resnet"), atol=1e-5
    )


def test_the_networks_run_once_at_a_size(explorer, analysis, monkeypatch):
    column(explorer, analysis, {"size": "448", "mode": "overlap"})
    predictor = explorer.engine.predictor()
    monkeypatch.setattr(type(predictor), "predict", lambda *_, **__: pytest.fail("the networks run again"))
    assert column(explorer, analysis, {"size": "448", "mode": "overlap"})["tiles"] > 1
    same = Analysis(analysis.image, analysis.settings, analysis.prediction, "somebody else")
    assert column(explorer, same, {"size": "448", "mode": "overlap"})["tiles"] > 1
    other = Analysis(255 - analysis.image, analysis.settings, analysis.prediction, "somebody else")
    with pytest.raises(pytest.fail.Exception):
        column(explorer, other, {"size": "448", "mode": "overlap"})


def test_what_a_checkpoint_cannot_do_is_an_answer_with_the_reason(explorer, analysis):
    answer = column(explorer, analysis, {"size": "224", "mode": "deconvolution"})
    assert "deconvolution" in answer["cannot"]
    assert answer["cannot"].endswith(".")
    assert "data" not in answer
    assert answer["image"] == fingerprint(IMAGE)


def test_a_checkpoint_with_a_learned_deconvolution_does_that_mode_only(tmp_path):
    folder = tiny_checkpoint(tmp_path / "tiny", deconvolution=True, methods=("crt",))
    explorer = Explorer(Engine(str(folder)), PredictionCache(10**8), {})
    settings = InferenceConfig(size=224, mode="deconvolution")
    analysis = Analysis(IMAGE, settings, explorer.runs.predict("s", IMAGE, settings), "s")
    answer = column(explorer, analysis, {"size": "224", "mode": "deconvolution"})
    assert answer["tiles"] == 1
    assert answer["distance"] == {}  # there is no CNN to differ from
    assert "choose deconvolution" in column(explorer, analysis, {"size": "224", "mode": "overlap"})["cannot"]


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"size": 336, "mode": "overlap"},
        {"size": "337", "mode": "overlap"},
        {"size": "336", "mode": "sideways"},
        {"size": "336", "mode": None},
        {"size": "3" * 50, "mode": "overlap"},
        {"size": ["336"], "mode": "overlap"},
    ],
)
def test_what_the_page_does_not_offer_is_refused(explorer, analysis, details):
    with pytest.raises(InvalidSetting):
        column(explorer, analysis, details)


# The distance of the branches


def test_the_distance_is_the_cam_consistency_of_the_training_loss(explorer):
    square = np.random.default_rng(1).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    prediction = explorer.engine.predictor().predict(square, InferenceConfig(size=96, loops=3))
    found = branch_distance(prediction)
    assert found.shape == (4,)
    cnn = torch.from_numpy(prediction.cams("crt_cnn", relu=False))[None]
    for loops, value in enumerate(found):
        vit = torch.from_numpy(prediction.cams("crt", loops=loops, refined=False, relu=False))[None]
        assert value == pytest.approx(cam_consistency_loss(cnn, vit, (96, 96)).item(), rel=1e-5)
    assert len(set(found.round(6))) > 1


def test_branches_that_agree_have_no_distance_and_a_constant_shift_is_one(explorer):
    prediction = explorer.engine.predictor().predict(IMAGE, InferenceConfig(size=96, loops=0))
    crt, cnn = prediction.record("crt"), prediction.record("crt_cnn")
    same = type(cnn)(prediction.cams("crt", loops=0, refined=False, relu=False), cnn.scores)
    agreeing = Prediction(prediction.source, prediction.grid, prediction.classes, {"crt": crt, "crt_cnn": same})
    np.testing.assert_allclose(branch_distance(agreeing), [0], atol=1e-6)
    shifted = Prediction(
        prediction.source,
        prediction.grid,
        prediction.classes,
        {"crt": crt, "crt_cnn": type(cnn)(same.cams + 0.75, cnn.scores)},
    )
    np.testing.assert_allclose(branch_distance(shifted), [0.75], atol=1e-5)


@pytest.mark.parametrize("pair", [("crt_cnn", "crt"), ("crt", "tscam"), ("resnet", "crt_cnn")])
def test_two_of_a_kind_have_no_distance(analysis, pair):
    with pytest.raises(InvalidSetting, match="one of each"):
        branch_distance(analysis.prediction, *pair)


def test_a_missing_branch_is_named(analysis):
    alone = Prediction(
        analysis.prediction.source,
        analysis.prediction.grid,
        analysis.prediction.classes,
        {"crt": analysis.prediction.record("crt")},
    )
    with pytest.raises(InvalidSetting, match="no crt_cnn"):
        branch_distance(alone)
