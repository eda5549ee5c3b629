"""The maps and the scores of images with boxes: what the pointing game and the classification measure are taken of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crt.analysis.explainers import EXPLAINERS
from crt.checkpoint import CheckpointConfig, Method
from crt.data.images import load_image
from crt.data.resizing import resize_long_side, to_tensor
from crt.data.voc_boxes import BoxedImage
from crt.errors import InvalidSetting
from crt.evaluation.bootstrap import percent
from crt.evaluation.pointing import PointingScore, centre, peaks
from crt.metrics.classification import average_precisions
from crt.models.normalization import normalization_of
from crt.models.tiles import Mode
from crt.pass_reductions import DEFAULT_REDUCTION, PASS_REDUCTIONS, Attention
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from crt.resample import upsample_cam

CENTRE = "centre"
"""The row of a point that is always the centre of the image."""
PUBLISHED: Attention = {"pass_reduction": DEFAULT_REDUCTION, "blocks": None}
"""TS-CAM as published: the mean of the attention of all blocks, in its one pass."""


@dataclass(frozen=True)
class PointingRow:
    """One kind of map. A CNN has no loops and no refinement.

    Attributes:
        method: the network.
        loops: of CRT.
        refined: whether attention multiplies a transformer's CAM.
        attention: whose attention refines, and how.
        explainer: in place of the network's own CAM.
    """

    method: Method
    loops: int = 0
    refined: bool = False
    attention: Attention | None = None
    explainer: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Blocks are counted from 1; None for all."""
        found: dict[str, Any] = {"network": self.method}
        if self.attention is not None:
            blocks = self.attention["blocks"]
            found |= {"loops": self.loops, "refined": self.refined}
            if self.refined:
                found["pass_reduction"] = self.attention["pass_reduction"]
                found["blocks"] = None if blocks is None else [min(blocks) + 1, max(blocks) + 1]
        return found if self.explainer is None else {**found, "explainer": self.explainer}


@dataclass(frozen=True)
class PointingView:
    """The networks' input of an image.

    Attributes:
        size: pixels of its long side, None for its own.
        flip: whether the mirror image's maps, turned back, are added.
        mode: how a larger image goes through the transformers.
    """

    size: int | None = None
    flip: bool = False
    mode: Mode = "overlap"


def pointing_rows(
    config: CheckpointConfig, loops: int, methods: Sequence[Method] = (), explainers: Sequence[str] = ()
) -> dict[str, PointingRow]:
    """The rows of the table.

    `crt`: by the checkpoint's defaults. `crt_loops_k`, `crt_loops_k_unrefined`: at every loop count up to `loops`, with
    the pass reduction and the blocks of the defaults. `tscam`, `tscam_unrefined`: as published; `tscam_default`:
    refined as CRT is, where that differs. `resnet`, `crt_cnn`: CAM, and each explainer (`resnet_gradcam`, …).

    Args:
        config: of the checkpoint.
        loops: the largest loop count.
        methods: only the rows of these networks, all by default.
        explainers: names of `crt.analysis.explainers`.

    Returns:
        By name, in the order of the table.

    Raises:
        InvalidSetting: there is no such network or explainer.
    """
    if unknown := [name for name in methods if name not in config.networks]:
        raise InvalidSetting(f"This checkpoint has no {unknown[0]} network: choose among {', '.join(config.networks)}.")
    if unknown := [name for name in explainers if name not in EXPLAINERS]:
        raise InvalidSetting(f"There is no explainer {unknown[0]!r}: choose among {', '.join(EXPLAINERS)}.")
    wanted = [name for name in config.networks if not methods or name in methods]
    defaults = config.defaults
    rows: dict[str, PointingRow] = {}
    if "crt" in wanted:
        rows["crt"] = PointingRow("crt", defaults.loops, defaults.refined, defaults.attention)
        for count in range(loops + 1):
            rows[f"crt_loops_{count}"] = PointingRow("crt", count, True, defaults.attention)
            rows[f"crt_loops_{count}_unrefined"] = PointingRow("crt", count, False, defaults.attention)
    if "tscam" in wanted:
        rows["tscam"] = PointingRow("tscam", 0, True, PUBLISHED)
        rows["tscam_unrefined"] = PointingRow("tscam", 0, False, PUBLISHED)
        # With one pass, only tile normalization and a choice of blocks make a difference.
        if defaults.blocks is not None or PASS_REDUCTIONS[defaults.pass_reduction].tile_normalized:
            rows["tscam_default"] = PointingRow("tscam", 0, True, defaults.attention)
    for method in ("resnet", "crt_cnn"):
        if method in wanted:
            rows[method] = PointingRow(method)
            rows |= {f"{method}_{name}": PointingRow(method, explainer=name) for name in dict.fromkeys(explainers)}
    return rows


