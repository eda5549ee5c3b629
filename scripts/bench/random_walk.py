"""How fast the sparse random walk of `crt.pseudo_labels.random_walk` is, against the dense matrix of all pairs.

    python -m scripts.bench.random_walk --json results/walk.json

The dense way is IRNet's: the matrix of all pairs, normalised and squared `exp_times` times, in float32 by torch. Both
walk the same random edges and seeds; the largest difference between their results is reported.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from crt.errors import InvalidSetting
from crt.pseudo_labels.paths import search_paths
from crt.pseudo_labels.settings import IRN_WALK, WalkSettings
from scripts.cli import run_cli
from scripts.output import write_json
from scripts.provenance import command_of, program


@dataclass(frozen=True)
class WalkBench:
    """What is timed."""

    height: int = 94
    """Rows of the grid of cells."""
    width: int = 125
    """Cells of the grid: 94 × 125 are an image of 375 × 500 pixels at stride 4."""
    classes: int = 2
    """Classes of the seeds."""
    runs: int = 9
    """Runs of the sparse walk; the dense one runs once, or it would take all day."""
    seed: int = 0
    """Of the random edges and seeds."""
    dense: bool = True
    """Time the dense matrix of all pairs too."""
    json: Path | None = None
    """Write the result here."""


def bench_walk(config: WalkBench) -> dict:
    """Time both -> JSON values. Raises InvalidSetting for a grid without cells."""
    import torch

    from crt.pseudo_labels.random_walk import random_walk
    from crt.train.machine import describe_machine

    if min(config.height, config.width, config.classes, config.runs) < 1:
        raise InvalidSetting("The grid, the classes and the runs must be at least 1.")
    rng = np.random.default_rng(config.seed)
    seeds = rng.random((config.classes, config.height, config.width), dtype=np.float32)
    edge = rng.random((1, config.height, config.width), dtype=np.float32) ** 3  # most cells have little edge
    random_walk(seeds, edge)
    times = [_timed(lambda: random_walk(seeds, edge))[0] for _ in range(config.runs)]
    result = {
        "grid": [config.height, config.width],
        "classes": config.classes,
        "settings": vars(IRN_WALK),
        "command": command(config),
        **program(),
        "machine": describe_machine(),
        "threads": torch.get_num_threads(),
        "sparse_seconds": [round(value, 4) for value in times],
        "sparse_median_seconds": round(statistics.median(times), 4),
    }
    if config.dense:
        spent, dense = _timed(lambda: dense_walk(seeds, edge, IRN_WALK))
        sparse = random_walk(seeds, edge)
        result |= {
            "dense_seconds": round(spent, 4),
            "ratio": round(spent / statistics.median(times), 1),
            "largest_difference": float(f"{np.abs(dense - sparse).max() / sparse.max():.2g}"),
        }
    if config.json is not None:
        write_json(config.json, result)
    return result


def command(config: WalkBench) -> str:
    """The command that times the same again."""
    return command_of("python -m scripts.bench.random_walk", config, always=("height", "width"), leave=("json",))


def dense_walk(seeds: np.ndarray, edge: np.ndarray, settings: WalkSettings) -> np.ndarray:
    """`random_walk` with the matrix of all pairs of cells: (K, h, w) and (1, h, w) -> (K, h, w) float32."""
    import torch

    height, width = edge.shape[1:]
    cells = height * width
    index = np.arange(cells).reshape(height, width)
    matrix = torch.eye(cells)
    for path in search_paths(settings.radius):
        (dy, dx), low = path[0], min(0, path[0][1])
        if dy >= height or abs(dx) >= width:
            continue
        rows, cols = slice(0, height - dy), slice(-low, width - max(0, dx))
        strongest = np.maximum.reduce([edge[0, y : height - dy + y, x - low : width - max(0, dx) + x] for y, x in path])
        start, end = index[rows, cols].ravel(), index[dy:, dx - low : width - max(0, dx) + dx].ravel()
        affinity = torch.from_numpy((1 - strongest) ** settings.beta).flatten()
        matrix[start, end] = affinity
        matrix[end, start] = affinity
    matrix /= matrix.sum(0, keepdim=True)
    for _ in range(settings.exp_times):
        matrix = matrix @ matrix
    starts = torch.from_numpy((seeds * (1 - edge)).reshape(len(seeds), cells))
    return (starts @ matrix).reshape(seeds.shape).numpy()


def _timed(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    began = time.perf_counter()
    result = run()
    return time.perf_counter() - began, result


def main(config: WalkBench) -> None:
    """Measure and print the result."""
    print(json.dumps(bench_walk(config), indent=1))


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(WalkBench, description=__doc__), main))
