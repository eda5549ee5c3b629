"""Multi-label classification: mean average precision."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score


def mean_average_precision(targets: np.ndarray, scores: np.ndarray) -> float:
    """Mean over classes of the area under precision and recall.

    Args:
        targets: (N, C) of 0 and 1.
        scores: (N, C), higher is likelier.

    Returns:
        0 … 1. Classes without a positive image do not count; NaN if no class has one.
    """
    present = targets.sum(0) > 0
    if not present.any():
        return float("nan")
    return float(average_precision_score(targets[:, present], scores[:, present], average="macro"))


def average_precisions(targets: np.ndarray, scores: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
    """The area under precision and recall of each class.

    Without interpolation (`sklearn.metrics.average_precision_score`), not the mean over eleven recalls of VOC 2007's
    devkit.

    Args:
        targets: (N, C) of 0 and 1.
        scores: (N, C), higher is likelier.
        ignored: (N, C) bool, images that do not count for a class.

    Returns:
        (C,) float64, 0 … 1; NaN for a class without a positive image.
    """
    counted = np.ones(targets.shape, dtype=bool) if ignored is None else ~ignored
    found = np.full(targets.shape[1], np.nan)
    for index, rows in enumerate(counted.T):
        if targets[rows, index].any():
            found[index] = average_precision_score(targets[rows, index], scores[rows, index])
    return found
