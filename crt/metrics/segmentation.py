"""Segmentation measures from a confusion matrix over 21 classes (PASCAL VOC; METHOD sections 7 and 10)."""

from __future__ import annotations

import numpy as np

from crt.errors import InvalidDataset
from crt.metrics.iou import intersection_over_union
from crt.threshold import levels_passed
from crt.types import IGNORE


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Count pixels by truth and prediction (METHOD section 10).

    Args:
        truth: (H, W) integers; pixels of 255 do not count.
        prediction: (H, W) integers; 255 counts as background.
        classes: with background.

    Returns:
        (classes, classes) int64: truth by rows, prediction by columns.

    Raises:
        InvalidDataset: other shapes or labels, or so many classes that one would be 255.
    """
    _check_count(classes)
    if truth.shape != prediction.shape:
        raise InvalidDataset(f"A mask of {truth.shape} cannot be compared with a prediction of {prediction.shape}.")
    valid = truth != IGNORE
    rows = truth[valid].astype(np.int64)
    cols = np.where(prediction == IGNORE, 0, prediction)[valid].astype(np.int64)
    for labels in (rows, cols):
        _check_labels(labels, classes)
    return np.bincount(rows * classes + cols, minlength=classes * classes).reshape(classes, classes)


def iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        confusion: (…, K, K) pixels by truth and prediction.

    Returns:
        (…, K) float64, 0 … 1; NaN for a class in neither truth nor prediction.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return intersection_over_union(hits, confusion.sum(-1), confusion.sum(-2), empty=np.nan)


def mean_iou(confusion: np.ndarray, *, present_only: bool = False) -> float:
    """Mean of `iou` over the classes that there are.

    Args:
        confusion: (K, K) pixels by truth and prediction.
        present_only: whether classes that are in the prediction alone are left out.

    Returns:
        0 … 1; NaN where no pixel counts.
    """
    values = iou(confusion)
    if present_only:
        values = values[confusion.sum(1) > 0]
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Share of the counted pixels whose label is right.

    Args:
        confusion: (K, K) pixels by truth and prediction.

    Returns:
        0 … 1.
    """
    return float(np.trace(confusion) / confusion.sum())


class ThresholdSweep:
    """Confusion matrices of seeds at many background thresholds, from one pass over each image.

    Only the step from background to the strongest class depends on the threshold, so pixels are counted by truth,
    strongest class, and the number of thresholds below its value.
    """

    def __init__(self, thresholds: np.ndarray, classes: int) -> None:
        """Start without images.

        Args:
            thresholds: (T,) increasing.
            classes: with background.

        Raises:
            InvalidDataset: there are so many classes that one would be 255.
        """
        _check_count(classes)
        self.thresholds = np.asarray(thresholds, dtype=np.float64)
        self.classes = classes
        self.counts = np.zeros((classes, classes, len(self.thresholds) + 1), dtype=np.int64)

    def add(self, truth: np.ndarray, seeds: np.ndarray, class_ids: np.ndarray) -> None:
        """Count one image. Without a class (K = 0) all is background.

        Args:
            truth: (H, W) labels, 255 does not count.
            seeds: (K, H, W) normalised maps.
            class_ids: (K,) their classes, from 0.

        Raises:
            InvalidDataset: other shapes or labels.
        """
        if seeds.shape[1:] != truth.shape:
            raise InvalidDataset(f"A mask of {truth.shape} cannot be compared with maps of {seeds.shape[1:]}.")
        valid = truth != IGNORE
        rows = truth[valid].astype(np.int64)
        label = np.asarray(class_ids)[seeds.argmax(0)[valid]] + 1 if len(seeds) else np.zeros_like(rows)
        level = levels_passed(seeds.max(0, initial=0)[valid], self.thresholds)
        for labels in (rows, label):
            _check_labels(labels, self.classes)
        index = (rows * self.classes + label) * self.counts.shape[2] + level
        self.counts += np.bincount(index, minlength=self.counts.size).reshape(self.counts.shape)

    def confusions(self) -> np.ndarray:
        """(T, classes, classes) int64: one confusion matrix per threshold."""
        below = self.counts.cumsum(2)  # pixels whose value is not above threshold t, by strongest class
        total = below[:, :, -1:]
        out = np.moveaxis(total - below, 2, 0)[: len(self.thresholds)].copy()
        out[:, :, 0] += np.moveaxis(below.sum(1), 1, 0)[: len(self.thresholds)]
        return out


def _check_count(classes: int) -> None:
    """`classes`: with background."""
    if classes > IGNORE:
        raise InvalidDataset(f"Masks of 8 bits hold {IGNORE - 1} classes, {IGNORE} means to ignore: measure fewer.")


def _check_labels(labels: np.ndarray, classes: int) -> None:
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise InvalidDataset(f"A mask holds label {wrong[0]}, there are {classes} classes.")
