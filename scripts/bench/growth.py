"""How time and memory grow with the size of the image and the number of loops, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import torch

GROWTH_SIZES = (224, 336, 448, 672, 896, 1120, 1344)
GROWTH_LOOPS = (0, 1, 2, 3, 4)
LOOPS_SIZE = 448


def growth(checkpoint: str, threads: int) -> dict[str, Any]:
    """One row per size at four loops, and one per loop count at 448 pixels."""
    return {
        "sizes": [_apart(checkpoint, size, GROWTH_LOOPS[-1], threads) for size in GROWTH_SIZES],
        "loops": [_apart(checkpoint, LOOPS_SIZE, loops, threads) for loops in GROWTH_LOOPS],
    }


def _apart(checkpoint: str, size: int, loops: int, threads: int) -> dict[str, Any]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (checkpoint, size, loops, threads))


def _run(checkpoint: str, size: int, loops: int, threads: int) -> dict[str, Any]:
    from crt.checkpoint import load_checkpoint
    from crt.predictor import InferenceConfig, Predictor
    from scripts.bench.maps import photo

    torch.set_num_threads(threads)
    predictor = Predictor(load_checkpoint(checkpoint))
    image, settings = photo(1008, 1344), InferenceConfig(size=size, loops=loops)
    predictor.predict(image, InferenceConfig(size=64, loops=1))
    loaded = _peak()
    began = time.perf_counter()
    prediction = predictor.predict(image, settings)
    seconds = time.perf_counter() - began
    return {
        "size": size,
        "loops": loops,
        "tiles": len(prediction.grid),
        "seconds": round(seconds, 3),
        "loaded_mib": loaded,
        "peak_mib": _peak(),
    }


def _peak() -> int:
    """MiB at most so far. `getrusage` would begin with what the parent had."""
    proc_status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(proc_status.split("VmHWM:")[1].split()[0]) / 1024)
