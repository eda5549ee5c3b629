"""How well one map, or the maps of a data set, find the pixels of the object (METHOD section 9).

Maps are (H, W) on the pixel grid of their truth. A pixel is predicted as object where the map is above the
threshold (`crt.threshold`). A truth mask is (H, W): 255 does not count, `label` is the object; without a label
everything but 0 is. All shares are 0 … 1. Where there is nothing to divide by a measure is 0, never NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crt.errors import InvalidDataset, InvalidSetting
from crt.metrics.iou import intersection_over_union, ratio
from crt.threshold import checked_levels, levels_passed
from crt.types import IGNORE

PIXEL_THRESHOLDS = np.round(np.arange(0, 1, 0.001), 3)
TOLERANCE = 15.0
"""Pixels that the pointing game of Zhang et al. 2018 forgives."""


@dataclass(frozen=True)
class Overlap:
    """Pixels of a prediction against a mask; each a float, or an array with one value per threshold.

    Attributes:
        iou: hits / (predicted or true).
        precision: hits / predicted.
        recall: hits / true.
    """

    iou: np.ndarray | float
    precision: np.ndarray | float
    recall: np.ndarray | float


def overlap(predicted: np.ndarray, truth: np.ndarray, label: int | None = None) -> Overlap:
    """Compare a thresholded map with its truth.

    Args:
        predicted: (H, W), non-zero is object.
        truth: (H, W) labels, 255 does not count.
        label: of the object; everything but 0 if None.

    Returns:
        IoU, precision and recall, floats.

    Raises:
        InvalidDataset: the shapes differ.
        InvalidSetting: there are NaN or infinite values.
    """
    inside, counted = _object(predicted, truth, label)
    positive = (predicted != 0)[counted]
    hits = float((positive & inside).sum())
    return Overlap(*(float(value) for value in _shares(hits, float(positive.sum()), float(inside.sum()))))


def pointing_game_hit(cam: np.ndarray, truth: np.ndarray, label: int | None = None, *, tolerance: float = 0.0) -> bool:
    """Pointing game (Zhang et al. 2018): whether the map's maximum lies on the object, or not far off.

    The maximum is sought where the truth is not 255, the first in reading order wins. A map without a peak, one that is
    constant, misses. For boxes take `crt.metrics.boxes.boxes_to_mask` as truth.

    Args:
        cam: (H, W).
        truth: (H, W) labels, 255 does not count.
        label: of the object; everything but 0 if None.
        tolerance: Euclidean distance in pixels that is forgiven; the paper's is `TOLERANCE`.

    Returns:
        Whether it hits.

    Raises:
        InvalidDataset: the shapes differ.
        InvalidSetting: there are NaN or infinite values.
    """
    inside, counted = _object(cam, truth, label)
    values = np.asarray(cam)[counted]
    if not inside.any() or values.min() == values.max():
        return False
    points = np.argwhere(counted)
    away = points[inside] - points[values.argmax()]
    return bool((away**2).sum(1).min() <= tolerance**2)


class PixelCurves:
    """PxAP (Choe et al. 2020) and curves over thresholds, of one image or summed over many; keeps only counts.

    At each threshold pixels of all images are counted together. PxAP = Σ (recall_i - recall_{i-1}) · precision_i from
    the highest threshold to the lowest and then to all pixels. Maps must lie in [0, 1]: pass them through
    `crt.metrics.cam_boxes.minmax_normalize` first.
    """

    def __init__(self, thresholds: np.ndarray | Sequence[float] = PIXEL_THRESHOLDS) -> None:
        """Start without images.

        Args:
            thresholds: (T,) increasing, 0 ≤ t < 1. The finer, the nearer PxAP comes to that of the exact values.

        Raises:
            InvalidSetting: they are not increasing or out of range.
        """
        self.thresholds = checked_levels(thresholds)
        self.counts = np.zeros((2, len(self.thresholds) + 1), dtype=np.int64)  # background, object × levels passed
        self.images = 0

    def add(self, cam: np.ndarray, truth: np.ndarray, label: int | None = None) -> PixelCurves:
        """Count one image.

        Args:
            cam: (H, W), 0 … 1.
            truth: (H, W) labels, 255 does not count.
            label: of the object; everything but 0 if None.

        Returns:
            The curves themselves.

        Raises:
            InvalidDataset: the shapes differ.
            InvalidSetting: the map has other values.
        """
        inside, counted = _object(cam, truth, label)
        values = np.asarray(cam)[counted]
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            raise InvalidSetting(
                "A map has values outside 0 … 1: pass it through crt.metrics.cam_boxes.minmax_normalize first."
            )
        levels = len(self.thresholds) + 1
        passed = levels_passed(values, self.thresholds)
        self.counts += np.bincount(inside * levels + passed, minlength=2 * levels).reshape(2, levels)
        self.images += 1
        return self

    def overlap(self) -> Overlap:
        """IoU, precision and recall at each threshold, (T,) float64 each."""
        false, hits = self._above()
        true = float(self.counts[1].sum())
        return Overlap(*_shares(hits[1:], (false + hits)[1:], true))

    def average_precision(self) -> float:
        """PxAP; chance is the object's share of the pixels."""
        false, hits = self._above()
        _, precision, recall = _shares(hits[::-1], (false + hits)[::-1], float(self.counts[1].sum()))
        return float((np.diff(recall, prepend=0) * precision).sum())

    def _above(self) -> np.ndarray:
        """(2, 1 + T) pixels of background and object: all of them, then those above each threshold."""
        return self.counts[:, ::-1].cumsum(1)[:, ::-1].astype(np.float64)


def pixel_average_precision(cam: np.ndarray, truth: np.ndarray, label: int | None = None) -> float:
    """PxAP of one image from its exact values, without thresholds (Choe et al. 2020).

    Args:
        cam: (H, W).
        truth: (H, W) labels, 255 does not count.
        label: of the object; everything but 0 if None.

    Returns:
        0 … 1; 0 where the truth has no object.

    Raises:
        InvalidDataset: the shapes differ.
        InvalidSetting: there are NaN or infinite values.
    """
    inside, counted = _object(cam, truth, label)
    levels, passed = np.unique(np.asarray(cam)[counted], return_inverse=True)
    hits, positive = (np.bincount(passed, weights, minlength=len(levels))[::-1].cumsum() for weights in (inside, None))
    _, precision, recall = _shares(hits, positive, float(inside.sum()))
    return float((np.diff(recall, prepend=0) * precision).sum())


def _object(values: np.ndarray, truth: np.ndarray, label: int | None) -> tuple[np.ndarray, np.ndarray]:
    """(n,) bool, which of the counted pixels are the object's, and (H, W) bool, which pixels count."""
    truth, values = np.asarray(truth), np.asarray(values)
    if truth.ndim != 2 or values.shape != truth.shape:
        raise InvalidDataset(f"A mask of {truth.shape} cannot be compared with a map of {values.shape}.")
    if not np.isfinite(values).all():
        raise InvalidSetting("This map holds NaN or infinite values: check what made it.")
    counted = truth != IGNORE
    return (truth[counted] != 0) if label is None else (truth[counted] == label), counted


def _shares(hits, positive, true: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels right, predicted and true -> IoU, precision, recall; 0 where there is nothing to divide by."""
    return intersection_over_union(hits, positive, true), ratio(hits, positive), ratio(hits, true)
