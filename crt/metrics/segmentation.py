"""Segmentation measures from a confusion matrix over 21 classes (PASCAL VOC; METHOD sections 7 and 10)."""

from __future__ import annotations

import numpy as np

from crt.errors import InvalidDataset
from crt.metrics.iou import intersection_over_union
from crt.threshold import levels_passed
from crt.types import IGNORE


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) int64: pixels by truth (rows) and prediction (columns).

    `truth`, `prediction`: integer arrays of one shape. Pixels whose truth is 255 do not count; a predicted 255 counts
    as background. Raises InvalidDataset for other shapes or labels, and for so many classes that one would be 255.
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
    """(…, K, K) -> (…, K) float64 intersection over union; NaN for a class in neither truth nor prediction."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return intersection_over_union(hits, confusion.sum(-1), confusion.sum(-2), empty=np.nan)


def mean_iou(confusion: np.ndarray, *, present_only: bool = False) -> float:
    """Mean of `iou` over the classes that are in truth or prediction; `present_only`: in truth."""
    values = iou(confusion)
    if present_only:
        values = values[confusion.sum(1) > 0]
    return float(np.nanmean(values))


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Share of the counted pixels whose label is right."""
    return float(np.trace(confusion) / confusion.sum())


class ThresholdSweep:
    """Confusion matrices of seeds at many background thresholds, in one look at each image.

    Only the step from background to the strongest class depends on the threshold, so pixels are counted by truth,
    strongest class, and the number of thresholds below its value.
    """

    def __init__(self, thresholds: np.ndarray, classes: int) -> None:
        """`thresholds`: (T,) increasing. `classes`: with background. Raises InvalidDataset if one would be 255."""
        _check_count(classes)
        self.thresholds = np.asarray(thresholds, dtype=np.float64)
        self.classes = classes
        self.counts = np.zeros((classes, classes, len(self.thresholds) + 1), dtype=np.int64)

    def add(self, truth: np.ndarray, seeds: np.ndarray, class_ids: np.ndarray) -> None:
        """One image: (H, W) truth with 255 ignored, (K, H, W) normalised maps of the 0-based classes `class_ids`.

        Without a class (K = 0) all is background. Raises InvalidDataset for other shapes or labels.
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
