"""The training loop of every network here: any number of processes, resumable at any step with the same result."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from crt.datasets import ImageSet
from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.precision import resolve
from crt.train.config import OptimizerConfig, RunConfig
from crt.train.lock import only_writer
from crt.train.optim import RateSchedule, build_optimizer
from crt.train.readings import Readings
from crt.train.recorded import RecordedWork
from crt.train.state import STATE_FILE, disk_watched, load_state, save_state

Loss = Callable[[nn.Module, list[Tensor], int], Mapping[str, Tensor | None]]
"""(wrapped model, batch on the device, step) -> terms of the loss, scalars; `total` is what is minimised."""


class Plan(Protocol):
    """The steps of a run and their batches, each a function of its place in the run alone."""

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""
        ...

    def loader(self, start: int, *, rank: int = 0, processes: int = 1) -> DataLoader:
        """The batches from step `start` on, this process's share of each."""
        ...


@dataclass(frozen=True)
class Part:
    """Parameters that one optimizer trains, `head` at `head_factor` times the rate of `body`."""

    body: tuple[nn.Parameter, ...]
    head: tuple[nn.Parameter, ...]
    config: OptimizerConfig


@dataclass
class Fit:
    """A prepared run. Made in the main flow of a training function, so that it can build on the right device.

    `accelerator`: the processes, their device and the precision in force.
    """

    config: RunConfig
    accelerator: Accelerator

    @classmethod
    def prepare(cls, config: RunConfig) -> Fit:
        """The processes and the precision of a run."""
        device_type = "cuda" if torch.cuda.is_available() else "cpu"
        accelerator = Accelerator(
            mixed_precision=resolve(config.precision, device_type),
            cpu=device_type == "cpu",
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
        )
        return cls(config, accelerator)

    def run(
        self,
        model: nn.Module,
        parts: Mapping[str, Part],
        plan: Plan,
        loss: Loss,
        *,
        fingerprint: str,
        noted: Callable[[int], Mapping[str, int]] | None = None,
        after_epoch: Callable[[int], object] | None = None,
        kind: Callable[[int], Hashable] | None = None,
    ) -> int:
        """Go through `plan` from where the state in `config.out` ends -> the number of steps done in all.

        `model` is on the accelerator's device. `fingerprint` names all that decides the weights. `noted`: numbers that
        the log has of a step beside its losses. `after_epoch` is called on the main process, the model in eval mode.
        `kind`, of a step: what beside the batch decides what `loss` does; with it every kind of step is recorded once
        as a CUDA graph, which needs one process on a GPU.
        Writes `train.json`, `log.csv`, TensorBoard events and the resumable state. Raises TrainingDiverged on a loss
        that is not finite, DiskFull, InvalidCheckpoint when `out` holds another run's state, and InvalidSetting while
        another run writes there.
        """
        with self._alone(), disk_watched(self.config.out):
            return self._run(model, parts, plan, loss, fingerprint, noted, after_epoch, kind)

    def _run(
        self,
        model: nn.Module,
        parts: Mapping[str, Part],
        plan: Plan,
        loss: Loss,
        fingerprint: str,
        noted: Callable[[int], Mapping[str, int]] | None,
        after_epoch: Callable[[int], object] | None,
        kind: Callable[[int], Hashable] | None,
    ) -> int:
        config, accelerator, out = self.config, self.accelerator, self.config.out
        optimizers = {name: build_optimizer(part.body, part.head, part.config) for name, part in parts.items()}
        schedules = [
            RateSchedule(
                optimizers[name],
                plan.steps,
                power=part.config.power,
                warmup=part.config.warmup_steps,
                drop=part.config.drop_epochs and part.config.drop_epochs * plan.steps_per_epoch,
            )
            for name, part in parts.items()
        ]
        start = self._open(model, optimizers, fingerprint)
        if kind is not None and (accelerator.device.type != "cuda" or accelerator.num_processes > 1):
            raise InvalidSetting("A compiled training needs one process on one NVIDIA GPU: leave --compiled out.")
        wrapped = accelerator.prepare(model)
        prepared = [accelerator.prepare(optimizer) for optimizer in optimizers.values()]
        model.train()

        def work(batch: list[Tensor], step: int) -> Mapping[str, Tensor | None]:
            terms = loss(wrapped, batch, step)
            accelerator.backward(terms["total"])
            return terms

        recorded = None if kind is None else RecordedWork(work, kind, model.parameters())
        log = Readings(
            accelerator, config, start=start, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch, noted=noted
        )
        saved, step = time.monotonic(), start
        last = plan.steps if config.stop_after is None else min(plan.steps, config.stop_after)
        loader = plan.loader(start, rank=accelerator.process_index, processes=accelerator.num_processes)
        for batch in loader if start < last else ():
            for schedule in schedules:
                schedule.set(step)
            if recorded is None:
                terms = work([tensor.to(accelerator.device, non_blocking=True) for tensor in batch], step)
            else:
                terms = recorded(batch, step)
            for part in parts.values():
                if part.config.clip is not None:
                    accelerator.clip_grad_norm_([*part.body, *part.head], part.config.clip)
            for optimizer in prepared:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            log.add(step, terms)
            step += 1
            epoch, ended = (step - 1) // plan.steps_per_epoch, step % plan.steps_per_epoch == 0
            if ended or step == last or time.monotonic() - saved > 60 * config.save_minutes:
                log.catch_up()
                if accelerator.is_main_process:
                    save_state(out, model, optimizers, step, fingerprint)
                saved = time.monotonic()
            if ended and after_epoch is not None and accelerator.is_main_process:
                model.eval()
                with torch.compiler.set_stance("force_eager"):
                    after_epoch(epoch)
                model.train()
            if step >= last:
                break
        log.close()
        return step

    def end(self) -> None:
        """Wait for all processes, after the main one has written its result."""
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the output folder for all processes. Raises InvalidSetting in each of them if another run has it."""
        with ExitStack() as held:
            refusal: list[str | None] = [None]
            if self.accelerator.is_main_process:
                try:
                    held.enter_context(only_writer(self.config.out))
                except InvalidSetting as error:
                    refusal = [str(error)]
            (refused,) = broadcast_object_list(refusal)
            if refused is not None:
                raise InvalidSetting(refused)
            yield

    def _open(self, model: nn.Module, optimizers: dict[str, Optimizer], fingerprint: str) -> int:
        """Prepare the output folder -> the step to start from."""
        out = self.config.out
        if (out / STATE_FILE).exists():
            if not self.config.resume:
                raise InvalidCheckpoint(f"{out} already holds a run: add --resume to go on, or choose another --out.")
            return load_state(out, model, optimizers, fingerprint)
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            (out / "train.json").write_text(json.dumps(self.config.to_json(), indent=1) + "\n", encoding="utf-8")
        return 0


def fingerprint_of(values: dict[str, Any], images: ImageSet) -> str:
    """A hash of the settings that decide the weights and the ids of the pictures."""
    values = {**values, "ids": hashlib.sha256("\n".join(sample.id for sample in images.samples).encode()).hexdigest()}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def trained(parameters: Iterable[nn.Parameter]) -> tuple[nn.Parameter, ...]:
    """Those that get a gradient."""
    return tuple(parameter for parameter in parameters if parameter.requires_grad)
