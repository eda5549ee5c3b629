"""Run the paper's ablations: a declared list of trainings and measurements, each a row with its settings and its cost.

    python -m scripts.ablate --root VOC2012 --out runs/ablate --pilot 4 8 16 --json results/pilot.json
    python -m scripts.ablate --root VOC2012 --out runs/ablate --json results/ablation.json
    python -m scripts.ablate --root VOC2012 --out runs/ablate --json results/ablation.json --time-budget 90

Every row of a table has the same schedule and differs in what the table is about. All rows are trained with each of
`--seeds`; a verdict needs three. What is done is not done again, an interrupted training goes on, and `--time-budget`
stops between two rows. Rows that are in the file of `--json` are kept, so that an ablation can go on on another machine
from that file alone. `--pilot` trains the rows λ = 0.1 and λ = 0 for each number of epochs, the smallest first, until
they differ. Its seeds, `--pilot-seeds`, are others, so that no verdict is on the runs that chose the schedule.
`--dry-run` shows the rows and does nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from crt.data import DatasetReport
from crt.errors import InvalidSetting
from crt.train.ablations import TABLES, AblationRow, AblationTable, Schedule, rows_of, training
from crt.train.config import DataConfig, portable_root
from crt.train.ranges import COUNT, NOT_NEGATIVE, check_fields
from crt.types import Precision
from scripts.cli import run_cli
from scripts.output import write_json
from scripts.provenance import command_of
from scripts.report.verdict import LEAST_SEEDS, Paired

if TYPE_CHECKING:
    from scripts.ablation_runs import Runs

PILOT_ROWS = ("λ = 0.1", "λ = 0")


@dataclass(frozen=True)
class Ablation:
    """Which tables, with which schedule, on which images."""

    root: Path
    """Devkit folder with masks (`.../VOC2012`)."""
    out: Path
    """Folder of the runs and their rows."""
    json: Path | None = None
    """Write all rows that are done here, with those that the file has already, or the result of the pilot."""
    data: tuple[str, ...] = ()
    """Training images, each entry as ROOT:SPLIT,SPLIT. If left out, `train` of `root` and of the VOC2007 beside it."""
    train_stride: int = 1
    """Train on every n-th of them."""
    tables: tuple[AblationTable, ...] = TABLES
    """The tables whose rows are run."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the trainings, at least three for a verdict."""
    eval_split: str = "train"
    """The images that are measured: those of this split of `root` that show an animal."""
    stride: int = 4
    """Measure every n-th of them."""
    size: int | None = 336
    """Pixels of their long side, where the table is not about it; None for their own."""
    checkpoint: str = "checkpoints/voc"
    """The checkpoint of the table of sizes."""
    schedule: Schedule = dataclasses.field(default_factory=Schedule)
    pilot: tuple[int, ...] = ()
    """Find the least of these numbers of epochs with which λ = 0.1 and λ = 0 differ, and do nothing else."""
    pilot_seeds: tuple[int, ...] = (10, 11, 12)
    """Seeds of the pilot, none of them one of `seeds`."""
    time_budget: float | None = None
    """Minutes after which no further row is begun."""
    dry_run: bool = False
    """Show the rows and do nothing."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: Precision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32; trainings on older GPUs take
    float16. With `fp16` the trainings do, and all else is float32."""

    def __post_init__(self) -> None:
        check_fields(self, train_stride=COUNT, stride=COUNT, time_budget=NOT_NEGATIVE)
        if not self.data:
            object.__setattr__(self, "data", (f"{self.root}:train", f"{self.root.parent / 'VOC2007'}:train"))

    def runs(self) -> Runs:
        """The images, read, and where rows are done. Raises InvalidDataset and InvalidSetting."""
        from crt.device import choose_device
        from crt.multiscale import TTAConfig
        from scripts.ablation_runs import Runs, read_animals, read_data

        choose_device(self.device)  # wrong settings end it before the first training
        TTAConfig(size=self.size)
        return Runs(
            self.out,
            self.data,
            self.schedule,
            read_data(self.data, self.train_stride),
            read_animals(self.root, self.eval_split, self.stride),
            self.checkpoint,
            self.device,
            self.precision,
            None if self.time_budget is None else time.monotonic() + 60 * self.time_budget,
        )


def ablate(config: Ablation) -> dict[str, Any]:
    """Do what is missing of the list -> all rows that are done, as JSON values. Raises CrtError."""
    rows, runs = rows_of(config.tables, config.schedule, config.size), config.runs()
    runs = dataclasses.replace(runs, earlier=earlier_rows(config, runs))
    runs.run(rows, config.seeds)
    return collect(config, rows, runs)


def collect(config: Ablation, rows: tuple[AblationRow, ...], runs: Runs) -> dict[str, Any]:
    """All rows that are done, and how they were made; written to `config.json`."""
    done, missing = [], []
    for row in rows:
        for seed in config.seeds if row.training else config.seeds[:1]:
            if (found := runs.stored(row, seed)) is not None:
                done.append({"table": row.table, "name": row.name, **found})
            else:
                missing.append(f"{row.table}: {row.name}, seed {seed}")
    listed = {(row["table"], row["name"], row["seed"]) for row in done}
    done += [row for row in runs.earlier if (row["table"], row["name"], row["seed"]) not in listed]
    seeds = sorted({row["seed"] for row in done} | set(config.seeds))
    result = {"protocol": protocol(config, runs) | {"seeds": seeds, "missing": missing}, "rows": done}
    if config.json is not None:
        write_json(config.json, result)
    return result


