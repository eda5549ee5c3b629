"""Multi-label classification: mean average precision."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score


def mean_average_precision(targets: np.ndarray, scores: np.ndarray) -> float:
    """(N, C) 0/1 targets and (N, C) scores -> mean over classes of the area under precision and recall.

    Classes without a positive picture do not count; NaN if no class has one.
    """
    present = targets.sum(0) > 0
    if not present.any():
        return float("nan")
    return float(average_precision_score(targets[:, present], scores[:, present], average="macro"))
