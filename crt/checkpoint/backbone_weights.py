"""Weights of backbones from files: prefixes dropped, position embeddings resampled, every tensor accounted for."""

from __future__ import annotations

import math
import re
from pathlib import Path

from timm.layers.pos_embed import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from crt.checkpoint.weights import read_tensors, unusable
from crt.errors import InvalidCheckpoint

PREFIXES = ("module.", "model.", "backbone.", "_orig_mod.")
"""What wrappers (data parallelism, Lightning, a detector or segmenter, `torch.compile`) put before every name."""
PICKLED = (".pth", ".pt", ".bin", ".ckpt", ".tar")


def load_backbone(backbone: nn.Module, path: Path, classifier: tuple[str, ...]) -> None:
    """Read a safetensors file of a timm state dict into a backbone, every tensor accounted for.

    `PREFIXES` before all names are dropped, and a position embedding for another input size is resampled.

    Args:
        backbone: timm's.
        path: the file.
        classifier: prefixes of names that the file may have beside the backbone, and that are left out.

    Raises:
        InvalidCheckpoint: the file does not fit.
    """
    path = path.expanduser()
    if path.suffix.lower() in PICKLED:
        raise InvalidCheckpoint(
            f"{path} is a PyTorch file: convert it to safetensors first, as in docs/own_weights.md."
        )
    found = {name: value for name, value in read_tensors(path).items() if not name.startswith(classifier)}
    found = {name: value for name, value in strip_prefixes(found).items() if not _counter(name)}
    found = {name: value for name, value in found.items() if not name.startswith(classifier)}
    load_exactly(backbone, fit_to(backbone, found, path.name), path.name)


def load_exactly(network: nn.Module, found: dict[str, Tensor], source: str, part: str = "the backbone") -> None:
    """Load tensors that must be those of the network, by name and shape, of finite numbers.

    Args:
        network: it keeps its own tensors when these are refused.
        found: by name.
        source: what the tensors come from, for the message.
        part: what they are of, for the message.

    Raises:
        InvalidCheckpoint: they are not those of the network.
    """
    wanted = {name: value for name, value in network.state_dict().items() if not _counter(name)}
    missing = sorted(wanted.keys() - found.keys())
    unknown = sorted(found.keys() - wanted.keys())
    shapes = sorted(name for name in wanted.keys() & found.keys() if wanted[name].shape != found[name].shape)
    faults = (("lacks", missing), ("has the unknown", unknown), ("has the wrong shape of", shapes))
    problems = [f"{what} {_listed(names)}" for what, names in faults if names]
    if problems:
        raise InvalidCheckpoint(f"{source} does not fit {part}: it {' and '.join(problems)}.")
    whole = sorted(n for n, value in wanted.items() if value.is_floating_point() and not found[n].is_floating_point())
    if whole:
        kind = str(found[whole[0]].dtype).removeprefix("torch.")
        raise InvalidCheckpoint(
            f"{source} has numbers of the type {kind} in {_listed(whole)}: give real weights, not quantized ones."
        )
    if broken := unusable(found, wanted):
        raise InvalidCheckpoint(f"{source} has {broken}: give the weights of an earlier state.")
    network.load_state_dict(found, strict=False)


def fit_to(backbone: nn.Module, found: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """Resample the position embedding to the input size of the backbone, if it is a ViT's.

    Args:
        backbone: timm's.
        found: tensors by name.
        source: what the tensors come from, for the message.

    Returns:
        The tensors by name.

    Raises:
        InvalidCheckpoint: other patches, another number of tokens before the patches, or a grid that is not square.
    """
    if not isinstance(backbone, VisionTransformer) or "pos_embed" not in found:
        return found
    _check_tokens(backbone, found, source)
    position, grid = found["pos_embed"], backbone.patch_embed.grid_size
    prefix = 0 if backbone.no_embed_class else backbone.num_prefix_tokens
    square_grid(position, prefix, source)
    resampled = resample_abs_pos_embed(position, new_size=list(grid), num_prefix_tokens=prefix)
    return {**found, "pos_embed": resampled}


def square_grid(position: Tensor, prefix: int, source: str) -> int:
    """The grid that a position embedding is for.

    Args:
        position: (1, prefix + side², D).
        prefix: tokens before the patches.
        source: what the tensor comes from, for the message.

    Returns:
        Patches along the side.

    Raises:
        InvalidCheckpoint: the grid is not square.
    """
    patches = position.shape[1] - prefix if position.ndim == 3 else 0
    side = math.isqrt(max(patches, 0))
    if side < 1 or side**2 != patches:
        raise InvalidCheckpoint(
            f"{source} has a position embedding of shape {tuple(position.shape)}, which is of no square input with "
            f"{prefix} tokens before the patches: choose the timm model that the file is of."
        )
    return side


def strip_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop `PREFIXES`, in any order, where all names begin so. IRN's `backbone.0.` is none of them.

    Args:
        tensors: by name.

    Returns:
        The same tensors by the shorter names.
    """
    while tensors and (common := [p for p in PREFIXES if all(map(re.compile(rf"{re.escape(p)}\D").match, tensors))]):
        tensors = {name.removeprefix(common[0]): value for name, value in tensors.items()}
    return tensors


def _check_tokens(vit: VisionTransformer, found: dict[str, Tensor], source: str) -> None:
    """Raise InvalidCheckpoint for patches or special tokens of another model, before shapes are compared."""
    patch, kernel = vit.patch_embed.patch_size, found.get("patch_embed.proj.weight")
    if kernel is not None and kernel.ndim == 4 and tuple(kernel.shape[2:]) != tuple(patch):
        raise InvalidCheckpoint(
            f"{source} has patches of {kernel.shape[2]} pixels and the model of {patch[0]}: choose a model with the "
            "file's patches."
        )
    if ("dist_token" in found) != hasattr(vit, "dist_token"):
        have, choose = ("has", "") if "dist_token" in found else ("lacks", "not ")
        raise InvalidCheckpoint(
            f"{source} {have} the token of a distilled DeiT: choose a model that is {choose}distilled "
            "(deit_*_distilled_*)."
        )


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return re.sub(r"\s+", " ", ", ".join(names[:3])) + more
