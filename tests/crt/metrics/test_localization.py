import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crt.errors import InvalidDataset, InvalidSetting
from crt.metrics.boxes import pairwise_iou
from crt.metrics.cam_boxes import cam_to_box
from crt.metrics.localization import BoxAccuracy, Localization


def test_top_1_top_5_and_gt_known_by_hand():
    localization = Localization()
    scores = np.array([5.0, 4, 3, 2, 1, 0])
    localization.add(0.5, scores, 0)  # all three
    localization.add(0.9, scores, 4)  # fifth
    localization.add(0.9, scores, 5)  # sixth
    localization.add(0.49, scores, 0)  # right, but in the wrong place
    assert localization.shares() == {"top1": 1 / 4, "top5": 2 / 4, "gt_known": 3 / 4}
    tied = Localization()
    tied.add(1, np.zeros(6), 0)
    tied.add(1, np.zeros(6), 5)
    assert tied.shares() == {"top1": 1 / 2, "top5": 1 / 2, "gt_known": 1}


def test_box_accuracy_by_hand():
    cam = np.zeros((20, 20))
    cam[2:12, 2:12] = 0.5  # the larger region
    cam[2:6, 2:6] = 1
    cam[14:18, 14:18] = 0.9
    accuracy = BoxAccuracy((0.2, 0.7, 0.95), convention="continuous")
    accuracy.add(cam, [[2, 2, 12, 12]])
    accuracy.add(cam, [[14, 14, 18, 18], [15, 0, 16, 1]])
    largest, regions = accuracy.curves(), accuracy.curves(regions=True)
    # At 0.7 the two small regions tie, and the first is a sixth of the large one. Nothing else is found by the largest.
    np.testing.assert_array_equal(largest[:, 0], [1 / 2] * 3)
    np.testing.assert_array_equal(largest[:, 2], [0] * 3)
    np.testing.assert_array_equal(regions, [[1, 1 / 2, 0]] * 3)
    assert accuracy.max_box_acc() == 1 / 2
    assert accuracy.best_threshold() == 0.2
    assert accuracy.max_box_acc_v2() == 1


def test_max_box_acc_v2_takes_the_best_threshold_of_each_iou():
    accuracy = BoxAccuracy((0.2, 0.6), convention="continuous")
    cam = np.zeros((20, 20))
    cam[0:10, 0:10] = 1
    cam[10:16, 0:10] = 0.5
    accuracy.add(cam, [[0, 0, 10, 16]])  # IoU 1 at 0.2, 0.625 at 0.6
    accuracy.add(cam, [[0, 0, 10, 6]])  # 0.375 and 0.6
    np.testing.assert_array_equal(accuracy.curves(regions=True), [[1, 1], [1 / 2, 1], [1 / 2, 0]])
    assert accuracy.max_box_acc() == 1
    assert accuracy.best_threshold() == 0.6
    assert accuracy.max_box_acc_v2() == pytest.approx((1 + 1 + 1 / 2) / 3)


@settings(deadline=None, max_examples=40)
@given(arrays(np.float32, (9, 9), elements=st.floats(-2, 2, width=32)))
def test_box_accuracy_is_that_of_one_box_per_threshold(cam):
    thresholds, truth = np.arange(0, 1, 0.13), [[1, 2, 7, 8]]
    accuracy = BoxAccuracy(thresholds)
    accuracy.add(cam, truth)
    for i, threshold in enumerate(thresholds):
        found = cam_to_box(cam, threshold=threshold) if cam.min() < cam.max() else None
        iou = pairwise_iou([found], truth)[0, 0] if found else 0
        np.testing.assert_array_equal(accuracy.curves()[:, i], iou >= np.array(accuracy.ious))
    assert (accuracy.curves(regions=True) >= accuracy.curves()).all()


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(InvalidSetting, match="threshold"):
        BoxAccuracy((0.5, 0.2))
    with pytest.raises(InvalidSetting, match=r"0\.5"):
        BoxAccuracy(ious=(0.3,))
    with pytest.raises(InvalidSetting, match="NaN"):
        BoxAccuracy().add(np.full((2, 3), np.nan), [[0, 0, 1, 1]])
    with pytest.raises(InvalidDataset, match="Class 3"):
        Localization().add(1, np.zeros(3), 3)
    with pytest.raises(InvalidSetting, match="NaN"):
        Localization().add(1, np.array([0, np.nan]), 1)


def test_iou_counts_from_its_least_on():
    strict = Localization(0.7)
    for iou in (0.5, 0.7, 0.71):
        strict.add(iou, np.array([1.0, 0]), 0)
    assert strict.shares()["gt_known"] == 2 / 3 and strict.images == 3


@pytest.mark.parametrize("label", [-1, 6])
def test_a_class_without_a_score_is_refused(label):
    with pytest.raises(InvalidDataset, match=f"Class {label}"):
        Localization().add(1, np.zeros(6), label)


def test_boxes_of_a_map_are_taken_to_where_the_truth_is():
    cam = np.zeros((8, 8))
    cam[1:3, 2:6] = 1
    truth = [[20, 10, 60, 30]]  # ten times as large
    accuracy = BoxAccuracy((0.5,), convention="continuous")
    accuracy.add(cam, truth, lambda rows: 10 * np.asarray(rows))
    accuracy.add(cam, truth)
    assert accuracy.images == 2
    np.testing.assert_array_equal(accuracy.curves(), [[0.5]] * 3)
    np.testing.assert_array_equal(accuracy.curves(regions=True), [[0.5]] * 3)


def test_the_lowest_of_equal_thresholds_is_the_best():
    cam = np.zeros((8, 8))
    cam[1:5, 1:5] = 1
    accuracy = BoxAccuracy((0.3, 0.6, 0.9), (0.5,))
    accuracy.add(cam, [[1, 1, 5, 5]])
    assert accuracy.best_threshold() == 0.3 and accuracy.max_box_acc() == accuracy.max_box_acc_v2() == 1
