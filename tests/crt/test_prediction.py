import dataclasses
import io
import json
import pickle
from typing import cast

import numpy as np
import pytest
import torch

from crt.checkpoint import load_checkpoint
from crt.errors import InvalidSetting
from crt.models.outputs import VitOutputs
from crt.prediction import Prediction
from crt.prediction_io import InvalidPrediction
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny"))))


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prediction(predictor, image):
    return predictor.predict(image, InferenceConfig(size=96, loops=3))


def same(one, two):
    assert one.records.keys() == two.records.keys()
    for method, record in one.records.items():
        assert type(record) is type(two.records[method])
        for name, array in vars(record).items():
            other = getattr(two.records[method], name)
            assert array.dtype == other.dtype
            assert array.tobytes() == other.tobytes()
    for name in ("source", "grid", "classes", "timings", "provenance"):
        assert json.dumps(getattr(one, name), default=str) == json.dumps(getattr(two, name), default=str)


@pytest.mark.parametrize(
    "settings", [InferenceConfig(size=96, loops=0), InferenceConfig(size=None, heads=True, mode="bilinear")]
)
def test_save_and_load_lose_no_bit(predictor, image, settings, tmp_path):
    wanted = predictor.predict(image, settings)
    path = tmp_path / "prediction.npz"
    wanted.save(path)
    found = Prediction.load(path)
    same(wanted, found)
    assert found.grid == wanted.grid
    np.testing.assert_array_equal(found.cams("crt"), wanted.cams("crt"))
    stream = io.BytesIO()
    wanted.save(stream)
    same(wanted, Prediction.load(io.BytesIO(stream.getvalue())))


def test_no_pickle_is_ever_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    path = tmp_path / "bomb.npz"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InvalidPrediction):
        Prediction.load(path)
    header = np.empty((), dtype=object)
    header[()] = Bomb()
    np.savez(path, header=header)
    with pytest.raises(InvalidPrediction):
        Prediction.load(path)


def changed(prediction, tmp_path, **header):
    path = tmp_path / "changed.npz"
    prediction.save(path)
    with np.load(path) as arrays:
        kept = dict(arrays)
    kept["header"] = np.array(json.dumps({**json.loads(str(kept["header"])), **header}))
    np.savez(path, **kept)
    return path


@pytest.mark.parametrize(
    "header",
    [
        {"grid": {"height": 0, "width": 3}},
        {"grid": {"height": 96, "width": 96, "colour": 1}},
        {"kinds": {"crt": "tokens", "unknown": "conv"}},
        {"source": []},
        {"kinds": None},
        {"classes": 3},
        {"classes": []},
        {"classes": ["one", "two"]},
        {"kinds": {"crt": "tokens", "unknown": "tokens"}},
        {"kinds": {"crt": "conv"}},
        {"kinds": {}},
        {"source": [0, 5]},
        {"source": [90.5, 120]},
        {"timings": {"read": "long"}},
        {"provenance": []},
    ],
)
def test_other_headers_are_refused(prediction, tmp_path, header):
    path = changed(prediction, tmp_path, **header)
    with pytest.raises(InvalidPrediction, match=r"^This file is not a Prediction: .*[^.]\.$"):
        Prediction.load(path)


def test_another_schema_is_refused_by_its_number(prediction, tmp_path):
    with pytest.raises(InvalidPrediction, match="schema 99, this program reads 4"):
        Prediction.load(changed(prediction, tmp_path, schema=99))
    with pytest.raises(InvalidPrediction, match=r"^This Prediction has schema 1, this program reads 4\.$"):
        Prediction.load(changed(prediction, tmp_path, schema=1))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 not a zip", b"\x93NUMPY"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "some.npz"
    path.write_bytes(content)
    with pytest.raises(InvalidPrediction, match="not a Prediction"):
        Prediction.load(path)
    with pytest.raises(InvalidPrediction, match="not a Prediction"):
        Prediction.load(tmp_path / "nothing.npz")


def test_a_prediction_cut_off_is_refused(prediction, tmp_path):
    path = tmp_path / "prediction.npz"
    prediction.save(path)
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InvalidPrediction):
            Prediction.load(path)


def test_a_single_array_is_refused(tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, np.zeros(3))
    with pytest.raises(InvalidPrediction):
        Prediction.load(path)


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("crt", {"loops": 4}, "loops 0 to 3, not 4"),
        ("crt", {"loops": -1}, "loops 0 to 3, not -1"),
        ("crt", {"classes": [3]}, "classes between 0 and 2"),
        ("crt", {"classes": [-1]}, "classes between 0 and 2"),
        ("crt", {"blocks": [6]}, "index from 0 to 5"),
        ("crt", {"blocks": []}, "at least one block"),
        ("crt", {"pass_reduction": "max"}, "Unknown pass reduction"),
        ("deit", {}, "no deit network"),
    ],
)
def test_what_is_not_recorded_is_refused(prediction, method, arguments, message):
    with pytest.raises(InvalidSetting, match=message):
        prediction.cams(method, **arguments)


def test_attention_of_a_cnn_is_refused(prediction):
    with pytest.raises(InvalidSetting, match="has no attention"):
        prediction.attention("resnet")


