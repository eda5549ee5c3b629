"""How good the seeds of a checkpoint are on images with masks: the measure of METHOD section 10."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from crt.analysis.consistency import map_correlation
from crt.data import ImageDataset
from crt.data.images import load_image
from crt.errors import InvalidDataset
from crt.evaluation.bootstrap import percent
from crt.evaluation.stored import BACKGROUND_NAME, THRESHOLDS, measured_rows, truth_of
from crt.metrics.classification import mean_average_precision
from crt.metrics.segmentation import ThresholdSweep, iou
from crt.models.outputs import VitOutputs
from crt.multiscale import TTAConfig, default_specs, multi_scale_maps
from crt.pass_reductions import PassReduction
from crt.postprocess import CAM_THRESHOLD, max_normalize
from crt.prediction import Prediction
from crt.predictor import Predictor
from crt.pseudo_labels.label_png import require_class_values
from crt.types import MAX_LOOPS


def evaluate_seeds(
    predictor: Predictor,
    images: ImageDataset,
    *,
    views: TTAConfig,
    loops: int = 3,
    pass_reduction: Sequence[PassReduction] = (),
    measured: Sequence[str] | None = None,
    advance: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Mean IoU in percent of every kind of map, image labels given, with a sweep of the background threshold (METHOD
    section 10).

    Confusion is summed over all images, pixels marked 255 do not count.

    Args:
        predictor: whose networks are measured.
        images: with masks, over the classes of the checkpoint.
        views: scales and mirror images whose maps are summed.
        loops: CRT is measured at every loop count up to this one.
        pass_reduction: as in `default_specs`.
        measured: classes whose IoU is averaged beside background, all by default; all labelled classes compete all the
            same.
        advance: called after each image.

    Returns:
        Plain JSON values: `methods`, `classification_map`, and of the images as they are `correlation`, the mean
        `map_correlation` of the pair's CNN with the other networks, for CRT by loop count, and `similarity`, the mean
        cosine of CRT's tokens before and after each pass (the first entry is loops 0).

    Raises:
        InvalidDataset: an image has no mask, or no mask shows a class (`require_class_values`).
        InvalidSetting: classes are unknown.
    """
    names = predictor.checkpoint.config.classes
    if tuple(images.classes) != tuple(names):
        raise InvalidDataset("The classes of the data are not those of the checkpoint.")
    rows = measured_rows(names, measured)
    require_class_values(images)
    requests = default_specs(predictor, loops, pass_reduction)
    sweeps = {name: ThresholdSweep(THRESHOLDS, len(names) + 1) for name in requests}
    scores: dict[str, list[np.ndarray]] = {
        name: [] for name in requests if not name.endswith(("_unrefined", "_default", *pass_reduction))
    }
    closeness, similarity = _Closeness(), []
    for sample in images.samples:
        image = load_image(sample.image)
        truth = truth_of(sample, image.shape[:2], len(names))
        maps, prediction = multi_scale_maps(predictor, image, sample.labels, requests, views)
        for name, summed in maps.items():
            sweeps[name].add(truth, max_normalize(summed), np.asarray(sample.labels))
        for name, collected in scores.items():
            collected.append(prediction.scores(requests[name].method, requests[name].spec.loops))
        closeness.add(prediction, sample.labels)
        similarity += [record.similarity] if isinstance(record := prediction.records.get("crt"), VitOutputs) else []
        if advance is not None:
            advance()
    targets = images.targets()
    return {
        "methods": {name: _summary(sweep, rows, (BACKGROUND_NAME, *names)) for name, sweep in sweeps.items()},
        "classification_map": {
            name: percent(mean_average_precision(targets, np.stack(collected))) for name, collected in scores.items()
        },
        "correlation": closeness.to_json(),
        "similarity": np.round(np.mean(similarity, axis=0), 4).tolist() if similarity else [],
    }


class _Closeness:
    """Mean correlation of the maps of the pair's CNN with those of each other network, over images and labels."""

    def __init__(self) -> None:
        self.found: dict[str, list[list[float]]] = {}

    def add(self, prediction: Prediction, labels: Sequence[int]) -> None:
        if "crt_cnn" not in prediction.methods:
            return
        for other in prediction.methods:
            if other == "crt_cnn":
                continue
            counts = range(prediction.clamp(other, MAX_LOOPS) + 1)
            for key in labels:
                row = [map_correlation(prediction, "crt_cnn", other, key, loops=loops) for loops in counts]
                self.found.setdefault(other, []).append(row)

    def to_json(self) -> dict[str, list[float | None]]:
        return {
            other: [None if np.isnan(mean) else round(float(mean), 4) for mean in _known_mean(np.array(rows))]
            for other, rows in self.found.items()
        }


def _known_mean(rows: np.ndarray) -> np.ndarray:
    """Mean of (N, K) over N without the NaN; NaN where nothing is known."""
    known = ~np.isnan(rows)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, rows, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _summary(sweep: ThresholdSweep, rows: list[int], names: Sequence[str]) -> dict[str, Any]:
    per_class = 100 * iou(sweep.confusions())[:, rows]  # (T, rows)
    means = np.nanmean(per_class, axis=1)
    best = int(np.nanargmax(means))
    fixed = int(np.flatnonzero(np.isclose(THRESHOLDS, CAM_THRESHOLD))[0])
    return {
        "miou_at_0.15": round(float(means[fixed]), 2),
        "miou_best": round(float(means[best]), 2),
        "threshold_best": float(THRESHOLDS[best]),
        "per_class": {
            names[row]: None if np.isnan(value) else round(float(value), 2)
            for row, value in zip(rows, per_class[best], strict=True)
        },
    }
