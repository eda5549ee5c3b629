"""Which precision the networks run in. On a CPU without the instructions bfloat16 can be hundreds of times slower."""

from __future__ import annotations

from typing import Literal

import torch
from torch.cpu import get_capabilities

from crt.errors import InvalidSetting
from crt.types import Precision


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16 matrix products, AMX or AVX512-BF16, by its flags."""
    capabilities = get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def float32(device_type: str) -> torch.autocast:
    """A context without the autocast around it: what runs inside stays in the precision of its inputs.

    Args:
        device_type: such as `cpu` or `cuda`.

    Returns:
        The context manager.
    """
    return torch.autocast(device_type, enabled=False)


def resolve(precision: Precision, device_type: str) -> Literal["fp32", "bf16", "fp16"]:
    """The precision that networks run in.

    Args:
        precision: `auto` is bfloat16 where the GPU or the processor has instructions for it, fp16 on older GPUs, else
            float32.
        device_type: such as `cpu` or `cuda`.

    Returns:
        Any but `auto`.

    Raises:
        InvalidSetting: fp16 without a GPU.
    """
    if precision == "fp16" and device_type == "cpu":
        raise InvalidSetting("fp16 needs a GPU: choose bf16 or fp32 on a CPU.")
    if precision != "auto":
        return precision
    if device_type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device_type == "cpu" and has_bfloat16() else "fp32"
