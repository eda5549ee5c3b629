"""Eq. 2: the two classification losses and the CAM consistency loss (METHOD section 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from crt.errors import InvalidSetting
from crt.models.cam_head import class_scores
from crt.models.consistency import cam_consistency_loss
from crt.models.dual import DualMaps
from crt.models.tiles import TileGrid


class Losses(NamedTuple):
    """The terms of one step, scalars; None for a branch that is not trained.

    Attributes:
        total: what is minimized.
        cnn: classification loss of the CNN.
        vit: classification loss of the transformer.
        cam: CAM consistency loss, before λ.
    """

    total: Tensor
    cnn: Tensor | None
    vit: Tensor | None
    cam: Tensor | None


def classification_loss(maps: Tensor, labels: Tensor, *, single_label: bool = False) -> Tensor:
    """Multi-label soft-margin loss of the scores; cross entropy for single-label sets.

    Args:
        maps: (B, C, h, w) raw maps.
        labels: (B, C) multi-hot.
        single_label: whether every image shows exactly one class.

    Returns:
        A scalar.
    """
    scores = class_scores(maps.float())
    if single_label:
        return F.cross_entropy(scores, labels.argmax(1))
    return F.multilabel_soft_margin_loss(scores, labels)


def dual_loss(
    maps: DualMaps,
    labels: Tensor,
    lambda_cam: float,
    size: int,
    *,
    single_label: bool = False,
    grid: TileGrid | None = None,
) -> Losses:
    """All terms of Eq. 2. The CAM term is computed, for the log, also where λ is 0.

    Scores are means over the whole merged map (METHOD section 3); the CAM term compares the cells of the crop alone.

    Args:
        maps: of both branches.
        labels: (B, C) multi-hot.
        lambda_cam: λ.
        size: pixels of the square to which the maps are resized for the CAM term.
        single_label: whether every image shows exactly one class.
        grid: the transformer's tiles, whose padding the CAM term leaves out; None for a map without padding.

    Returns:
        The terms.

    Raises:
        InvalidSetting: neither branch gave maps.
    """

    def classified(branch: Tensor | None) -> Tensor | None:
        return None if branch is None else classification_loss(branch, labels, single_label=single_label)

    cnn, vit = classified(maps.cnn), classified(maps.vit)
    cam = None
    if maps.cnn is not None and maps.vit is not None:
        cam = cam_consistency_loss(maps.cnn, maps.vit if grid is None else grid.crop(maps.vit), (size, size))
    terms = [term for term in (cnn, vit) if term is not None]
    if cam is not None and lambda_cam:
        terms.append(lambda_cam * cam)
    if not terms:
        raise InvalidSetting("Neither branch gave maps: train at least one.")
    return Losses(torch.stack(terms).sum(), cnn, vit, cam)
