"""Eq. 2: the two classification losses and the L1 distance that couples the branches' maps (METHOD section 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from crt.errors import InvalidSetting
from crt.models.cam_head import class_scores
from crt.models.dual import DualMaps


class Losses(NamedTuple):
    """The terms of one step, scalars; None for a branch that is not trained. `couple` is before λ."""

    total: Tensor
    cnn: Tensor | None
    vit: Tensor | None
    couple: Tensor | None


def classification_loss(maps: Tensor, labels: Tensor, *, single_label: bool = False) -> Tensor:
    """(B, C, h, w) raw maps and (B, C) multi-hot labels -> scalar.

    Multi-label soft-margin loss of the scores; cross entropy for single-label sets.
    """
    scores = class_scores(maps.float())
    if single_label:
        return F.cross_entropy(scores, labels.argmax(1))
    return F.multilabel_soft_margin_loss(scores, labels)


def coupling_loss(cnn: Tensor, vit: Tensor, size: int) -> Tensor:
    """Mean |CAM_cnn − CAM_vit| of raw maps (B, C, ·, ·) after resizing both to `size` × `size`, corners aligned."""
    cnn, vit = (F.interpolate(m.float(), (size, size), mode="bilinear", align_corners=True) for m in (cnn, vit))
    return F.l1_loss(cnn, vit)


def dual_loss(maps: DualMaps, labels: Tensor, coupling: float, size: int, *, single_label: bool = False) -> Losses:
    """All terms of Eq. 2. The coupling is computed, for the log, also where λ = `coupling` is 0; `size` as above."""

    def classified(branch: Tensor | None) -> Tensor | None:
        return None if branch is None else classification_loss(branch, labels, single_label=single_label)

    cnn, vit = classified(maps.cnn), classified(maps.vit)
    couple = None if maps.cnn is None or maps.vit is None else coupling_loss(maps.cnn, maps.vit, size)
    terms = [term for term in (cnn, vit) if term is not None]
    if couple is not None and coupling:
        terms.append(coupling * couple)
    if not terms:
        raise InvalidSetting("Neither branch gave maps: train at least one.")
    return Losses(torch.stack(terms).sum(), cnn, vit, couple)
