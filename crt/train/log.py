"""The log of a run: one CSV row per step, and the same numbers for TensorBoard."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from torch.utils.tensorboard import SummaryWriter

from crt.io_utils import atomic_path

LOG_FILE = "log.csv"


class TrainLog:
    """`log.csv` and TensorBoard. Rows of steps that a resumed run does again are dropped first."""

    def __init__(self, out: Path, start: int) -> None:
        """Open the log.

        Args:
            out: folder of the run.
            start: the step that the run goes on from.
        """
        self.path = out / LOG_FILE
        self.kept: list[dict[str, str]] = []
        if start and self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as stream:
                self.kept = [
                    row for row in csv.DictReader(stream) if (row["step"] or "x").isdigit() and int(row["step"]) < start
                ]
        self.stream: TextIO | None = None
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=start)

    def write(self, step: int, epoch: int, extra_scalars: Mapping[str, int], values: Mapping[str, float]) -> None:
        """Write one step.

        Args:
            step: from 0.
            epoch: from 0.
            extra_scalars: whole numbers of the step.
            values: loss terms (NaN where a term does not exist) and images per second.
        """
        known = {key: value for key, value in values.items() if not math.isnan(value)}
        stream = self.stream or self._open(["step", "epoch", *extra_scalars, *values])
        self.writer.writerow(
            {"step": step, "epoch": epoch, **extra_scalars, **{k: f"{v:.6g}" for k, v in known.items()}}
        )
        stream.flush()
        for key, value in known.items():
            self.board.add_scalar(key, value, step)

    def _open(self, fields: list[str]) -> TextIO:
        """Write the header and the rows kept, whole or not at all."""
        with atomic_path(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer: csv.DictWriter[str] = csv.DictWriter(stream, fields, extrasaction="ignore", restval="")
            writer.writeheader()
            writer.writerows(self.kept)
        self.stream = self.path.open("a", newline="", encoding="utf-8")
        self.writer: csv.DictWriter[str] = csv.DictWriter(self.stream, fields)
        return self.stream

    def close(self) -> None:
        """Finish both files."""
        try:
            if self.stream is not None:
                self.stream.close()
        finally:
            self.board.close()


def logged_seconds(folder: Path, batch: int) -> float:
    """Seconds of all steps in the log, those of interrupted runs that were done again left out.

    Args:
        folder: of the run.
        batch: images of a step.

    Returns:
        Seconds.
    """
    with (folder / LOG_FILE).open(newline="", encoding="utf-8") as stream:
        return sum(batch / float(row["images_per_second"]) for row in csv.DictReader(stream))
