"""Checkpoints: a folder with `config.json` and one fp16 safetensors file per network, read strictly.

A folder may hold up to four networks over the same classes, named by the map they make: `crt` and `crt_cnn` (the pair
trained together), `tscam` and `resnet` (the baselines trained alone).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from crt.cnn import CnnBranch, build_resnet
from crt.errors import CrtError, InvalidCheckpoint
from crt.refine import Combine
from crt.tiles import MODES, Mode
from crt.transformer import TransformerBranch, build_vit

FORMAT = 1
Kind = Literal["vit", "resnet"]
Method = Literal["resnet", "tscam", "crt", "crt_cnn"]
METHODS: tuple[Method, ...] = get_args(Method)
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class NetworkSpec:
    """One network of a checkpoint. `timm`: name of the backbone. `trained_loops`: loop counts seen in training."""

    kind: Kind
    timm: str
    file: str
    sha256: str = ""
    tile: int = 224
    deconvolution: bool = False
    trained_loops: tuple[int, ...] = ()


@dataclass(frozen=True)
class Defaults:
    """Settings that measured best for this checkpoint; the app starts from them.

    `combine`: which passes' attention refines the maps when there are several.
    """

    size: int = 336
    loops: int = 3
    refined: bool = True
    combine: Combine = "sum"
    threshold: float = 0.15


@dataclass(frozen=True)
class CheckpointConfig:
    """What `config.json` holds. `classes`: names in the order of the maps' channels."""

    name: str
    classes: tuple[str, ...]
    networks: dict[Method, NetworkSpec]
    single_label: bool = False
    defaults: Defaults = field(default_factory=Defaults)
    training: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The cut-merge modes that all transformers can do: one with a learned deconvolution does that mode alone."""
        learned = {spec.deconvolution for spec in self.networks.values() if spec.kind == "vit"}
        return tuple(mode for mode in MODES if learned <= {mode == "deconvolution"})


@dataclass
class Checkpoint:
    """A loaded checkpoint: its config, its networks in eval form, and a hash over all weights."""

    config: CheckpointConfig
    networks: dict[Method, TransformerBranch | CnnBranch]
    sha256: str


def load_checkpoint(source: str | Path, *, device: torch.device | str = "cpu") -> Checkpoint:
    """A folder, or a Hub id `user/name` -> the checkpoint, every tensor accounted for.

    Raises InvalidCheckpoint with a sentence that says what is missing, damaged or of the wrong shape.
    """
    folder = locate(source)
    config = read_config(folder)
    networks: dict[Method, TransformerBranch | CnnBranch] = {
        method: _load_network(folder, config, method) for method in config.networks
    }
    for network in networks.values():
        network.to(device).eval().requires_grad_(False)
    return Checkpoint(config, networks, weights_sha256(config))


def locate(source: str | Path) -> Path:
    """The folder of a checkpoint: a folder here, or a Hub id `user/name`, fetched. Raises InvalidCheckpoint."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if str(source).count("/") != 1 or str(source).startswith((".", "/", "~")):
        raise InvalidCheckpoint(f"There is no folder {source}: give a checkpoint folder or a Hub id user/name.")
    try:
        return Path(snapshot_download(str(source), allow_patterns=[CONFIG_FILE, "*.safetensors"]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise InvalidCheckpoint(f"{source} is no folder here and could not be fetched from the Hub.") from error


def read_config(folder: Path) -> CheckpointConfig:
    """`config.json` of a checkpoint folder, checked."""
    path = folder / CONFIG_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidCheckpoint(
            f"{folder} has no {CONFIG_FILE}: give a folder that a training run exported."
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidCheckpoint(f"{path} cannot be read as JSON: {error}.") from error
    try:
        if raw["format"] != FORMAT:
            raise InvalidCheckpoint(f"{path} has format {raw['format']}, this program reads {FORMAT}: update one.")
        networks = {method: NetworkSpec(**_tuples(spec)) for method, spec in raw["networks"].items()}
        config = CheckpointConfig(
            **{**_tuples(raw), "networks": networks, "defaults": Defaults(**raw.get("defaults", {}))}
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidCheckpoint(f"{path} is not a checkpoint config: {error}.") from error
    unknown = set(networks) - set(METHODS)
    if unknown or not networks:
        raise InvalidCheckpoint(f"{path} must name networks among {', '.join(METHODS)}; it has {sorted(networks)}.")
    if not config.modes:
        raise InvalidCheckpoint(f"{path}: either all transformers have a learned deconvolution, or none.")
    _check_words(path, config)
    names = config.classes
    if not isinstance(names, tuple) or not all(isinstance(name, str) and name for name in names):
        raise InvalidCheckpoint(f"{path} must list the class names, each once, as text.")
    if not names or len(set(names)) != len(names):
        raise InvalidCheckpoint(f"{path} must list the class names, each once.")
    for method, spec in networks.items():
        if spec.kind not in get_args(Kind) or not all(isinstance(v, str) for v in (spec.timm, spec.file, spec.sha256)):
            raise InvalidCheckpoint(f"{path}: {method} needs a kind, {' or '.join(get_args(Kind))}, and names as text.")
        if type(spec.tile) is not int or spec.tile < 1:
            raise InvalidCheckpoint(f"{path}: the tile of {method} must be a number of pixels, not {spec.tile!r}.")
        if Path(spec.file).name != spec.file or not spec.file.endswith(".safetensors"):
            raise InvalidCheckpoint(f"{path}: the file of {method} must be a .safetensors file beside the config.")
    return config


def _check_words(path: Path, config: CheckpointConfig) -> None:
    """Raise InvalidCheckpoint for a name or a default of the wrong kind."""
    start = config.defaults
    flags, counts = (config.single_label, start.refined), (start.size, start.loops)
    kinds = all(type(flag) is bool for flag in flags) and all(type(count) is int and count >= 0 for count in counts)
    threshold = start.threshold
    kinds = kinds and start.combine in get_args(Combine)
    if not kinds or type(threshold) not in (int, float) or not 0 <= threshold <= 1 or not isinstance(config.name, str):
        raise InvalidCheckpoint(f"{path}: the name must be text, and defaults numbers in their range, true or false.")


def weights_sha256(config: CheckpointConfig) -> str:
    """One hash over the weights that a config names, known before they are read."""
    return hashlib.sha256("".join(spec.sha256 for spec in config.networks.values()).encode()).hexdigest()


def write_config(folder: Path, config: CheckpointConfig) -> None:
    """Write `config.json` atomically."""
    temporary = folder / f".{CONFIG_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(dataclasses.asdict(config), indent=1, default=str) + "\n", encoding="utf-8")
    temporary.replace(folder / CONFIG_FILE)


def save_network(network: nn.Module, path: Path) -> str:
    """Write the weights as fp16 safetensors, atomically -> their sha256.

    Raises InvalidCheckpoint if a weight is not finite in fp16.
    """
    state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    half = {n: (t.half() if t.is_floating_point() else t).contiguous() for n, t in state.items() if not _counter(n)}
    broken = [name for name, tensor in half.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise InvalidCheckpoint(f"These weights are not finite in fp16: {', '.join(broken[:5])}.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(half, temporary)
    temporary.replace(path)
    return file_sha256(path)


def file_sha256(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_strict(network: nn.Module, path: Path) -> None:
    """Read a safetensors file into a network; every tensor must be there, of the right shape, and no other."""
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not _counter(name)}
    found = read_tensors(path)
    missing = sorted(wanted.keys() - found.keys())
    unexpected = sorted(name for name in found.keys() - wanted.keys() if not _counter(name))
    shapes = sorted(name for name in wanted.keys() & found.keys() if wanted[name].shape != found[name].shape)
    for what, names in (("lacks", missing), ("has the unknown", unexpected), ("has the wrong shape of", shapes)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise InvalidCheckpoint(f"{path.name} {what} {', '.join(names[:3])}{more}: it is of another model.")
    network.load_state_dict({name: found[name] for name in wanted}, strict=False)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, floating ones as float32. Raises InvalidCheckpoint."""
    try:
        with safe_open(path, framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise InvalidCheckpoint(f"{path} cannot be read as safetensors: {error}.") from error
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def build_network(spec: NetworkSpec, classes: int) -> TransformerBranch | CnnBranch:
    """The untrained network that a spec describes."""
    if spec.kind == "vit":
        return TransformerBranch(build_vit(spec.timm, tile=spec.tile), classes, deconvolution=spec.deconvolution)
    return CnnBranch(build_resnet(spec.timm), classes)


def _load_network(folder: Path, config: CheckpointConfig, method: Method) -> TransformerBranch | CnnBranch:
    spec = config.networks[method]
    path = folder / spec.file
    if not path.is_file():
        raise InvalidCheckpoint(f"{folder} names {spec.file}, which is not there.")
    if spec.sha256 and file_sha256(path) != spec.sha256:
        raise InvalidCheckpoint(f"{path} is damaged: its sha256 is not the one in {CONFIG_FILE}.")
    try:
        network = build_network(spec, len(config.classes))
    except CrtError as error:
        raise InvalidCheckpoint(f"{method} of {folder}: {error}") from error
    load_strict(network, path)
    return network


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
