"""Whether bfloat16 pays on this machine. On a CPU without the instructions it can be hundreds of times slower."""

from __future__ import annotations

import time
from typing import Literal

import torch

Precision = Literal["auto", "no", "bf16", "fp16"]
"""Of the networks' arithmetic: float32 (`no`), or a mixed one; `auto` is what is faster on this machine."""


def bfloat16_speedup(side: int = 256, seconds: float = 0.1) -> float:
    """How many times faster a bfloat16 matrix product is than a float32 one on this CPU, measured.

    The product is small enough that even a CPU without the instructions answers in a fraction of a second.
    """
    a = torch.randn(side, side)
    return _seconds(a, seconds) / _seconds(a.bfloat16(), seconds)


def _seconds(a: torch.Tensor, budget: float) -> float:
    torch.mm(a, a)
    runs, start = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - start < budget:
        torch.mm(a, a)
        runs += 1
    return (time.perf_counter() - start) / runs


def resolve(precision: Precision, device_type: str) -> Literal["no", "bf16", "fp16"]:
    """`auto` becomes what this machine is good at: bfloat16 on recent GPUs, on a CPU only if a probe says so."""
    if precision != "auto":
        return precision
    if device_type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if device_type == "cpu" and bfloat16_speedup() > 1.5 else "no"
