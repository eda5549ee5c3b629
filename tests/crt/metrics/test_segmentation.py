"""Measures: the threshold sweep against its plain form, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crt.checkpoint import load_checkpoint
from crt.data import ImageDataset, Sample
from crt.errors import InvalidDataset, InvalidSetting
from crt.evaluation.cams import evaluate_seeds
from crt.metrics.classification import mean_average_precision
from crt.metrics.segmentation import ThresholdSweep, confusion_matrix, iou, mean_iou, pixel_accuracy
from crt.multiscale import TTAConfig, default_specs, multi_scale_maps
from crt.postprocess import cam_to_labels
from crt.predictor import Predictor
from tests.helpers.tiny import tiny_checkpoint


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_sweep_equals_one_label_map_per_threshold(kind: type) -> None:
    rng = np.random.default_rng(0)
    thresholds = np.round(np.arange(0.05, 1, 0.05), 2)
    sweep = ThresholdSweep(thresholds, 6)
    want = np.zeros((len(thresholds), 6, 6), dtype=np.int64)
    for keys in ([0], [1, 4], [0, 2, 3]):
        truth = rng.choice([0, 1, 2, 3, 4, 5, 255], (13, 17))
        seeds = rng.random((len(keys), 13, 17)).round(2).astype(kind)  # values that tie with thresholds occur
        sweep.add(truth, seeds, np.asarray(keys))
        for i, threshold in enumerate(thresholds):
            want[i] += confusion_matrix(truth, cam_to_labels(seeds, keys, threshold), 6)
    np.testing.assert_array_equal(sweep.confusions(), want)


def test_masks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidDataset, match="label 9"):
        confusion_matrix(np.full((2, 2), 9), np.zeros((2, 2), int), 3)
    with pytest.raises(InvalidDataset, match="compared"):
        confusion_matrix(np.zeros((2, 3), int), np.zeros((2, 2), int), 3)
    with pytest.raises(InvalidDataset, match="compared"):
        ThresholdSweep(np.array([0.1]), 3).add(np.zeros((2, 3), int), np.zeros((1, 2, 2)), np.array([0]))


def test_iou_of_an_absent_class_is_nan_and_of_a_missed_one_zero() -> None:
    values = iou(np.array([[4, 0, 0], [2, 0, 0], [0, 0, 0]]))
    assert values[0] == pytest.approx(4 / 6)
    assert values[1] == 0
    assert np.isnan(values[2])


def test_mean_average_precision_leaves_out_absent_classes() -> None:
    targets = np.array([[1, 0], [0, 0], [1, 0]])
    assert mean_average_precision(targets, np.array([[3.0, 1], [1, 9], [2, 1]])) == 1
    assert np.isnan(mean_average_precision(np.zeros((2, 2)), np.ones((2, 2))))


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))))


def image_set(folder: Path, classes: tuple[str, ...]) -> ImageDataset:
    samples = []
    for i in range(2):
        rng = np.random.default_rng(i)
        Image.fromarray(rng.integers(0, 255, (50, 70, 3)).astype(np.uint8)).save(folder / f"{i}.png")
        mask = np.zeros((50, 70), np.uint8)
        mask[10:30, 10:40] = i + 1
        Image.fromarray(mask).save(folder / f"{i}_mask.png")
        samples.append(Sample(str(i), folder / f"{i}.png", (i,), folder / f"{i}_mask.png"))
    return ImageDataset(classes, tuple(samples))


def test_every_network_and_loop_count_is_measured(predictor: Predictor, tmp_path: Path) -> None:
    classes = predictor.checkpoint.config.classes
    images = image_set(tmp_path, classes)
    views = TTAConfig((1.0, 0.5))
    for size in (0, 4096):
        with pytest.raises(InvalidSetting, match=f"input size is {size}"):
            TTAConfig(size=size)
    result = evaluate_seeds(
        predictor, images, views=views, loops=2, pass_reduction=("first", "sum"), measured=classes[:2]
    )
    rows = {"crt", "crt_unrefined", "tscam", "tscam_unrefined", "resnet", "crt_cnn"}
    rows |= {f"crt_loops_{k}{u}" for k in range(3) for u in ("", "_unrefined")}
    assert set(result["methods"]) == rows | {"crt_loops_2_first", "crt_loops_2_sum"}
    assert result["methods"]["crt_loops_2_sum"] == result["methods"]["crt_loops_2"]
    assert result["methods"]["crt_loops_2_first"] != result["methods"]["crt_loops_2"]
    assert result["methods"]["crt"] == result["methods"]["crt_loops_2"]  # the default is 3, bounded by what was run
    for row in result["methods"].values():
        assert set(row["per_class"]) == {"background", *classes[:2]}
        assert 0 <= row["miou_at_0.15"] <= row["miou_best"] <= 100
    assert set(result["classification_map"]) == {"crt", "tscam", "resnet", "crt_cnn"} | {
        f"crt_loops_{k}" for k in range(3)
    }


def test_refusals_of_the_evaluation(predictor: Predictor, tmp_path: Path) -> None:
    images = image_set(tmp_path, predictor.checkpoint.config.classes)
    with pytest.raises(InvalidSetting, match="zebra"):
        evaluate_seeds(predictor, images, views=TTAConfig((1.0,)), measured=["zebra"])
    with pytest.raises(InvalidDataset, match="classes"):
        evaluate_seeds(predictor, image_set(tmp_path, ("a", "b")), views=TTAConfig((1.0,)))
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "0_mask.png")
    with pytest.raises(InvalidDataset, match="mask of 0"):
        evaluate_seeds(predictor, images, views=TTAConfig((1.0,)))


def test_a_mirrored_image_gives_the_mirrored_maps(predictor: Predictor) -> None:
    """With flips in the sum nothing may depend on which of the two was the image."""
    image = np.random.default_rng(3).integers(0, 255, (50, 75, 3)).astype(np.uint8)
    requests = default_specs(predictor, 1)
    views = TTAConfig((1.0,))
    plain, _ = multi_scale_maps(predictor, image, [0, 1], requests, views)
    named, _ = multi_scale_maps(predictor, image, predictor.checkpoint.config.classes[:2], requests, views)
    assert all(np.array_equal(named[name], plain[name]) for name in requests)
    one, _ = multi_scale_maps(predictor, image, predictor.checkpoint.config.classes[1], requests, views)
    assert all(np.array_equal(one[name], plain[name][1:]) for name in requests)
    mirrored, _ = multi_scale_maps(predictor, np.ascontiguousarray(image[:, ::-1]), [0, 1], requests, views)
    for name in requests:
        np.testing.assert_allclose(mirrored[name][..., ::-1], plain[name], atol=1e-4 * max(1e-6, plain[name].max()))


def test_a_confusion_matrix_has_the_truth_by_rows() -> None:
    truth = np.array([[0, 0, 1, 1, 2, 255, 255]])
    prediction = np.array([[0, 1, 1, 255, 2, 2, 255]])  # 255 counts as background, but not where the truth is 255
    found = confusion_matrix(truth, prediction, 3)
    assert found.dtype == np.int64
    assert found.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_measures_of_a_confusion_matrix_by_hand() -> None:
    confusion = np.array([[3, 1, 0, 0], [0, 2, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]])  # the last is predicted only
    np.testing.assert_allclose(iou(confusion), [3 / 4, 2 / 4, np.nan, 0])
    assert mean_iou(confusion) == pytest.approx((3 / 4 + 2 / 4) / 3)
    assert mean_iou(confusion, present_only=True) == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert pixel_accuracy(confusion) == 5 / 7


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_outside_the_classes_are_refused(label: int) -> None:
    wrong, right = np.array([[label, 0]]), np.array([[2, 0]])
    for pair in ((wrong, right), (right, wrong)):
        with pytest.raises(InvalidDataset, match=f"label {label}, there are 3"):
            confusion_matrix(*pair, 3)
    with pytest.raises(InvalidDataset, match=f"label {label}"):
        ThresholdSweep(np.array([0.1]), 3).add(wrong, np.zeros((1, 1, 2)), np.array([0]))


def test_as_many_classes_are_counted_as_a_mask_has_labels() -> None:
    whole = np.array([[254, 0]])
    assert confusion_matrix(whole, whole, 255)[254, 254] == 1
    for count in (lambda: confusion_matrix(whole, whole, 256), lambda: ThresholdSweep(np.array([0.1]), 256)):
        with pytest.raises(InvalidDataset, match="hold 254 classes"):
            count()


def test_a_sweep_without_a_map_finds_background() -> None:
    sweep = ThresholdSweep(np.array([0.0, 0.5]), 3)
    sweep.add(np.array([[0, 1, 255]]), np.zeros((0, 1, 3)), np.array([], int))
    assert sweep.confusions().tolist() == [[[1, 0, 0], [1, 0, 0], [0, 0, 0]]] * 2
