"""The Masks tab: from the maps of the chosen classes to masks, by a dense CRF and a random walk; and DeepLab's."""

from __future__ import annotations

import base64
import time
import zlib
from collections import OrderedDict
from typing import Any, cast

import numpy as np

from app.core.analysis import Analysis
from app.core.codec import encode_arrays
from app.core.decoded import fingerprint
from app.core.models import Model
from app.requests.validation import classes_of, map_options, method_of, number
from app.rpc import MODEL, Page
from crt.data.resizing import resize_long_side
from crt.errors import InvalidSetting
from crt.models.deeplab import DeepLab
from crt.models.deeplab import segment as parse
from crt.models.irn import IRN, predict_edges
from crt.postprocess import max_normalize
from crt.predictor import Predictor
from crt.pseudo_labels.crf import CrfSettings, crf_seeds
from crt.pseudo_labels.random_walk import random_walk
from crt.pseudo_labels.settings import WalkSettings
from crt.resample import WALK_STRIDE, strided_size, upsample_cam

SIDE = 500  # pixels of the longer side at which masks are made; VOC's own size
MOST_ITERATIONS = 20
KNOBS = {
    "gaussianSxy": "gaussian_sxy",
    "gaussianCompat": "gaussian_compat",
    "bilateralSxy": "bilateral_sxy",
    "bilateralSrgb": "bilateral_srgb",
    "bilateralCompat": "bilateral_compat",
}


def register(page: Page) -> None:
    """Answer `segment` (the CRF, which waits for no network), `walk` and `deeplab`."""
    engine, edges = page.explorer.engine, _Edges()
    page.on("segment", segment, concurrency_id="crf", concurrency_limit=1)
    page.on("walk", lambda look, details: walk(look, details, look.model or engine.model, edges), **MODEL)
    page.on("deeplab", lambda look, details: deeplab(look, details, look.model or engine.model), **MODEL)


def segment(look: Analysis, details: dict[str, Any]) -> dict[str, Any]:
    """Labels (h, w) uint8, k + 1 for the k-th class asked for, zlib and base64, with their size and what they cost."""
    method, classes, crf = method_of(look, details), classes_of(look, details), crf_of(details)
    threshold = number(details, "threshold", 0.001, 1.0)
    options = map_options(look, method, details)
    image = _working(look.image)
    start = time.perf_counter()
    maps = look.prediction.cams(method, classes=classes, **options)
    seeds = max_normalize(upsample_cam(maps, look.prediction.content_size(method), image.shape[:2]))
    labels = crf_seeds(image, seeds, threshold, crf).argmax(0).astype(np.uint8)
    return _packed(labels) | {"ms": 1000 * (time.perf_counter() - start)}


def walk(look: Analysis, details: dict[str, Any], model: Model, edges: _Edges) -> dict[str, Any]:
    """The maps of the classes asked for after the random walk, (K, h, w) at stride 4, and the edges (h, w) it went by.

    With the height and width of the image that the cells cover. Raises InvalidSetting without an IRN.
    """
    if model.config.relation is None:
        raise InvalidSetting("This checkpoint has no IRN: load one that has.")
    method, classes = method_of(look, details), classes_of(look, details)
    options = map_options(look, method, details)
    asked = details.get("walk")
    if not isinstance(asked, dict):
        raise InvalidSetting("The settings of the walk are missing: reload the page.")
    settings = WalkSettings(beta=number(asked, "beta", 1, 30), exp_times=int(number(asked, "steps", 0, 12)))
    image = _working(look.image)
    size = (image.shape[0], image.shape[1])
    start = time.perf_counter()
    edge = edges.of(image, model)
    maps = look.prediction.cams(method, classes=classes, **options)
    seeds = max_normalize(upsample_cam(maps, look.prediction.content_size(method), strided_size(size, WALK_STRIDE)))
    walked = random_walk(seeds, edge, settings)
    arrays, data = encode_arrays({"walked": walked, "edge": edge})
    took = 1000 * (time.perf_counter() - start)
    return {"h": size[0], "w": size[1], "ms": took, "arrays": arrays, "data": data}


def deeplab(look: Analysis, details: dict[str, Any], model: Model) -> dict[str, Any]:  # noqa: ARG001 - asks about the image
    """Labels (h, w) uint8 of the segmentation network at one scale, k + 1 for class k. Raises InvalidSetting."""
    if model.config.segmentation is None:
        raise InvalidSetting("This checkpoint has no segmentation network: load one that has.")
    start = time.perf_counter()
    probabilities = model.run(parsed, _working(look.image))
    return _packed(probabilities.argmax(0).astype(np.uint8)) | {"ms": 1000 * (time.perf_counter() - start)}


def parsed(predictor: Predictor, image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> the probabilities of the segmentation network (`crt.models.deeplab.segment`) at one scale."""
    with predictor.turn():
        network = cast("DeepLab", predictor.checkpoint.segmentation)
        return parse(network, image, scales=(1.0,), bfloat16=predictor.bfloat16)


def edges_of(predictor: Predictor, image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (1, h, w) edges by the IRN."""
    with predictor.turn():
        return predict_edges(cast("IRN", predictor.checkpoint.relation), image)[0]


class _Edges:
    """The edges of the images looked at last, which are those of every map and setting. Bounded."""

    def __init__(self, kept: int = 16) -> None:
        self.kept = kept
        self.known: OrderedDict[str, np.ndarray] = OrderedDict()

    def of(self, image: np.ndarray, model: Model) -> np.ndarray:
        """(1, h, w) edges of an image, by the networks if they are not known."""
        key = f"{model.id}/{fingerprint(image)}"
        if key not in self.known:
            self.known[key] = model.run(edges_of, image)
            if len(self.known) > self.kept:
                self.known.popitem(last=False)
        self.known.move_to_end(key)
        return self.known[key]


def _working(image: np.ndarray) -> np.ndarray:
    return resize_long_side(image, SIDE) if max(image.shape[:2]) > SIDE else image


def _packed(labels: np.ndarray) -> dict[str, Any]:
    """(h, w) uint8 -> zlib, base64, and the size."""
    packed = base64.b64encode(zlib.compress(labels.tobytes())).decode()
    return {"labels": packed, "h": labels.shape[0], "w": labels.shape[1]}


def crf_of(details: dict[str, Any]) -> CrfSettings:
    """The CRF's settings as the browser sends them. Raises InvalidSetting."""
    values = details.get("crf")
    if not isinstance(values, dict):
        raise InvalidSetting("The settings of the CRF are missing: reload the page.")
    iterations = int(number(values, "iterations", 0, MOST_ITERATIONS))
    return CrfSettings(iterations, **{name: number(values, key, 0, 500) for key, name in KNOBS.items()})
