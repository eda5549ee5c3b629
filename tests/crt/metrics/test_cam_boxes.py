import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays

from crt.errors import InvalidSetting
from crt.metrics.boxes import Box, boxes_to_mask
from crt.metrics.cam_boxes import (
    NO_BOX,
    Region,
    boxes,
    cam_to_box,
    grey_levels,
    largest_box,
    level_of,
    minmax_normalize,
)

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=14))


def test_parts_of_a_mask_by_hand():
    mask = np.zeros((10, 12), np.uint8)
    mask[1:4, 2:7] = 1  # 5 × 3 pixels, a contour of 4 × 2
    mask[4, 7] = 1  # joined by its corner
    mask[6:10, 0:2] = 255
    mask[9, 11] = 1
    first, second, third = boxes(mask)
    assert (first.box, first.area) == (Box(2, 1, 8, 5), 16)
    assert second == Region(Box(0, 6, 2, 10), 8, 3.0)
    assert third == Region(Box(11, 9, 12, 10), 1, 0.0)
    assert largest_box(mask) == first.box
    assert largest_box(np.zeros((3, 3))) is None


def test_a_ring_counts_with_its_hole_and_the_part_inside_it_by_itself():
    mask = np.zeros((20, 30), bool)
    mask[0:9, 0:9] = True
    mask[1:8, 1:8] = False
    mask[4, 4] = True
    mask[10:17, 10:17] = True  # more pixels than the ring, but it encloses less
    assert [(region.area, region.enclosed) for region in boxes(mask)] == [(32, 64.0), (49, 36.0), (1, 0.0)]


def test_among_parts_that_enclose_nothing_the_one_with_most_pixels_is_largest():
    mask = np.zeros((6, 6), bool)
    mask[0, 5] = mask[5, 5] = True
    mask[3, 0:3] = True
    assert largest_box(mask) == Box(0, 3, 3, 4)


@settings(deadline=None, max_examples=60)
@given(masks)
def test_the_parts_hold_every_pixel_once(mask):
    found = boxes(mask)
    assert sum(region.area for region in found) == mask.sum()
    assert (mask <= boxes_to_mask([region.box for region in found], mask.shape)).all()
    assert len(found) == cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


@settings(deadline=None, max_examples=60)
@given(masks)
def test_the_largest_part_is_that_of_the_released_program_but_for_ties(mask):
    contours = cv2.findContours(mask.astype(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
    areas = sorted(cv2.contourArea(contour) for contour in contours)
    if areas and areas[-1] > max([0, *areas[:-1]]):
        x, y, width, height = cv2.boundingRect(max(contours, key=cv2.contourArea))
        assert largest_box(mask) == (x, y, x + width, y + height)


def test_a_box_of_a_map_by_hand():
    cam = np.zeros((8, 10))
    cam[2:5, 3:9] = 1.0
    cam[6, 0] = 0.05
    assert cam_to_box(cam) == (3, 2, 9, 5)
    assert cam_to_box(cam - 7) == (3, 2, 9, 5)
    assert cam_to_box(cam, threshold=0.0) == (3, 2, 9, 5)
    assert cam_to_box(cam, (16, 20)) == (5, 3, 19, 11)  # twice as large, and one pixel of slope on each side
    cam[6, 0:3] = 0.9
    assert cam_to_box(cam, threshold=0.95) == (3, 2, 9, 5)


def test_a_map_of_one_value_has_no_box_and_gives_no_warning(recwarn):
    for value in (0, 1, -3.5, 1e30):
        assert cam_to_box(np.full((14, 14), value), (224, 224)) == NO_BOX == (0, 0, 1, 1)
        assert not grey_levels(np.full((5, 7), value)).any()
    assert not len(recwarn)


def test_min_max_is_exact_at_both_ends():
    np.testing.assert_array_equal(minmax_normalize(np.array([[-2.0, 0], [2, 0]])), [[0, 0.5], [1, 0.5]])
    assert minmax_normalize(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_maps_that_are_not_finite_are_refused(bad):
    cam = np.zeros((4, 4))
    cam[1, 1] = bad
    with pytest.raises(InvalidSetting, match="NaN"):
        cam_to_box(cam)


@pytest.mark.parametrize("threshold", [-0.1, 1.0, np.nan])
def test_thresholds_outside_their_range_are_refused(threshold):
    with pytest.raises(InvalidSetting, match="threshold"):
        cam_to_box(np.eye(3), threshold=threshold)


def test_grey_levels_are_cut_off_not_rounded():
    cam = np.array([[0, 0.5, 1], [2 / 255, 1.9 / 255, 0.999]])
    assert grey_levels(cam).tolist() == [[0, 127, 255], [2, 1, 254]]
    assert grey_levels(cam).dtype == np.uint8 and grey_levels(cam, (4, 6)).shape == (4, 6)
    assert minmax_normalize(np.array([0, 4])).dtype == np.float32


@pytest.mark.parametrize(
    ("threshold", "brightest", "level"), [(0.0, 255, 0), (0.1, 255, 25), (0.5, 200, 100), (0.999, 255, 254)]
)
def test_the_level_is_a_share_of_the_brightest_rounded_down(threshold, brightest, level):
    assert level_of(threshold, np.array([[0, brightest]], np.uint8)) == level


def test_a_pixel_on_the_level_is_outside():
    cam = np.array([[0, 51, 52, 255]]) / 255
    assert cam_to_box(cam, threshold=0.2) == (2, 0, 4, 1)  # 0.2 of 255 is 51
    assert cam_to_box(np.array([[0, 25, 26, 255]]) / 255) == (2, 0, 4, 1)  # the released threshold of 0.1
