import numpy as np
import pytest

from crt.metrics.classification import average_precisions, mean_average_precision

TARGETS = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 0, 0]])
SCORES = np.array([[4.0, 9, 1], [3, 1, 4], [2, 1, 3], [1, 1, 2]])
FIRST = (1 + 2 / 4) / 2
"""Of the first class: its images rank first and last of four."""
THIRD = (1 + 2 / 4) / 2


def test_average_precisions_by_hand():
    found = average_precisions(TARGETS, SCORES)
    assert found.shape == (3,) and found.dtype == np.float64
    np.testing.assert_allclose(found[[0, 2]], [FIRST, THIRD])
    assert np.isnan(found[1])


def test_ignored_images_do_not_count_for_their_class_alone():
    ignored = np.zeros(TARGETS.shape, bool)
    ignored[3, 0] = True  # the second positive of the first class
    ignored[[1, 2], 2] = True
    np.testing.assert_allclose(average_precisions(TARGETS, SCORES, ignored)[[0, 2]], [1, 1 / 2])
    ignored[0, 0] = True
    assert np.isnan(average_precisions(TARGETS, SCORES, ignored)[0])


def test_the_mean_is_over_the_classes_with_an_image():
    assert mean_average_precision(TARGETS, SCORES) == pytest.approx((FIRST + THIRD) / 2)
    one = np.array([[1, 0], [0, 0]])  # one positive image is enough
    assert mean_average_precision(one, np.array([[1.0, 0], [2, 0]])) == 0.5
