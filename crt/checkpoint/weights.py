"""Weights on disk: fp16 safetensors, written whole or not at all, read so that every tensor is accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from crt.errors import InvalidCheckpoint, reason_of
from crt.io_utils import atomic_path


def save_network(network: nn.Module, path: Path, *, without: str | None = None) -> str:
    """Write the weights as fp16 safetensors, whole or not at all.

    Args:
        network: whose state is written.
        path: the file.
        without: a submodule that is left out.

    Returns:
        The sha256 of the file.

    Raises:
        InvalidCheckpoint: a weight is not finite in fp16.
        OSError: for instance when the disk is full.
    """
    state = {name: tensor.detach().cpu() for name, tensor in _stored(network, without).items()}
    half = {n: (t.half() if t.is_floating_point() else t).contiguous() for n, t in state.items()}
    broken = [name for name, tensor in half.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise InvalidCheckpoint(f"These weights are not finite in fp16: {', '.join(broken[:5])}.")
    with atomic_path(path) as temporary:
        save_file(half, temporary)
    return file_sha256(path)


def file_sha256(path: Path) -> str:
    """The sha256 of a file.

    Args:
        path: the file.

    Returns:
        64 hexadecimal digits.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_strict(network: nn.Module, path: Path, *, without: str | None = None) -> None:
    """Read a safetensors file into a network; every tensor must be there, of the right shape, finite, and no other.

    Args:
        network: it is left alone when the file is refused.
        path: the file.
        without: a submodule that the file does not hold, and that stays as it is.

    Raises:
        InvalidCheckpoint: the file does not fit.
    """
    wanted = _stored(network, without)
    found = read_tensors(path)
    missing = sorted(wanted.keys() - found.keys())
    unexpected = sorted(name for name in found.keys() - wanted.keys() if not _counter(name))
    shapes = sorted(name for name in wanted.keys() & found.keys() if wanted[name].shape != found[name].shape)
    for what, names in (("lacks", missing), ("has the unknown", unexpected), ("has the wrong shape of", shapes)):
        if names:
            raise InvalidCheckpoint(f"{path.name} {what} {_some(names)}: it is of another model.")
    if broken := unusable(found, wanted):
        raise InvalidCheckpoint(f"{path.name} has {broken}: export the network from an earlier state.")
    network.load_state_dict({name: found[name] for name in wanted}, strict=False)


def unusable(tensors: Mapping[str, Tensor], names: Iterable[str]) -> str | None:
    """What a network cannot compute with: values that are not finite, and variances of a batch norm below 0, whose root
    it takes.

    Args:
        tensors: by name.
        names: those that are compared.

    Returns:
        Words that can follow "has"; None if there is nothing.
    """
    names = sorted(names)
    if broken := [name for name in names if not torch.isfinite(tensors[name]).all()]:
        return f"values that are not finite in {_some(broken)}"
    if broken := [name for name in names if name.endswith("running_var") and (tensors[name] < 0).any()]:
        return f"negative variances in {_some(broken)}"
    return None


def _some(names: list[str]) -> str:
    """The first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file.

    Args:
        path: the file.

    Returns:
        By name, floating ones as float32.

    Raises:
        InvalidCheckpoint: the file is missing or damaged.
    """
    if not path.is_file():
        raise InvalidCheckpoint(f"{path} cannot be read as safetensors: there is no such file; check the path.")
    try:
        with safe_open(path, framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise InvalidCheckpoint(
            f"{path} cannot be read as safetensors ({reason_of(error)}): fetch or save the whole file again."
        ) from error
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def _stored(network: nn.Module, without: str | None) -> dict[str, Tensor]:
    """The tensors of a network that a file holds."""
    kept = (item for item in network.state_dict().items() if not _counter(item[0]))
    return {name: tensor for name, tensor in kept if without is None or not name.startswith(f"{without}.")}


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")
