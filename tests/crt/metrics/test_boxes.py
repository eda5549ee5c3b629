from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torchvision.transforms import v2

from crt.errors import InvalidSetting
from crt.metrics.boxes import (
    NO_BOX,
    Box,
    Match,
    Region,
    best_match,
    boxes,
    boxes_to_mask,
    cam_to_box,
    grey_levels,
    largest_box,
    minmax_normalize,
    pairwise_iou,
)
from crt.metrics.centre_crop import CentreCrop

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=14))
corner = st.integers(-20, 20)
box = st.tuples(corner, corner, st.integers(0, 20), st.integers(0, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


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


@pytest.mark.parametrize("source", [(256, 256), (300, 500), (375, 250), (257, 999), (40, 30)])
def test_the_crop_is_torchvision_s(source):
    view = CentreCrop(source)
    rows, cols = torch.meshgrid(*(torch.arange(side, dtype=torch.float32) + 0.5 for side in source), indexing="ij")
    positions = torch.stack([rows, cols])  # where each pixel's centre lies in the image
    resized = v2.functional.resize(positions, [view.resize], antialias=False)
    assert tuple(resized.shape[1:]) == view.resized
    cut = v2.functional.center_crop(resized, [view.crop])
    for y, x in ((100, 100), (60, 150)):  # away from the border, where resizing repeats pixels
        pixel = view.to_source([[x, y, x + 1, y + 1]])[0]
        assert (pixel[0] + pixel[2]) / 2 == pytest.approx(float(cut[1, y, x]), abs=1e-3)
        assert (pixel[1] + pixel[3]) / 2 == pytest.approx(float(cut[0, y, x]), abs=1e-3)


def test_boxes_of_a_crop_by_hand():
    view = CentreCrop((128, 256))  # resized to 256 × 512, cropped at top 16, left 144
    assert (view.resized, view.origin) == ((256, 512), (16, 144))
    np.testing.assert_allclose(view.to_source([[0, 0, 224, 224]]), [[72, 8, 184, 120]])
    np.testing.assert_allclose(view.to_crop([[0, 0, 256, 128]]), [[0, 0, 224, 224]])


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 600), st.integers(1, 600), box)
def test_the_way_to_the_image_and_back(height, width, inside):
    view = CentreCrop((height, width))
    wanted = np.clip(np.add([inside], 30), 0, view.crop)
    np.testing.assert_allclose(view.to_crop(view.to_source(wanted)), wanted, atol=1e-6)


@pytest.mark.parametrize(("source", "resize", "crop"), [((0, 5), 256, 224), ((5, 5), 200, 224), ((5, 5), 5, 0)])
def test_crops_that_cannot_be(source, resize, crop):
    with pytest.raises(InvalidSetting, match="crop"):
        CentreCrop(source, resize, crop)
