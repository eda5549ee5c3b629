"""A Prediction of two tiles, two classes and three loop counts, whose CAMs are computed again by hand."""

import dataclasses
import io
import zipfile
from typing import Any, cast

import numpy as np
import pytest

from crt.cam_spec import CamSpec
from crt.checkpoint import METHODS, Method
from crt.errors import InvalidSetting
from crt.models.outputs import CnnOutputs, VitOutputs
from crt.models.tiles import TileGrid
from crt.postprocess import NORMALIZATION_EPS
from crt.prediction import Prediction
from crt.prediction_io import MAX_BYTES, InvalidPrediction
from crt.resample import upsample_cam

GRID = TileGrid(32, 48, 32, 16)
"""Two tiles of 2 × 2 cells, which share the middle one of three columns."""
SOURCE = (64, 96)
DEFAULT = CamSpec(3, True, "sum", (0, 0))
"""More loops than are recorded, and one of two blocks."""


def transformer(rng: np.random.Generator, loops: int) -> VitOutputs:
    """Random outputs for loops 0 … `loops` of an encoder of two blocks."""
    counts, passes = loops + 1, max(1, loops)

    def numbers(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    cls_attn = rng.random((passes, 2, 2, 4), dtype=np.float32)
    return VitOutputs(numbers(counts, 2, 2, 2, 2), cls_attn, numbers(counts), numbers(passes), numbers(counts, 2))


@pytest.fixture(scope="module")
def prediction() -> Prediction:
    rng = np.random.default_rng(0)
    cnn = CnnOutputs(rng.normal(size=(2, 2, 3)).astype(np.float32), np.array([1.5, -2], np.float32))
    records: dict[Method, VitOutputs | CnnOutputs] = {
        "crt": transformer(rng, 2), "resnet": cnn, "tscam": transformer(rng, 0),
    }  # fmt: skip
    return Prediction(SOURCE, GRID, ("cat", "dog"), records, default_spec=DEFAULT, default_threshold=0.4)


def vit(prediction: Prediction, method: Method) -> VitOutputs:
    record = prediction.record(method)
    assert isinstance(record, VitOutputs)
    return record


def merged(tiles: np.ndarray) -> np.ndarray:
    """(2, C, 2, 2) -> (C, 2, 3): the mean in the column that both tiles cover."""
    left, right = tiles
    middle = (left[..., 1] + right[..., 0]) / 2
    return np.stack([left[..., 0], middle, right[..., 1]], -1)


def weights(record: VitOutputs, passes: int, blocks: slice = slice(None)) -> np.ndarray:
    """(2, 1, 2, 2): the attention of some blocks, summed over the first passes."""
    return record.cls_attn[:passes, blocks].mean(1).sum(0).reshape(2, 1, 2, 2)


@pytest.mark.parametrize(("loops", "passes"), [(0, 1), (1, 1), (2, 2)])
def test_cams_of_every_loop_count(prediction, loops, passes):
    record = vit(prediction, "crt")
    for refined in (False, True):
        tiles = record.cams[loops] * (weights(record, passes) if refined else 1)
        found = prediction.cams("crt", loops=loops, refined=refined, blocks=None, relu=False)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, merged(tiles), rtol=1e-5)
        np.testing.assert_array_equal(
            prediction.cams("crt", loops=loops, refined=refined, blocks=None), np.maximum(found, 0)
        )


def test_what_is_not_given_is_the_default_of_the_checkpoint(prediction):
    record = vit(prediction, "crt")
    wanted = np.maximum(merged(record.cams[2] * weights(record, 2, slice(1))), 0)  # no more loops than recorded
    np.testing.assert_allclose(prediction.cams(), wanted, rtol=1e-5)
    np.testing.assert_array_equal(prediction.cams(blocks=[0]), prediction.cams("crt"))
    last = np.maximum(merged(record.cams[2] * record.cls_attn[1, 0].reshape(2, 1, 2, 2)), 0)
    np.testing.assert_allclose(prediction.cams(pass_reduction="last"), last, rtol=1e-5)
    np.testing.assert_array_equal(prediction.cams(refined=False), np.maximum(merged(record.cams[2]), 0))


def test_parts_take_the_place_of_those_of_a_spec(prediction):
    spec = CamSpec(1, False, "last", (1, 1))
    record = vit(prediction, "crt")
    np.testing.assert_array_equal(prediction.cams(spec=spec), np.maximum(merged(record.cams[1]), 0))
    np.testing.assert_array_equal(
        prediction.cams(spec=spec, loops=2, refined=True),
        prediction.cams(loops=2, refined=True, pass_reduction="last", blocks=[1]),
    )
    np.testing.assert_array_equal(
        prediction.cams(spec=spec, refined=True, blocks=None, pass_reduction="first"),
        prediction.cams(loops=1, blocks=range(2), pass_reduction="first"),
    )
    with pytest.raises(InvalidSetting, match="holds loops 0 to 2, not 3"):
        prediction.cams(spec=DEFAULT)  # a spec that is given is not cut down


