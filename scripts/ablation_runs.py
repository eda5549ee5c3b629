"""What a row of the ablations needs: its images, its training, and its measurement as a file that is made once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crt.checkpoint import load_checkpoint, locate, read_config, weights_sha256
from crt.data import VOC_ANIMALS, ImageDataset, read_voc
from crt.device import choose_device
from crt.errors import InvalidSetting
from crt.evaluation.cams import evaluate_seeds
from crt.multiscale import TTAConfig
from crt.precision import resolve
from crt.predictor import Predictor
from crt.train.ablations import AblationRow, Schedule, training
from crt.train.config import DataConfig, split_root
from crt.train.crt import train
from crt.train.export import portable
from crt.train.machine import describe_machine
from crt.train.run_config import RUN_ONLY, TrainConfig
from crt.types import Precision
from scripts.output import progress, write_json
from scripts.provenance import run_record

MOST_LOOPS = 4
"""Every row is measured at each loop count up to this one, and up to that of its training."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """Where rows are trained and measured, and on what.

    `until`: on the clock of `time.monotonic`; None for no end. `earlier`: rows of a result file, from whatever `out`.
    """

    out: Path
    data: tuple[str, ...]
    schedule: Schedule
    images: ImageDataset
    measured: ImageDataset
    checkpoint: str
    device: str
    precision: Precision
    until: float | None = None
    earlier: tuple[dict[str, Any], ...] = ()

    def run(self, rows: Sequence[AblationRow], seeds: Sequence[int]) -> bool:
        """Do what is missing -> whether nothing is, which it may be where the time is up. Raises CrtError."""
        for seed in seeds:
            for row in rows:
                if self.stored(row, seed) is not None or (row.training is None and seed != seeds[0]):
                    continue
                if self.until is not None and time.monotonic() > self.until:
                    return False
                print(f"== {row.table}: {row.name}, seed {seed}", flush=True)
                write_json(self._path(row, seed), {"made_from": self._made_from(row), **self._do(row, seed)})
        return True

    def stored(self, row: AblationRow, seed: int) -> dict[str, Any] | None:
        """A measurement that is done. Raises InvalidSetting if it was made with other settings than these."""
        path = self._path(row, seed)
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if not self.fits(row, seed, found):
                raise InvalidSetting(f"{path} was made with other settings: choose another --out, or remove it.")
            return found
        wanted = {"training": row.training, "mode": row.mode, "size": row.size, "seed": seed}
        for found in self.earlier:
            if wanted.items() <= found.items():
                return {key: value for key, value in found.items() if key not in ("table", "name")}
        return None

    def fits(self, row: AblationRow, seed: int, found: dict[str, Any]) -> bool:
        """Whether a measurement was made with these settings."""
        if found.get("made_from") != self._made_from(row):
            return False
        return row.training is None or _decides(found["config"]) == _decides(portable(self._training(row, seed)))

    def _made_from(self, row: AblationRow) -> dict[str, str]:
        """What the images of a row and the weights that it does not train are known by."""
        weights = {"weights": weights_sha256(read_config(locate(self.checkpoint)))} if row.training is None else {}
        trained = {"trained_on": _digest(self.images)} if row.training is not None else {}
        return weights | trained | {"measured_on": _digest(self.measured)}

    def _training(self, row: AblationRow, seed: int) -> TrainConfig:
        assert row.training is not None  # nosec B101  # noqa: S101 - the callers ask
        return training(
            row.training,
            self.schedule,
            seed,
            data=dataclasses.replace(DataConfig(), roots=self.data, splits=()),
            out=self.out / f"{row.training}-seed{seed}",
            precision=self.precision,
        )

    def _path(self, row: AblationRow, seed: int) -> Path:
        """The file of a measurement; rows of several tables may share one."""
        where = f"{row.mode}-{row.size or 'own'}"
        return self.out / "rows" / f"{row.training or 'shipped'}-{where}-seed{seed}.json"

    def _do(self, row: AblationRow, seed: int) -> dict[str, Any]:
        """Train what the row needs, if it is not there, and measure it."""
        folder: str | Path = self.checkpoint
        if row.training is not None:
            run = self._training(row, seed)
            folder = run.out
            if not (folder / "config.json").exists():
                train(run, self.images, record=run_record("scripts.ablate"))
        checkpoint = load_checkpoint(folder)
        device = choose_device(self.device)
        predictor = Predictor(checkpoint, device=device, bfloat16=resolve(self.precision, device.type) == "bf16")
        began = time.perf_counter()
        with progress(len(self.measured)) as advance:
            result = evaluate_seeds(
                predictor,
                self.measured,
                views=TTAConfig((1.0,), flip=True, mode=row.mode, size=row.size),
                loops=max(MOST_LOOPS, self.schedule.loops),
                pass_reduction=("first", "last"),
                measured=(*VOC_ANIMALS, "person"),
                advance=advance,
            )
        spent = checkpoint.config.training
        return {
            "training": row.training,
            "seed": seed,
            "mode": row.mode,
            "size": row.size,
            "images": len(self.measured),
            "minutes": spent.get("minutes") if row.training else None,
            "machine": spent.get("machine") if row.training else describe_machine(),
            "seconds_per_image": round((time.perf_counter() - began) / len(self.measured), 3),
            "config": spent.get("config") if row.training else None,
            **result,
        }


def _digest(images: ImageDataset) -> str:
    """What a list of images is known by."""
    return hashlib.sha256("\n".join(sample.id for sample in images.samples).encode()).hexdigest()


def _decides(values: dict[str, Any]) -> dict[str, Any]:
    """What of a recorded config decides the weights."""
    kept = {name: value for name, value in values.items() if name not in (*RUN_ONLY, "precision")}
    return kept | {"data": {name: value for name, value in values["data"].items() if name != "workers"}}


def read_data(data: Sequence[str], stride: int = 1) -> ImageDataset:
    """Every n-th image of `ROOT:SPLIT,SPLIT` entries, each once. Raises InvalidSetting, and InvalidDataset."""
    sets = []
    for entry in data:
        root, splits = split_root(entry, ())
        if not splits:
            raise InvalidSetting(f"Write training data as ROOT:SPLIT,SPLIT, such as VOC2012:train, not {entry!r}.")
        sets += [read_voc(root, split) for split in splits]
    return ImageDataset.concat(sets).every(stride)


def read_animals(root: Path, split: str, stride: int) -> ImageDataset:
    """Every n-th image with a mask of a split that shows an animal."""
    images = read_voc(root, split, masks="required")
    wanted = {images.classes.index(name) for name in VOC_ANIMALS}
    shown = tuple(sample for sample in images.samples if wanted & set(sample.labels))
    return dataclasses.replace(images, samples=shown).every(stride)
