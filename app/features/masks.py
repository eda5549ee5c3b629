"""The Masks tab: masks from the CAMs of the chosen classes, by a dense CRF and a random walk; and DeepLab's."""

from __future__ import annotations

import base64
import time
import zlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.core.analysis import Analysis
from app.core.codec import encode_arrays
from app.core.models import Model
from app.core.per_image import PerImage
from app.requests.masks_request import crf_of, walk_of
from app.requests.validation import classes_of, map_options, method_of, number
from app.rpc import MODEL, Page
from crt.checkpoint import Method
from crt.data.resizing import resize_long_side
from crt.errors import InvalidSetting
from crt.postprocess import max_normalize
from crt.pseudo_labels.crf import FLOOR, CrfSettings, crf_seeds
from crt.pseudo_labels.settings import WalkSettings
from crt.resample import WALK_STRIDE, strided_size, upsample_cam

if TYPE_CHECKING:
    from crt.models.deeplab import DeepLab
    from crt.models.irn import IRN
    from crt.predictor import Predictor

SIDE = 500  # pixels of the longer side at which masks are made; VOC's own size


def register(page: Page) -> None:
    """Answer `segment` (the CRF, which needs no network), `walk` and `deeplab`.

    Args:
        page: the components.
    """
    engine = page.explorer.engine
    page.on("segment", segment, concurrency_id="crf", concurrency_limit=1)
    page.on("walk", lambda analysis, details: walk(analysis, details, analysis.model or engine.model), **MODEL)
    page.on("deeplab", lambda analysis, details: deeplab(analysis, details, analysis.model or engine.model), **MODEL)


def segment(analysis: Analysis, details: dict[str, Any]) -> dict[str, Any]:
    """Labels of the requested classes by the CRF.

    Args:
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.

    Returns:
        (h, w) uint8 labels, k + 1 for the k-th class, by zlib and base64, with their size and milliseconds.

    Raises:
        InvalidSetting: unknown values, or no dense CRF on this machine.
    """
    method, classes, crf = method_of(analysis, details), classes_of(analysis, details), crf_of(details)
    threshold = number(details, "threshold", 0.0, 1.0)
    options = map_options(analysis, method, details)
    start = time.perf_counter()
    labels = crf_of_maps(analysis, analysis.prediction.cams(method, classes=classes, **options), method, threshold, crf)
    return _packed(labels) | {"ms": 1000 * (time.perf_counter() - start)}


def walk(analysis: Analysis, details: dict[str, Any], model: Model) -> dict[str, Any]:
    """The CAMs of the requested classes after the random walk.

    Args:
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.
        model: the checkpoint.

    Returns:
        Propagated CAMs (K, h, w) at stride 4 and the edges (h, w), with the height and width of the image in pixels,
        and milliseconds.

    Raises:
        InvalidSetting: unknown values, or a checkpoint without an IRN.
    """
    method, classes = method_of(analysis, details), classes_of(analysis, details)
    options, settings = map_options(analysis, method, details), walk_of(details)
    size = working(analysis.image).shape[:2]
    start = time.perf_counter()
    maps = analysis.prediction.cams(method, classes=classes, **options)
    propagated, edge = walk_of_maps(analysis, maps, method, settings, model)
    arrays, data = encode_arrays({"propagated": propagated, "edge": edge})
    took = 1000 * (time.perf_counter() - start)
    return {"h": size[0], "w": size[1], "ms": took, "arrays": arrays, "data": data}


def deeplab(analysis: Analysis, details: dict[str, Any], model: Model) -> dict[str, Any]:  # noqa: ARG001 - the image is enough
    """Labels of the segmentation network at one scale.

    Args:
        analysis: the image on the page with its Prediction.
        details: values from the browser, not to be trusted.
        model: the checkpoint.

    Returns:
        (h, w) uint8 labels, k + 1 for class k, by zlib and base64, with their size and milliseconds.

    Raises:
        InvalidSetting: a checkpoint without a segmentation network.
    """
    start = time.perf_counter()
    return _packed(parsed_labels(analysis, model)) | {"ms": 1000 * (time.perf_counter() - start)}


