"""The pointing game: hits at the border of the tolerance, ties, the difficult subset, intervals, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from crt.checkpoint import load_checkpoint, read_config
from crt.data.images import load_image
from crt.data.voc_boxes import BoxedImage, BoxedObject, read_voc_boxes
from crt.errors import InvalidDataset, InvalidSetting
from crt.evaluation.bootstrap import Bootstrap, percent
from crt.evaluation.pointing import (
    PointingScore,
    centre,
    class_shares,
    difficult_subset,
    hit_share,
    is_difficult,
    peaks,
    summarize,
)
from crt.evaluation.pointing_cams import PointingView, evaluate_pointing, pointing_rows
from crt.metrics.boxes import boxes_to_mask
from crt.metrics.classification import average_precisions
from crt.metrics.pixels import pointing_game_hit
from crt.predictor import InferenceConfig, Predictor
from crt.train.machine import describe_machine
from scripts.evaluate_pointing import Classification, Pointing, classification, pointing
from tests.helpers.devkit import devkit
from tests.helpers.in_process import run_command
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[3]


def image_of(*objects: tuple[int, tuple[float, float, float, float], bool], name: str = "a", scale: float = 1.0):
    """An image of 100 × 100 pixels with objects (class, box, difficult)."""
    return BoxedImage(name, Path(f"{name}.jpg"), (100, 100), scale, tuple(BoxedObject(*item) for item in objects))


@pytest.mark.parametrize(
    ("at", "tolerance", "hit"),
    [
        ((40, 30), 0, 1),  # the first pixel of the box: row 40, column 30
        ((59, 69), 0, 1),  # its last
        ((60, 69), 0, 0),
        ((60, 69), 1, 1),
        ((40, 29), 0.99, 0),
        ((40, 15), 15, 1),
        ((40, 15), 14.99, 0),
        ((40, 14), 15, 0),
        ((31, 18), 15, 1),  # 9 up and 12 to the left: exactly 15 off the corner
        ((30, 18), 15, 0),
    ],
)
def test_a_hit_at_the_border_of_the_tolerance(at, tolerance, hit):
    cam = np.zeros((100, 100), np.float32)
    cam[at] = 1
    assert hit_share(peaks(cam), [(30, 40, 70, 60)], (100, 100), tolerance) == hit


def test_either_of_two_boxes_is_hit_and_the_gap_between_them_is_not():
    boxes = [(0, 0, 10, 10), (50, 0, 60, 10)]
    shares = [hit_share(np.array([[5, column]]), boxes, (100, 100), 5) for column in (5, 55, 14, 45, 15, 30, 65)]
    assert shares == [1, 1, 1, 1, 0, 0, 0]


def test_the_tolerance_shrinks_with_the_image():
    score = PointingScore([image_of((0, (50, 0, 60, 10), False), scale=0.4)], 1)
    for column, hit in ((44, 1), (43, 0)):  # 0.4 * 15 = 6 pixels
        score.add(image_of((0, (50, 0, 60, 10), False), scale=0.4), 0, np.array([[5, column]]))
        assert score.hits[0, 0] == hit


def test_ties_count_by_their_share_in_every_orientation():
    cam = np.zeros((100, 100), np.float32)
    cam[10, 10] = cam[10, 20] = cam[10, 80] = cam[90, 90] = 2
    boxes, mirrored = np.array([(5, 5, 25, 15)]), np.array([(75, 5, 95, 15)])
    assert hit_share(peaks(cam), boxes, cam.shape) == 0.5
    assert hit_share(peaks(cam[:, ::-1]), mirrored, cam.shape) == 0.5
    assert hit_share(peaks(np.ones((100, 100))), [(0, 0, 100, 100)], (100, 100)) == 0  # points nowhere
    with pytest.raises(InvalidSetting, match="NaN"):
        peaks(np.full((4, 4), np.nan))


def test_no_box_and_no_point_miss():
    assert hit_share(np.array([[5, 5]]), [], (100, 100), 15) == 0
    assert hit_share(np.zeros((0, 2), int), [(0, 0, 9, 9)], (100, 100), 15) == 0


def test_the_centre_is_where_both_halves_meet():
    assert centre((5, 7)).tolist() == [[2, 3]]
    assert centre((4, 6)).tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]


CORNER, SIDE = st.floats(-5, 50), st.floats(0.2, 20)


@given(
    placed=st.lists(st.tuples(CORNER, CORNER, SIDE, SIDE), min_size=1, max_size=3),
    row=st.integers(0, 36),
    column=st.integers(0, 50),
    tolerance=st.sampled_from([0, 1, 2.5, 5, 10.56, 15]),
)
@example(placed=[(0, 0, 10, 10)], row=13, column=13, tolerance=5)  # 4 and 4 beyond the last pixel
@example(placed=[(0, 0, 10, 10)], row=12, column=13, tolerance=5)  # exactly 5 off
@example(placed=[(3, 3, 0.2, 0.2)], row=3, column=3, tolerance=15)  # a box that holds no pixel
def test_hits_equal_a_search_through_all_pixels(placed, row, column, tolerance):
    """Brute force: the distance of the point to every pixel whose centre lies in a box."""
    boxes = [(x, y, x + width, y + height) for x, y, width, height in placed]
    cam = np.zeros((37, 51), np.float32)
    cam[row, column] = 1
    mask = boxes_to_mask(boxes, cam.shape)
    inside = [(row - y) ** 2 + (column - x) ** 2 <= tolerance**2 for y, x in np.argwhere(mask)]
    found = hit_share(peaks(cam), boxes, cam.shape, tolerance)
    assert found == float(any(inside)) == float(pointing_game_hit(cam, mask, tolerance=tolerance))


@given(seed=st.integers(0, 2**31), images=st.integers(2, 12), classes=st.integers(1, 4))
def test_shares_are_weighted_means_of_the_hits(seed, images, classes):
    rng = np.random.default_rng(seed)
    hits = np.where(rng.random((images, classes)) < 0.3, np.nan, rng.random((images, classes)))
    weights = rng.integers(0, 4, (5, images)).astype(float)
    found = class_shares(hits, weights)
    for index, weight in enumerate(weights):
        drawn = np.repeat(hits, weight.astype(int), axis=0)  # as often as each image was drawn
        for label in range(classes):
            asked = drawn[~np.isnan(drawn[:, label]), label]
            np.testing.assert_allclose(found[index, label], asked.mean() if asked.size else np.nan)
    assert percent(float("nan")) is None and percent(0.12344) == 12.34


@given(seed=st.integers(0, 2**31), images=st.integers(1, 15))
def test_average_precision_is_the_mean_precision_at_the_positives(seed, images):
    rng = np.random.default_rng(seed)
    targets, ignored = rng.integers(0, 2, (images, 3)), rng.random((images, 3)) < 0.3
    scores = rng.permutation(3 * images).reshape(images, 3).astype(float)  # no ties
    found = average_precisions(targets, scores, ignored)
    for label in range(3):
        rows = np.flatnonzero(~ignored[:, label])
        ranked = targets[rows[np.argsort(-scores[rows, label])], label]
        precision = ranked.cumsum() / np.arange(1, len(ranked) + 1)
        np.testing.assert_allclose(found[label], precision[ranked == 1].mean() if ranked.any() else np.nan)
    np.testing.assert_array_equal(found, average_precisions(targets, np.tanh(scores / 100), ignored))


@pytest.mark.parametrize(
    ("objects", "difficult"),
    [
        ([(0, (0, 0, 50, 49), False), (1, (0, 0, 5, 5), False)], True),  # 24.5 %
        ([(0, (0, 0, 50, 50), False), (1, (0, 0, 5, 5), False)], False),  # a quarter
        ([(0, (0, 0, 10, 10), False)], False),  # no other class
        ([(0, (0, 0, 10, 10), False), (0, (50, 0, 60, 10), False)], False),
        # As in the published list: pixels in two boxes count once,
        ([(0, (0, 0, 40, 40), False), (0, (0, 0, 40, 40), False), (1, (0, 0, 5, 5), False)], True),
        # boxes of difficult objects count as area,
        ([(0, (0, 0, 40, 40), False), (0, (50, 50, 90, 90), True), (1, (0, 0, 5, 5), False)], False),
        # and a class of difficult objects alone is no other class.
        ([(0, (0, 0, 10, 10), False), (1, (0, 0, 5, 5), True)], False),
    ],
)
def test_the_difficult_subset(objects, difficult):
    image = image_of(*objects)
    assert is_difficult(image, 0) is difficult
    assert difficult_subset([image], 3)[0].tolist()[0] is difficult
    assert not difficult_subset([image], 3)[0, 2]  # a class that the image does not show


def scores_of(hits: dict[str, list[list[float]]]) -> dict[str, PointingScore]:
    found = {}
    for name, values in hits.items():
        images = [image_of(name=str(index)) for index in range(len(values))]
        found[name] = PointingScore(images, len(values[0]))
        found[name].hits[:] = values
    return found


def test_classes_weigh_the_same_however_many_images_they_have():
    nan = float("nan")
    hits = [[1, 0, nan], [1, nan, nan], [0, nan, nan], [1, 1, nan]]
    difficult = np.array([[False, True, False], [True, False, False], [False] * 3, [False] * 3])
    result = summarize(scores_of({"crt": hits}), difficult, ("cat", "dog", "sheep"))
    row = result["methods"]["crt"]
    assert row["all"]["per_class"] == {"cat": 75.0, "dog": 50.0, "sheep": None} and row["all"]["mean"] == 62.5
    assert row["difficult"]["per_class"] == {"cat": 100.0, "dog": 0.0, "sheep": None}
    assert row["difficult"]["mean"] == 50.0
    assert result["targets"]["all"] == {"total": 6, "per_class": {"cat": 4, "dog": 2, "sheep": 0}}
    assert result["targets"]["difficult"]["total"] == 2
    json.dumps(result, allow_nan=False)


def test_intervals_are_seeded_and_pairs_share_their_draws():
    rng = np.random.default_rng(3)
    one = (rng.random((80, 2)) < 0.7).astype(float)
    worse = np.where(np.arange(80)[:, None] % 4 == 0, 0, one)
    names, none = ("cat", "dog"), np.zeros((80, 2), bool)
    scores = scores_of({"crt": one.tolist(), "same": one.tolist(), "resnet": worse.tolist()})
    pairs = [("crt", "same"), ("crt", "resnet")]
    result = summarize(scores, none, names, pairs)
    assert result == summarize(scores, none, names, pairs)
    other = summarize(scores, none, names, pairs, Bootstrap(seed=1))
    assert other["methods"]["crt"]["all"]["interval"] != result["methods"]["crt"]["all"]["interval"]
    assert result["differences"]["crt - same"]["all"] == {"mean": 0.0, "interval": [0.0, 0.0]}
    low, high = result["methods"]["crt"]["all"]["interval"]
    assert low < result["methods"]["crt"]["all"]["mean"] < high
    # Of the mean of two shares of 80 images each, by the normal approximation.
    deviation = 100 * np.sqrt((one.mean(1) - one.mean()).var() / 80)
    assert (high - low) / (2 * 1.96 * deviation) == pytest.approx(1, abs=0.1)
    paired = result["differences"]["crt - resnet"]["all"]
    assert 0 < paired["interval"][0] < paired["mean"] < paired["interval"][1]
    deviation = 100 * (one - worse).mean(1).std() / np.sqrt(80)  # of the paired difference, not of two independent ones
    assert np.diff(paired["interval"])[0] / (2 * 1.96 * deviation) == pytest.approx(1, abs=0.1)
    assert result["methods"]["crt"]["difficult"] == {
        "mean": None,
        "interval": None,
        "per_class": {"cat": None, "dog": None},
    }
    with pytest.raises(InvalidSetting, match="level"):
        Bootstrap(level=1.0)
    with pytest.raises(InvalidSetting, match="a seed of 0 or more"):
        Bootstrap(seed=-1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return devkit(
        tmp_path,
        {
            "a": [("cat", (1, 1, 40, 40), 0), ("person", (60, 10, 90, 70), 0)],
            "b": [("dog", (20, 20, 80, 70), 0), ("cat", (1, 1, 30, 30), 1)],
            "c": [("dog", (1, 1, 20, 20), 0), ("cat", (50, 30, 100, 80), 0)],
            "d": [("person", (40, 30, 60, 50), 1)],
        },
    )


def test_rows_follow_the_checkpoint_and_the_request(tiny: Path):
    config = read_config(tiny)
    rows = pointing_rows(config, 1, explainers=("layercam",))
    loops = [f"crt_loops_{count}{end}" for count in (0, 1) for end in ("", "_unrefined")]
    cnns = ["resnet", "resnet_layercam", "crt_cnn", "crt_cnn_layercam"]
    assert list(rows) == ["crt", *loops, "tscam", "tscam_unrefined", *cnns]
    assert rows["crt"].loops == config.defaults.loops and rows["crt"].attention == config.defaults.attention
    assert list(pointing_rows(config, 0, ["tscam"])) == ["tscam", "tscam_unrefined"]
    with pytest.raises(InvalidSetting, match="explainer 'lime'"):
        pointing_rows(config, 0, explainers=("lime",))


def test_grad_cam_of_a_cnn_hits_as_its_cam_does(tiny: Path, images: Path):
    """Grad-CAM of a network that ends in a mean and a linear layer is CAM, so every way to pixels must be the same."""
    predictor = Predictor(load_checkpoint(tiny))
    boxed = read_voc_boxes(images, "val", predictor.checkpoint.config.classes)
    rows = pointing_rows(predictor.checkpoint.config, 0, ["resnet"], ["gradcam"])
    for view in (PointingView(96), PointingView(None, flip=True)):
        scores = evaluate_pointing(predictor, boxed, rows, view)
        np.testing.assert_array_equal(scores["resnet"].hits, scores["resnet_gradcam"].hits)
        asked = ~np.isnan(scores["resnet"].hits)
        assert asked.tolist() == [[True, False, True], [False, True, False], [True, True, False], [False] * 3]


def test_an_image_and_its_mirror_image_are_hit_alike(tiny: Path, tmp_path: Path):
    """With flips the maps of an image and of its mirror image are each other's mirror images."""
    predictor = Predictor(load_checkpoint(tiny))
    objects = {"a": [("cat", (3, 11, 22, 60), 0), ("dog", (61, 11, 100, 40), 0), ("person", (31, 50, 60, 80), 0)]}
    mirrored = {"a": [(n, (101 - x1, y0, 101 - x0, y1), d) for n, (x0, y0, x1, y1), d in objects["a"]]}
    hits = []
    for name, layout in (("plain", objects), ("mirror", mirrored)):
        root = devkit(tmp_path / name, layout)
        if name == "mirror":
            _mirror(tmp_path / "plain" / "VOC2007", root)
        boxed = read_voc_boxes(root, "val", predictor.checkpoint.config.classes)
        rows = pointing_rows(predictor.checkpoint.config, 1)
        scores = evaluate_pointing(predictor, boxed, rows, PointingView(96, flip=True))
        hits.append(np.concatenate([score.hits for score in scores.values()]))
    np.testing.assert_array_equal(*hits)
    assert 0 < np.nanmean(hits[0]) < 1


