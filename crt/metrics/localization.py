"""Localization of a single-label data set by boxes: Top-1, Top-5, GT-known, MaxBoxAcc (METHOD section 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from crt.errors import InvalidDataset, InvalidSetting
from crt.metrics.boxes import BoxesLike, Convention, pairwise_iou
from crt.metrics.cam_boxes import boxes, grey_levels, level_of
from crt.threshold import above_threshold, checked_levels

BOX_THRESHOLDS = np.round(np.arange(0, 1, 0.01), 2)


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
            convention: how the pixels of a box are counted, as in `pairwise_iou`.

        Raises:
            InvalidSetting: 0.5 is not among `ious`, or thresholds are not increasing or out of range.
        """
        if 0.5 not in ious:
            raise InvalidSetting("MaxBoxAcc is defined at IoU 0.5: put 0.5 among the ious.")
        self.thresholds = checked_levels(thresholds)
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
        """The threshold of MaxBoxAcc; the lowest of several."""
        return float(self.thresholds[self.curves()[self.ious.index(0.5)].argmax()])
