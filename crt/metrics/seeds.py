"""How good the seeds of a checkpoint are on pictures with masks: the measure of METHOD section 10."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from crt.datasets import ImageSet
from crt.errors import InvalidDataset
from crt.images import load_image
from crt.metrics.classification import mean_average_precision
from crt.metrics.segmentation import ThresholdSweep, iou
from crt.metrics.stored import BACKGROUND, THRESHOLDS, measured_rows, truth_of
from crt.multiscale import Views, multi_scale_maps, requests_for
from crt.predictor import Predictor
from crt.refine import Combine
from crt.seeds import THRESHOLD, normalise


def evaluate_seeds(
    predictor: Predictor,
    images: ImageSet,
    *,
    views: Views,
    loops: int = 3,
    combine: Sequence[Combine] = (),
    measured: Sequence[str] | None = None,
    advance: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Mean IoU in percent of every kind of map, image labels given, with a sweep of the background threshold.

    `measured`: classes whose IoU is averaged beside background, all by default; all labelled classes compete all the
    same. `combine`: see `requests_for`. Confusion is summed over all pictures, pixels marked 255 do not count. Returns
    plain JSON values: `methods` and `classification_map`. Raises InvalidDataset for a picture without a mask,
    InvalidSetting for unknown classes.
    """
    names = predictor.checkpoint.config.classes
    if tuple(images.classes) != tuple(names):
        raise InvalidDataset("The classes of the data are not those of the checkpoint.")
    rows = measured_rows(names, measured)
    requests = requests_for(predictor, loops, combine)
    sweeps = {name: ThresholdSweep(THRESHOLDS, len(names) + 1) for name in requests}
    scores: dict[str, list[np.ndarray]] = {name: [] for name in requests if not name.endswith(("_unrefined", *combine))}
    for sample in images.samples:
        image = load_image(sample.image)
        truth = truth_of(sample, image.shape[:2])
        maps, trace = multi_scale_maps(predictor, image, sample.labels, requests, views)
        for name, summed in maps.items():
            sweeps[name].add(truth, normalise(summed), np.asarray(sample.labels))
        for name, collected in scores.items():
            collected.append(trace.scores(requests[name].method, requests[name].loops))
        if advance is not None:
            advance()
    targets = images.targets()
    return {
        "methods": {name: _summary(sweep, rows, (BACKGROUND, *names)) for name, sweep in sweeps.items()},
        "classification_map": {
            name: round(100 * mean_average_precision(targets, np.stack(collected)), 2)
            for name, collected in scores.items()
        },
    }


def _summary(sweep: ThresholdSweep, rows: list[int], names: Sequence[str]) -> dict[str, Any]:
    per_class = 100 * iou(sweep.confusions())[:, rows]  # (T, rows)
    means = np.nanmean(per_class, axis=1)
    best = int(np.nanargmax(means))
    fixed = int(np.flatnonzero(np.isclose(THRESHOLDS, THRESHOLD))[0])
    return {
        "miou_at_0.15": round(float(means[fixed]), 2),
        "miou_best": round(float(means[best]), 2),
        "threshold_best": float(THRESHOLDS[best]),
        "per_class": {
            names[row]: None if np.isnan(value) else round(float(value), 2)
            for row, value in zip(rows, per_class[best], strict=True)
        },
    }
