"""Weakly supervised localization: the boxes of a single-label data set found by class maps (METHOD section 9)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from PIL import Image

from crt.data import ImageDataset, Sample
from crt.data.images import load_image
from crt.errors import InvalidDataset, count_of
from crt.evaluation.wsol_transform import ToImage, WsolTransform
from crt.metrics.boxes import Box, best_match
from crt.metrics.cam_boxes import cam_to_box, minmax_normalize
from crt.metrics.localization import BOX_THRESHOLDS, BoxAccuracy, Localization
from crt.metrics.pixels import PixelCurves
from crt.multiscale import MethodSpec
from crt.predictor import InferenceConfig, Predictor
from crt.pseudo_labels.label_png import read_labels
from crt.resample import resize_map, upsample_cam

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
    requests: Mapping[str, MethodSpec],
    view: WsolTransform,
    *,
    advance: Callable[[], None] | None = None,
) -> dict[str, float]:
    """The threshold of each kind of map that finds most boxes; give it training images.

    Args:
        predictor: whose networks make the maps.
        images: with boxes, over the classes of the checkpoint.
        requests: kinds of maps by name.
        view: how the networks see an image.
        advance: called after each image.

    Returns:
        Shares of the maps' range, by name.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    accuracies = box_accuracies(predictor, images, requests, view, advance=advance)
    return {name: accuracy.best_threshold() for name, accuracy in accuracies.items()}


def box_accuracies(
    predictor: Predictor,
    images: ImageDataset,
    requests: Mapping[str, MethodSpec],
    view: WsolTransform,
    *,
    thresholds: np.ndarray | Sequence[float] = BOX_THRESHOLDS,
    advance: Callable[[], None] | None = None,
) -> dict[str, BoxAccuracy]:
    """The boxes that each kind of map finds at every threshold.

    Args:
        predictor: whose networks make the maps.
        images: with boxes, over the classes of the checkpoint.
        requests: kinds of maps by name.
        view: how the networks see an image.
        thresholds: (T,) increasing, 0 ≤ t < 1.
        advance: called after each image.

    Returns:
        The counts, by name.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    accuracies = {name: BoxAccuracy(thresholds) for name in requests}

    def add(looked: WsolSample, name: str) -> None:
        accuracies[name].add(looked.maps[name], looked.sample.boxes, looked.to_image)

    _of_each_map(look(predictor, images, requests, view), add, advance)
    return accuracies


def evaluate_wsol(
    predictor: Predictor,
    images: ImageDataset,
    requests: Mapping[str, MethodSpec],
    view: WsolTransform,
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
        requests: kinds of maps by name.
        view: how the networks see an image.
        thresholds: of each kind, as `choose_thresholds` gives them.
        advance: called after each image.

    Returns:
        The measures, by name.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    scores = {name: WsolScore(thresholds[name]) for name in requests}

    def add(looked: WsolSample, name: str) -> None:
        sample, cam, score = looked.sample, looked.maps[name], scores[name]
        box = looked.to_image([cam_to_box(cam, threshold=score.threshold)])[0]
        overlap = best_match(box, sample.boxes).iou
        logits, label = looked.logits[name], sample.labels[0]
        score.boxes.add(cam, sample.boxes, looked.to_image)
        score.localization.add(overlap, logits, label)
        score.continuous.add(best_match(box, sample.boxes, "continuous").iou, logits, label)
        score.classification.add(overlap, logits, label)
        score.found.append(BoxPrediction(sample.id, Box(*map(float, box)), overlap))
        if looked.mask is not None:
            score.pixels.add(minmax_normalize(looked.on_image(cam, looked.mask.shape)), looked.mask)

    _of_each_map(look(predictor, images, requests, view), add, advance)
    return scores


def _of_each_map(
    images: Iterable[WsolSample], add: Callable[[WsolSample, str], None], advance: Callable[[], None] | None
) -> None:
    """`add(image, name)` for each map of each image, the those of one image on all cores: boxes take long."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for looked in images:
            for _ in pool.map(partial(add, looked), looked.maps):
                pass
            if advance is not None:
                advance()


@dataclass(frozen=True)
class WsolSample:
    """One image as the networks saw it.

    Attributes:
        sample: the image.
        maps: (h, w) float32 of its class on the pixels that they saw, by kind.
        logits: (C,) float32 of the network that made the map, by kind.
        to_image: takes boxes from what they saw to pixels of the image.
    """

    sample: Sample
    maps: dict[str, np.ndarray]
    logits: dict[str, np.ndarray]
    to_image: ToImage

    @cached_property
    def mask(self) -> np.ndarray | None:
        """(H, W) uint8 of the image, not 0 on the object; None without one."""
        return _mask(self.sample)

    def on_image(self, cam: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        """Put a map on the image.

        Args:
            cam: (h, w) on the pixels that the networks saw.
            size: height and width of the image.

        Returns:
            (H, W) float32; the map's minimum where the networks saw nothing.
        """
        height, width = cam.shape
        x0, y0, x1, y1 = np.rint(self.to_image([[0, 0, width, height]])[0]).astype(int)
        whole = np.full(size, cam.min(), dtype=np.float32)
        whole[y0:y1, x0:x1] = resize_map(cam, (y1 - y0, x1 - x0))
        return whole


def look(
    predictor: Predictor, images: ImageDataset, requests: Mapping[str, MethodSpec], view: WsolTransform
) -> Iterator[WsolSample]:
    """Run each image once, as a view shows it.

    Args:
        predictor: whose networks make the maps.
        images: with boxes, over the classes of the checkpoint.
        requests: kinds of maps by name.
        view: how the networks see an image.

    Yields:
        The images in order, with the map of their class by every request.

    Raises:
        InvalidDataset: other classes, or an image without a box.
    """
    if tuple(images.classes) != tuple(predictor.checkpoint.config.classes):
        raise InvalidDataset("The classes of the data are not those of the checkpoint.")
    if bare := [sample.id for sample in images.samples if not sample.boxes]:
        raise InvalidDataset(f"{count_of(len(bare), 'image')} with no box, {bare[0]} among them: give all boxes.")
    settings = InferenceConfig(
        size=None,
        loops=max((request.spec.loops for request in requests.values()), default=0),
        methods=tuple({request.method for request in requests.values()}),
    )
    for sample in images.samples:
        seen, to_image = view.of(load_image(sample.image))
        prediction = predictor.predict(seen, settings)
        maps, logits = {}, {}
        for name, want in requests.items():
            cam = want.cams(prediction, sample.labels)
            maps[name] = upsample_cam(cam, prediction.content_size(want.method), seen.shape[:2])[0]
            logits[name] = prediction.scores(want.method, want.spec.loops)
        yield WsolSample(sample, maps, logits, to_image)


def _mask(sample: Sample) -> np.ndarray | None:
    """(H, W) uint8, not 0 on the object; None without a mask. CUB's are grey: the more of five people drew a pixel."""
    if sample.mask is None:
        return None
    with Image.open(sample.mask) as file:
        if file.mode == "P":
            return read_labels(sample.mask)
        return (np.asarray(file.convert("L"), dtype=np.float32) > 127).astype(np.uint8)
