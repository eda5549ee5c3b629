import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score

from crt.errors import InvalidDataset, InvalidSetting
from crt.metrics.boxes import boxes_to_mask
from crt.metrics.cam_boxes import minmax_normalize
from crt.metrics.localization import BoxAccuracy, Localization
from crt.metrics.pixels import TOLERANCE, PixelCurves, overlap, pixel_average_precision, pointing_game_hit

SHAPE = (6, 7)
cams = arrays(np.float64, SHAPE, elements=st.integers(0, 20).map(lambda i: i / 20))
truths = arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, 255]))


def test_overlap_by_hand():
    truth = np.array([[1, 1, 0, 255], [0, 2, 2, 255]])
    predicted = np.array([[1, 0, 1, 1], [0, 1, 0, 0]])
    found = overlap(predicted, truth)
    assert (found.iou, found.precision, found.recall) == (2 / 5, 2 / 3, 2 / 4)
    found = overlap(predicted, truth, 2)
    assert (found.iou, found.precision, found.recall) == (1 / 4, 1 / 3, 1 / 2)


def test_no_evidence_is_zero_and_gives_no_warning(recwarn):
    nothing = np.zeros((3, 4))
    for truth in (nothing, np.full((3, 4), 255), np.eye(3, 4)):
        found = overlap(nothing, truth)
        assert (found.iou, found.precision, found.recall) == (0, 0, 0)
        assert not pointing_game_hit(nothing, truth, tolerance=99)
    for truth in (nothing, np.full((3, 4), 255)):
        assert pixel_average_precision(np.ones((3, 4)), truth) == 0
        assert PixelCurves().add(nothing, truth).average_precision() == 0
    assert PixelCurves().average_precision() == 0
    assert Localization().shares() == {"top1": 0, "top5": 0, "gt_known": 0}
    accuracy = BoxAccuracy()
    assert accuracy.max_box_acc() == accuracy.max_box_acc_v2() == 0
    accuracy.add(np.ones((8, 8)), [])
    accuracy.add(np.ones((8, 8)), [[0, 0, 8, 8]])
    assert accuracy.max_box_acc() == accuracy.max_box_acc_v2() == 0
    assert not len(recwarn)


def test_the_pointing_game_by_hand():
    cam = np.zeros((40, 60))
    cam[10, 20] = 1
    truth = np.zeros((40, 60), np.uint8)
    truth[30:, 20:30] = 3
    assert not pointing_game_hit(cam, truth)
    assert not pointing_game_hit(cam, truth, tolerance=19.9)
    assert pointing_game_hit(cam, truth, tolerance=20)
    assert not pointing_game_hit(cam, truth, 2, tolerance=20)
    cam[25, 35] = 2  # 5 rows above and 6 columns right of the object's corner
    assert not pointing_game_hit(cam, truth, tolerance=7.8)  # √61 = 7.81
    assert pointing_game_hit(cam, truth, tolerance=7.82)
    assert pointing_game_hit(cam, truth, 3, tolerance=TOLERANCE)
    truth[25, 35] = 255  # this peak does not count, the first one does
    assert not pointing_game_hit(cam, truth, tolerance=TOLERANCE)
    assert pointing_game_hit(cam, boxes_to_mask([[30, 20, 40, 30]], cam.shape))
    assert not pointing_game_hit(cam, boxes_to_mask([[15, 5, 25, 15]], cam.shape))


@settings(deadline=None, max_examples=40)
@given(cams, truths, st.sampled_from([None, 1]))
def test_curves_are_one_overlap_per_threshold(cam, truth, label):
    thresholds = np.arange(20) / 20  # the maps' own values, so that ties occur
    curve = PixelCurves(thresholds).add(cam, truth, label).overlap()
    curves = np.stack([curve.iou, curve.precision, curve.recall], axis=1)  # (T, 3)
    for i, threshold in enumerate(thresholds):
        one = overlap(cam > threshold, truth, label)
        np.testing.assert_allclose(curves[i], np.stack([one.iou, one.precision, one.recall]))


