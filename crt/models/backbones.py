"""Backbones by their timm name: checked before anything is fetched, built, and their pretrained weights found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import timm
import torch
from huggingface_hub import get_session, hf_hub_url, try_to_load_from_cache
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting

HUB_FILE = "model.safetensors"
HUB_TIMEOUT = 10.0
"""Seconds that the Hub has to answer before the connection counts as missing."""
FETCH_ERRORS = (OSError, httpx2.HTTPError, httpx2.InvalidURL, RuntimeError, ValueError, KeyError, SafetensorError)


def create_backbone(
    name: str,
    check: Callable[[nn.Module, str], object],
    *,
    pretrained: bool,
    refusal: str,
    options: dict[str, Any],
) -> nn.Module:
    """Build a timm model that passes `check`, which runs before anything is fetched.

    The model keeps timm's `pretrained_cfg`, a dict with `mean` and `std` among others, whatever its weights are.

    Args:
        name: a timm name, with any tag of pretrained weights (`vit_small_patch16_224.augreg_in21k`).
        check: called with the model, without weights, and its name; its errors reach the caller.
        pretrained: whether timm's weights are fetched.
        refusal: the sentence for a model that timm cannot build with `options`.
        options: further keywords of `timm.create_model`.

    Returns:
        The model, on the CPU.

    Raises:
        InvalidSetting: timm has no such name or tag, or the pretrained weights cannot be had.
        InvalidCheckpoint: timm cannot build it with `options`; the message is `refusal`.
    """
    _check_name(name)
    try:
        with torch.device("meta"), _NoFilling():  # no memory, no random numbers
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


class _NoFilling(TorchFunctionMode):
    """Tensors without memory stay as they are: for one of these torch takes longer than for filling a real one."""

    FILLS = (Tensor.uniform_, Tensor.normal_, Tensor.erfinv_, Tensor.mul_, Tensor.add_, Tensor.clamp_)

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return args[0] if func in self.FILLS and args[0].is_meta else func(*args, **(kwargs or {}))


def _check_name(name: str) -> None:
    """Raise InvalidSetting for a name or a tag that timm does not have."""
    if not timm.is_model(name):
        raise InvalidSetting(f"timm has no model {name!r}: list them with timm.list_models('vit*' or 'resnet*').")
    architecture, _, tag = name.partition(".")
    tags = sorted(timm.models.get_arch_pretrained_cfgs(architecture)) if tag else []
    if tag and name not in tags:
        known = ", ".join(tags) or "none"
        raise InvalidSetting(f"timm has no weights {tag!r} of {architecture}: choose among {known}.")


def _pretrained_overlay(name: str, source: dict[str, Any]) -> dict[str, Any] | None:
    """Where timm is to take weights from, if not as it does by itself: a file that the Hub's cache has already.

    Without such a file one request finds out whether the Hub can be reached: its own client tries for most of a minute.
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
