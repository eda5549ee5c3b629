from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidSetting
from crt.metrics.boxes import Match, best_match, boxes_to_mask, checked_boxes, pairwise_iou
from crt.metrics.cam_boxes import boxes, cam_to_box

corner = st.integers(-20, 20)
box = st.tuples(corner, corner, st.integers(0, 20), st.integers(0, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def test_arrays_of_other_shapes_are_refused():
    for shape in ((2, 3, 3), (0, 3)):
        with pytest.raises(InvalidSetting, match="One map"):
            cam_to_box(np.ones(shape))
    with pytest.raises(InvalidSetting, match="one mask"):
        boxes(np.ones((2, 3, 3)))
    with pytest.raises(InvalidSetting, match="rows"):
        pairwise_iou(cast("Any", [0, 0, 1, 1]), [[0, 0, 1, 1]])
    with pytest.raises(InvalidSetting, match="ends before"):
        pairwise_iou([[3, 0, 1, 1]], [[0, 0, 1, 1]])
    with pytest.raises(InvalidSetting, match="convention"):
        pairwise_iou([[0, 0, 1, 1]], [[0, 0, 1, 1]], "other")  # pyright: ignore[reportArgumentType]


def test_both_ways_to_count_pixels_by_hand():
    one, other = [[0, 0, 2, 2]], [[1, 1, 3, 3], [2, 0, 4, 2], [0, 0, 2, 2], [9, 9, 9, 9]]
    np.testing.assert_allclose(pairwise_iou(one, other, "continuous"), [[1 / 7, 0, 1, 0]])
    np.testing.assert_allclose(pairwise_iou(one, other, "inclusive"), [[4 / 14, 3 / 15, 1, 0]])
    # [released] a false overlap of (-1) · (-1) of 9 + 9 - 1 pixels, and of (-7) · (-7) of 9 + 4 - 49
    np.testing.assert_allclose(pairwise_iou(one, [[4, 4, 6, 6], [10, 10, 11, 11]], "unclamped"), [[1 / 17, -49 / 36]])
    assert pairwise_iou([[5, 5, 5, 5]], [[5, 5, 5, 5]], "continuous")[0, 0] == 0
    assert pairwise_iou(one, [], "continuous").shape == (1, 0)


@settings(deadline=None, max_examples=60)
@given(box, box)
def test_iou_is_what_counting_pixels_gives(one, other):
    a, b = (boxes_to_mask(np.add([c], 20), (64, 64)) for c in (one, other))
    want = (a & b).sum() / max(1, (a | b).sum())
    assert pairwise_iou([one], [other], "continuous")[0, 0] == pytest.approx(want)
    a, b = (boxes_to_mask(np.add([c], [20, 20, 21, 21]), (64, 64)) for c in (one, other))
    assert pairwise_iou([one], [other], "inclusive")[0, 0] == pytest.approx((a & b).sum() / (a | b).sum())


def test_the_best_of_several_truths():
    assert best_match((0, 0, 4, 4), [[8, 8, 9, 9], [0, 0, 4, 2], [2, 0, 4, 4]], "continuous") == Match(0.5, 1)
    assert best_match((0, 0, 4, 4), []) == Match(0.0, -1)


def test_pixels_are_filled_where_their_centre_is_inside():
    np.testing.assert_array_equal(np.flatnonzero(boxes_to_mask([[0.4, 0, 2.6, 1]], (1, 5))), [0, 1, 2])
    np.testing.assert_array_equal(np.flatnonzero(boxes_to_mask([[0.6, 0, 2.4, 1]], (1, 5))), [1])
    assert boxes_to_mask([[-3, -3, 99, 99]], (4, 5)).all()
    assert not boxes_to_mask([], (4, 5)).any()


def test_pixels_are_counted_inclusively_by_default():
    one, other = (0, 0, 2, 2), [[9, 9, 11, 11], [1, 1, 3, 3]]
    np.testing.assert_array_equal(pairwise_iou([one], other), pairwise_iou([one], other, "inclusive"))
    found = best_match(one, other)
    assert found.iou == pytest.approx(4 / 14) and found.row == 1


def test_the_first_of_equal_truths_is_the_match():
    assert best_match((0, 0, 4, 4), [[9, 9, 10, 10], [0, 0, 4, 2], [0, 2, 4, 4]], "continuous") == Match(0.5, 1)


def test_boxes_are_checked():
    found = checked_boxes([[0, 1, 2, 3], [4, 4, 4, 4]])  # a box without an area is one
    assert found.dtype == np.float64 and found.tolist() == [[0, 1, 2, 3], [4, 4, 4, 4]]
    assert checked_boxes([]).shape == checked_boxes(np.zeros((0, 4))).shape == (0, 4)
    for rows in ([[0, 0, 1]], [[0, 0, 1, 1, 1]], [[[0, 0, 1, 1]]]):
        with pytest.raises(InvalidSetting, match="rows"):
            checked_boxes(cast("Any", rows))
    for row in ([0, 0, np.nan, 1], [0, 0, np.inf, 1], [0, 3, 1, 2]):
        with pytest.raises(InvalidSetting, match="not finite"):
            checked_boxes([[0, 0, 1, 1], row])


def test_a_mask_of_boxes_is_of_bools():
    assert boxes_to_mask([[1, 0, 2, 2]], (2, 3)).tolist() == [[False, True, False]] * 2
