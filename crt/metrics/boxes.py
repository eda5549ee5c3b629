"""Boxes: from maps and masks, and their overlap (METHOD section 9).

A box is [x0, y0, x1, y1] in pixels, x to the right and y down, half-open: it holds the pixels x0 … x1 - 1 and
y0 … y1 - 1, so its width is x1 - x0. Boxes of VOC, which count from 1 and hold their last pixel, become
[xmin - 1, ymin - 1, xmax, ymax]; boxes of CUB, [x, y, width, height], become [x, y, x + width, y + height].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import cv2
import numpy as np

from crt.errors import InvalidSetting
from crt.metrics.iou import intersection_over_union
from crt.resample import resize_map
from crt.threshold import above_threshold

Convention = Literal["inclusive", "continuous", "unclamped"]
"""How the pixels of a box are counted, see `pairwise_iou`."""
THRESHOLD = 0.1
"""Share of the map's maximum above which a pixel belongs to the object, as released."""
BoxesLike = Sequence[Sequence[float]] | np.ndarray
"""(N, 4) rows [x0, y0, x1, y1]."""


class Box(NamedTuple):
    """A box in pixels, half-open.

    Attributes:
        x0: left, included.
        y0: top, included.
        x1: right, excluded.
        y1: bottom, excluded.
    """

    x0: float
    y0: float
    x1: float
    y1: float


NO_BOX = Box(0, 0, 1, 1)
"""What the released program answers where a map has no object."""


class Region(NamedTuple):
    """One connected part of a mask.

    Attributes:
        box: its bounding box.
        area: its pixels.
        enclosed: area inside its outer contour, holes filled. The contour runs through the centres of the border
            pixels, so a single pixel and a thin line enclose 0.
    """

    box: Box
    area: int
    enclosed: float


class Match(NamedTuple):
    """The ground-truth box that fits best.

    Attributes:
        iou: 0 … 1.
        row: its number from 0, -1 where there is none.
    """

    iou: float
    row: int


def boxes(mask: np.ndarray) -> list[Region]:
    """Find the connected parts of a mask; corners connect.

    Args:
        mask: (H, W), non-zero inside.

    Returns:
        The parts, the largest first: what encloses most, as released; then what has most pixels; then OpenCV's order.
        [] for an empty mask.

    Raises:
        InvalidSetting: the array is not of two dimensions.
    """
    if mask.ndim != 2:
        raise InvalidSetting(f"Boxes are found in one mask (H, W), not in an array {mask.shape}: pass one at a time.")
    inside = (mask != 0).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    # CCOMP puts the outer contours of all parts, also of those inside a hole, on the level without a parent.
    contours, tree = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    regions = []
    for i, contour in enumerate(contours):
        if tree[0, i, 3] >= 0:
            continue  # a hole, which never encloses more than its own part does
        x, y = contour[0, 0]
        left, top, width, height, area = (int(value) for value in stats[labels[y, x]])
        regions.append(Region(Box(left, top, left + width, top + height), area, cv2.contourArea(contour)))
    return sorted(regions, key=lambda region: (-region.enclosed, -region.area))


def largest_box(mask: np.ndarray) -> Box | None:
    """The bounding box of the largest part of a mask, as `boxes` orders them.

    Args:
        mask: (H, W), non-zero inside.

    Returns:
        The box in pixels, None for an empty mask.

    Raises:
        InvalidSetting: the array is not of two dimensions.
    """
    found = boxes(mask)
    return found[0].box if found else None


def minmax_normalize(values: np.ndarray) -> np.ndarray:
    """Put the minimum of an array at 0 and its maximum at 1.

    Args:
        values: any shape.

    Returns:
        float32 of its shape; all 0 for a constant one.

    Raises:
        InvalidSetting: there are NaN or infinite values.
    """
    values = np.asarray(values, dtype=np.float32)
    if not np.isfinite(values).all():
        raise InvalidSetting("This map holds NaN or infinite values: check what made it.")
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def grey_levels(cam: np.ndarray, size: tuple[int, int] | None = None) -> np.ndarray:
    """Turn a map into grey levels as the released program does: resized bilinear, min-max, truncated (METHOD section
    9).

    Args:
        cam: (h, w).
        size: height and width of the result; those of the map if None.

    Returns:
        (H, W) uint8.

    Raises:
        InvalidSetting: it is no map, or has NaN or infinite values.
    """
    cam = np.ascontiguousarray(cam, dtype=np.float32)
    if cam.ndim != 2 or not cam.size:
        raise InvalidSetting(f"One map (h, w) is needed, not an array {cam.shape}: pass one at a time.")
    if size is not None:
        cam = resize_map(cam, size)
    return (minmax_normalize(cam) * 255).astype(np.uint8)


