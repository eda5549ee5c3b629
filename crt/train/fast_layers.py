"""Layers that train faster on the machine at hand, with the same results up to rounding."""

from __future__ import annotations

from typing import Any, cast

from crt.models.cnn import CnnBranch
from crt.models.dual import DualBranch
from crt.models.vit import TransformerBranch


def write_attention_out(model: DualBranch) -> None:
    """Have timm multiply attention matrices out: on a CPU in bfloat16 the backward of torch's fused attention is slow.

    A step of TS-CAM took 1.25 times as long with it, two cores with AMX.

    Args:
        model: that is changed.
    """
    for attention in model.vit.attentions if isinstance(model.vit, TransformerBranch) else ():
        cast("Any", attention).fused_attn = False


def compile_layers(model: DualBranch) -> None:
    """Have torch fuse the operations of the transformer's blocks and of the CNN's stages, from their next call on.

    Args:
        model: that is changed.
    """
    layers = list(model.vit.blocks) if isinstance(model.vit, TransformerBranch) else []
    for branch in (model.cnn, model.vit):
        if isinstance(branch, CnnBranch):
            layers += [branch.resnet.get_submodule(f"layer{number}") for number in range(1, 5)]
    for layer in layers:
        layer.compile(dynamic=False)
