"""The names that tensors have in other programs' files, as a table: what each becomes here, or why it is left out.

Read from the public code of the programs: DeiT and timm (ViT with a linear classifier), TS-CAM and the authors' CRT
(ViT with a 3 × 3 convolution), IRN and the authors' CRT (ResNet under `resnet50.`, once more under `stage1.` … and
`backbone.`), torchvision and timm (plain ResNet).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from crt.checkpoint.backbone_weights import square_grid
from crt.errors import InvalidCheckpoint, InvalidSetting

Family = Literal["vit", "resnet"]

RENAMED: dict[Family, tuple[tuple[str, str], ...]] = {
    "vit": (),
    "resnet": (
        (r"resnet50\.", ""),
        (r"(backbone\.0|stage1)\.0\.", "conv1."),
        (r"(backbone\.0|stage1)\.1\.", "bn1."),
        (r"(backbone\.0|stage1)\.4\.", "layer1."),
        (r"(backbone\.1|stage2)\.0\.", "layer2."),
        (r"(backbone\.2|stage3)\.0\.", "layer3."),
        (r"(backbone\.3|stage4)\.0\.", "layer4."),
        (r"newly_added\.0\.", "classifier."),
    ),
}
"""Beginnings of names, as patterns, and their names in timm: IRN registers each layer up to three times."""

BACKBONE: dict[Family, str] = {
    "vit": r"(cls_token|dist_token|reg_token|pos_embed|(patch_embed|norm_pre|blocks|norm)\..+)",
    "resnet": r"(conv1|bn1|layer[1-4])\..+",
}
"""Names of the backbone: they stay as they are."""

HEAD: dict[Family, dict[str, str]] = {
    "vit": {"head.weight": "classifier.weight", "head.bias": "classifier.bias"},
    "resnet": {"classifier.weight": "classifier.weight"},
}
"""Names of the convolution that makes class maps, and their names in this project's head."""

OMITTED_TENSORS: dict[Family, tuple[tuple[str, str], ...]] = {
    "vit": (
        (r"head\.(weight|bias)", "linear classifier of the class token, which makes no maps"),
        (r"head_dist\.(weight|bias)", "linear classifier of the distillation token, which makes no maps"),
        (r"fc_norm\.(weight|bias)", "norm behind the pooling, which the patch tokens do not pass"),
        (r"pre_logits\..+", "layer between the class token and its linear classifier"),
        (r"mask_token|decoder_.+", "only for pretraining on masked images"),
    ),
    "resnet": (
        (r"fc\.(weight|bias)", "linear classifier of the pretraining, which makes no maps"),
        (r".+\.num_batches_tracked", "counter of a batch norm, which is frozen here"),
    ),
}
"""What is left out on purpose, by pattern, and why."""

RELATION = r"(fc_edge|fc_dp|edge_layers|dp_layers|path_indices|ind_from|ind_to)"
DEIT_SIZES = {192: "tiny", 384: "small", 768: "base"}
RESNETS: dict[tuple[int, ...], str] = {
    (False, 2, 2, 2, 2): "resnet18",
    (False, 3, 4, 6, 3): "resnet34",
    (True, 3, 4, 6, 3): "resnet50",
    (True, 3, 4, 23, 3): "resnet101",
    (True, 3, 8, 36, 3): "resnet152",
}
"""timm's name by whether the blocks are bottlenecks, and by the blocks of each stage."""


@dataclass(frozen=True)
class Sorted:
    """A file's tensors, sorted by the table.

    Attributes:
        family: ViT or ResNet.
        backbone: tensors by timm's names.
        head: tensors of the convolution that makes class maps, empty if there is none; its weight is (C, D, 3, 3) for a
            ViT, (C, F, 1, 1) for a ResNet.
        used: name in the file -> name here.
        left_out: name in the file -> why.
    """

    family: Family
    backbone: dict[str, Tensor]
    head: dict[str, Tensor]
    used: dict[str, str]
    left_out: dict[str, str]


def sort_tensors(tensors: dict[str, Tensor], source: str, *, head: bool = True) -> Sorted:
    """Sort the tensors of a file by the table, every one of them.

    Args:
        tensors: by their names in the file.
        source: what the file is called in messages.
        head: False leaves the convolution for class maps out.

    Returns:
        The tensors by timm's names.

    Raises:
        InvalidCheckpoint: a file of no known format, a tensor of which nothing is known, or one that is in the file
            twice with different values.
    """
    family = _family(tensors, source)
    if family == "vit" and "head.weight" in tensors and tensors["head.weight"].ndim not in (2, 4):
        raise InvalidCheckpoint(
            f"{source} has a head.weight of shape {tuple(tensors['head.weight'].shape)}, which is neither a linear "
            "classifier nor a convolution: give a file of DeiT, TS-CAM or the authors' CRT."
        )
    maps = family == "resnet" or ("head.weight" in tensors and tensors["head.weight"].ndim == 4)
    convolution = HEAD[family] if maps else {}
    parts: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
    used: dict[str, str] = {}
    left_out: dict[str, str] = {}
    unknown = []
    for name, tensor in tensors.items():
        plain = _renamed(name, family)
        if plain in convolution and not head:
            left_out[name] = "convolution for class maps; only the backbone is taken"
        elif reason := _reason(plain, family, convolution):
            left_out[name] = reason
        elif plain not in convolution and not re.fullmatch(BACKBONE[family], plain):
            unknown.append(name)
        else:
            part, target = (parts[1], convolution[plain]) if plain in convolution else (parts[0], plain)
            if target in part:
                _check_equal(tensor, part[target], name, plain, source)
                left_out[name] = f"{plain} once more"
            else:
                part[target], used[name] = tensor, target
    if unknown:
        raise InvalidCheckpoint(
            f"{source} has {len(unknown)} tensors of which nothing is known ({', '.join(unknown[:3])}): give a file of "
            "DeiT, TS-CAM, the authors' CRT, or IRN."
        )
    return Sorted(family, *parts, used, left_out)


