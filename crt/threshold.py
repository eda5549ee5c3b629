"""Which values of a map belong to the object: the one threshold rule, of labels, masks, boxes and curves. Torch-free.

A value belongs to the object where it lies strictly above the level, so that the background wins a tie. The published
programs have it so: IRNet puts a constant map of background before the CAMs and takes the first of the largest (METHOD
section 7), and OpenCV's binary threshold cuts out boxes (METHOD section 9). `app/viewer/maths/threshold.mjs` holds the
same rule for the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crt.errors import InvalidSetting


def above_threshold(values: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    """Whether each value lies above a level.

    Args:
        values: any shape; NaN is above nothing.
        level: in the unit of `values`, a number or an array that broadcasts with them. It is rounded to the type of
            `values` where that is a floating one, as a constant map would be.

    Returns:
        A bool array of that shape.
    """
    return values > _rounded(level, values)


def levels_passed(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Above how many of several levels each value lies, by the rule of `above_threshold`.

    Args:
        values: any shape.
        levels: (T,) increasing, in the unit of `values`.

    Returns:
        int64 of the shape of `values`, 0 … T: n where a value lies above the first n levels and no other.
    """
    return np.searchsorted(_rounded(levels, values), values, side="left")


def checked_levels(levels: np.ndarray | Sequence[float]) -> np.ndarray:
    """Check the thresholds of a sweep.

    Args:
        levels: (T,) increasing shares, 0 ≤ t < 1.

    Returns:
        (T,) float64.

    Raises:
        InvalidSetting: none, not increasing, or out of range.
    """
    values = np.asarray(levels, dtype=np.float64)
    if values.ndim != 1 or not values.size or (np.diff(values) <= 0).any() or not 0 <= values[0] <= values[-1] < 1:
        raise InvalidSetting("Give at least one threshold, increasing, from 0 to less than 1.")
    return values


def _rounded(level: Any, values: np.ndarray) -> np.ndarray:
    """A level as the values could hold it."""
    return np.asarray(level, values.dtype if np.issubdtype(values.dtype, np.floating) else None)
