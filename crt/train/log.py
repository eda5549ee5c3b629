"""The log of a run: one CSV row per step, and the same numbers for TensorBoard."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

LOG_FILE = "log.csv"
LOG_FIELDS = ("step", "epoch", "loops", "total", "cnn", "vit", "couple", "images_per_second")


class TrainLog:
    """`log.csv` and TensorBoard. Rows of steps that a resumed run does again are dropped first."""

    def __init__(self, out: Path, start: int) -> None:
        """Open the log in folder `out` for a run that goes on from step `start`."""
        path = out / LOG_FILE
        kept: list[dict[str, str]] = []
        if start and path.exists():
            with path.open(newline="", encoding="utf-8") as stream:
                kept = [
                    row for row in csv.DictReader(stream) if (row["step"] or "x").isdigit() and int(row["step"]) < start
                ]
        temporary = path.with_suffix(".tmp")
        with temporary.open("w", newline="", encoding="utf-8") as stream:
            writer: csv.DictWriter[str] = csv.DictWriter(stream, LOG_FIELDS, extrasaction="ignore", restval="")
            writer.writeheader()
            writer.writerows(kept)
        shutil.move(temporary, path)
        self.stream = path.open("a", newline="", encoding="utf-8")
        self.writer: csv.DictWriter[str] = csv.DictWriter(self.stream, LOG_FIELDS)
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=start)

    def write(self, step: int, epoch: int, loops: int, values: dict[str, float]) -> None:
        """One step: loss terms (NaN where a term does not exist) and images per second."""
        known = {key: value for key, value in values.items() if not math.isnan(value)}
        self.writer.writerow(
            {"step": step, "epoch": epoch, "loops": loops, **{k: f"{v:.6g}" for k, v in known.items()}}
        )
        self.stream.flush()
        for key, value in known.items():
            self.board.add_scalar(key, value, step)

    def close(self) -> None:
        """Finish both files."""
        self.stream.close()
        self.board.close()


def logged_seconds(folder: Path, batch: int) -> float:
    """Seconds of all steps in the log, those of interrupted runs that were done again left out."""
    with (folder / LOG_FILE).open(newline="", encoding="utf-8") as stream:
        return sum(batch / float(row["images_per_second"]) for row in csv.DictReader(stream))
