"""Run the paper's ablations: a declared list of trainings and measurements, each a row with its settings and its cost.

    python -m scripts.ablate --root VOC2012 --out runs/ablate --json results/ablation.json
    python -m scripts.ablate --root VOC2012 --out runs/ablate --json results/ablation.json --tables loops --minutes 9

Every row of a table has the same schedule and differs in what the table is about. All rows are trained with each of
`--seeds`. What is done is not done again, an interrupted training goes on, and `--minutes` stops between two rows.
`--list` shows the rows and does nothing.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from crt.checkpoint import load_checkpoint
from crt.datasets import VOC_ANIMALS, ImageSet, read_voc
from crt.errors import CrtError, count_of
from crt.metrics.seeds import evaluate_seeds
from crt.multiscale import Views
from crt.precision import Precision, resolve
from crt.predictor import Predictor, choose_device
from crt.train.ablations import TABLES, Row, Schedule, Table, rows_of, training
from crt.train.config import DataConfig
from crt.train.engine import train
from crt.train.machine import describe_machine
from scripts.output import counted, write_json

MOST_LOOPS = 4


@dataclass(frozen=True)
class Ablation:
    """Which tables, with which schedule, on which pictures."""

    root: Path
    """Devkit folder with masks (`.../VOC2012`)."""
    out: Path
    """Runs and their rows go here."""
    json: Path | None = None
    """Write all rows that are done here."""
    tables: tuple[Table, ...] = TABLES
    seeds: tuple[int, ...] = (0, 1)
    split: str = "train"
    """The pictures that are trained on."""
    measured: str = "train"
    """The pictures that are measured: those of this split that show an animal."""
    every: int = 4
    """Measure every n-th of them."""
    size: int | None = 336
    """Pixels of their long side, where the table is not about it; None for their own."""
    checkpoint: str = "checkpoints/voc"
    """The checkpoint of the table of sizes."""
    schedule: Schedule = dataclasses.field(default_factory=Schedule)
    minutes: float | None = None
    """Begin no further row after this time."""
    list: bool = False
    """Show the rows and do nothing."""
    device: str = "auto"
    precision: Precision = "auto"


def ablate(config: Ablation) -> dict[str, Any]:
    """Do what is missing of the list -> all rows that are done, as JSON values. Raises CrtError."""
    rows = rows_of(config.tables, config.schedule, config.size)
    began = time.perf_counter()
    images = read_voc(config.root, config.split)
    measured = read_voc(config.root, config.measured, masks="required")
    keys = {measured.classes.index(name) for name in VOC_ANIMALS}
    shown = tuple(sample for sample in measured.samples if keys & set(sample.labels))[:: config.every]
    measured = dataclasses.replace(measured, samples=shown)
    for seed in config.seeds:
        for row in rows:
            path = _path(config, row, seed)
            if path.exists() or (row.training is None and seed != config.seeds[0]):
                continue
            if config.minutes is not None and time.perf_counter() - began > 60 * config.minutes:
                return collect(config, rows)
            print(f"== {row.table}: {row.name}, seed {seed}", flush=True)
            write_json(path, _do(row, seed, config, images, measured))
    return collect(config, rows)


def _do(row: Row, seed: int, config: Ablation, images: ImageSet, measured: ImageSet) -> dict[str, Any]:
    """Train what the row needs, if it is not there, and measure it."""
    folder: str | Path = config.checkpoint
    if row.training is not None:
        run = training(
            row.training,
            config.schedule,
            seed,
            data=DataConfig((str(config.root),), (config.split,)),
            out=config.out / f"{row.training}-seed{seed}",
            precision=config.precision,
        )
        folder = run.out
        if not (folder / "config.json").exists():
            train(run, images)
    checkpoint = load_checkpoint(folder)
    device = choose_device(config.device)
    predictor = Predictor(checkpoint, device=device, bfloat16=resolve(config.precision, device.type) == "bf16")
    began = time.perf_counter()
    with counted(len(measured)) as advance:
        result = evaluate_seeds(
            predictor,
            measured,
            views=Views((1.0,), flip=True, mode=row.mode, size=row.size),
            loops=MOST_LOOPS,
            combine=("first", "last"),
            measured=(*VOC_ANIMALS, "person"),
            advance=advance,
        )
    spent = checkpoint.config.training
    return {
        "training": row.training,
        "seed": seed,
        "mode": row.mode,
        "size": row.size,
        "images": len(measured),
        "minutes": spent.get("minutes") if row.training else None,
        "machine": spent.get("machine") if row.training else describe_machine(),
        "seconds_per_picture": round((time.perf_counter() - began) / len(measured), 3),
        "config": spent.get("config") if row.training else None,
        **result,
    }


def collect(config: Ablation, rows: tuple[Row, ...]) -> dict[str, Any]:
    """All rows that are done, and how they were made; written where `config.json` says."""
    done = [
        {"table": row.table, "name": row.name, **json.loads(path.read_text(encoding="utf-8"))}
        for row in rows
        for seed in config.seeds
        if (path := _path(config, row, seed)).exists()
    ]
    result = {
        "protocol": {
            "command": command(config),
            "measure": "mIoU in percent over background, the animals and person; image labels given; 255 ignored",
            "threshold_sweep": "best of 0.01 ... 0.79 on these pictures",
            "views": "one scale and its mirror image",
            "split": config.split,
            "measured": config.measured,
            "every": config.every,
            "size": config.size,
            "seeds": list(config.seeds),
            "schedule": dataclasses.asdict(config.schedule)
            | {"resize": list(config.schedule.resize)}
            | {key: Path(getattr(config.schedule, key)).name for key in ("vit_weights", "cnn_weights")},
            "missing": [f"{row.table}: {row.name}, seed {seed}" for row in rows for seed in config.seeds
                        if not _path(config, row, seed).exists() and (row.training or seed == config.seeds[0])],
        },
        "rows": done,
    }  # fmt: skip
    if config.json is not None:
        write_json(config.json, result)
    return result


def command(config: Ablation) -> str:
    """The command that does the same again, without the folders of one machine."""
    plan, usual = config.schedule, Schedule()
    words = [f"python -m scripts.ablate --root {config.root.name} --out {config.out.name}"]
    words += [f"--tables {' '.join(config.tables)}"] if config.tables != TABLES else []
    words += [f"--seeds {' '.join(map(str, config.seeds))}"] if config.seeds != Ablation.seeds else []
    for name in ("split", "measured", "every", "size", "checkpoint", "precision"):
        value = getattr(config, name)
        told = Path(value).name if name == "checkpoint" else value
        words += [f"--{name} {told}"] if value != getattr(Ablation, name) else []
    for field in dataclasses.fields(plan):
        value = getattr(plan, field.name)
        if value == getattr(usual, field.name):
            continue
        told = " ".join(map(str, value)) if isinstance(value, tuple) else Path(str(value)).name
        words.append(f"--schedule.{field.name.replace('_', '-')} {told}")
    return " ".join(words)


def _path(config: Ablation, row: Row, seed: int) -> Path:
    """Where a measurement lies; rows of several tables may share one."""
    where = f"{row.mode}-{row.size or 'own'}"
    return config.out / "rows" / f"{row.training or 'shipped'}-{where}-seed{seed}.json"


def main(config: Ablation) -> None:
    """Do the list, or show it."""
    if config.list:
        for row in rows_of(config.tables, config.schedule, config.size):
            print(f"{row.table:<10}{row.name:<28}{row.training or 'the shipped checkpoint'}")
        return
    result = ablate(config)
    print(f"{count_of(len(result['rows']), 'row')} done, {len(result['protocol']['missing'])} to do")


if __name__ == "__main__":
    try:
        main(tyro.cli(Ablation, description=__doc__))
    except CrtError as error:
        sys.exit(f"error: {error}")
