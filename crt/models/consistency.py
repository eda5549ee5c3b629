"""The CAM consistency term (Eq. 2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from crt.models.resize import resize_bilinear


def cam_consistency_loss(cnn: Tensor, vit: Tensor, size: tuple[int, int]) -> Tensor:
    """The CAM consistency term of Eq. 2 before λ: how far two branches are from agreeing (METHOD section 6).

    Args:
        cnn: (B, C, ·, ·) raw CAMs of one branch.
        vit: (B, C, ·, ·) raw CAMs of the other, of any resolution.
        size: height and width to which both are resized, with aligned corners.

    Returns:
        A float32 scalar: mean |CAM_cnn − CAM_vit| over images, classes and pixels.
    """
    one, other = (resize_bilinear(cams.float(), size, align_corners=True) for cams in (cnn, vit))
    return F.l1_loss(one, other)
