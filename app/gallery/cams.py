"""CAMs of other methods, one file an image, as the page of the image takes them."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from crt.data.cam_files import UNNAMED, check_aspect

EXTENSIONS = (".npy", ".npz", ".png")
"""Those of the files that are read, with the dot."""
_MOST_SIDE = 512
_MOST_VALUES = 2**20
_STEPS = 65_535


def saved_file(name: str, cams: Mapping[str, np.ndarray], unnamed: str, image_size: tuple[int, int]) -> dict[str, Any]:
    """The maps of a file, as `keepSaved` of `app/viewer/explore/file_cams.mjs` takes them.

    Values are whole numbers of 16 bits. A map of more than 512 values along a side is averaged over areas, and so are
    many maps.

    Args:
        name: of the method.
        cams: (h, w) float32 by class name, as `crt.data.cam_files.read_cams` gives them.
        unnamed: the class of a map that names none.
        image_size: height and width of the image in pixels.

    Returns:
        JSON values: `name`, and `cams` with `label`, `h`, `w`, `max`, `values`, `low`, `high` and `size` each.

    Raises:
        InvalidCam: a map does not have the shape of the image.
    """
    side = min(_MOST_SIDE, math.isqrt(_MOST_VALUES // len(cams)))
    named = {unnamed if label == UNNAMED else label: cam for label, cam in cams.items()}
    return {"name": name, "cams": [_saved(label, cam, side, image_size) for label, cam in named.items()]}


def _saved(label: str, cam: np.ndarray, side: int, image_size: tuple[int, int]) -> dict[str, Any]:
    height, width = cam.shape
    check_aspect((height, width), image_size)
    small = _at_most(np.maximum(cam, 0), side)
    top = float(small.max())
    steps = np.rint(small.astype(np.float64) / (top or 1) * _STEPS).astype("<u2")
    return {
        "label": label,
        "h": small.shape[0],
        "w": small.shape[1],
        "max": top,
        "values": base64.b64encode(steps.tobytes()).decode(),
        "low": float(cam.min()),
        "high": float(cam.max()),
        "size": [height, width],
    }


def _at_most(cam: np.ndarray, side: int) -> np.ndarray:
    """A map with at most `side` values along its longer side, each the mean of the area that it covers."""
    factor = side / max(cam.shape)
    if factor >= 1:
        return cam
    height, width = (min(length, max(2, round(length * factor))) for length in cam.shape)
    return np.asarray(Image.fromarray(cam).resize((width, height), Image.Resampling.BOX))
