"""Names, limits and small records that several floors share. Imports neither torch nor timm."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

BackboneType = Literal["vit", "resnet"]
Method = Literal["resnet", "tscam", "crt", "crt_cnn"]
METHODS: tuple[Method, ...] = get_args(Method)
METHOD_TITLES: dict[str, str] = {"resnet": "ResNet", "tscam": "TS-CAM", "crt": "CRT", "crt_cnn": "CRT's CNN"}
"""Names of the networks in figures, in results and on the page."""
UNIT_NAMES = {
    "cam": "raw CAM",
    "product": "raw CAM × attention",
    "attention": "share of attention",
    "explainer": "arbitrary units",
    "share": "share of own maximum",
}
"""What the values of a map are in: an unrefined and a refined CAM, attention, another explainer's, or a scaled map."""
Mode = Literal["overlap", "non-overlap", "bilinear", "deconvolution"]
MODES: tuple[Mode, ...] = get_args(Mode)
Padding = Literal["minimal", "released"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""Of the networks' arithmetic: float32, or a mixed one; `auto` is what this machine has instructions for."""
InferencePrecision = Literal["auto", "fp32", "bf16"]
"""`Precision` without that which trainings alone use."""
Stride = Literal[8, 16]
"""Pixels per cell of a segmentation network."""

IGNORE = 255
"""Label of a pixel that does not count: nothing learns from it and no measure sees it (PASCAL VOC's border)."""
SEED_SCALES = (1.0, 0.5, 1.5, 2.0, 0.75, 1.25, 1.75)
"""Scales of an image whose CAMs are summed to seeds."""
DEEPLAB_SCALES = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Scales over which a segmentation network is averaged."""
IRN_CROP = 512
"""Side of the crops that the IRN learns from; images are padded to it, because its branches normalise over
the whole map."""
IRN_RADIUS = 10
"""Pairs of cells closer than this are compared where the IRN is trained."""
MIN_SIZE, MAX_SIZE = 32, 2048
"""Pixels of the long side that the networks can be given."""
MAX_LOOPS = 8


class Normalization(NamedTuple):
    """What normalises the channels of an RGB image whose values lie in 0 … 1 (METHOD section 1).

    Attributes:
        mean: taken off red, green and blue.
        std: divides them then.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
IMAGENET = Normalization(IMAGENET_MEAN, IMAGENET_STD)
"""METHOD section 1."""
