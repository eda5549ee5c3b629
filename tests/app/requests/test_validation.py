"""The events of the Layers and Masks tabs: what they answer, and what they refuse."""

import base64
import math
import zlib
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest

from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.core.messages import user_message
from app.features import attention as layers
from app.features import masks
from app.requests.validation import classes_of, map_options, method_of, number, transformer_of
from app.rpc import Page
from crt.errors import InvalidSetting
from crt.models.deeplab import segment
from crt.models.irn import edge_map
from crt.postprocess import cam_to_labels, max_normalize
from crt.predictor import InferenceConfig
from crt.pseudo_labels.crf import FLOOR
from crt.pseudo_labels.random_walk import random_walk
from crt.pseudo_labels.settings import WalkSettings
from crt.resample import upsample_cam
from tests.helpers.tiny import tiny_checkpoint

CRF = {
    "iterations": 3,
    "gaussianSxy": 3,
    "gaussianCompat": 3,
    "bilateralSxy": 50,
    "bilateralSrgb": 5,
    "bilateralCompat": 10,
}
MASK = {"method": "crt", "classes": [0, 2], "loops": 2, "refined": True, "blocks": None, "pass_reduction": "sum"}
MASK |= {"threshold": 0.3, "crf": CRF}


class Wired:
    """Takes the place of a Page: keeps the answers that a feature gives it."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.answers: dict[str, Any] = {}

    def on(self, event, answer, **keywords):
        self.answers[event] = answer


def wired_to(feature: ModuleType, explorer: Explorer) -> Wired:
    """What stands for the page after a feature is registered with it."""
    page = Wired(explorer)
    feature.register(cast("Page", page))
    return page


@pytest.fixture(scope="module")
def explorer(tmp_path_factory) -> Explorer:
    return Explorer(
        Engine(str(tiny_checkpoint(tmp_path_factory.mktemp("tiny"), masks=True))), PredictionCache(10**8), {}
    )


@pytest.fixture(scope="module")
def analysis(explorer) -> Analysis:
    image = np.random.default_rng(0).integers(0, 256, (70, 110, 3), dtype=np.uint8)
    settings = InferenceConfig(size=96, loops=3)
    return Analysis(image, settings, explorer.runs.predict("s", image, settings), "s")


def unpacked(answer: dict) -> np.ndarray:
    flat = np.frombuffer(zlib.decompress(base64.b64decode(answer["labels"])), np.uint8)
    return flat.reshape(answer["h"], answer["w"])


@pytest.mark.dense_crf
def test_without_iterations_the_mask_is_the_label_map(analysis):
    answer = masks.segment(analysis, MASK | {"crf": CRF | {"iterations": 0}})
    maps = analysis.prediction.cams("crt", loops=2, refined=True, classes=[0, 2])
    seeds = max_normalize(upsample_cam(maps, analysis.prediction.content_size("crt"), analysis.image.shape[:2]))
    np.testing.assert_array_equal(unpacked(answer), cam_to_labels(seeds, [0, 1], 0.3))


@pytest.mark.dense_crf
def test_a_threshold_of_zero_leaves_background_only_where_no_map_has_evidence(analysis):
    answer = masks.segment(analysis, MASK | {"threshold": 0, "crf": CRF | {"iterations": 0}})
    maps = analysis.prediction.cams("crt", loops=2, refined=True, classes=[0, 2])
    seeds = max_normalize(upsample_cam(maps, analysis.prediction.content_size("crt"), analysis.image.shape[:2]))
    np.testing.assert_array_equal(unpacked(answer), cam_to_labels(seeds, [0, 1], FLOOR))


@pytest.mark.dense_crf
def test_the_crf_follows_the_image(explorer, analysis):
    halves = np.repeat(np.repeat(np.array([[30, 220]], np.uint8), 55, axis=1), 70, axis=0)
    image = np.stack([halves] * 3, axis=2)
    plain = Analysis(image, analysis.settings, analysis.prediction, "s")  # maps of a noisy image over a simple one

    def changes(crf: dict) -> int:
        inside = unpacked(masks.segment(plain, MASK | {"crf": crf})).astype(int).reshape(70, 2, 55)
        return int(np.count_nonzero(np.diff(inside, axis=0)) + np.count_nonzero(np.diff(inside, axis=2)))

    assert changes(CRF) < 0.9 * changes(CRF | {"iterations": 0})


def test_without_pydensecrf_the_masks_tab_gets_the_sentence(analysis, monkeypatch):
    monkeypatch.setattr("crt.pseudo_labels.crf.DenseCRF2D", None)
    with pytest.raises(InvalidSetting) as error:
        masks.segment(analysis, MASK)
    assert user_message(error.value) == "The dense CRF is not installed: install pydensecrf2, or go on without it."


@pytest.mark.dense_crf
def test_a_large_image_is_segmented_at_the_size_of_voc(explorer):
    image = np.zeros((30, 1200, 3), np.uint8)
    prediction = explorer.runs.predict("s", image, InferenceConfig(size=96, loops=0))
    answer = masks.segment(Analysis(image, InferenceConfig(), prediction, "s"), MASK | {"method": "resnet", "loops": 0})
    assert unpacked(answer).shape == (12, 500)


WALK = {**MASK, "walk": {"steps": 3, "beta": 4}}


def test_the_walk_is_the_librarys_on_the_same_maps_and_edges(explorer, analysis):
    wired = wired_to(masks, explorer)
    answer = wired.answers["walk"](analysis, WALK)
    network = explorer.engine.predictor().checkpoint.relation
    edge = edge_map(network, analysis.image)
    np.testing.assert_allclose(array(answer, "edge"), edge, atol=1e-3)
    maps = analysis.prediction.cams("crt", loops=2, refined=True, classes=[0, 2])
    seeds = max_normalize(upsample_cam(maps, analysis.prediction.content_size("crt"), (18, 28)))
    propagated = random_walk(seeds, edge, WalkSettings(beta=4, exp_times=3))
    np.testing.assert_allclose(array(answer, "propagated"), propagated, atol=2e-3 * propagated.max())
    assert (answer["h"], answer["w"]) == (70, 110)


def test_the_edges_of_an_image_are_computed_once(explorer, analysis, monkeypatch):
    wired, runs = wired_to(masks, explorer), []
    monkeypatch.setattr("crt.models.irn.edge_map", lambda *given: runs.append(1) or edge_map(*given))
    new, other = (
        Analysis(image.copy(), analysis.settings, analysis.prediction, "s")
        for image in (analysis.image[::-1], analysis.image[:, ::-1])
    )
    for loops in (0, 1, 2):
        wired.answers["walk"](new, WALK | {"loops": loops})
    wired.answers["walk"](other, WALK)
    assert len(runs) == 2


def test_the_segmentation_network_labels_every_point(explorer, analysis):
    wired = wired_to(masks, explorer)
    labels = unpacked(wired.answers["deeplab"](analysis, {}))
    network = explorer.engine.predictor().checkpoint.segmentation
    np.testing.assert_array_equal(labels, segment(network, analysis.image, scales=(1.0,)).argmax(0))


def test_without_these_networks_and_with_unusable_settings_the_walk_is_refused(analysis, explorer, tmp_path):
    plain = Explorer(Engine(str(tiny_checkpoint(tmp_path))), PredictionCache(10**8), {})
    wired = wired_to(masks, plain)
    for event in ("walk", "deeplab"):
        with pytest.raises(InvalidSetting, match=r"no (IRN|segmentation network)"):
            wired.answers[event](analysis, WALK)
    wired = wired_to(masks, explorer)
    for change in ({"walk": None}, {"walk": {"steps": 99, "beta": 4}}, {"walk": {"steps": 3, "beta": math.nan}}):
        with pytest.raises(InvalidSetting):
            wired.answers["walk"](analysis, WALK | change)


def test_a_token_and_the_heads_are_those_of_the_library(explorer, analysis):
    wired = wired_to(layers, explorer)
    seen = explorer.engine.predictor().token(analysis.image, analysis.settings, method="crt", at=(0.9, 0.1))
    answer = wired.answers["inspect"](analysis, {"method": "crt", "x": 0.1, "y": 0.9})
    np.testing.assert_allclose(array(answer, "attention"), seen.attention, atol=2e-3 * seen.attention.max())
    np.testing.assert_allclose(array(answer, "similarity"), seen.similarity, atol=2e-3)
    assert (answer["tile"], answer["cell"]) == (seen.tile, seen.cell)
    deep = explorer.engine.predictor().layers(analysis.image, analysis.settings, method="tscam")
    answer = wired.answers["load_heads"](analysis, {"method": "tscam"})
    np.testing.assert_allclose(array(answer, "heads"), deep.heads, atol=2e-3 * deep.heads.max())
    np.testing.assert_allclose(array(answer, "rollout"), deep.rollout, atol=2e-3 * deep.rollout.max())


def array(answer: dict, name: str) -> np.ndarray:
    about = answer["arrays"][name]
    flat = np.frombuffer(answer["data"], "<f2", math.prod(about["shape"]), about["offset"])
    return flat.astype(np.float32).reshape(about["shape"]) * about["scale"]


NUMBERS = [None, "3", True, math.nan, math.inf, -1, 10**9, [], {}]


@pytest.mark.parametrize("value", NUMBERS)
def test_what_is_no_number_in_range_is_refused(value):
    with pytest.raises(InvalidSetting, match="x"):
        number({"x": value}, "x", 0, 1)


@pytest.mark.parametrize("classes", [None, [], [3], [-1], [True], ["0"], [0.0], {"0": 1}, "0"])
def test_classes_that_are_not_the_checkpoints_are_refused(analysis, classes):
    with pytest.raises(InvalidSetting):
        classes_of(analysis, {"classes": classes})
    assert classes_of(analysis, {"classes": [2, 0, 2]}) == [2, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocks": [0]},
        {"blocks": [2, 1]},
        {"blocks": [-1, 2]},
        {"blocks": [0, 10**9]},
        {"blocks": "01"},
        {"blocks": [0.5, 2]},
        {"pass_reduction": "most"},
        {"pass_reduction": None},
        {"loops": -1},
        {"loops": None},
    ],
)
def test_settings_that_make_no_map_are_refused(analysis, wrong):
    with pytest.raises(InvalidSetting):
        map_options(analysis, "crt", MASK | wrong)


def test_settings_are_clamped_to_the_prediction(analysis):
    assert map_options(analysis, "crt", MASK | {"loops": 900, "blocks": [2, 900]}) == {
        "loops": 3,
        "refined": True,
        "blocks": [2, 3, 4, 5],
        "pass_reduction": "sum",
    }
    assert map_options(analysis, "resnet", MASK)["loops"] == 0
    assert map_options(analysis, "crt", MASK | {"refined": "yes"})["refined"] is False


@pytest.mark.parametrize("method", [None, "", "vit", ["crt"], {"crt": 1}, 3, "__class__"])
def test_unknown_networks_are_refused(analysis, method):
    for check in (method_of, transformer_of):
        with pytest.raises(InvalidSetting):
            check(analysis, {"method": method})
    with pytest.raises(InvalidSetting, match="no attention"):
        transformer_of(analysis, {"method": "resnet"})


@pytest.mark.parametrize("name", [*CRF])
def test_the_crf_takes_numbers_only(analysis, name):
    for value in NUMBERS:
        with pytest.raises(InvalidSetting):
            masks.segment(analysis, MASK | {"crf": CRF | {name: value}})
    with pytest.raises(InvalidSetting, match="missing"):
        masks.segment(analysis, MASK | {"crf": None})
