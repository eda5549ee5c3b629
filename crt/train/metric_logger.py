"""From the losses on the device to the log, the progress bar, and the end of a run whose loss is no number."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, cast

import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from crt.errors import CrtError
from crt.train.log import TrainLog
from crt.train.run_config import RunConfig
from crt.train.state import what_is_kept


class TrainingDiverged(CrtError):
    """The loss is no longer a number."""


class MetricLogger:
    """The losses of the steps on their way to the log. They are read one step late, while a GPU does the next one.

    A context manager, which closes the log however the run ends.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        config: RunConfig,
        *,
        start: int,
        steps: int,
        steps_per_epoch: int,
        extra_scalars: Callable[[int], Mapping[str, int]] | None = None,
    ) -> None:
        """Open the log of a run.

        Args:
            accelerator: its processes.
            config: of the run.
            start: the step that it goes on from.
            steps: of the whole run.
            steps_per_epoch: of one epoch.
            extra_scalars: numbers that the log has of a step beside its losses.
        """
        self.accelerator, self.config = accelerator, config
        self.steps_per_epoch, self.extra_scalars = steps_per_epoch, extra_scalars
        self.log = TrainLog(config.out, start) if accelerator.is_main_process else None
        self.bar = tqdm(
            total=steps, initial=start, unit="step", disable=self.log is None, mininterval=5.0, dynamic_ncols=True
        )
        self.waiting: deque[tuple[int, float, tuple[str, ...], Tensor]] = deque()
        self.began = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.catch_up()
        finally:
            self.bar.close()
            if self.log is not None:
                self.log.close()

    def start_clock(self) -> None:
        """Let the time of the next step begin now: what came before, reading ahead or a preview, is not its own."""
        self.began = time.perf_counter()

    def add(self, step: int, terms: Mapping[str, Tensor | None]) -> None:
        """Take the terms of a step, averaged over processes in one message; NaN for one that does not exist.

        Args:
            step: from 0.
            terms: scalars by name.
        """
        total = cast("Tensor", terms["total"])
        found = [torch.full_like(total, math.nan) if term is None else term.detach() for term in terms.values()]
        stacked = self.accelerator.reduce(torch.stack([term.float() for term in found]), reduction="mean")
        now = time.perf_counter()
        self.waiting.append((step, now - self.began, tuple(terms), cast("Tensor", stacked)))
        self.began = now
        if len(self.waiting) > 1:
            self._read()

    def catch_up(self) -> None:
        """Read all that is waiting. Raises TrainingDiverged for a loss that is not finite, as `add` does."""
        while self.waiting:
            self._read()

    def _read(self) -> None:
        step, seconds, names, stacked = self.waiting.popleft()
        values = dict(zip(names, stacked.tolist(), strict=True))
        if not math.isfinite(values["total"]):
            raise TrainingDiverged(
                f"The loss is {values['total']} at step {step}: lower the learning rate; "
                f"{what_is_kept(self.config.out)}."
            )
        if self.log is None:
            return
        values["images_per_second"] = self.config.batch / seconds
        self.log.write(
            step, step // self.steps_per_epoch, self.extra_scalars(step) if self.extra_scalars else {}, values
        )
        self.bar.set_postfix({k: f"{v:.3g}" for k, v in values.items()}, refresh=False)
        self.bar.update()