@settings(deadline=None, max_examples=40)
@given(cams, truths)
def test_average_precision_is_scikit_learn_s(cam, truth):
    counted = truth != 255
    want = 0.0
    if (truth[counted] != 0).any():
        want = average_precision_score(truth[counted] != 0, cam[counted])
    assert pixel_average_precision(cam, truth) == pytest.approx(want)
    fine = PixelCurves(np.arange(20) / 20).add(cam, truth)  # the maps hold no other values
    assert fine.average_precision() == pytest.approx(want)
    assert fine.add(cam, truth).average_precision() == pytest.approx(want)
    assert fine.images == 2


def test_average_precision_by_hand():
    truth = np.array([[1, 0, 1, 0]])
    assert pixel_average_precision(np.array([[4, 3, 2, 1]]), truth) == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)
    assert pixel_average_precision(np.array([[2, 1, 2, 1]]), truth) == 1
    assert pixel_average_precision(np.array([[7, 7, 7, 7]]), truth) == 1 / 2  # chance


def test_pixels_of_all_images_are_counted_together():
    rng = np.random.default_rng(0)
    cams = rng.random((3, 20, 30)).round(3)
    truths = rng.integers(0, 2, (3, 20, 30))
    curves = PixelCurves()
    for cam, truth in zip(cams, truths, strict=True):
        curves.add(cam, truth)
    want = pixel_average_precision(cams.reshape(60, 30), truths.reshape(60, 30))
    assert curves.average_precision() == pytest.approx(want, abs=1e-3)


def test_maps_and_thresholds_that_cannot_be_counted_are_refused():
    for call in (overlap, pointing_game_hit, pixel_average_precision):
        with pytest.raises(InvalidDataset, match="compared"):
            call(np.zeros((2, 3)), np.zeros((3, 2)))
        with pytest.raises(InvalidSetting, match="NaN"):
            call(np.full((2, 3), np.nan), np.zeros((2, 3)))
    with pytest.raises(InvalidSetting, match="outside"):
        PixelCurves().add(np.full((2, 3), 1.5), np.zeros((2, 3)))
    PixelCurves().add(minmax_normalize(np.array([[1.5, -3]])), np.zeros((1, 2)))
    for thresholds in ((), (0.5, 0.5), (0.5, 0.2), (-0.1,), (1.0,), (np.nan,)):
        for curves in (PixelCurves, BoxAccuracy):
            with pytest.raises(InvalidSetting, match="threshold"):
                curves(thresholds)


def test_curves_take_maps_from_0_to_1():
    ends = np.array([[0.0, 1.0]])
    assert PixelCurves((0.0, 0.5)).add(ends, np.array([[0, 1]])).images == 1
    for outside in (-0.1, 1.1):
        with pytest.raises(InvalidSetting, match="outside"):
            PixelCurves().add(np.array([[0.5, outside]]), np.array([[0, 1]]))
    PixelCurves().add(np.array([[0.5, 9.0]]), np.array([[0, 255]]))  # a pixel that does not count may have any value


def test_curves_by_hand():
    curves = PixelCurves((0.0, 0.5)).add(np.array([[0, 0.5, 0.6, 1]]), np.array([[1, 1, 0, 1]])).overlap()
    np.testing.assert_array_equal(curves.iou, [2 / 4, 1 / 4])
    np.testing.assert_array_equal(curves.precision, [2 / 3, 1 / 2])
    np.testing.assert_array_equal(curves.recall, [2 / 3, 1 / 3])


def test_masks_are_of_two_dimensions():
    for shape in ((4,), (1, 2, 2)):
        with pytest.raises(InvalidDataset, match="compared"):
            overlap(np.zeros(shape), np.zeros(shape))


def test_a_map_of_one_value_misses_even_on_its_object():
    assert not pointing_game_hit(np.ones((3, 3)), np.ones((3, 3)), tolerance=99)
    cam = np.array([[1.0, 0]])
    assert pointing_game_hit(cam, np.array([[1, 0]])) and not pointing_game_hit(cam, np.array([[0, 1]]))
    assert pointing_game_hit(cam, np.array([[0, 1]]), tolerance=1)