def evaluate_pointing(
    predictor: Predictor,
    images: Sequence[BoxedImage],
    rows: Mapping[str, PointingRow],
    view: PointingView,
    *,
    advance: Callable[[], None] | None = None,
) -> dict[str, PointingScore]:
    """Hits of every row, and of the centre of the image; maps are upsampled to the pixels of the image (METHOD section
    12).

    Args:
        predictor: whose networks are measured; only those of `rows` run.
        images: with boxes, over the classes of the checkpoint.
        rows: kinds of maps by name.
        view: the networks' input.
        advance: called after each image.

    Returns:
        The hits by name of the row.

    Raises:
        InvalidSetting: a loop count out of range.
    """
    classes = len(predictor.checkpoint.config.classes)
    scores = {name: PointingScore(images, classes) for name in (*rows, CENTRE)}
    settings = _settings(view, rows.values())
    for image in images:
        pixels = load_image(image.image)
        sums = {name: np.zeros((len(image.class_ids), *image.size), np.float32) for name in rows}
        for flipped in (False, True)[: (1 + view.flip) * bool(image.class_ids)]:
            seen = np.ascontiguousarray(pixels[:, ::-1]) if flipped else pixels
            prediction = predictor.predict(seen, settings)
            for name, row in rows.items():
                cams = _maps(predictor, prediction, seen, row, image.class_ids, view)
                sums[name] += upsample_cam(cams, prediction.content_size(row.method), image.size, flipped=flipped)
        for position, class_id in enumerate(image.class_ids):
            for name in rows:
                scores[name].add(image, class_id, peaks(sums[name][position]))
            scores[CENTRE].add(image, class_id, centre(image.size))
        if advance is not None:
            advance()
    return scores


def evaluate_classification(
    predictor: Predictor,
    images: Sequence[BoxedImage],
    rows: Mapping[str, PointingRow],
    view: PointingView,
    *,
    advance: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Average precision of the class scores of every row, in percent.

    As in the devkit, an image counts neither as right nor as wrong for a class all of whose objects are difficult. With
    `view.flip` the logits of the image and its mirror image are averaged.

    Args:
        predictor: whose networks are measured; only those of `rows` run.
        images: with boxes, over the classes of the checkpoint.
        rows: kinds of maps by name.
        view: the networks' input.
        advance: called after each image.

    Returns:
        JSON values: `map` and `per_class` of each row.

    Raises:
        InvalidSetting: a loop count out of range.
    """
    names = predictor.checkpoint.config.classes
    targets = np.zeros((len(images), len(names)))
    ignored = np.zeros((len(images), len(names)), dtype=bool)
    logits: dict[str, list[np.ndarray]] = {name: [] for name in rows}
    settings = _settings(view, rows.values())
    for index, image in enumerate(images):
        targets[index, list(image.class_ids)] = 1
        ignored[index, list(image.difficult_only)] = True
        for name, values in _logits(predictor, load_image(image.image), rows, settings, view.flip):
            logits[name].append(values)
        if advance is not None:
            advance()
    result = {}
    for name, values in logits.items():
        found = average_precisions(targets, np.stack(values), ignored)
        known = found[~np.isnan(found)]
        result[name] = {
            "map": percent(known.mean()) if known.size else None,
            "per_class": {label: percent(value) for label, value in zip(names, found, strict=True)},
        }
    return result


def _settings(view: PointingView, rows: Iterable[PointingRow]) -> InferenceConfig:
    """What a Prediction must hold for these rows."""
    rows = list(rows)
    if not rows:
        raise InvalidSetting("There is no row to measure: choose at least one network of the checkpoint.")
    methods: tuple[Method, ...] = tuple({row.method for row in rows})
    return InferenceConfig(size=view.size, mode=view.mode, loops=max(row.loops for row in rows), methods=methods)


def _maps(
    predictor: Predictor,
    prediction: Prediction,
    image: np.ndarray,
    row: PointingRow,
    class_ids: Sequence[int],
    view: PointingView,
) -> np.ndarray:
    """(H, W, 3) uint8 as it was run, and its Prediction -> (K, h, w) maps of its classes on cells."""
    if row.explainer is not None:
        resized = image if view.size is None else resize_long_side(image, view.size)
        network = predictor.checkpoint.networks[row.method]
        pixels = to_tensor(resized, *normalization_of(network)).to(predictor.device)
        return EXPLAINERS[row.explainer].explain(network, pixels, class_ids, prediction.grid)
    attention = row.attention or PUBLISHED
    return prediction.cams(row.method, loops=row.loops, refined=row.refined, classes=class_ids, **attention)


def _logits(
    predictor: Predictor, image: np.ndarray, rows: Mapping[str, PointingRow], settings: InferenceConfig, flip: bool
) -> Iterator[tuple[str, np.ndarray]]:
    """Each row's name and its (C,) logits."""
    views = [image, np.ascontiguousarray(image[:, ::-1])] if flip else [image]
    predictions = [predictor.predict(seen, settings) for seen in views]
    for name, row in rows.items():
        yield name, np.mean([prediction.scores(row.method, row.loops) for prediction in predictions], axis=0)