def test_a_method_without_loops_takes_none_of_a_spec(prediction):
    record = vit(prediction, "tscam")
    wanted = np.maximum(merged(record.cams[0] * weights(record, 1)), 0)
    for spec in (CamSpec(), CamSpec(2)):
        np.testing.assert_allclose(prediction.cams("tscam", spec=spec), wanted, rtol=1e-5)
    assert prediction.spec_of("tscam") == dataclasses.replace(DEFAULT, loops=0)
    assert prediction.spec_of("resnet", CamSpec(2)) == CamSpec(0)
    assert prediction.spec_of("crt", CamSpec(9)) == CamSpec(9)
    assert prediction.spec_of("crt") == dataclasses.replace(DEFAULT, loops=2)
    few = dataclasses.replace(prediction, default_spec=CamSpec(1))
    assert few.spec_of("crt") == CamSpec(1)


def test_attention_is_what_refines(prediction):
    record = vit(prediction, "crt")
    np.testing.assert_allclose(prediction.attention("crt"), merged(weights(record, 2, slice(1)))[0], rtol=1e-5)
    np.testing.assert_allclose(
        prediction.attention("crt", loops=1, blocks=None), merged(weights(record, 1))[0], rtol=1e-5
    )
    np.testing.assert_array_equal(
        prediction.attention("crt", spec=CamSpec(2, blocks=(1, 1)), pass_reduction="mean"),
        prediction.attention("crt", loops=2, blocks=[1], pass_reduction="mean"),
    )


def test_the_attention_of_all_heads_counts_by_its_mean(prediction):
    record = vit(prediction, "crt")
    heads = np.stack([record.cls_attn * 0.5, record.cls_attn * 1.5], 2)
    kept = dataclasses.replace(prediction, records={"crt": dataclasses.replace(record, cls_attn=heads)})
    np.testing.assert_allclose(kept.cams(), prediction.cams(), rtol=1e-5)


def test_a_cam_on_the_pixels(prediction):
    for method in ("crt", "resnet"):
        cells = prediction.cams(method)[1:]
        raw = upsample_cam(cells, (2, 3), SOURCE)[0]
        np.testing.assert_array_equal(prediction.cam("dog", method=method, normalize=False), raw)
        np.testing.assert_array_equal(
            prediction.cam(1, method=method), raw / (raw.max() + np.float32(NORMALIZATION_EPS))
        )
    np.testing.assert_array_equal(prediction.cam("cat"), prediction.cam(0, method="crt"))


def test_a_mask_lies_above_its_threshold(prediction):
    cam = prediction.cam("cat")
    np.testing.assert_array_equal(prediction.mask("cat"), cam > np.float32(0.4))
    assert prediction.mask("cat").dtype == bool
    level = float(np.unique(cam)[-2])  # the second largest value is not above itself
    np.testing.assert_array_equal(prediction.mask("cat", threshold=level), cam == cam.max())
    np.testing.assert_array_equal(prediction.mask("cat", threshold=0), cam > 0)
    assert not prediction.mask("cat", threshold=1).any()
    np.testing.assert_array_equal(
        prediction.mask("dog", method="tscam", refined=False, threshold=0.2),
        prediction.cam("dog", method="tscam", refined=False) > np.float32(0.2),
    )
    for threshold in (-0.001, 1.001, float("nan")):
        with pytest.raises(InvalidSetting, match="choose 0 to 1"):
            prediction.mask("cat", threshold=threshold)


def test_a_cam_and_a_mask_pass_every_setting_on(prediction):
    parts: dict[str, Any] = {"loops": 2, "refined": True, "blocks": [1], "pass_reduction": "last"}
    settings = parts | {"method": "crt", "spec": CamSpec(0, False)}
    cam = prediction.cam("cat", **settings, normalize=False)
    np.testing.assert_array_equal(cam, upsample_cam(prediction.cams("crt", classes=[0], **parts), (2, 3), SOURCE)[0])
    mask = prediction.mask("cat", **settings, threshold=0.3)
    np.testing.assert_array_equal(mask, prediction.cam("cat", **settings) > np.float32(0.3))
    for name in parts:  # each of them makes a difference
        others = {key: value for key, value in settings.items() if key != name}
        assert (prediction.cam("cat", **others, normalize=False) != cam).any(), name
        assert (prediction.mask("cat", **others, threshold=0.3) != mask).any(), name


def test_scores(prediction):
    crt, tscam = vit(prediction, "crt"), vit(prediction, "tscam")
    for loops in range(3):
        np.testing.assert_array_equal(prediction.scores("crt", loops), crt.scores[loops])
    np.testing.assert_array_equal(prediction.scores("crt"), crt.scores[2])
    np.testing.assert_array_equal(prediction.scores("tscam"), tscam.scores[0])
    np.testing.assert_array_equal(prediction.scores("resnet", 7), [1.5, -2])
    for loops in (-1, 3):
        with pytest.raises(InvalidSetting, match=f"loops 0 to 2, not {loops}"):
            prediction.scores("crt", loops)