def test_maps_are_refined_merged_cropped_and_relued(prediction):
    record = prediction.records["crt"]
    assert isinstance(record, VitOutputs)
    rows = record.cls_attn[:2].mean(1).sum(0)  # two passes, all blocks
    n = len(prediction.grid)
    tiles = record.cams[2] * rows.reshape(n, 1, 4, 4)
    total = np.zeros((3, *(side // 16 for side in prediction.grid.padded)))
    count = np.zeros_like(total)
    for i, (y, x) in enumerate(prediction.grid.origins):
        here = np.s_[:, y // 16 : y // 16 + 4, x // 16 : x // 16 + 4]
        total[here] += tiles[i]
        count[here] += 1
    wanted = (total / count)[:, : prediction.grid.cells[0], : prediction.grid.cells[1]]
    np.testing.assert_allclose(prediction.cams("crt", loops=2, relu=False), wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(prediction.cams("crt", loops=2), np.maximum(wanted, 0), rtol=1e-4, atol=1e-6)


def test_scores_are_the_mean_of_the_raw_merged_map(prediction):
    merged = prediction.grid.merge(torch.from_numpy(prediction.records["crt"].cams[1])).mean((2, 3))[0]
    np.testing.assert_allclose(prediction.scores("crt", 1), merged.numpy(), rtol=1e-4, atol=1e-5)
    conv = prediction.records["resnet"]
    np.testing.assert_allclose(prediction.scores("resnet"), conv.cams.mean((1, 2)), rtol=1e-4, atol=1e-5)


def test_classes_are_in_the_requested_order(prediction):
    for method in prediction.methods:
        maps = prediction.cams(method)
        np.testing.assert_array_equal(prediction.cams(method, classes=[2, 0]), maps[[2, 0]])
        np.testing.assert_array_equal(prediction.cams(method, classes=np.array([1])), maps[[1]])


def test_the_properties_of_a_prediction(prediction):
    assert prediction.methods == ("resnet", "tscam", "crt", "crt_cnn")
    assert prediction.passes == 3
    assert prediction.clamp("crt", 7) == 3
    assert prediction.clamp("tscam", 7) == prediction.clamp("resnet", 7) == 0
    assert prediction.nbytes == sum(
        a.nbytes for r in prediction.records.values() for a in dataclasses.asdict(r).values()
    )
    assert prediction.attention("crt", loops=3).shape == prediction.grid.patch_cells
    assert prediction.content_size("resnet") == prediction.content_size("crt") == (72 / 16, 96 / 16)


def test_asking_changes_nothing(prediction):
    before = {method: {n: a.copy() for n, a in vars(r).items()} for method, r in prediction.records.items()}
    for method in prediction.methods:
        maps = prediction.cams(method)
        maps[:] = -1
    for method, arrays in before.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(getattr(prediction.records[method], name), array)


def test_a_prediction_is_equal_to_itself_alone(predictor, prediction, image):
    other = predictor.predict(image, InferenceConfig(size=96, loops=3))
    assert prediction in [other, prediction] and other != prediction
    assert len({prediction, other, prediction}) == 2
    assert prediction.records["crt"] != other.records["crt"] != other.records["resnet"]
    views = [predictor.layers(image, InferenceConfig(size=64, loops=1)) for _ in range(2)]
    assert views[0] != views[1] and views[0] in views


def test_no_class_gives_no_map(prediction):
    for method in prediction.methods:
        maps = prediction.cams(method, classes=[])
        assert maps.shape == (0, *prediction.cams(method).shape[1:]) and maps.dtype == np.float32


def test_a_method_without_loops_ignores_them(prediction):
    for method in ("tscam", "resnet", "crt_cnn"):
        np.testing.assert_array_equal(
            prediction.cam("cat", method=method, loops=2), prediction.cam("cat", method=method)
        )
        np.testing.assert_array_equal(prediction.scores(method, 2), prediction.scores(method))
    np.testing.assert_array_equal(prediction.attention("tscam", loops=2), prediction.attention("tscam"))
    for wrong in (4, -1, 2.0):
        for ask in (prediction.cams, prediction.scores, prediction.attention):
            with pytest.raises(InvalidSetting, match=f"holds loops 0 to 3, not {wrong}"):
                ask("crt", loops=cast("int", wrong))


def test_classes_may_come_from_tensors_and_arrays(prediction):
    wanted = prediction.cam(2, normalize=False)
    for given in (torch.tensor(2), np.array(2), np.int64(2), 2.0, [torch.tensor(2)]):
        np.testing.assert_array_equal(prediction.cam(cast("int", given), normalize=False), wanted)
    for wrong in (float("inf"), float("nan"), torch.tensor(1.5), np.array(9)):
        with pytest.raises(InvalidSetting, match="choose classes between 0 and 2, or names"):
            prediction.cam(cast("int", wrong))


@pytest.mark.parametrize("given", ["crt_cnn", ["crt_cnn"], ("crt_cnn",)])
def test_methods_are_names_and_not_parts_of_them(predictor, image, given):
    config = InferenceConfig(size=64, methods=given)
    assert config.methods == ("crt_cnn",) and hash(config)
    assert predictor.predict(image, config).methods == ("crt_cnn",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ("crt", "deit")}, "no deit network: choose among resnet, tscam, crt, crt_cnn"),
        ({"methods": "cr"}, "no cr network"),
        ({"loops": 2.0}, r"loop count is 2\.0"),
        ({"loops": None}, "loop count is None"),
        ({"size": 96.0}, r"input size is 96\.0"),
        ({"size": "96"}, "input size is 96"),
    ],
)
def test_settings_of_other_types_are_refused(changes, words):
    with pytest.raises(InvalidSetting, match=words):
        InferenceConfig(**changes)


def test_numbers_of_numpy_become_python_s():
    config = InferenceConfig(size=cast("int", np.int64(96)), loops=cast("int", np.int32(2)))
    assert json.dumps(dataclasses.asdict(config)) == json.dumps(dataclasses.asdict(InferenceConfig(96, loops=2)))
