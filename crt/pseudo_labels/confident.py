"""Confident labels: the pixels that the IRN is trained on (IRNet's `cam_to_ir_label`; METHOD section 8)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crt.postprocess import cam_to_labels, check_class_ids
from crt.pseudo_labels.crf import IRN_CRF, CrfSettings, crf_labels
from crt.pseudo_labels.settings import BACKGROUND, FOREGROUND, check_constants
from crt.types import IGNORE


def confident_labels(
    image: np.ndarray,
    high_res: np.ndarray,
    class_ids: Sequence[int],
    *,
    foreground: float = FOREGROUND,
    background: float = BACKGROUND,
    settings: CrfSettings = IRN_CRF,
) -> np.ndarray:
    """Label the pixels that the IRN is trained on (METHOD section 8).

    The maps are labelled twice, against a high background constant and a low one, each time with the dense CRF. A pixel
    has its class where the high constant leaves it one. It is background where the low one does not, and otherwise
    unsure.

    Args:
        image: (H, W, 3) uint8 RGB.
        high_res: (K, H, W) normalised maps.
        class_ids: their classes, from 0.
        foreground: the high constant, at most 1.
        background: the low constant, above 0.
        settings: of the dense CRF.

    Returns:
        (H, W) uint8: 0 background, class id + 1, 255 where unsure.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: arrays do not fit, the constants are in the wrong order, or the dense CRF is not installed.
    """
    check_constants(foreground, background)
    check_class_ids(class_ids)
    high, low = (
        crf_labels(
            image, cam_to_labels(high_res, range(len(class_ids)), constant), len(class_ids) + 1, settings=settings
        )
        for constant in (foreground, background)
    )
    names = np.array([IGNORE, *(index + 1 for index in class_ids)], dtype=np.uint8)
    return np.where((high == 0) & (low == 0), np.uint8(0), names[high])
