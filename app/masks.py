"""The Masks tab: the maps of the chosen classes, made to follow the edges of the picture by a dense CRF."""

from __future__ import annotations

import base64
import time
import zlib
from typing import Any

import numpy as np

from app.asked import classes_of, map_options, method_of, number
from app.explore import Look
from app.page import Page
from crt.errors import InvalidSetting
from crt.images import resize_long_side
from crt.masks.crf import CrfSettings, crf_seeds
from crt.seeds import normalise, to_pixels

SIDE = 500  # pixels of the longer side at which the CRF works; VOC's own size
MOST_ITERATIONS = 20
KNOBS = {
    "gaussianSxy": "gaussian_sxy",
    "gaussianCompat": "gaussian_compat",
    "bilateralSxy": "bilateral_sxy",
    "bilateralSrgb": "bilateral_srgb",
    "bilateralCompat": "bilateral_compat",
}


def wire(page: Page) -> None:
    """Answer `segment`: the label map of the chosen classes after the CRF. It runs no network and waits for none."""
    page.on("segment", segment, concurrency_id="crf", concurrency_limit=1)


def segment(look: Look, details: dict[str, Any]) -> dict[str, Any]:
    """Labels (h, w) uint8, k + 1 for the k-th class asked for, zlib and base64, with their size and what they cost."""
    method, classes, crf = method_of(look, details), classes_of(look, details), crf_of(details)
    threshold = number(details, "threshold", 0.001, 1.0)
    options = map_options(look, method, details)
    image = resize_long_side(look.image, SIDE) if max(look.image.shape[:2]) > SIDE else look.image
    start = time.perf_counter()
    maps = look.trace.maps(method, classes=classes, **options)
    seeds = normalise(to_pixels(maps, look.trace.span(method), image.shape[:2]))
    labels = crf_seeds(image, seeds, threshold, crf).argmax(0).astype(np.uint8)
    packed = base64.b64encode(zlib.compress(labels.tobytes())).decode()
    spent = 1000 * (time.perf_counter() - start)
    return {
        "key": str(details.get("key"))[:2000],
        "labels": packed,
        "h": labels.shape[0],
        "w": labels.shape[1],
        "ms": spent,
    }


def crf_of(details: dict[str, Any]) -> CrfSettings:
    """The CRF's settings as the browser sends them. Raises InvalidSetting."""
    values = details.get("crf")
    if not isinstance(values, dict):
        raise InvalidSetting("The settings of the CRF are missing: reload the page.")
    iterations = int(number(values, "iterations", 0, MOST_ITERATIONS))
    return CrfSettings(iterations, **{name: number(values, key, 0, 500) for key, name in KNOBS.items()})
