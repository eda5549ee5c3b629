"""What the index holds of an image: its classes with their scores and IoU, and its thumbnail."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from crt.data.resizing import resize_long_side
from crt.metrics.pixels import overlap
from crt.postprocess import class_probabilities
from crt.prediction import Prediction
from crt.resample import upsample_cam
from crt.types import IGNORE
from crt.viz.layer import MapLayer, Style, blend

LIKELY = 0.5
"""An image has the classes whose probability lies above it, at least the likeliest."""
GALLERY_THUMB_SIDE = 360
"""Pixels of the longer side of a thumbnail."""
_QUALITY = 80
_DIGITS = 4

ClassScore = tuple[int, float, float | None]
"""A class id, its probability from 0 to 1, and its IoU, None where no mask has the class."""


def scored_classes(
    prediction: Prediction, labels: np.ndarray | None = None, *, single_label: bool = False
) -> tuple[ClassScore, ...]:
    """The classes of an image by `LIKELY` and those of its mask, by the method and the CAMs that the app shows first.

    Args:
        prediction: of the image.
        labels: (H, W) uint8 on the pixels of the image: 0 background, class id + 1, 255 to ignore; None without a mask.
        single_label: whether one label is right, so that probabilities are a softmax.

    Returns:
        The classes, the likeliest first. The IoU is that of the pixels above the checkpoint's threshold with the mask.
    """
    scores = prediction.scores(prediction.default_method)
    shares = class_probabilities(scores, single_label=single_label)
    order = [int(index) for index in np.argsort(-shares, kind="stable")]
    masked = set() if labels is None else {int(value) - 1 for value in np.unique(labels) if value not in (0, IGNORE)}
    likely = {index for index in order if shares[index] > LIKELY} | {order[0]}
    return tuple(
        (
            index,
            round(float(shares[index]), _DIGITS),
            round(float(overlap(prediction.mask(index), labels, index + 1).iou), _DIGITS)
            if labels is not None and index in masked
            else None,
        )
        for index in order
        if index in likely | masked
    )


def thumbnail(prediction: Prediction, image: np.ndarray, class_id: int) -> tuple[bytes, tuple[int, int]]:
    """An image with the CAM of a class, as the app shows it first.

    Args:
        prediction: of the image.
        image: (H, W, 3) uint8.
        class_id: of the CAM.

    Returns:
        A JPEG of at most `GALLERY_THUMB_SIDE` pixels a side, and its width and height.
    """
    small = resize_long_side(image, GALLERY_THUMB_SIDE) if max(image.shape[:2]) > GALLERY_THUMB_SIDE else image
    height, width = small.shape[:2]
    cells = prediction.cams(classes=class_id)
    values = upsample_cam(cells, prediction.content_size(prediction.default_method), (height, width))[0]
    layer = MapLayer(values, float(values.max()), "share of own maximum", faded=True)
    stream = io.BytesIO()
    Image.fromarray(blend(small, layer, Style())).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue(), (width, height)
