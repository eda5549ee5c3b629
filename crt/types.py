"""Names, limits and small records that several floors share. Imports neither torch nor timm."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

BackboneType = Literal["vit", "resnet"]
Method = Literal["resnet", "tscam", "crt", "crt_cnn"]
METHODS: tuple[Method, ...] = get_args(Method)
Mode = Literal["overlap", "non-overlap", "bilinear", "deconvolution"]
MODES: tuple[Mode, ...] = get_args(Mode)
Padding = Literal["minimal", "released"]
Stride = Literal[8, 16]
"""Pixels per cell of a segmentation network."""

MIN_SIZE, MAX_SIZE = 32, 2048
"""Pixels of the long side that the networks can be given."""
MAX_LOOPS = 8


class Normalization(NamedTuple):
    """What is taken off and what divides the channels of an RGB image whose values lie in 0 … 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
IMAGENET = Normalization(IMAGENET_MEAN, IMAGENET_STD)
"""METHOD section 1."""
