"""The resumable state of a run: one safetensors file, written so that a kill at any moment leaves a whole one."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from crt.errors import CrtError, InvalidCheckpoint
from crt.weights import read_tensors

STATE_FILE = "state.safetensors"
FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskFull(CrtError):
    """There is no room for what a run writes."""


def save_state(folder: Path, model: nn.Module, optimizers: dict[str, Optimizer], step: int, fingerprint: str) -> None:
    """Write model, optimizer tensors and the number of finished steps. `fingerprint` names their config.

    Raises OSError or SafetensorError if it cannot be written; the state before it then stays as it was.
    """
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for label, optimizer in optimizers.items():
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if value is not None:
                    tensors[f"optimizer/{label}/{index}/{key}"] = torch.as_tensor(value)
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    temporary = folder / f".{STATE_FILE}.{os.getpid()}"
    try:
        save_file(contiguous, temporary, metadata={"run": json.dumps({"step": step, "fingerprint": fingerprint})})
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(folder / STATE_FILE)
    finally:
        temporary.unlink(missing_ok=True)  # a half of one would take the room that the next needs


@contextmanager
def disk_watched(folder: Path) -> Iterator[None]:
    """Turn a disk that fills up while the block writes into `folder` into DiskFull."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        # safetensors tells the number of the system's error in words only
        full = error.errno in FULL if isinstance(error, OSError) else any(f"(os error {n})" in str(error) for n in FULL)
        if not full:
            raise
        kept = f"{STATE_FILE} is still good" if (folder / STATE_FILE).exists() else "nothing was kept"
        raise DiskFull(f"The disk of {folder} is full: make room and go on with --resume; {kept}.") from error


def load_state(folder: Path, model: nn.Module, optimizers: dict[str, Optimizer], fingerprint: str) -> int:
    """Restore what `save_state` wrote -> the number of finished steps. Raises InvalidCheckpoint for a foreign one."""
    path = folder / STATE_FILE
    tensors = read_tensors(path)
    with safe_open(path, framework="pt") as stream:
        run = json.loads((stream.metadata() or {}).get("run", "{}"))
    if run.get("fingerprint") != fingerprint:
        raise InvalidCheckpoint(f"{path} belongs to a run with other settings: use them, or another output folder.")
    model.load_state_dict(_under(tensors, "model/"), strict=True)
    for label, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, f"optimizer/{label}/").items():
            index, key = name.split("/")
            state.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(run["step"])


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
