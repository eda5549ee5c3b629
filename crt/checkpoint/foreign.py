"""Files of PyTorch programs: read without running anything that they hold, down to a plain dict of tensors."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crt.checkpoint.backbone_weights import strip_prefixes
from crt.checkpoint.weights import read_tensors
from crt.errors import InvalidCheckpoint

NETWORK = ("model", "state_dict", "model_state_dict")
"""Entries of a training program's file under which its network lies."""
AVERAGED = ("model_ema", "state_dict_ema")
"""Entries of the moving average of its weights."""
TRAINING = (
    "optimizer", "optimizers", "optimizer_states", "lr_scheduler", "lr_schedulers", "scheduler", "scaler", "amp",
    "callbacks", "loops", "epoch", "args", "best_map",
)  # fmt: skip
"""Entries that only resume a training."""


class _Unread:
    """Stands for an object that a training program put beside its weights: takes whatever it is given, keeps nothing.

    Nothing of the real class is imported, made or called.
    """

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def __setstate__(self, _state: Any) -> None:
        pass


UNREAD = ("argparse.Namespace", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")
"""What such objects are: the options of a run (DeiT) and numbers of numpy (a best score)."""


@dataclass(frozen=True)
class StateDict:
    """Tensors of a file by their name in it, without wrappers' prefixes.

    Attributes:
        tensors: by name.
        left_out: other entries and why.
    """

    tensors: dict[str, Tensor]
    left_out: dict[str, str]


def read_state_dict(path: Path, *, averaged: bool = False) -> StateDict:
    """Read the network in a `.pth` file, or any that `torch.save` wrote, or in a safetensors file.

    Args:
        path: the file.
        averaged: whether the moving average of the weights is taken where the file has one beside them.

    Returns:
        Its tensors, on the CPU.

    Raises:
        InvalidCheckpoint: a file that is missing, damaged, of other objects than tensors and plain values, larger when
            unpacked than on disk, or without a network.
    """
    path = path.expanduser()
    if path.suffix.lower() == ".safetensors":
        return StateDict(strip_prefixes(read_tensors(path)), {})
    content = _unpickled(path)
    if not isinstance(content, Mapping):
        raise InvalidCheckpoint(f"{path} holds a {type(content).__name__}, not a dict of tensors: save its state_dict.")
    network, left_out = _network(path, content, averaged)
    wrong = [str(name) for name, value in network.items() if not isinstance(name, str) or not isinstance(value, Tensor)]
    if wrong or not network:
        raise InvalidCheckpoint(f"{path}: its network must be tensors by name, and {wrong[:3]} are not.")
    for name, tensor in network.items():
        _check_tensor(path, name, tensor)
    tensors = {n: t.detach().float() if t.is_floating_point() else t.detach() for n, t in network.items()}
    return StateDict(strip_prefixes(tensors), left_out)


def _unpickled(path: Path) -> Any:
    """What `torch.load` reads with nothing allowed but tensors, plain values and the stand-in. InvalidCheckpoint."""
    if not path.is_file():
        raise InvalidCheckpoint(f"There is no file {path}.")
    _check_size(path)
    allowed = torch.serialization.safe_globals([(_Unread, name) for name in UNREAD])
    with allowed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch warns of, TorchScript and sparse tensors, is refused
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged pickle raises anything
            if objects := _objects(path):
                raise InvalidCheckpoint(
                    f"{path} holds {objects}, which could run code when read: save the network's state_dict alone."
                ) from error
            raise InvalidCheckpoint(
                f"{path} cannot be read as tensors ({type(error).__name__}): give a whole file that torch.save wrote, "
                "of a state_dict."
            ) from error


def _check_size(path: Path) -> None:
    """Raise InvalidCheckpoint for an archive that unpacks to more than it is: torch.save never compresses."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InvalidCheckpoint(f"{path} is a damaged archive: fetch or save it again.") from error
    if unpacked > path.stat().st_size:
        raise InvalidCheckpoint(
            f"{path} is {path.stat().st_size} bytes and unpacks to {unpacked}, so torch.save did not write it: save "
            "its state_dict again."
        )


def _objects(path: Path) -> str:
    """The classes and functions that a file names beside those it may, read from its bytes alone; empty if none."""
    try:
        return ", ".join(sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))[:3])
    except Exception:  # noqa: BLE001 - the file is refused either way; only the sentence differs
        return ""


def _network(
    path: Path, content: Mapping[Any, Any], averaged: bool, *, inner: bool = False
) -> tuple[Mapping[Any, Any], dict[str, str]]:
    """The state dict in what was read, and why each entry beside it is left out. `inner`: that of another wrapper."""
    wrapped = any(isinstance(content.get(key), Mapping) for key in NETWORK + AVERAGED)
    if not wrapped and any(isinstance(value, Tensor) for value in content.values()):
        return content, {}
    sought = AVERAGED if averaged else NETWORK
    held = [key for key in sought if isinstance(content.get(key), Mapping)]
    if len(held) != 1:
        found = ", ".join(list(map(str, content))[:8]) or "nothing"
        many = "more than one of" if held else "none of"
        raise InvalidCheckpoint(f"{path} must hold one network, and has {many} {', '.join(sought)}: it has {found}.")
    left_out = {}
    for key, value in content.items():
        if key == held[0]:
            continue
        reason = _reason(key, value)
        if reason is None:
            raise InvalidCheckpoint(f"{path} has the tensors {key!r} beside its network, of which nothing is known.")
        left_out[str(key)] = reason
    network = content[held[0]]
    if not inner and any(isinstance(network.get(key), Mapping) for key in NETWORK):  # by a trainer around a trainer
        network, others = _network(path, network, averaged=False, inner=True)
        left_out |= {f"{held[0]}.{name}": reason for name, reason in others.items()}
    return network, left_out


def _reason(key: Any, value: Any) -> str | None:
    """Why an entry beside the network is left out; None if it holds unknown tensors."""
    if key in AVERAGED:
        return "moving average of the weights"
    if key in NETWORK:
        return "weights of the last step, of which the moving average is taken"
    if key in TRAINING:
        return "state of the training"
    return None if _has_tensor(value) else "no tensors in it"


def _has_tensor(value: Any) -> bool:
    """Whether there is a tensor at any depth; a pickle may nest deeper than Python's stack, or hold itself."""
    left, seen = [value], set()
    while left:
        part = left.pop()
        if isinstance(part, Tensor):
            return True
        if isinstance(part, Mapping | list | tuple | set) and id(part) not in seen:
            seen.add(id(part))
            left += part.values() if isinstance(part, Mapping) else part
    return False


def _check_tensor(path: Path, name: str, tensor: Tensor) -> None:
    """Raise InvalidCheckpoint for a tensor that is no plain array of numbers, or claims more than its bytes."""
    kind = type(tensor) in (Tensor, torch.nn.Parameter)
    plain = kind and tensor.layout == torch.strided and not tensor.is_quantized and tensor.device.type == "cpu"
    if not plain or tensor.is_complex():
        raise InvalidCheckpoint(f"{path}: {name} is not a plain tensor of real numbers: save dense weights.")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise InvalidCheckpoint(f"{path}: {name} claims more numbers than the file holds: save the weights again.")
