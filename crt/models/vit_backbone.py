"""The timm ViTs that can be the transformer of this method: built by name, and checked."""

from __future__ import annotations

import timm
import torch
from timm.layers.attention import Attention
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from crt.errors import InvalidCheckpoint
from crt.models.backbones import create_backbone
from crt.types import MAX_SIZE


def build_vit(name: str, *, tile: int = 224, pretrained: bool = False) -> VisionTransformer:
    """Build a timm ViT by name, without classifier, for tiles of any size whatever it was trained for.

    Args:
        name: with any of timm's tags (`vit_small_patch16_224.augreg_in21k`), or without for the default one.
        tile: pixels of a tile's side.
        pretrained: whether timm's weights are fetched; else they are random.

    Returns:
        The model with timm's `pretrained_cfg`, whose `mean` and `std` are those of the name, also where its weights
        come from elsewhere.

    Raises:
        InvalidSetting: timm has no such name or tag, or the pretrained weights cannot be had.
        InvalidCheckpoint: the name is of a model that is not a plain ViT.
    """
    distilled = "distilled" in name.partition(".")[0]
    pool = "token" if distilled else ""  # timm's distilled DeiT has no other
    vit = create_backbone(
        name,
        _check_pretrained if pretrained else checked_vit,
        pretrained=pretrained,
        refusal=f"{name} is not a vision transformer with square tiles of {tile} px: choose a deit_* or vit_* model.",
        options={"num_classes": 0, "global_pool": pool, "img_size": tile},
    )
    return checked_vit(vit, name)


def _check_pretrained(vit: nn.Module, name: str) -> None:
    """As `checked_vit`; a ViT whose weights have no norm for the tokens is an InvalidCheckpoint, too."""
    checked_vit(vit, name)
    with torch.device("meta"):
        own = timm.create_model(name, num_classes=0)
    if isinstance(own.norm, nn.Identity) and not isinstance(own.fc_norm, nn.Identity):
        raise InvalidCheckpoint(
            f"{name} has its last norm behind the pooling, so its patch tokens have none: choose another ViT."
        )


def checked_vit(vit: nn.Module, name: str = "This model") -> VisionTransformer:
    """Check that a model can be the transformer of this method.

    Args:
        vit: any module.
        name: how the message begins.

    Returns:
        The same module.

    Raises:
        InvalidCheckpoint: it is not a plain timm ViT with a class token, standard blocks, and square patches and tiles.
    """
    if not isinstance(vit, VisionTransformer):
        raise InvalidCheckpoint(f"{name} is not a plain timm VisionTransformer: choose a deit_* or vit_* model.")
    if vit.cls_token is None:
        raise InvalidCheckpoint(f"{name} has no class token, whose attention refines the maps: choose one that has.")
    if any(type(block) is not Block or type(block.attn) is not Attention for block in vit.blocks):
        raise InvalidCheckpoint(f"{name} has blocks of its own kind: choose a ViT with standard attention blocks.")
    if vit.patch_embed.__class__ is not PatchEmbed:
        raise InvalidCheckpoint(f"{name} has a stem before its patches: choose a ViT that cuts the image itself.")
    patch, size = vit.patch_embed.patch_size, vit.patch_embed.img_size
    if patch[0] != patch[1] or size[0] != size[1]:
        raise InvalidCheckpoint(f"{name} has patches of {patch} on {size}: choose square patches and tiles.")
    if size[0] > MAX_SIZE:
        raise InvalidCheckpoint(f"{name}: a tile of {size[0]} pixels is too large: choose one of at most {MAX_SIZE}.")
    if size[0] % (2 * patch[0]):
        raise InvalidCheckpoint(
            f"{name}: a tile of {size[0]} pixels must hold an even number of {patch[0]}-px patches."
        )
    return vit
