"""What is drawn and said beside maps: outlines, the difference of two, how far one agrees with a mask."""

from __future__ import annotations

import numpy as np

from crt.threshold import above_threshold


def outlines(values: np.ndarray, level: float) -> list[np.ndarray]:
    """Rings where a map (h, w) crosses a level: (N, 2) x and y from 0 to 1, each closed along the border if need be.

    Cells inside that touch at a corner alone are joined, as on the page (`app/viewer/maths/contour.mjs`).
    """
    from skimage.measure import find_contours  # noqa: PLC0415 - slow to import

    height, width = values.shape
    level = float(np.asarray(level, values.dtype))  # `above_threshold` compares in the type of the map, and so do lines
    below = float(min(values.min(), level)) - abs(level) - 1
    rings = find_contours(np.pad(values.astype(np.float64), 1, constant_values=below), level, fully_connected="high")
    return [np.clip((ring[:, ::-1] - 0.5) / (width, height), 0, 1) for ring in rings]


def difference(first: np.ndarray, second: np.ndarray, *, alike: bool) -> np.ndarray:
    """One map minus another on the same points: in their unit, or as shares of their maxima if that is not alike."""
    one, other = (values.astype(np.float64) for values in (first, second))
    if alike:
        return one - other
    return one / (one.max(initial=0) or 1) - other / (other.max(initial=0) or 1)


def overlap(values: np.ndarray, level: float, truth: np.ndarray, ignore: np.ndarray | None = None) -> float:
    """Intersection over union of the values above a level with a mask on the same points; 0 if both are empty.

    Points of `ignore` do not count.
    """
    count = np.ones(values.shape, bool) if ignore is None else ~ignore
    inside = above_threshold(values, level) & count
    either = (inside | (truth & count)).sum()
    return float((inside & truth).sum() / either) if either else 0.0
