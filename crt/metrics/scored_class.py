"""One class of one image, and the probability that a network gives it in changed images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from crt.cam_spec import ClassLike, one_class_id
from crt.checkpoint import Method
from crt.data.images import Source, load_image
from crt.data.resizing import resize_long_side, to_tensor
from crt.errors import InvalidSetting
from crt.inference_config import InferenceConfig
from crt.models.normalization import normalization_of
from crt.postprocess import class_probabilities

if TYPE_CHECKING:
    from crt.predictor import Predictor


@dataclass(frozen=True)
class ScoredClass:
    """One image and the class that is scored.

    Attributes:
        pixels: (1, 3, h, w) float32, normalised, on the CPU.
        score: (B, 3, h, w) -> (B,) probabilities.
        batch: the most images of one call, B.
    """

    pixels: Tensor
    score: Callable[[Tensor], np.ndarray]
    batch: int = 1


def scored_class(
    predictor: Predictor,
    source: Source,
    settings: InferenceConfig | None = None,
    *,
    method: Method,
    index: ClassLike,
    loops: int = 0,
) -> ScoredClass:
    """An image at an input size, and the probability that a network gives to a class.

    Another thread that waits for the predictor is served after one call of `score`.

    Args:
        predictor: whose network gives the scores.
        source: an image as `crt.load_image` takes it.
        settings: input size and mode; the predictor's own if none is given.
        method: the network.
        index: class id from 0, or its name.
        loops: of CRT; the other networks have none.

    Returns:
        What `measure` takes.

    Raises:
        InvalidImage: the image cannot be used.
        InvalidSetting: the checkpoint does not have the method or class.
    """
    settings = settings or predictor.default_settings
    config = predictor.checkpoint.config
    if method not in predictor.checkpoint.networks:
        have = ", ".join(predictor.checkpoint.networks)
        raise InvalidSetting(f"This checkpoint has no {method} network: choose among {have}.")
    class_id = one_class_id(index, config.classes)
    image = load_image(source)
    resized = image if settings.size is None else resize_long_side(image, settings.size)
    grid = predictor.grid(resized.shape[0], resized.shape[1], replace(settings, size=None))

    def score(images: Tensor) -> np.ndarray:
        logits = predictor.class_logits(images, method, loops, grid).numpy()
        return class_probabilities(logits, single_label=config.single_label)[:, class_id]

    # On a CPU several images at once only make others wait longer.
    pixels = to_tensor(resized, *normalization_of(predictor.checkpoint.networks[method]))
    return ScoredClass(pixels, score, batch=1 if predictor.device.type == "cpu" else 8)
