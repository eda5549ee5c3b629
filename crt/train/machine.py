"""What a run was made on, for its record: no number means much without its device."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def describe_machine() -> str:
    """The processor or GPU, the number of cores and the instructions that decide the speed, in one line."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} × {torch.cuda.get_device_name()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model, flags = platform.processor() or platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line.partition(":") for line in info.read_text(encoding="utf-8").splitlines()]
        fields = {key.strip(): value.strip() for key, _, value in lines}
        model, flags = fields.get("model name", model), fields.get("flags", "")
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags.split()]
    return f"{cores} cores of {model}" + (f" ({', '.join(known)})" if known else "")
