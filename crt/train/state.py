"""The resumable state of a run: one safetensors file, written so that a kill at any moment leaves a whole one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from crt.errors import InvalidCheckpoint
from crt.weights import read_tensors

STATE_FILE = "state.safetensors"


def save_state(folder: Path, model: nn.Module, optimizers: dict[str, Optimizer], step: int, fingerprint: str) -> None:
    """Write model, optimizer tensors and the number of finished steps. `fingerprint` names their config."""
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for label, optimizer in optimizers.items():
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if value is not None:
                    tensors[f"optimizer/{label}/{index}/{key}"] = torch.as_tensor(value)
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    temporary = folder / f".{STATE_FILE}.{os.getpid()}"
    save_file(contiguous, temporary, metadata={"run": json.dumps({"step": step, "fingerprint": fingerprint})})
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    temporary.replace(folder / STATE_FILE)


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