def guess_name(found: Sorted, source: str) -> str:
    """The timm name of the backbone of a file, found from its shapes: a DeiT or a plain ResNet.

    Args:
        found: the sorted tensors.
        source: what the file is called in messages.

    Returns:
        The name.

    Raises:
        InvalidSetting: it is any other.
    """
    name = _deit_name(found.backbone, source) if found.family == "vit" else _resnet_name(found.backbone)
    if name is None:
        raise InvalidSetting(f"The shapes in {source} fit no known timm model: name the model.")
    return name


def input_size(backbone: dict[str, Tensor], source: str) -> int:
    """The input that a ViT's position embedding is for.

    Args:
        backbone: tensors by timm's names.
        source: what the file is called in messages.

    Returns:
        Pixels of the side.

    Raises:
        InvalidCheckpoint: the tensors are not those of a ViT with a square grid.
        InvalidSetting: the shapes fit no known model.
    """
    kernel, position = backbone.get("patch_embed.proj.weight"), backbone.get("pos_embed")
    if kernel is None or kernel.ndim != 4 or position is None:
        raise InvalidCheckpoint(f"{source} lacks the patch or the position embedding of a ViT.")
    prefix = 1 + ("dist_token" in backbone)
    if "reg_token" in backbone:  # its position embedding may leave out every token before the patches
        raise InvalidSetting(f"{source} has register tokens: name the model and its input size.")
    return square_grid(position, prefix, source) * kernel.shape[-1]


def _family(tensors: dict[str, Tensor], source: str) -> Family:
    if any(re.match(RELATION, name) for name in tensors):
        raise InvalidCheckpoint(f"{source} holds an IRN, not a network that makes maps: give its CAM one.")
    if "patch_embed.proj.weight" in tensors:
        token = tensors.get("cls_token")
        if token is None or token.ndim != 3:
            raise InvalidCheckpoint(f"{source} has no class token, so it is no ViT that this method can use.")
        if token.shape[1] != 1:
            raise InvalidCheckpoint(
                f"{source} has {token.shape[1]} class tokens, as MCTformer has, and this method reads one: give a ViT "
                "with one."
            )
        return "vit"
    if any(_renamed(name, "resnet") == "conv1.weight" for name in tensors):
        return "resnet"
    first = ", ".join(sorted(tensors)[:3])
    raise InvalidCheckpoint(
        f"{source} is of no known format (it begins with {first}): give a plain ViT or ResNet, of DeiT, TS-CAM, the "
        "authors' CRT, or IRN."
    )


def _renamed(name: str, family: Family) -> str:
    for pattern, target in RENAMED[family]:
        if match := re.match(pattern, name):
            return target + name[match.end() :]
    return name


def _reason(plain: str, family: Family, convolution: Iterable[str]) -> str | None:
    """Why a tensor is left out by the table; None if it is not."""
    if plain in convolution:
        return None
    return next((reason for pattern, reason in OMITTED_TENSORS[family] if re.fullmatch(pattern, plain)), None)


def _check_equal(tensor: Tensor, other: Tensor, name: str, plain: str, source: str) -> None:
    if tensor.shape != other.shape or not torch.equal(tensor, other):
        raise InvalidCheckpoint(f"{source} has {plain} once more as {name}, with other values: save the network again.")


def _deit_name(backbone: dict[str, Tensor], source: str) -> str | None:
    """A DeiT's name; None for a ViT that is built otherwise."""
    kernel = backbone.get("patch_embed.proj.weight")
    depth = 1 + max((int(m[1]) for name in backbone if (m := re.match(r"blocks\.(\d+)\.", name))), default=-1)
    other = any(name == "reg_token" or name.startswith("norm_pre.") or ".ls1." in name for name in backbone)
    if kernel is None or kernel.ndim != 4 or kernel.shape[0] not in DEIT_SIZES or kernel.shape[2:] != (16, 16):
        return None
    if depth != 12 or other or "blocks.0.attn.qkv.bias" not in backbone:
        return None
    size = DEIT_SIZES[kernel.shape[0]]
    pixels = 384 if size == "base" and input_size(backbone, source) == 384 else 224
    return f"deit_{size}{'_distilled' if 'dist_token' in backbone else ''}_patch16_{pixels}"


def _resnet_name(backbone: dict[str, Tensor]) -> str | None:
    blocks = {match[0] for name in backbone if (match := re.match(r"layer([1-4])\.\d+\.", name))}
    counts = [sum(block.startswith(f"layer{stage}.") for block in blocks) for stage in range(1, 5)]
    return RESNETS.get(("layer1.0.conv3.weight" in backbone, *counts))
