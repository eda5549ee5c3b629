"""The training loop of every network here: on any number of processes, resumable at any step with the same result.

Gradients are means over the processes' equal shares of a batch. Where a loss is a mean over a number of cells or pairs
that differs between images (DeepLab's and the IRN's), that is close to, not the same as, the mean over the whole batch.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.optim import Optimizer

from crt.checkpoint import CONFIG_FILE
from crt.data import ImageDataset
from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.io_utils import write_text
from crt.precision import resolve
from crt.train.cuda_graph import CudaGraphStep
from crt.train.data import BatchPlan
from crt.train.lock import FolderInUse, exclusive_lock
from crt.train.metric_logger import MetricLogger
from crt.train.optim import JointOptimizer, ParamGroup, RateSchedule, build_optimizer
from crt.train.run_config import RunConfig
from crt.train.state import STATE_FILE, TrainState, raise_on_full_disk, read_run

RUN_FILE = "train.json"
Loss = Callable[[nn.Module, list[Tensor], int], Mapping[str, Tensor | None]]
"""(wrapped model, batch on the device, step) -> terms of the loss, scalars; `total` is what is minimised."""


@dataclass
class Trainer:
    """A prepared run. Made in the main flow of a training function, so that it can build on the right device.

    Attributes:
        config: of the run.
        accelerator: the processes, their device and the precision in force.
        record: how the run was started, for the card of its networks; a resumed run keeps that of its first start.
    """

    config: RunConfig
    accelerator: Accelerator
    record: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def prepare(cls, config: RunConfig, record: Mapping[str, Any] | None = None) -> Trainer:
        """Prepare the processes and the precision of a run; a resumed one keeps the precision that `auto` chose at its
        start.

        Args:
            config: of the run.
            record: how it was started.

        Returns:
            The run.

        Raises:
            InvalidCheckpoint: an unreadable state.
            InvalidSetting: a precision that this machine does not have.
        """
        device_type = "cuda" if torch.cuda.is_available() else "cpu"
        before = read_run(config.out).get("precision") if config.resume and config.precision == "auto" else None
        precision = resolve(before or config.precision, device_type)
        accelerator = Accelerator(
            mixed_precision="no" if precision == "fp32" else precision,
            cpu=device_type == "cpu",
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
        )
        return cls(config, accelerator, dict(record or {}))

    @property
    def precision(self) -> str:
        """The precision in force: `fp32`, `bf16` or `fp16`."""
        chosen = self.accelerator.mixed_precision
        return "fp32" if chosen == "no" else chosen

    def run(
        self,
        model: nn.Module,
        groups: Mapping[str, ParamGroup],
        plan: BatchPlan,
        loss: Loss,
        *,
        fingerprint: str,
        extra_scalars: Callable[[int], Mapping[str, int]] | None = None,
        after_epoch: Callable[[nn.Module, int], object] | None = None,
        graph_key: Callable[[int], Hashable] | None = None,
        average: ModelEmaV3 | None = None,
    ) -> int:
        """Go through a plan from where the state in `config.out` ends.

        Writes `train.json`, `log.csv`, TensorBoard events and the resumable state.

        Args:
            model: on the accelerator's device.
            groups: named parameters of each branch, by its name.
            plan: the batches.
            loss: from the model and a batch to the terms of the loss.
            fingerprint: names all that decides the weights.
            extra_scalars: numbers that the log has of a step beside its losses.
            after_epoch: `after_epoch(network, epoch)` is called on the main process with the model, or its `average`,
                in eval mode.
            graph_key: from a step to what, beside the batch, decides what `loss` does; with it the first step of each
                key is recorded as a CUDA graph, which needs one process on a GPU.
            average: follows the model's weights after every step.

        Returns:
            The number of steps done in all.

        Raises:
            TrainingDiverged: a loss is not finite.
            DiskFull: the disk is full.
            InvalidCheckpoint: `out` holds another run's state or a checkpoint.
            FolderInUse: another run writes there.
        """
        with self._alone(), raise_on_full_disk(self.config.out):
            return self._run(model, groups, plan, loss, fingerprint, extra_scalars, after_epoch, graph_key, average)

    def _run(
        self,
        model: nn.Module,
        groups: Mapping[str, ParamGroup],
        plan: BatchPlan,
        loss: Loss,
        fingerprint: str,
        extra_scalars: Callable[[int], Mapping[str, int]] | None,
        after_epoch: Callable[[nn.Module, int], object] | None,
        graph_key: Callable[[int], Hashable] | None,
        average: ModelEmaV3 | None,
    ) -> int:
        config, accelerator, out = self.config, self.accelerator, self.config.out
        if graph_key is not None and (accelerator.device.type != "cuda" or accelerator.num_processes > 1):
            raise InvalidSetting("A compiled training needs one process on one NVIDIA GPU: switch compile off.")
        single, schedules = zip(*(_optimizer(group, plan) for group in groups.values()), strict=True)
        joint = JointOptimizer(single)
        modules = {"model": model} if average is None else {"model": model, "average": average.module}
        state = TrainState(modules, joint, fingerprint, self.precision, accelerator.scaler)
        start = self._open(state)
        wrapped, optimizer = accelerator.prepare(model, joint)
        model.train()

        def work(batch: list[Tensor], step: int) -> Mapping[str, Tensor | None]:
            terms = loss(wrapped, batch, step)
            accelerator.backward(terms["total"])
            return terms

        recorded = None if graph_key is None else CudaGraphStep(work, graph_key, model.parameters())
        saved, step = time.monotonic(), start
        last = plan.steps if config.max_steps is None else min(plan.steps, config.max_steps)
        loader = plan.loader(start, rank=accelerator.process_index, processes=accelerator.num_processes)
        with MetricLogger(
            accelerator,
            config,
            start=start,
            steps=plan.steps,
            steps_per_epoch=plan.steps_per_epoch,
            extra_scalars=extra_scalars,
        ) as log:
            paused = True
            for batch in loader if start < last else ():
                if paused:
                    log.start_clock()
                for schedule in schedules:
                    schedule.set(step)
                if recorded is None:
                    terms = work([tensor.to(accelerator.device, non_blocking=True) for tensor in batch], step)
                else:
                    terms = recorded(batch, step)
                self._bound_gradients(joint, groups.values())
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                log.add(step, terms)
                step += 1
                if average is not None:
                    average.update(model, step)
                epoch, ended = (step - 1) // plan.steps_per_epoch, step % plan.steps_per_epoch == 0
                paused = ended or step == last or time.monotonic() - saved > 60 * config.checkpoint_minutes
                if paused:
                    log.catch_up()
                    if accelerator.is_main_process:
                        state.save(out, step)
                    saved = time.monotonic()
                if ended and after_epoch is not None and accelerator.is_main_process:
                    with torch.compiler.set_stance("force_eager"):
                        after_epoch((model if average is None else average.module).eval(), epoch)
                    model.train()
                if step >= last:
                    break
        return step

    def _bound_gradients(self, optimizer: JointOptimizer, groups: Iterable[ParamGroup]) -> None:
        """Bound the gradient norm of each group that has a bound, unscaled: a scaler unscales a step only once."""
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.unscale_(optimizer)
        for group in groups:
            if group.config.clip is not None:
                nn.utils.clip_grad_norm_(group.parameters, group.config.clip)

    def end(self) -> None:
        """Wait for all processes, after the main one has written its result."""
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the output folder for all processes. Raises FolderInUse in each of them if another run has it."""
        with ExitStack() as held:
            refusal: list[str | None] = [None]
            if self.accelerator.is_main_process:
                try:
                    held.enter_context(exclusive_lock(self.config.out))
                except FolderInUse as error:
                    refusal = [str(error)]
            (refused,) = broadcast_object_list(refusal)
            if refused is not None:
                raise FolderInUse(refused)
            yield

    def _open(self, state: TrainState) -> int:
        """Prepare the output folder -> the step to start from."""
        out = self.config.out
        if (out / STATE_FILE).exists():
            if not self.config.resume:
                raise InvalidCheckpoint(f"{out} already holds a run: set resume, or choose another output folder.")
            if (out / RUN_FILE).exists():
                self.record = json.loads((out / RUN_FILE).read_text(encoding="utf-8")).get("record", {})
            return state.load(out)
        if (out / CONFIG_FILE).exists():
            raise InvalidCheckpoint(f"{out} already holds a checkpoint: choose another output folder for the new one.")
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            started = {"config": self.config.to_json(), "record": self.record}
            write_text(out / RUN_FILE, json.dumps(started, indent=1) + "\n")
        return 0

    def fingerprint(self, values: Mapping[str, Any], images: ImageDataset) -> str:
        """A hash of what decides the weights: settings, the precision in force and the images' ids.

        Args:
            values: the settings.
            images: that the run learns from.

        Returns:
            Hexadecimal digits.
        """
        ids = hashlib.sha256("\n".join(sample.id for sample in images.samples).encode()).hexdigest()
        deciding = {**values, "precision": self.precision, "ids": ids}
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def _optimizer(group: ParamGroup, plan: BatchPlan) -> tuple[Optimizer, RateSchedule]:
    """The optimizer of one branch, and how its learning rates fall."""
    config = group.config
    optimizer = build_optimizer(group.body, group.head, config)
    drop = None if config.lr_step_epochs is None else config.lr_step_epochs * plan.steps_per_epoch
    schedule = RateSchedule(optimizer, plan.steps, power=config.power, warmup=config.warmup_steps, drop=drop)
    return optimizer, schedule
