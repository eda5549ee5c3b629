"""The resumable state of a run: one safetensors file, written so that a kill at any moment leaves a whole one."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from crt.checkpoint.weights import read_tensors
from crt.errors import CrtError, InvalidCheckpoint, reason_of
from crt.io_utils import atomic_path

STATE_FILE = "state.safetensors"
FULL_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(CrtError):
    """There is no room for what a run writes."""


@dataclass(frozen=True)
class TrainState:
    """All that a run goes on from.

    Attributes:
        modules: the model, and its moving average where there is one.
        optimizer: with its moments.
        fingerprint: names the settings and images that decide the weights.
        precision: the one in force, which a resumed run keeps.
        scaler: of fp16 gradients, or None.
    """

    modules: Mapping[str, nn.Module]
    optimizer: Optimizer
    fingerprint: str
    precision: str
    scaler: torch.amp.GradScaler | None = None

    def save(self, folder: Path, step: int) -> None:
        """Write everything, whole or not at all: the state before it then stays as it was.

        Args:
            folder: of the run.
            step: number of finished steps.

        Raises:
            OSError: it cannot be written.
            SafetensorError: it cannot be written.
        """
        tensors = {f"{kind}/{k}": v for kind, module in self.modules.items() for k, v in module.state_dict().items()}
        for index, entries in self.optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if value is not None:
                    tensors[f"optimizer/{index}/{key}"] = torch.as_tensor(value)
        contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        run = {"step": step, "fingerprint": self.fingerprint, "precision": self.precision}
        run["scaler"] = None if self.scaler is None else self.scaler.state_dict()
        with atomic_path(folder / STATE_FILE) as temporary:
            save_file(contiguous, temporary, metadata={"run": json.dumps(run)})

    def load(self, folder: Path) -> int:
        """Restore what `save` wrote.

        Args:
            folder: of the run.

        Returns:
            The number of finished steps.

        Raises:
            InvalidCheckpoint: the state is foreign or damaged.
        """
        path = folder / STATE_FILE
        tensors, run = read_tensors(path), read_run(folder)
        if run.get("fingerprint") != self.fingerprint:
            raise InvalidCheckpoint(f"{path} belongs to a run with other settings: use them, or another output folder.")
        for kind, module in self.modules.items():
            module.load_state_dict(_under(tensors, f"{kind}/"), strict=True)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, "optimizer/").items():
            index, key = name.split("/")
            state.setdefault(int(index), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        if self.scaler is not None and run["scaler"] is not None:
            self.scaler.load_state_dict(run["scaler"])
        return int(run["step"])


def read_run(folder: Path) -> dict[str, Any]:
    """The record of the run whose state is in a folder.

    Args:
        folder: of the run.

    Returns:
        Step, fingerprint, precision and scaler; empty if there is no state.

    Raises:
        InvalidCheckpoint: the file is no state.
    """
    path = folder / STATE_FILE
    if not path.exists():
        return {}
    try:
        with safe_open(path, framework="pt") as stream:
            return json.loads((stream.metadata() or {}).get("run", "{}"))
    except (OSError, SafetensorError, ValueError) as error:
        raise InvalidCheckpoint(f"{path} cannot be read as the state of a run: {reason_of(error)}.") from error


def what_is_kept(folder: Path) -> str:
    """What an interrupted run left to go on from.

    Args:
        folder: of the run.

    Returns:
        Half a sentence.
    """
    return f"{STATE_FILE} is still good" if (folder / STATE_FILE).exists() else "nothing was kept"


@contextmanager
def raise_on_full_disk(folder: Path) -> Iterator[None]:
    """Turn a disk that fills up while the block writes into DiskFull.

    Args:
        folder: that it writes into.

    Yields:
        Nothing.

    Raises:
        DiskFull: the disk is full.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        # safetensors has the number of the system's error in its message only
        full = (
            error.errno in FULL_DISK_ERRORS
            if isinstance(error, OSError)
            else any(f"(os error {n})" in str(error) for n in FULL_DISK_ERRORS)
        )
        if not full:
            raise
        raise DiskFull(
            f"The disk of {folder} is full: make room, and set resume to go on; {what_is_kept(folder)}."
        ) from error


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
