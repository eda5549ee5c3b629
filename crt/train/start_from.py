"""Backbones that start from a file of weights."""

from __future__ import annotations

from pathlib import Path

import torch

from crt.checkpoint.backbone_weights import load_backbone


def start_from(backbone: torch.nn.Module, weights: str, classifier: tuple[str, ...]) -> None:
    """Load a file of a timm state dict into a backbone, every tensor accounted for; only its classifier is left out.

    Args:
        backbone: timm's.
        weights: a safetensors file, also one for another input size, or `timm` or `random`, for which there is nothing
            to do.
        classifier: how the names of what is left out begin.

    Raises:
        InvalidCheckpoint: the file does not fit.
    """
    if weights not in ("timm", "random"):
        load_backbone(backbone, Path(weights), classifier)
