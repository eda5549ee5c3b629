"""How good seeds or masks on disk are: mean IoU, a sweep of the threshold, the confusion and the worst images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crt.data import ImageDataset, Sample
from crt.data.error_collector import ErrorCollector
from crt.errors import InvalidDataset, InvalidSetting
from crt.evaluation.pipeline_stage import require
from crt.metrics.segmentation import ThresholdSweep, confusion_matrix, iou, mean_iou, pixel_accuracy
from crt.postprocess import cam_to_labels
from crt.pseudo_labels.cam_io import SUFFIX, SeedMaps, seed_path
from crt.pseudo_labels.label_png import read_labels, read_mask, require_class_values

THRESHOLDS = np.round(np.arange(0.01, 0.80, 0.01), 2)
BACKGROUND_NAME = "background"


@dataclass(frozen=True)
class Score:
    """One measurement, in percent.

    Attributes:
        miou: mean of `per_class`.
        accuracy: share of pixels whose label is right.
        per_class: IoU of background and the classes measured; NaN where a class is nowhere.
        confusion: (C + 1, C + 1) int64 pixels by truth (rows) and label.
        per_image: mean IoU of each image over the labels that it or its mask shows, worst first; an image whose ground
            truth is to be ignored as a whole has none.
        sweep: (threshold, miou) of all thresholds, empty for masks; the rest is at the best of them.
    """

    miou: float
    accuracy: float
    per_class: dict[str, float]
    confusion: np.ndarray
    per_image: tuple[tuple[str, float], ...]
    sweep: tuple[tuple[float, float], ...] = ()

    @property
    def threshold(self) -> float | None:
        """The best threshold of the sweep; None for masks."""
        return max(self.sweep, key=lambda point: point[1])[0] if self.sweep else None

    def to_json(self, worst: int = 20) -> dict[str, Any]:
        """The score as plain JSON values.

        Args:
            worst: how many of the worst images are named.

        Returns:
            By name; None for a class that is nowhere.
        """
        return {
            "miou": round(self.miou, 2),
            "pixel_accuracy": round(self.accuracy, 2),
            "threshold": self.threshold,
            "per_class": {name: None if np.isnan(v) else round(v, 2) for name, v in self.per_class.items()},
            "sweep": [[t, round(value, 2)] for t, value in self.sweep],
            "confusion": self.confusion.tolist(),
            "worst": [[name, round(value, 2)] for name, value in self.per_image[:worst]],
        }


def measured_rows(classes: Sequence[str], measured: Sequence[str] | None) -> list[int]:
    """Rows of a confusion matrix whose IoU is averaged.

    Args:
        classes: all names.
        measured: names beside background, all by default; one that is there twice counts once.

    Returns:
        Numbers from 0, which is background.

    Raises:
        InvalidSetting: an empty list or unknown names.
    """
    names = tuple(dict.fromkeys(classes if measured is None else measured))
    unknown = sorted(set(names) - set(classes))
    if unknown or not names:
        wrong = f"unknown classes {', '.join(unknown)}" if unknown else "the list of classes is empty"
        raise InvalidSetting(f"Choose classes to measure among {', '.join(classes)}: {wrong}.")
    return [0, *(list(classes).index(name) + 1 for name in names)]


def measure_seeds(folder: Path, images: ImageDataset, measured: Sequence[str] | None = None) -> Score:
    """Measure seeds or random-walk pseudo labels on disk, image labels given, at the best threshold for all images.

    Args:
        folder: of `SeedMaps`.
        images: with masks.
        measured: classes whose IoU is averaged beside background, all by default.

    Returns:
        The score at the best threshold, and the sweep.

    Raises:
        InvalidDataset: seeds or masks are missing or of another size (the message lists the ids), or no mask shows a
            class (`require_class_values`).
        InvalidSetting: unknown classes.
    """
    rows = measured_rows(images.classes, measured)
    require(folder, images, SUFFIX, "the stage that makes them")
    require_class_values(images)
    sweep = ThresholdSweep(THRESHOLDS, len(images.classes) + 1)
    for sample in images.samples:
        seeds = SeedMaps.load(seed_path(folder, sample.id))
        sweep.add(truth_of(sample, seeds.high_res.shape[1:], len(images.classes)), seeds.high_res, seeds.class_ids)
    confusions = sweep.confusions()
    means = 100 * np.nanmean(iou(confusions)[:, rows], axis=1)
    best = int(np.nanargmax(means))

    def labels(sample: Sample) -> np.ndarray:
        seeds = SeedMaps.load(seed_path(folder, sample.id))
        return cam_to_labels(seeds.high_res, seeds.class_ids.tolist(), THRESHOLDS[best])

    per_image = [(sample.id, _mean_iou(labels(sample), sample, len(images.classes))) for sample in images.samples]
    points = tuple(zip(THRESHOLDS.tolist(), means.tolist(), strict=True))
    return _score(confusions[best], per_image, rows, images.classes, points)


def measure_masks(folder: Path, images: ImageDataset, measured: Sequence[str] | None = None) -> Score:
    """Measure indexed PNGs `folder/<id>.png` as they are.

    Args:
        folder: of the PNGs.
        images: with masks.
        measured: classes whose IoU is averaged beside background, all by default.

    Returns:
        The score, without a sweep.

    Raises:
        InvalidDataset: as in `measure_seeds`.
        InvalidSetting: unknown classes.
    """
    rows = measured_rows(images.classes, measured)
    require(folder, images, ".png", "the stage that makes them")
    measured_samples = (
        replace(s, mask=folder / f"{s.id}.png", mask_labels=None, mask_cutoff=None) for s in images.samples
    )
    for masks in (images, replace(images, samples=tuple(measured_samples))):
        require_class_values(masks)
    total = np.zeros((len(images.classes) + 1,) * 2, dtype=np.int64)
    per_image, problems = [], ErrorCollector(f"The masks in {folder}")
    for sample in images.samples:
        labels = read_labels(folder / f"{sample.id}.png", name=sample.id, classes=len(images.classes))
        truth = truth_of(sample, classes=len(images.classes))
        if truth.shape != labels.shape:
            problems.add("another size than the ground truth", f"{sample.id} {labels.shape} {truth.shape}")
            continue
        total += confusion_matrix(truth, labels, len(total))
        per_image.append((sample.id, _mean_iou(labels, sample, len(images.classes))))
    problems.raise_if_any()
    return _score(total, per_image, rows, images.classes)


def truth_of(sample: Sample, size: tuple[int, ...] | None = None, classes: int | None = None) -> np.ndarray:
    """The ground truth of a sample.

    Args:
        sample: with a mask.
        size: height and width of the maps, if it matters.
        classes: their number; labels beyond it are refused.

    Returns:
        (H, W) uint8 labels, 255 to ignore.

    Raises:
        InvalidDataset: there is none of that size, or with other values.
    """
    if sample.mask is None:
        raise InvalidDataset(f"{sample.id} has no mask to measure against.")
    truth = read_mask(sample, classes)
    if size is not None and truth.shape != size:
        raise InvalidDataset(f"The mask of {sample.id} has {truth.shape} pixels, its maps {size}.")
    return truth


def _mean_iou(labels: np.ndarray, sample: Sample, classes: int) -> float:
    return 100 * mean_iou(confusion_matrix(truth_of(sample, classes=classes), labels, classes + 1))


def _score(
    confusion: np.ndarray,
    per_image: list[tuple[str, float]],
    rows: list[int],
    classes: Sequence[str],
    sweep: tuple[tuple[float, float], ...] = (),
) -> Score:
    values = 100 * iou(confusion)[rows]
    names = [(BACKGROUND_NAME, *classes)[row] for row in rows]
    return Score(
        float(np.nanmean(values)),
        100 * pixel_accuracy(confusion),
        dict(zip(names, values.tolist(), strict=True)),
        confusion,
        tuple(sorted((item for item in per_image if not np.isnan(item[1])), key=lambda item: item[1])),
        sweep,
    )