def _mirror(source: Path, target: Path) -> None:
    """Put the mirror image of one devkit's image into another, without loss."""
    path = Path("JPEGImages/a.jpg")
    with Image.open(source / path) as image:
        pixels = np.array(image)
    for root, values in ((source, pixels), (target, pixels[:, ::-1])):
        Image.fromarray(np.ascontiguousarray(values)).save(root / path, format="PNG")


def test_networks_that_are_not_requested_do_not_run(tiny: Path, images: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    prediction = Predictor.predict

    def noted(self: Predictor, image: np.ndarray, settings: InferenceConfig):
        asked.append(settings)
        return prediction(self, image, settings)

    monkeypatch.setattr(Predictor, "predict", noted)
    result = pointing(Pointing(images, checkpoint=str(tiny), methods=("resnet",), precision="fp32"))
    assert {settings.methods for settings in asked} == {("resnet",)}
    assert len(asked) == 3  # the image without a class to ask for is not run at all
    assert set(result["pointing"]["methods"]) == {"resnet", "centre"}
    assert result["pointing"]["differences"] == {}


@pytest.mark.parametrize(("measure", "options"), [(pointing, Pointing), (classification, Classification)])
def test_the_classes_of_the_data_are_an_option(measure, options, tiny: Path, images: Path):
    with pytest.raises(InvalidDataset, match="unknown class in an annotation"):
        measure(options(images, checkpoint=str(tiny), class_names=("leaf",)))


def test_the_command_measures_and_records_its_settings(tiny: Path, images: Path, tmp_path: Path):
    file = tmp_path / "pointing.json"
    words = [
        "--root",
        str(images),
        "--checkpoint",
        str(tiny),
        "--loops",
        "1",
        "--precision",
        "fp32",
        "--json",
        str(file),
    ]
    _evaluate("pointing", *words, "--explainers", "gradcam", "--bootstrap.resamples", "50")
    result = json.loads(file.read_text())
    assert set(result) == {"protocol", "rows", "pointing", "seconds_per_image"}
    protocol = result["protocol"]
    assert protocol["command"].startswith("python -m scripts.evaluate pointing --root VOC2007 --split val")
    assert "--bootstrap.resamples 50" in protocol["command"] and "--explainers gradcam" in protocol["command"]
    assert protocol["checkpoint_sha256"] and protocol["precision"] == "float32" and protocol["size"] == 96
    assert protocol["machine"] == describe_machine()
    assert str(tmp_path) not in file.read_text() and str(tiny.parent) not in file.read_text()
    found = result["pointing"]
    assert found["images"] == 4 and found["targets"]["all"]["total"] == 5
    assert set(found["methods"]) == {*result["rows"], "centre"}
    assert {"crt - resnet", "crt - tscam", "crt - crt_cnn"} == set(found["differences"])
    for row in (*found["methods"].values(), *found["differences"].values()):
        for subset in ("all", "difficult"):
            low, high = row[subset]["interval"]
            assert -100 <= low <= row[subset]["mean"] <= high <= 100
    refined = result["rows"]["crt_loops_1"]
    assert refined == {"network": "crt", "loops": 1, "refined": True, "pass_reduction": "sum", "blocks": None}
    assert result["rows"]["resnet_gradcam"] == {"network": "resnet", "explainer": "gradcam"}


def _evaluate(*words: str, fails: bool = False) -> str:
    run = run_command("scripts.evaluate", *words)
    assert (run.returncode != 0) is fails, run.stderr
    return run.stderr


def test_the_command_refuses_in_one_sentence(tiny: Path, images: Path):
    reported = _evaluate(
        "pointing", "--root", str(images), "--checkpoint", str(tiny), "--explainers", "lime", fails=True
    )
    assert reported.startswith("error: There is no explainer 'lime'") and "Traceback" not in reported


def test_classification_leaves_out_images_with_difficult_objects_alone(tiny: Path, images: Path, tmp_path: Path):
    file = tmp_path / "classification.json"
    config = Classification(images, checkpoint=str(tiny), loops=1, precision="fp32", json=file, flip=True)
    result = classification(config)
    assert result == json.loads(file.read_text()) and str(tmp_path) not in file.read_text()
    methods = result["classification"]["methods"]
    # CRT's default, two loops, is beyond the loops asked for, and has its own row.
    assert list(methods) == ["crt_loops_0", "crt_loops_1", "tscam", "resnet", "crt_cnn", "crt"]
    predictor = Predictor(load_checkpoint(tiny))
    boxed = read_voc_boxes(images, "val", predictor.checkpoint.config.classes)
    assert [image.difficult_only for image in boxed] == [(), (0,), (), (2,)]
    logits = []
    for image in boxed:
        pixels = load_image(image.image)
        views = (pixels, np.ascontiguousarray(pixels[:, ::-1]))
        logits.append(sum(predictor.predict(view, InferenceConfig(size=96)).scores("resnet") for view in views))
    ranks = np.argsort(np.argsort(-np.array(logits)[[0, 1, 2], 2]))  # of the images that count for "person": a, b, c
    assert methods["resnet"]["per_class"]["person"] == pytest.approx(100 / (ranks[0] + 1), abs=0.01)
    for row in methods.values():
        assert row["map"] == pytest.approx(np.mean(list(row["per_class"].values())), abs=0.01)


def test_average_precision_by_hand():
    targets = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]])
    scores = np.array([[4.0, 1, 0], [3.0, 9, 0], [2.0, 0, 0], [1.0, 0, 0]])
    found = average_precisions(targets, scores)
    assert found[0] == pytest.approx((1 + 2 / 3) / 2) and found[1] == 0.5 and np.isnan(found[2])
    ignored = np.zeros((4, 3), bool)
    ignored[1] = True  # the false alarm of both classes
    assert average_precisions(targets, scores, ignored)[:2].tolist() == [1, 1]