def crf_of_maps(
    analysis: Analysis, maps: np.ndarray, method: Method, threshold: float, settings: CrfSettings
) -> np.ndarray:
    """Refine CAMs by the dense CRF.

    Args:
        analysis: the image.
        maps: (K, h, w) CAMs.
        method: the network that made them.
        threshold: share of a CAM's largest value that the background has.
        settings: of the CRF.

    Returns:
        (H, W) uint8 labels of the image at working size, k + 1 for the k-th CAM.
    """
    image = working(analysis.image)
    seeds = max_normalize(upsample_cam(maps, analysis.prediction.content_size(method), image.shape[:2]))
    return crf_seeds(image, seeds, max(threshold, FLOOR), settings).argmax(0).astype(np.uint8)


def walk_of_maps(
    analysis: Analysis, maps: np.ndarray, method: Method, settings: WalkSettings, model: Model
) -> tuple[np.ndarray, np.ndarray]:
    """Propagate CAMs by the random walk.

    Args:
        analysis: the image.
        maps: (K, h, w) CAMs.
        method: the network that made them.
        settings: of the walk.
        model: the checkpoint.

    Returns:
        (K, h', w') propagated CAMs and the (1, h', w') edges, at stride 4 of the image at working size.

    Raises:
        InvalidSetting: a checkpoint without an IRN.
    """
    from crt.pseudo_labels.random_walk import random_walk  # noqa: PLC0415 - SciPy is loaded for the first walk

    if model.config.relation is None:
        raise InvalidSetting("This checkpoint has no IRN: load one that has.")
    image = working(analysis.image)
    edge = EDGES.of(image, model)
    size = strided_size((image.shape[0], image.shape[1]), WALK_STRIDE)
    seeds = max_normalize(upsample_cam(maps, analysis.prediction.content_size(method), size))
    return random_walk(seeds, edge, settings), edge


def parsed_labels(analysis: Analysis, model: Model) -> np.ndarray:
    """Labels of an image by the segmentation network.

    Args:
        analysis: the image.
        model: the checkpoint.

    Returns:
        (H, W) uint8 labels of the image at working size.

    Raises:
        InvalidSetting: a checkpoint without a segmentation network.
    """
    if model.config.segmentation is None:
        raise InvalidSetting("This checkpoint has no segmentation network: load one that has.")
    return PARSED.of(working(analysis.image), model)


def parsed(predictor: Predictor, image: np.ndarray) -> np.ndarray:
    """Run the segmentation network at one scale.

    Args:
        predictor: whose checkpoint has one.
        image: (H, W, 3) uint8.

    Returns:
        (H, W) uint8 labels.
    """
    from crt.models.deeplab import segment  # noqa: PLC0415 - timm is loaded with the networks

    with predictor.turn():
        network = cast("DeepLab", predictor.checkpoint.segmentation)
        return segment(network, image, scales=(1.0,), bfloat16=predictor.bfloat16).argmax(0).astype(np.uint8)


def edges_of(predictor: Predictor, image: np.ndarray) -> np.ndarray:
    """Run the IRN.

    Args:
        predictor: whose checkpoint has one.
        image: (H, W, 3) uint8.

    Returns:
        (1, h, w) float32 edges, 0 … 1.
    """
    from crt.models.irn import edge_map  # noqa: PLC0415 - as above

    with predictor.turn():
        return edge_map(cast("IRN", predictor.checkpoint.relation), image)


EDGES, PARSED = PerImage(edges_of), PerImage(parsed)


def working(image: np.ndarray) -> np.ndarray:
    """An image at the size at which masks are made.

    Args:
        image: (H, W, 3) uint8.

    Returns:
        (H', W', 3) uint8, the longer side at most `SIDE` pixels.
    """
    return resize_long_side(image, SIDE) if max(image.shape[:2]) > SIDE else image


def _packed(labels: np.ndarray) -> dict[str, Any]:
    """(h, w) uint8 -> zlib, base64, and the size."""
    packed = base64.b64encode(zlib.compress(labels.tobytes())).decode()
    return {"labels": packed, "h": labels.shape[0], "w": labels.shape[1]}
