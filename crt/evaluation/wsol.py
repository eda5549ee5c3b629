"""Weakly supervised localization: the boxes of a single-label data set found by class maps (METHOD section 9)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from crt.data import ImageDataset
from crt.evaluation.wsol_samples import WsolSample, run_samples
from crt.evaluation.wsol_transform import WsolTransform
from crt.metrics.boxes import Box, best_match
from crt.metrics.cam_boxes import cam_to_box, minmax_normalize
from crt.metrics.localization import BOX_THRESHOLDS, BoxAccuracy, Localization
from crt.metrics.pixels import PixelCurves
from crt.multiscale import MethodSpec
from crt.predictor import Predictor

DEFINITIONS = {
    "gt_known": "share of images whose box of the true class has IoU >= 0.5 with a ground-truth box",
    "top1": "gt_known, and the true class has the highest score",
    "top5": "gt_known, and the true class is among the five highest scores",
    "max_box_acc": "gt_known at the best threshold of a sweep on these very images (Choe et al. 2020)",
    "max_box_acc_v2": "mean over IoU 0.3, 0.5 and 0.7 of the best share of a sweep on these very images, any region "
    "of the map against any ground-truth box (Choe et al. 2020)",
    "pxap": "area under precision and recall of the pixels of all images (Choe et al. 2020), where masks exist",
    "threshold": "share of the map's range, on 256 grey levels, that a pixel must exceed to be of the object",
    "gt_known_continuous": "gt_known by the continuous IoU",
    "classification_top1": "share of images whose true class has the highest score",
    "classification_top5": "share of images whose true class is among the five highest scores",
    "iou": "inclusive: the sides of half-open boxes count as x1 - x0 + 1 pixels, as in the released program; "
    "continuous: as x1 - x0",
}


@dataclass(frozen=True)
class BoxPrediction:
    """What one method made of one image.

    Attributes:
        id: of the image.
        box: of the true class, in pixels of the image.
        iou: the best with a ground-truth box.
    """

    id: str
    box: Box
    iou: float


@dataclass
class WsolScore:
    """The measures of one kind of map (METHOD section 9).

    Attributes:
        threshold: share of the map's range that a pixel of a box exceeds.
        boxes: MaxBoxAcc and MaxBoxAccV2.
        localization: Top-1, Top-5 and GT-known by the inclusive IoU.
        continuous: the same by the continuous IoU.
        classification: Top-1 and Top-5 without boxes.
        pixels: PxAP, where there are masks.
        found: image by image, in the order of the data.
    """

    threshold: float
    boxes: BoxAccuracy = field(default_factory=BoxAccuracy)
    localization: Localization = field(default_factory=Localization)
    continuous: Localization = field(default_factory=Localization)
    classification: Localization = field(default_factory=lambda: Localization(iou=0.0))
    pixels: PixelCurves = field(default_factory=PixelCurves)
    found: list[BoxPrediction] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """`DEFINITIONS` in percent, thresholds as shares; `curve`: gt_known at each of `BOX_THRESHOLDS`."""
        kinds = {**self.localization.shares(), "gt_known_continuous": self.continuous.shares()["gt_known"]}
        kinds |= {f"classification_{k}": self.classification.shares()[k] for k in ("top1", "top5")}
        kinds |= {"max_box_acc": self.boxes.max_box_acc(), "max_box_acc_v2": self.boxes.max_box_acc_v2()}
        if self.pixels.images:
            kinds["pxap"] = self.pixels.average_precision()
        curve = self.boxes.curves()[self.boxes.ious.index(0.5)]
        return {name: round(100 * float(share), 2) for name, share in kinds.items()} | {
            "threshold": self.threshold,
            "threshold_best": self.boxes.best_threshold(),
            "curve": np.round(100 * curve, 2).tolist(),
        }


def choose_thresholds(
    predictor: Predictor,
    images: ImageDataset,
    specs: Mapping[str, MethodSpec],
    transform: WsolTransform,
    *,
    advance: Callable[[], None] | None = None,
) -> dict[str, float]:
    """The threshold of each kind of map that finds most boxes; give it training images.

    Args:
        predictor: whose networks make the maps.
        images: with boxes, over the classes of the checkpoint.
        specs: kinds of maps by name.
        transform: makes the networks' input.
        advance: called after each image.

    Returns:
        Shares of the maps' range, by name.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    accuracies = box_accuracies(predictor, images, specs, transform, advance=advance)
    return {name: accuracy.best_threshold() for name, accuracy in accuracies.items()}


def box_accuracies(
    predictor: Predictor,
    images: ImageDataset,
    specs: Mapping[str, MethodSpec],
    transform: WsolTransform,
    *,
    thresholds: np.ndarray | Sequence[float] = BOX_THRESHOLDS,
    advance: Callable[[], None] | None = None,
) -> dict[str, BoxAccuracy]:
    """The boxes that each kind of map finds at every threshold.

    Args:
        predictor: whose networks make the maps.
        images: with boxes, over the classes of the checkpoint.
        specs: kinds of maps by name.
        transform: makes the networks' input.
        thresholds: (T,) increasing, 0 ≤ t < 1.
        advance: called after each image.

    Returns:
        The counts, by name.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    accuracies = {name: BoxAccuracy(thresholds) for name in specs}

    def add(item: WsolSample, name: str) -> None:
        accuracies[name].add(item.maps[name], item.sample.boxes, item.to_image)

    _of_each_map(run_samples(predictor, images, specs, transform), add, advance)
    return accuracies


def evaluate_wsol(
    predictor: Predictor,
    images: ImageDataset,
    specs: Mapping[str, MethodSpec],
    transform: WsolTransform,
    thresholds: Mapping[str, float],
    *,
    advance: Callable[[], None] | None = None,
) -> dict[str, WsolScore]:
    """Measure every kind of map against the boxes of a single-label data set, image labels given for the maps (METHOD
    section 9).

    The IoU is the inclusive one, in pixels of the image; the best of several ground-truth boxes counts. Scores are
    those of the network that made the map.

    Args:
        predictor: whose networks make the maps.
        images: with boxes, over the classes of the checkpoint.
        specs: kinds of maps by name.
        transform: makes the networks' input.
        thresholds: of each kind, as `choose_thresholds` gives them.
        advance: called after each image.

    Returns:
        The measures, by name.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    scores = {name: WsolScore(thresholds[name]) for name in specs}

    def add(item: WsolSample, name: str) -> None:
        sample, cam, score = item.sample, item.maps[name], scores[name]
        box = item.to_image([cam_to_box(cam, threshold=score.threshold)])[0]
        overlap = best_match(box, sample.boxes).iou
        logits, label = item.logits[name], sample.labels[0]
        score.boxes.add(cam, sample.boxes, item.to_image)
        score.localization.add(overlap, logits, label)
        score.continuous.add(best_match(box, sample.boxes, "continuous").iou, logits, label)
        score.classification.add(overlap, logits, label)
        score.found.append(BoxPrediction(sample.id, Box(*map(float, box)), overlap))
        if item.mask is not None:
            score.pixels.add(minmax_normalize(item.on_image(cam, item.mask.shape)), item.mask)

    _of_each_map(run_samples(predictor, images, specs, transform), add, advance)
    return scores


def _of_each_map(
    images: Iterable[WsolSample], add: Callable[[WsolSample, str], None], advance: Callable[[], None] | None
) -> None:
    """`add(image, name)` for each map of each image, the those of one image on all cores: boxes take long."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for item in images:
            for _ in pool.map(partial(add, item), item.maps):
                pass
            if advance is not None:
                advance()
