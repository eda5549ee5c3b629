"""Small timm ViTs of every kind that the method takes."""

from typing import Any

import torch
from timm.models.vision_transformer import VisionTransformer

from crt.models.vit import TransformerBranch

SMALL: dict[str, Any] = {"embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 0, "global_pool": ""}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"patch_size": 16, "img_size": 64},
    "patch14": {"patch_size": 14, "img_size": 84},
    "registers": {"patch_size": 16, "img_size": 64, "reg_tokens": 4},
    "registers-unembedded": {"patch_size": 14, "img_size": 84, "reg_tokens": 4, "no_embed_class": True},
    "dinov2": {"patch_size": 14, "img_size": 56, "init_values": 1e-2},
    "qk-norm": {"patch_size": 16, "img_size": 64, "qk_norm": True},
    "pre-norm": {"patch_size": 16, "img_size": 64, "pre_norm": True},
    "no-bias": {"patch_size": 16, "img_size": 64, "qkv_bias": False},
}


def small_branch(kind: str = "plain", classes: int = 3) -> TransformerBranch:
    """A seeded branch of one of `KINDS`, in eval mode."""
    torch.manual_seed(0)
    vit = VisionTransformer(**SMALL, **KINDS[kind])
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # so that no norm or bias is neutral
    return TransformerBranch(vit, classes).eval()
