"""Intersection over union, of pixels, boxes and classes: the one implementation.

`intersectionOverUnion` of `app/viewer/maths/iou.mjs` is the same for the page.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def intersection_over_union(hits: ArrayLike, one: ArrayLike, other: ArrayLike, *, empty: float = 0.0) -> np.ndarray:
    """Intersection over union from sizes.

    Args:
        hits: sizes of the intersections, in pixels or square pixels.
        one: sizes of the first sets; broadcasts with `hits`.
        other: sizes of the second sets; broadcasts with `hits`.
        empty: the value where the union has no size.

    Returns:
        float64 of the broadcast shape.
    """
    hits, one, other = (np.asarray(size, np.float64) for size in (hits, one, other))
    return ratio(hits, one + other - hits, empty=empty)


def ratio(part: ArrayLike, whole: ArrayLike, *, empty: float = 0.0) -> np.ndarray:
    """A part divided by its whole, where there is one.

    Args:
        part: any shape.
        whole: broadcasts with `part`.
        empty: the value where `whole` is 0.

    Returns:
        float64 of the broadcast shape.
    """
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(part, whole, out=np.full(part.shape, empty), where=whole != 0)
