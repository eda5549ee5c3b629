"""How far two branches are from agreeing on an image: the L1 term of Eq. 2, and the correlation of their maps."""

from __future__ import annotations

import numpy as np
import torch

from crt.cam_spec import ClassLike
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.models.consistency import cam_consistency_loss
from crt.models.outputs import VitOutputs
from crt.prediction import Prediction
from crt.resample import upsample_cam


def branch_distance(prediction: Prediction, vit: Method = "crt", cnn: Method = "crt_cnn") -> np.ndarray:
    """The CAM consistency term between two branches at each loop count, as in training (Eq. 2, METHOD section 6).

    Raw maps before ReLU, without refinement, both resized to the input (`grid.height` × `grid.width`), bilinear with
    aligned corners.

    Args:
        prediction: that holds both.
        vit: a transformer.
        cnn: a CNN.

    Returns:
        (L + 1,) float64: mean |CAM_cnn − CAM_vit| over all classes and pixels of the input, for loops 0 … L, in raw CAM
        units, so networks with larger maps differ by more.

    Raises:
        InvalidSetting: the Prediction lacks a method, `vit` is no transformer, or `cnn` is one.
    """
    record, other = prediction.record(vit), prediction.record(cnn)
    if not isinstance(record, VitOutputs) or isinstance(other, VitOutputs):
        raise InvalidSetting(f"{vit} and {cnn} are not a transformer and a CNN: choose one of each.")
    size = (prediction.grid.height, prediction.grid.width)
    fixed = torch.from_numpy(other.cams)[None]
    return np.array(
        [
            cam_consistency_loss(
                fixed, torch.from_numpy(prediction.cams(vit, loops=loops, refined=False, relu=False))[None], size
            ).item()
            for loops in range(record.loops + 1)
        ]
    )


def map_correlation(prediction: Prediction, first: Method, second: Method, key: ClassLike, *, loops: int = 0) -> float:
    """Pearson correlation of two methods' raw maps over the pixels of the input, before ReLU and without refinement.

    Unlike `branch_distance` it does not depend on how large the maps are.

    Args:
        prediction: that holds both.
        first: a method.
        second: another one.
        key: class id from 0, or its name.
        loops: of CRT.

    Returns:
        -1 … 1; NaN where a map is constant.

    Raises:
        InvalidSetting: the Prediction lacks a method or the class.
    """
    size = (prediction.grid.height, prediction.grid.width)

    def pixels(method: Method) -> np.ndarray:
        count = prediction.clamp(method, loops)
        maps = prediction.cams(method, loops=count, refined=False, relu=False, classes=[key])
        return upsample_cam(maps, prediction.content_size(method), size).ravel()

    one, other = pixels(first), pixels(second)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