def level_of(threshold: float, grey: np.ndarray) -> int:
    """The grey level that a pixel must exceed.

    Args:
        threshold: share of the brightest level, 0 ≤ t < 1.
        grey: (H, W) uint8.

    Returns:
        The level, rounded down.

    Raises:
        InvalidSetting: the threshold is out of range.
    """
    if not 0 <= threshold < 1:
        raise InvalidSetting(f"The threshold of a box is {threshold}: choose 0 or more and less than 1.")
    return int(threshold * int(grey.max()))


def cam_to_box(cam: np.ndarray, size: tuple[int, int] | None = None, *, threshold: float = THRESHOLD) -> Box:
    """The box of a map's largest region above a threshold (METHOD section 9).

    Args:
        cam: (h, w).
        size: height and width of the crop in whose pixels the box is wanted; None for the map's own grid.
        threshold: share of the map's range, 0 ≤ t < 1.

    Returns:
        The box in pixels; `NO_BOX` for a constant map.

    Raises:
        InvalidSetting: the map has NaN or infinite values, or the threshold is out of range.
    """
    grey = grey_levels(cam, size)
    return largest_box(above_threshold(grey, level_of(threshold, grey))) or NO_BOX


def pairwise_iou(one: BoxesLike, other: BoxesLike, convention: Convention = "inclusive") -> np.ndarray:
    """Intersection over union of every pair of boxes.

    Args:
        one: (N, 4) boxes.
        other: (M, 4) boxes.
        convention: `continuous`: sides are x1 - x0, what half-open boxes mean. `inclusive`: sides are x1 - x0 + 1, as
            if x1 were the last pixel; the released program counts so, on half-open boxes as well. `unclamped`: its
            second formula, inclusive without clamping the intersection, in which two boxes apart on both axes seem to
            overlap; only for parity, and not bounded to 0 … 1.

    Returns:
        (N, M) float64; 0 where neither box has an area.

    Raises:
        InvalidSetting: another shape, x1 < x0 or y1 < y0, or an unknown convention.
    """
    if convention not in get_args(Convention):
        raise InvalidSetting(f"Unknown convention {convention!r}: choose one of {', '.join(get_args(Convention))}.")
    a, b = checked_boxes(one)[:, None], checked_boxes(other)[None]
    extra = 0.0 if convention == "continuous" else 1.0
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + extra
    overlap = (sides if convention == "unclamped" else np.maximum(sides, 0)).prod(-1)
    areas = ((box[..., 2:] - box[..., :2] + extra).prod(-1) for box in (a, b))
    return intersection_over_union(overlap, *areas)


def best_match(box: Sequence[float], truths: BoxesLike, convention: Convention = "inclusive") -> Match:
    """The ground-truth box that a box overlaps most.

    Args:
        box: [x0, y0, x1, y1].
        truths: (N, 4) ground-truth boxes of its image.
        convention: as in `pairwise_iou`.

    Returns:
        Its IoU and row; 0 and -1 for N = 0.

    Raises:
        InvalidSetting: as in `pairwise_iou`.
    """
    overlaps = pairwise_iou([box], truths, convention)[0]
    return Match(float(overlaps.max()), int(overlaps.argmax())) if overlaps.size else Match(0.0, -1)


def boxes_to_mask(truths: BoxesLike, size: tuple[int, int]) -> np.ndarray:
    """The pixels whose centres lie in a box.

    Args:
        truths: (N, 4) boxes.
        size: height and width of the image in pixels.

    Returns:
        (H, W) bool.

    Raises:
        InvalidSetting: another shape, or a box that ends before it begins.
    """
    mask = np.zeros(size, dtype=bool)
    for x0, y0, x1, y1 in np.maximum(0, np.ceil(checked_boxes(truths) - 0.5)).astype(int):
        mask[y0:y1, x0:x1] = True
    return mask


def checked_boxes(rows: BoxesLike) -> np.ndarray:
    """Check boxes.

    Args:
        rows: (N, 4) rows [x0, y0, x1, y1]; an empty list is none.

    Returns:
        (N, 4) float64.

    Raises:
        InvalidSetting: another shape, numbers that are not finite, or a box that ends before it begins.
    """
    array = np.asarray(rows, dtype=np.float64)
    array = array.reshape(-1, 4) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise InvalidSetting(f"Boxes are rows [x0, y0, x1, y1], not an array {array.shape}: put one box in a list.")
    if not np.isfinite(array).all() or (array[:, 2:] < array[:, :2]).any():
        raise InvalidSetting("A box ends before it begins or is not finite: give [x0, y0, x1, y1], left and top first.")
    return array
