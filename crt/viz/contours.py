"""What is drawn beside maps: outlines, and the difference of two."""

from __future__ import annotations

import cv2
import numpy as np

SPECK_PIXELS = 20
"""Connected parts and holes of a mask with fewer pixels are drawn without an outline, which would hide them."""
NO_LABEL = 256
"""Above all labels."""


def without_specks(labels: np.ndarray, least: int = SPECK_PIXELS) -> np.ndarray:
    """Labels without their small parts and holes, to be outlined.

    Pixels of one label that touch, also at a corner, are one part, and background pixels with a side in common are one
    hole.

    Args:
        labels: (h, w) uint8, 0 for background.
        least: pixels of a part or hole that stays.

    Returns:
        (h, w) uint8 with smaller parts as background, and then smaller holes as the label that touches them, the lowest
        of several.
    """
    kept = labels.copy()
    for label in np.unique(labels[labels > 0]):
        parts, small = _small_parts(labels == label, 8, least)
        kept[small[parts]] = 0
    holes, small = _small_parts(kept == 0, 4, least)
    around = np.full(len(small), NO_LABEL)
    padded = np.pad(np.where(kept > 0, kept.astype(np.int32), NO_LABEL), 1, constant_values=NO_LABEL)
    for side in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        np.minimum.at(around, holes, side)
    filled = small & (around < NO_LABEL)
    return np.where(filled[holes], around[holes], kept).astype(np.uint8)


def _small_parts(inside: np.ndarray, connectivity: int, least: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of each pixel's connected part, 0 outside, and which parts have fewer than `least` pixels."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=connectivity)
    small = stats[:, cv2.CC_STAT_AREA] < least
    small[0] = False
    return parts, small


def outlines(values: np.ndarray, level: float) -> list[np.ndarray]:
    """Rings where a map crosses a level, each closed along the frame if need be.

    Cells inside that touch at a corner alone are joined, as on the page (`app/viewer/maths/contour.mjs`). What closes a
    ring lies exactly on the frame.

    Args:
        values: (h, w).
        level: in the unit of the map.

    Returns:
        Each (N, 2) x and y from 0 to 1.
    """
    from skimage.measure import find_contours  # noqa: PLC0415 - slow to import

    height, width = values.shape
    level = float(np.asarray(level, values.dtype))  # `above_threshold` compares in the type of the map, and so do lines
    below = float(min(values.min(), level)) - abs(level) - 1
    rings = find_contours(np.pad(values.astype(np.float64), 1, constant_values=below), level, fully_connected="high")
    found = []
    for ring in rings:
        rows, columns = (
            np.where(at < 1, 0.5, np.where(at > side, side + 0.5, at))
            for at, side in zip(ring.T, (height, width), strict=True)
        )
        found.append(np.stack([(columns - 0.5) / width, (rows - 0.5) / height], 1))
    return found


def crossings(values: np.ndarray, level: float) -> list[np.ndarray]:
    """Lines where a map crosses a level: `outlines` without their steps along the frame.

    Args:
        values: (h, w).
        level: in the unit of the map.

    Returns:
        Each (N, 2) x and y from 0 to 1.
    """
    found: list[np.ndarray] = []
    for ring in outlines(values, level):
        edge = ((ring == 0) | (ring == 1)).any(1)
        along = np.flatnonzero(edge[:-1] & edge[1:])
        if not len(along):
            found.append(ring)
            continue
        turned = np.roll(ring[:-1], -(along[0] + 1), axis=0)  # a ring's last point is its first
        cuts = np.sort((along[1:] - along[0]) % (len(ring) - 1))
        found += [line for line in np.split(turned, cuts) if len(line) > 1]
    return found


def difference(
    first: np.ndarray, second: np.ndarray, *, raw: bool, maxima: tuple[float, float] | None = None
) -> np.ndarray:
    """One map minus another on the same points.

    Args:
        first: (h, w).
        second: (h, w).
        raw: whether they are subtracted as they are; else each is divided by its maximum first.
        maxima: of both; their largest values if None.

    Returns:
        (h, w) float64.
    """
    one, other = (values.astype(np.float64) for values in (first, second))
    if raw:
        return one - other
    first_max, second_max = maxima or (one.max(initial=0), other.max(initial=0))
    return one / (first_max or 1) - other / (second_max or 1)
