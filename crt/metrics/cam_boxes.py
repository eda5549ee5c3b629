"""Boxes from CAMs and masks: connected regions, and the largest above a threshold (METHOD section 9)."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from crt.errors import InvalidSetting
from crt.metrics.boxes import Box
from crt.resample import resize_map
from crt.threshold import above_threshold

BOX_THRESHOLD = 0.1
"""Share of the map's maximum above which a pixel belongs to the object, as released."""
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


def cam_to_box(cam: np.ndarray, size: tuple[int, int] | None = None, *, threshold: float = BOX_THRESHOLD) -> Box:
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
