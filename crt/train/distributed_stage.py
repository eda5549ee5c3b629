"""A stage of the pipeline shared between processes, each on a device of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate import PartialState

from crt.data import ImageDataset, Sample
from crt.device import choose_device
from crt.evaluation.pipeline_stage import StageResult, make_each
from crt.precision import resolve
from crt.types import InferencePrecision


@dataclass(frozen=True)
class DistributedStage:
    """The part of one process in a stage.

    Attributes:
        state: of accelerate.
        device: its own.
        bfloat16: whether that pays there.
    """

    state: PartialState
    device: torch.device
    bfloat16: bool

    @classmethod
    def of(cls, device: str, precision: InferencePrecision) -> DistributedStage:
        """The part of this process.

        Args:
            device: `auto`, or as `choose_device` takes it.
            precision: of the networks' arithmetic.

        Returns:
            The part.

        Raises:
            InvalidSetting: the device is not there.
        """
        chosen = choose_device(device)
        state = PartialState(cpu=chosen.type == "cpu")
        if device == "auto" and state.device is not None:
            chosen = state.device  # a GPU of its own for each process
        return cls(state, chosen, resolve(precision, chosen.type) == "bf16")

    def make(
        self, images: ImageDataset, done: Callable[[Sample], bool], make: Callable[[Sample], object]
    ) -> StageResult:
        """`make_each` on every n-th image for n processes; returns when all are done.

        Args:
            images: of the stage.
            done: whether the file of a sample is there and whole.
            make: writes it.

        Returns:
            How many this process made, and were there before.

        Raises:
            CrtError: an image failed; the message names it.
        """
        mine = images.samples[self.state.process_index :: self.state.num_processes]
        made = make_each(mine, done, make, silent=not self.state.is_main_process)
        self.state.wait_for_everyone()
        return made
