"""Backbones by their timm name and from files: built, checked, and loaded so that every tensor is accounted for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import timm
import torch
from huggingface_hub import get_session, hf_hub_url, try_to_load_from_cache
from safetensors import SafetensorError
from timm.layers.pos_embed import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting
from crt.weights import read_tensors

PREFIXES = ("module.", "model.")
"""What wrappers (data parallelism, Lightning) put before every name of a state dict."""
HUB_FILE = "model.safetensors"
HUB_TIMEOUT = 10.0
"""Seconds that the Hub has to answer before the connection counts as missing."""
PICKLED = (".pth", ".pt", ".bin", ".ckpt", ".tar")
FETCH_ERRORS = (OSError, httpx2.HTTPError, httpx2.InvalidURL, RuntimeError, ValueError, KeyError, SafetensorError)


def create_backbone(
    name: str,
    check: Callable[[nn.Module, str], object],
    *,
    pretrained: bool,
    refusal: str,
    options: dict[str, Any],
) -> nn.Module:
    """A timm model that passes `check`, which is asked before anything is fetched.

    name: a timm name, with any tag of pretrained weights (`vit_small_patch16_224.augreg_in21k`).
    check: called with the model, without weights, and its name; raises what the caller is to see.
    refusal: the sentence for a model that timm cannot build with `options`.
    The model keeps timm's `pretrained_cfg`, a dict with `mean` and `std` among others, whatever its weights are.

    Raises InvalidSetting for a name or tag that timm does not know and for pretrained weights that cannot be had,
    InvalidCheckpoint with `refusal`.
    """
    _check_name(name)
    try:
        with torch.device("meta"):  # no memory, no random numbers
            plain = timm.create_model(name, **options)
    except Exception as error:  # timm's constructors raise anything for options that are not theirs
        raise InvalidCheckpoint(refusal) from error
    check(plain, name)
    if not pretrained:
        return timm.create_model(name, **options)
    try:
        overlay = _pretrained_overlay(name, getattr(plain, "pretrained_cfg", None) or {})
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **options)
    except CrtError:
        raise
    except FETCH_ERRORS as error:
        raise InvalidSetting(
            f"The pretrained weights of {name} cannot be fetched ({type(error).__name__}): check the network "
            "connection, give a local safetensors file of them, or start from random weights."
        ) from error


def load_backbone(backbone: nn.Module, path: Path, classifier: tuple[str, ...]) -> None:
    """Read a safetensors file of a timm state dict into a backbone, every tensor accounted for.

    `module.` and `model.` before all names are dropped, and a position embedding for another input size is resampled.
    classifier: prefixes of names that the file may have beside the backbone, and that are left out.
    Raises InvalidCheckpoint with one sentence for a file that does not fit.
    """
    path = path.expanduser()
    if path.suffix.lower() in PICKLED:
        raise InvalidCheckpoint(
            f"{path} is a PyTorch file: convert it to safetensors first, as the README's section on own weights says."
        )
    found = {name: value for name, value in strip_prefixes(read_tensors(path)).items() if not _counter(name)}
    found = {name: value for name, value in found.items() if not name.startswith(classifier)}
    load_exactly(backbone, fit_to(backbone, found, path.name), path.name)


def load_exactly(network: nn.Module, found: dict[str, Tensor], source: str) -> None:
    """Load tensors that must be those of the network, by name and shape, of finite numbers. Raises InvalidCheckpoint.

    source: what the tensors come from, for the message. A network that is refused its tensors keeps those it has.
    """
    wanted = {name: value for name, value in network.state_dict().items() if not _counter(name)}
    missing = sorted(wanted.keys() - found.keys())
    unknown = sorted(found.keys() - wanted.keys())
    shapes = sorted(name for name in wanted.keys() & found.keys() if wanted[name].shape != found[name].shape)
    faults = (("lacks", missing), ("has the unknown", unknown), ("has the wrong shape of", shapes))
    told = [f"{what} {_listed(names)}" for what, names in faults if names]
    if told:
        raise InvalidCheckpoint(f"{source} does not fit the backbone: it {' and '.join(told)}.")
    whole = sorted(n for n, value in wanted.items() if value.is_floating_point() and not found[n].is_floating_point())
    if whole:
        kind = str(found[whole[0]].dtype).removeprefix("torch.")
        raise InvalidCheckpoint(
            f"{source} has numbers of the type {kind} in {_listed(whole)}, as quantized weights do: give those of a "
            "network before it was quantized."
        )
    broken = sorted(name for name in wanted if not torch.isfinite(found[name]).all())
    if broken:
        raise InvalidCheckpoint(
            f"{source} has values that are not finite in {_listed(broken)}: give the weights of an earlier state."
        )
    network.load_state_dict(found, strict=False)


def fit_to(backbone: nn.Module, found: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """The tensors with the position embedding resampled to the input size of the backbone, if it is a ViT's.

    Raises InvalidCheckpoint for other patches, another number of tokens before the patches, or a grid that is not
    square.
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
    """Patches along the side that a position embedding (1, prefix + side², D) is for. Raises InvalidCheckpoint."""
    patches = position.shape[1] - prefix if position.ndim == 3 else 0
    side = math.isqrt(max(patches, 0))
    if side < 1 or side**2 != patches:
        raise InvalidCheckpoint(
            f"{source} has a position embedding of shape {tuple(position.shape)}, which is of no square input with "
            f"{prefix} tokens before the patches: choose the timm model that the file is of."
        )
    return side


def strip_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without `module.` and `model.`, in any order, where all names begin so."""
    while tensors and (common := [p for p in PREFIXES if all(name.startswith(p) for name in tensors)]):
        tensors = {name.removeprefix(common[0]): value for name, value in tensors.items()}
    return tensors


def _check_tokens(vit: VisionTransformer, found: dict[str, Tensor], source: str) -> None:
    """Raise InvalidCheckpoint for patches or special tokens of another model, told apart before shapes are."""
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


def _check_name(name: str) -> None:
    """Raise InvalidSetting for a name or a tag that timm does not know."""
    if not timm.is_model(name):
        raise InvalidSetting(f"timm knows no model {name!r}: look one up with timm.list_models('vit*' or 'resnet*').")
    architecture, _, tag = name.partition(".")
    tags = sorted(timm.models.get_arch_pretrained_cfgs(architecture)) if tag else []
    if tag and name not in tags:
        known = ", ".join(tags) or "none"
        raise InvalidSetting(f"timm knows no weights {tag!r} of {architecture}: choose among {known}.")


def _pretrained_overlay(name: str, source: dict[str, Any]) -> dict[str, Any] | None:
    """Where timm is to take weights from, if not as it does by itself: a file that the Hub's cache has already.

    Without such a file the Hub is asked once whether it can be reached: its own client tries for most of a minute.
    """
    repository = source.get("hf_hub_id")
    if not repository:
        if not source.get("url"):
            raise InvalidSetting(
                f"timm has no pretrained weights of {name}: choose a name with a tag, give a local safetensors file, "
                "or start from random weights."
            )
        return None
    cached = try_to_load_from_cache(repository, source.get("hf_hub_filename") or HUB_FILE)
    if isinstance(cached, str) and cached.endswith(".safetensors"):
        return {"file": cached, "custom_load": False}
    get_session().head(hf_hub_url(repository, HUB_FILE), timeout=HUB_TIMEOUT)
    return None


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return re.sub(r"\s+", " ", ", ".join(names[:3])) + more
