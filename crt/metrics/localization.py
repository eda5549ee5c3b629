"""How well one map, or the maps of a data set, find the object: pixels, points and boxes (METHOD section 9).

Maps are (H, W) on the pixel grid of their truth. A pixel is said to be of the object where the map is above the
threshold (`crt.threshold`). A truth mask is (H, W): 255 does not count, `label` is the object; without a label
everything but 0 is. All shares are 0 … 1. Where there is nothing to divide by a measure is 0, never NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from crt.errors import InvalidDataset, InvalidSetting
from crt.metrics.boxes import BoxesLike, Convention, pairwise_iou
from crt.metrics.cam_boxes import boxes, grey_levels, level_of
from crt.metrics.iou import intersection_over_union, ratio
from crt.threshold import above_threshold, levels_passed
from crt.types import IGNORE

BOX_THRESHOLDS = np.round(np.arange(0, 1, 0.01), 2)
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
    said = (predicted != 0)[counted]
    hits = float((said & inside).sum())
    return Overlap(*(float(value) for value in _shares(hits, float(said.sum()), float(inside.sum()))))


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
    spots = np.argwhere(counted)
    away = spots[inside] - spots[values.argmax()]
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
        self.thresholds = _increasing(thresholds)
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


class Localization:
    """Top-1, Top-5 and GT-known localization of a single-label data set (METHOD section 9); keeps only counts.

    GT-known: the box of the true class overlaps a ground-truth box. Top-k: that, and the true class is among the k
    highest scores (on a tie the lower index is higher).

    Args:
        iou: IoU from which boxes overlap.
    """

    def __init__(self, iou: float = 0.5) -> None:
        self.iou = iou
        self.images = 0
        self._hits = {"top1": 0, "top5": 0, "gt_known": 0}

    def add(self, iou: float, scores: np.ndarray, label: int) -> None:
        """Count one image.

        Args:
            iou: of the true class's box (`crt.metrics.boxes.best_match`).
            scores: (C,), higher is likelier.
            label: its class id, from 0.

        Raises:
            InvalidDataset: the class has no score.
            InvalidSetting: scores are NaN or infinite.
        """
        scores = np.asarray(scores)
        if not 0 <= label < len(scores):
            raise InvalidDataset(f"Class {label} has no score: give one for each class, not {len(scores)}.")
        if not np.isfinite(scores).all():
            raise InvalidSetting("The scores hold NaN or infinite values: check what made them.")
        rank = int((scores > scores[label]).sum() + (scores[:label] == scores[label]).sum())
        found = iou >= self.iou
        self.images += 1
        self._hits["gt_known"] += found
        self._hits["top1"] += found and rank < 1
        self._hits["top5"] += found and rank < 5

    def shares(self) -> dict[str, float]:
        """`top1`, `top5` and `gt_known`: shares of the images, 0 … 1, higher is better; 0 without images."""
        return {name: hits / max(1, self.images) for name, hits in self._hits.items()}


class BoxAccuracy:
    """MaxBoxAcc and MaxBoxAccV2 (Choe et al. 2020); keeps only counts.

    BoxAcc(t, d): share of the images whose box at threshold t has IoU ≥ d with a ground-truth box. MaxBoxAcc: the
    most over t at d = 0.5, with the box of the largest region. MaxBoxAccV2: the mean over d of 0.3, 0.5, 0.7 of the
    most over t, where any region of the map may match any ground-truth box. Thresholds are shares of the map's range
    and are taken on 256 grey levels, as in `crt.metrics.cam_boxes.cam_to_box`.
    """

    def __init__(
        self,
        thresholds: np.ndarray | Sequence[float] = BOX_THRESHOLDS,
        ious: Sequence[float] = (0.3, 0.5, 0.7),
        convention: Convention = "inclusive",
    ) -> None:
        """Start without images.

        Args:
            thresholds: (T,) increasing, 0 ≤ t < 1.
            ious: D values of IoU from which a box counts as found, 0.5 among them.
            convention: how the pixels of a box are counted, see `pairwise_iou`.

        Raises:
            InvalidSetting: 0.5 is not among `ious`, or thresholds are not increasing or out of range.
        """
        if 0.5 not in ious:
            raise InvalidSetting("MaxBoxAcc is defined at IoU 0.5: put 0.5 among the ious.")
        self.thresholds = _increasing(thresholds)
        self.ious = tuple(ious)
        self.convention: Convention = convention
        self.images = 0
        self._hits = np.zeros((2, len(self.ious), len(self.thresholds)), dtype=np.int64)  # largest, any

    def add(
        self, cam: np.ndarray, truths: BoxesLike, to_truth: Callable[[BoxesLike], np.ndarray] | None = None
    ) -> None:
        """Count one image.

        Args:
            cam: (H, W), not normalised.
            truths: (N, 4) ground-truth boxes in its pixels.
            to_truth: takes boxes of the map to where the ground-truth boxes are, if those are not in the map's pixels.

        Raises:
            InvalidSetting: the map has NaN or infinite values, or a box ends before it begins.
        """
        grey = grey_levels(cam)
        best: dict[int, tuple[float, float]] = {}  # many thresholds share a grey level
        for i, threshold in enumerate(self.thresholds):
            level = level_of(float(threshold), grey)
            if level not in best:
                found = np.array([region.box for region in boxes(above_threshold(grey, level))]).reshape(-1, 4)
                overlaps = pairwise_iou(found if to_truth is None else to_truth(found), truths, self.convention)
                # of the largest region's box, and of the best region's, each with its best ground-truth box
                best[level] = float(overlaps[:1].max(initial=0)), float(overlaps.max(initial=0))
            self._hits[:, :, i] += np.greater_equal.outer(best[level], self.ious)
        self.images += 1

    def curves(self, *, regions: bool = False) -> np.ndarray:
        """BoxAcc at each threshold.

        Args:
            regions: whether any region may match, as in V2; else the largest alone.

        Returns:
            (D, T) float64, 0 … 1.
        """
        return self._hits[int(regions)] / max(1, self.images)

    def max_box_acc(self) -> float:
        """MaxBoxAcc, 0 … 1, higher is better."""
        return float(self.curves()[self.ious.index(0.5)].max())

    def max_box_acc_v2(self) -> float:
        """MaxBoxAccV2, 0 … 1, higher is better."""
        return float(self.curves(regions=True).max(1).mean())

    def best_threshold(self) -> float:
        """The threshold that MaxBoxAcc is reached at; the lowest of several."""
        return float(self.thresholds[self.curves()[self.ious.index(0.5)].argmax()])


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
    hits, said = (np.bincount(passed, weights, minlength=len(levels))[::-1].cumsum() for weights in (inside, None))
    _, precision, recall = _shares(hits, said, float(inside.sum()))
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


def _shares(hits, said, true: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels right, said and true -> IoU, precision, recall; 0 where there is nothing to divide by."""
    return intersection_over_union(hits, said, true), ratio(hits, said), ratio(hits, true)


def _increasing(thresholds: np.ndarray | Sequence[float]) -> np.ndarray:
    values = np.asarray(thresholds, dtype=np.float64)
    if values.ndim != 1 or not values.size or (np.diff(values) <= 0).any() or not 0 <= values[0] <= values[-1] < 1:
        raise InvalidSetting("Give at least one threshold, increasing, from 0 to less than 1.")
    return values
