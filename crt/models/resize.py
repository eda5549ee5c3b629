"""Bilinear resizing of tensors inside the networks; `crt.resample` is the same arithmetic on arrays."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def resize_bilinear(maps: Tensor, size: tuple[int, int], *, align_corners: bool = False) -> Tensor:
    """Resize maps, bilinear and without a filter against aliasing.

    Args:
        maps: (B, C, h, w) of a floating type.
        size: height and width of the result.
        align_corners: whether the centres of the corner cells stay where they are; else their outer edges do, as in
            `crt.resample.upsample_cam`.

    Returns:
        (B, C, height, width) of the type of `maps`, through which gradients pass.
    """
    return F.interpolate(maps, size, mode="bilinear", align_corners=align_corners)
