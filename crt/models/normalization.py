"""The mean and deviation by which the images of a network are normalised (METHOD section 1).

The values lie where timm keeps them, in `pretrained_cfg` of the backbone: a new backbone has those of its pretrained
weights, a loaded one those of its checkpoint's config, and whatever shares a backbone shares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from crt.data.resizing import to_tensor
from crt.types import IMAGENET, Normalization


def normalization_of(network: nn.Module) -> Normalization:
    """Mean and deviation by which a network's images are normalised.

    Args:
        network: a branch, a relation or a segmentation network, or their timm backbone.

    Returns:
        Red, green and blue in 0 … 1. A backbone that was not made by timm's registry has no record of its images: it
        gets ImageNet's.
    """
    cfg = getattr(_backbone(network), "pretrained_cfg", None) or {}
    return Normalization(_rgb(cfg.get("mean", IMAGENET.mean)), _rgb(cfg.get("std", IMAGENET.std)))


def set_normalization(network: nn.Module, normalization: Normalization) -> None:
    """Make this the normalization of a network's images, and of all networks that share its backbone.

    Args:
        network: as in `normalization_of`.
        normalization: red, green and blue in 0 … 1.
    """
    backbone = cast("Any", _backbone(network))
    before = getattr(backbone, "pretrained_cfg", None) or {}
    backbone.pretrained_cfg = {**before, "mean": normalization.mean, "std": normalization.std}


class NormalizedImage:
    """One image, normalised for each network at its first use; networks with equal mean and deviation share one tensor.

    Args:
        image: (H, W, 3) uint8 RGB.
        device: where the tensors go.
    """

    def __init__(self, image: np.ndarray, device: torch.device | str = "cpu") -> None:
        self.image, self.device = image, device
        self._tensors: dict[Normalization, Tensor] = {}

    def of(self, network: nn.Module) -> Tensor:
        """The image, normalised for one network.

        Args:
            network: as in `normalization_of`.

        Returns:
            (1, 3, H, W) float32 on the device.
        """
        wanted = normalization_of(network)
        if wanted not in self._tensors:
            self._tensors[wanted] = to_tensor(self.image, *wanted).to(self.device)
        return self._tensors[wanted]


def _rgb(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = values  # a list where timm read them from JSON
    return red, green, blue


def _backbone(network: nn.Module) -> nn.Module:
    return next((part for name, part in network.named_children() if name in ("vit", "resnet")), network)