def earlier_rows(config: Ablation, runs: Runs) -> tuple[dict[str, Any], ...]:
    """The rows of `config.json`, if it is there. Raises InvalidSetting if they were made with other settings."""
    if config.json is None or not config.json.exists():
        return ()
    try:
        rows = json.loads(config.json.read_text(encoding="utf-8"))["rows"]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidSetting(f"{config.json} is no result of an ablation: choose another --json.") from error
    for found in rows:
        row = AblationRow(*(found[field.name] for field in dataclasses.fields(AblationRow)))
        if not runs.fits(row, found["seed"], found):
            what = f"{row.table}: {row.name}, seed {found['seed']}"
            raise InvalidSetting(f"{config.json} has {what} with other settings: choose another --json, or remove it.")
    return tuple(rows)


def pilot(config: Ablation) -> dict[str, Any]:
    """Lengthen the schedule until λ = 0.1 and λ = 0 differ -> the differences of each schedule, as JSON values.

    `chosen` is the number of epochs of the first schedule whose interval excludes zero, None if there is none yet.
    Raises CrtError.
    """
    seeds = tuple(dict.fromkeys(config.pilot_seeds))
    if len(seeds) < LEAST_SEEDS:
        raise InvalidSetting(f"A pilot needs {LEAST_SEEDS} seeds: give more of --pilot-seeds than {len(seeds)}.")
    if shared := sorted(set(seeds) & set(config.seeds)):
        raise InvalidSetting(
            f"The pilot shares seed {shared[0]} with the ablation, whose verdict would be on the runs that chose its "
            "schedule: give others of --pilot-seeds."
        )
    base = config.runs()
    done: list[dict[str, Any]] = []
    trained: list[dict[str, Any]] = []
    chosen = None
    for epochs in sorted(set(config.pilot)):
        plan = dataclasses.replace(config.schedule, epochs=epochs)
        run = training("base", plan, 0, data=DataConfig(), out=config.out, precision=config.precision)
        if not any(run.lambda_cam_at(epoch) for epoch in range(epochs)):
            raise InvalidSetting(f"λ is 0 in all of {epochs} epochs: give larger numbers to --pilot.")
        runs = dataclasses.replace(base, out=config.out / f"pilot-{epochs}", schedule=plan)
        rows = [row for row in rows_of(("consistency",), plan, config.size) if row.name in PILOT_ROWS]
        if not runs.run(rows, seeds):
            break
        found = {row.name: [runs.stored(row, seed) or {} for seed in seeds] for row in rows}
        gap = Paired.between(found[PILOT_ROWS[0]], f"crt_loops_{plan.loops}", found[PILOT_ROWS[1]])
        trained += itertools.chain(*found.values())
        minutes = sum(one["minutes"] for one in itertools.chain(*found.values()))
        summary = {"epochs": epochs, "gaps": list(gap.gaps), "interval": gap.interval(), "verdict": gap.verdict()}
        done.append(summary | {"minutes": round(minutes, 2)})
        print(f"{epochs} epochs: λ = 0.1 against λ = 0 {gap}, {gap.statement()}", flush=True)
        if gap.verdict() != "inconclusive":
            chosen = epochs
            break
    machines = sorted({row["machine"] for row in trained})
    summary = {"epochs": list(config.pilot), "pilot_seeds": list(seeds), "machine": "; ".join(machines)}
    result = {"pilot": done, "chosen": chosen, "protocol": protocol(config, base) | summary}
    if config.json is not None:
        write_json(config.json, result)
    return result


def protocol(config: Ablation, runs: Runs) -> dict[str, Any]:
    """How rows are made, without the folders of one machine."""
    return {
        "command": command(config),
        "measure": "mIoU in percent over background, the animals and person; image labels given; 255 ignored",
        "threshold_sweep": "best of 0.01 ... 0.79 on these images",
        "views": "one scale and its mirror image",
        "data": [portable_root(entry) for entry in config.data],
        "train_stride": config.train_stride,
        "images": len(runs.images),
        "images_per_class": DatasetReport.of(runs.images).per_class,
        "eval_split": config.eval_split,
        "stride": config.stride,
        "size": config.size,
        "seeds": list(config.seeds),
        "schedule": dataclasses.asdict(config.schedule)
        | {"resize": list(config.schedule.resize)}
        | {key: Path(getattr(config.schedule, key)).name for key in ("vit_weights", "cnn_weights")},
    }


def command(config: Ablation) -> str:
    """The command that does the same again, without the folders of one machine."""
    return command_of("python -m scripts.ablate", config, leave=("json", "time_budget", "dry_run", "device"))


def main(config: Ablation) -> None:
    """Do the list or the pilot, or show the list."""
    if config.dry_run:
        for row in rows_of(config.tables, config.schedule, config.size):
            print(f"{row.table:<10}{row.name:<28}{row.training or 'the shipped checkpoint'}")
    elif config.pilot:
        chosen = pilot(config)["chosen"]
        print(f"the shortest schedule that separates: {f'{chosen} epochs' if chosen else 'none of them yet'}")
    else:
        result = ablate(config)
        print(f"{len(result['rows'])} rows done, {len(result['protocol']['missing'])} to do")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Ablation, description=__doc__), main))
