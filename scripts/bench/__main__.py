"""How fast the library is, side by side with METHOD written out plainly, in one run.

    python -m scripts.bench --json results/bench.json

Nothing else should run on the machine. `--sections` picks some. docs/performance.md is made of the JSON file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import tyro

from crt.errors import InvalidSetting
from scripts.cli import run_cli
from scripts.output import write_json
from scripts.provenance import command_of, program

BenchSection = Literal[
    "ablation", "one_map", "utilization", "tried", "peers", "first", "growth", "masks", "training", "needed", "reading",
    "start",
]  # fmt: skip
SECTIONS: tuple[BenchSection, ...] = get_args(BenchSection)


@dataclass(frozen=True)
class Bench:
    """What is timed."""

    sections: tuple[BenchSection, ...] = SECTIONS
    """The sections of the result that are made."""
    vit: str = "deit_small_patch16_224"
    """The transformer's name in timm, for the sections with random weights."""
    cnn: str = "resnet152"
    """The CNN's name in timm, for the sections with random weights."""
    size: int = 336
    """Pixels of the long side of a 500 × 375 image."""
    runs: int = 5
    """Runs of everything that is timed."""
    checkpoint: str = "checkpoints/voc"
    """Of the sections first, growth, masks and needed; the others take random weights."""
    threads: int | None = None
    """Threads of torch; as torch chooses if left out."""
    json: Path | None = None
    """Write the result here."""


def bench(config: Bench) -> dict[str, Any]:
    """Time every section -> JSON values. Raises InvalidSetting."""
    import torch

    from crt.checkpoint import load_checkpoint
    from crt.predictor import Predictor
    from crt.train.machine import describe_machine
    from scripts.bench.backends import tried
    from scripts.bench.growth import growth
    from scripts.bench.maps import one_map, peers, random_predictor, utilization, waited, whole_ablation
    from scripts.bench.masks import masks
    from scripts.bench.needed import needed
    from scripts.bench.reading import reading
    from scripts.bench.start import start
    from scripts.bench.training import training

    if config.runs < 1 or (config.threads is not None and config.threads < 1):
        raise InvalidSetting("The runs and the threads must be at least 1.")
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    threads, size, runs = torch.get_num_threads(), config.size, config.runs
    random = cache(lambda: random_predictor(config.vit, config.cnn))
    shipped = cache(lambda: Predictor(load_checkpoint(config.checkpoint)))
    work: dict[BenchSection, Callable[[], dict[str, Any]]] = {
        "ablation": lambda: whole_ablation(random(), size, runs),
        "one_map": lambda: one_map(random(), size, runs),
        "utilization": lambda: utilization(random(), size, runs),
        "tried": lambda: tried(random(), runs),
        "peers": lambda: peers(random(), size, runs),
        "first": lambda: waited(shipped(), size, runs),
        "growth": lambda: growth(config.checkpoint, threads),
        "masks": lambda: masks(config.checkpoint, runs),
        "training": lambda: training(runs),
        "needed": lambda: needed(shipped(), size, runs),
        "reading": lambda: reading(runs),
        "start": lambda: start(runs),
    }
    bench: dict[str, Any] = {}
    for name in config.sections:
        print(f"== {name}", flush=True)
        bench[name] = work[name]()
        print(bench[name], flush=True)
    result = {
        "bench": bench,
        "command": command(config),
        **program(),
        "machine": describe_machine(),
        "threads": threads,
        "torch": torch.__version__,
        "networks": f"{config.vit} + {config.cnn}",
        "size": size,
        "runs": runs,
    }
    if config.json is not None:
        write_json(config.json, result)
    return result


def command(config: Bench) -> str:
    """The command that times the same again."""
    return command_of("python -m scripts.bench", config, leave=("json",))


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Bench, description=__doc__), bench))