def test_probabilities_are_those_of_the_scores(prediction):
    score = prediction.scores("crt", 1).astype(np.float64)
    found = prediction.probabilities("crt", 1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-score)), rtol=1e-5)
    np.testing.assert_allclose(
        prediction.probabilities("crt", 1, single_label=True), np.exp(score) / np.exp(score).sum(), rtol=1e-5
    )
    np.testing.assert_array_equal(prediction.probabilities("crt"), prediction.probabilities("crt", 2))
    wild = CnnOutputs(np.zeros((3, 1, 1), np.float32), np.array([-1e4, 0, 1e4], np.float32))
    extreme = dataclasses.replace(prediction, records={"resnet": wild})
    np.testing.assert_array_equal(extreme.probabilities("resnet"), [0, 0.5, 1])
    np.testing.assert_array_equal(extreme.probabilities("resnet", single_label=True), [0, 0, 1])
    with pytest.raises(InvalidSetting, match="loops 0 to 2"):
        prediction.probabilities("crt", 3)


def test_what_a_prediction_holds(prediction):
    assert prediction.methods == ("resnet", "tscam", "crt") and prediction.default_method == "crt"
    assert prediction.passes == 2
    assert [prediction.clamp("crt", loops) for loops in (0, 1, 2, 9)] == [0, 1, 2, 2]
    assert prediction.clamp("tscam", 9) == prediction.clamp("resnet", 9) == 0
    assert prediction.nbytes == 4 * (3 * 16 + 32 + 3 + 2 + 6 + (16 + 16 + 1 + 1 + 2) + (12 + 2))
    others = {method: record for method, record in prediction.records.items() if method != "crt"}
    without = dataclasses.replace(prediction, records=others)
    assert without.default_method == "resnet" and without.passes == 0
    assert without.cams().shape == (2, 2, 3)


def test_the_size_of_the_image_in_cells():
    cnn = CnnOutputs(np.zeros((1, 2, 2), np.float32), np.zeros(1, np.float32))
    finer = VitOutputs(*(np.zeros(shape, np.float32) for shape in ((1, 1, 1, 8, 8), (1, 1, 1, 16), 1, 1, (1, 1))))
    grid = TileGrid(24, 18, 64, 16, "deconvolution")
    prediction = Prediction((24, 18), grid, ("cat",), {"crt": finer, "resnet": cnn})
    assert prediction.content_size("crt") == (8, 6)
    assert prediction.content_size("resnet") == (24 / 16, 18 / 16)


@pytest.mark.parametrize(
    ("method", "networks", "message"),
    [
        ("deit", None, "There is no deit network: choose among resnet, tscam, crt."),
        ("crt_cnn", None, "This Prediction holds no crt_cnn: choose among resnet, tscam, crt, or record it anew if"),
        ("crt_cnn", ["crt"], "This checkpoint has no crt_cnn network: choose among resnet, tscam, crt."),
        ("crt_cnn", ("crt", "crt_cnn"), "recorded without crt_cnn, which its checkpoint has: run the image again"),
    ],
)
def test_why_a_method_is_not_there(prediction, method, networks, message):
    assert "crt_cnn" in METHODS
    known = dataclasses.replace(prediction, provenance={} if networks is None else {"networks": networks})
    for call in (known.record, known.cams, known.scores, known.content_size, known.attention, known.spec_of):
        with pytest.raises(InvalidSetting) as raised:
            call(cast("Method", method))
        assert message in str(raised.value)


@pytest.mark.parametrize("threshold", [0, 1, 0.0, 1.0])
def test_a_file_may_have_either_end_of_the_thresholds(prediction, threshold):
    found = Prediction.load(saved(dataclasses.replace(prediction, default_threshold=threshold)))
    assert found.default_threshold == threshold and found.default_spec == DEFAULT
    assert found.source == SOURCE and found.grid == GRID and found.image is None


def test_a_file_may_unpack_to_the_most_bytes_and_no_more(prediction, monkeypatch):
    assert MAX_BYTES == 2**30
    with zipfile.ZipFile(saved(prediction)) as file:
        size = sum(member.file_size for member in file.infolist())
    monkeypatch.setattr("crt.prediction_io.MAX_BYTES", size)
    assert Prediction.load(saved(prediction)).methods == prediction.methods
    monkeypatch.setattr("crt.prediction_io.MAX_BYTES", size - 1)
    with pytest.raises(InvalidPrediction, match="would unpack to 0 MiB"):
        Prediction.load(saved(prediction))


def test_a_file_is_closed_only_by_who_opened_it(prediction, tmp_path):
    stream = saved(prediction)
    Prediction.load(stream)
    assert not stream.closed
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    assert Prediction.load(str(tmp_path / "a.npz")).classes == ("cat", "dog")


def saved(prediction: Prediction) -> io.BytesIO:
    """Its file, to be read from the beginning."""
    stream = io.BytesIO()
    prediction.save(stream)
    stream.seek(0)
    return stream
