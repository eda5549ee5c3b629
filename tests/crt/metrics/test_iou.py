import numpy as np
import pytest

from crt.metrics.iou import intersection_over_union, ratio


def test_intersection_over_union_by_hand(recwarn):
    found = intersection_over_union([2, 0, 3], [4, 5, 3], [6, 7, 3])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [2 / 8, 0, 1])
    assert float(intersection_over_union(0, 0, 0)) == 0
    assert np.isnan(intersection_over_union(0, 0, 0, empty=np.nan))
    assert not len(recwarn)


def test_sizes_broadcast():
    hits = np.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(
        intersection_over_union(hits, [[4], [8]], [5, 10]), [[1 / 8, 2 / 12], [3 / 10, 4 / 14]]
    )


@pytest.mark.parametrize("empty", [0.0, 1.0, -2.5])
def test_a_ratio_has_the_given_value_only_where_there_is_nothing_to_divide_by(empty):
    np.testing.assert_array_equal(ratio([0, 3, 0, 5], [0, 4, 2, 0], empty=empty), [empty, 0.75, 0, empty])
    np.testing.assert_array_equal(ratio(1, [0, 4]), [0, 0.25])


def test_small_types_neither_overflow_nor_round():
    assert intersection_over_union(np.uint8(10), np.uint8(200), np.uint8(200)) == 10 / 390
    assert intersection_over_union(np.float16(1), np.float16(2048), np.float16(2048)) == 1 / 4095
    for part, whole in ((np.float32(1), np.float32(3)), (np.float32(1), 3.0), (1.0, np.float32(3))):
        assert ratio(part, whole) == 1 / 3
    assert ratio(np.array([0.0], np.float32), 0, empty=1 / 3) == [1 / 3]
