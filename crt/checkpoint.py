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
from typing import Any, Literal, cast, get_args

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from crt.cnn import CnnBranch, build_resnet
from crt.deeplab import DeepLab, Stride, build_deeplab
from crt.errors import CrtError, InvalidCheckpoint
from crt.masks.relation import RelationNetwork
from crt.refine import Attention, Combine, blocks_between
from crt.tiles import MODES, Mode
from crt.transformer import TransformerBranch, build_vit
from crt.weights import file_sha256, load_strict

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
class RelationSpec:
    """The branches of the relation network, which read the features of the ResNet `cnn`, another network here.

    `threshold`: the background constant against walked seeds that measured best.
    """

    file: str
    sha256: str = ""
    cnn: Method = "crt_cnn"
    threshold: float = 0.25


@dataclass(frozen=True)
class SegmentationSpec:
    """A DeepLab-V2 that learned from this checkpoint's masks. `timm`: name of its backbone. `stride`: pixels a cell."""

    timm: str
    file: str
    sha256: str = ""
    stride: Stride = 8


@dataclass(frozen=True)
class Defaults:
    """The settings that the app and the scripts start from, chosen by measurement.

    `combine`: which passes' attention refines the maps, and how. `blocks`: the first and the last of the blocks whose
    attention it is, counted from 0; None for all.
    """

    size: int = 336
    loops: int = 3
    refined: bool = True
    combine: Combine = "sum"
    blocks: tuple[int, int] | None = None
    threshold: float = 0.15

    @property
    def attention(self) -> Attention:
        """Keywords of `Trace.maps` for a refined map."""
        return {"combine": self.combine, "blocks": blocks_between(self.blocks)}


@dataclass(frozen=True)
class CheckpointConfig:
    """What `config.json` holds. `classes`: names in the order of the maps' channels.

    `networks` make maps. Where there is one, `relation` steers the random walk from seeds to masks, and `segmentation`
    labels a picture by itself.
    """

    name: str
    classes: tuple[str, ...]
    networks: dict[Method, NetworkSpec]
    single_label: bool = False
    defaults: Defaults = field(default_factory=Defaults)
    relation: RelationSpec | None = None
    segmentation: SegmentationSpec | None = None
    training: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The cut-merge modes that all transformers can do: one with a learned deconvolution does that mode alone."""
        learned = {spec.deconvolution for spec in self.networks.values() if spec.kind == "vit"}
        return tuple(mode for mode in MODES if learned <= {mode == "deconvolution"})


@dataclass
class Checkpoint:
    """A loaded checkpoint: its config, its networks in eval form, and a hash over the weights that make the maps."""

    config: CheckpointConfig
    networks: dict[Method, TransformerBranch | CnnBranch]
    sha256: str
    relation: RelationNetwork | None = None
    segmentation: DeepLab | None = None


def load_checkpoint(source: str | Path, *, device: torch.device | str = "cpu") -> Checkpoint:
    """A folder, or a Hub id `user/name` -> the checkpoint, every tensor accounted for.

    Raises InvalidCheckpoint with a sentence that says what is missing, damaged or of the wrong shape.
    """
    folder = locate(source)
    config = read_config(folder)
    networks: dict[Method, TransformerBranch | CnnBranch] = {
        method: _load_network(folder, config, method) for method in config.networks
    }
    relation = None if config.relation is None else _load_relation(folder, config.relation, networks)
    segmentation = None if config.segmentation is None else _load_segmentation(folder, config)
    for network in (*networks.values(), relation, segmentation):
        if network is not None:
            network.to(device).eval().requires_grad_(False)
    return Checkpoint(config, networks, weights_sha256(config), relation, segmentation)


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
        relation = RelationSpec(**raw["relation"]) if raw.get("relation") is not None else None
        segmentation = SegmentationSpec(**raw["segmentation"]) if raw.get("segmentation") is not None else None
        defaults = Defaults(**_tuples(raw.get("defaults", {})))
        parts = {"relation": relation, "segmentation": segmentation, "defaults": defaults}
        config = CheckpointConfig(**{**_tuples(raw), "networks": networks, **parts})
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
        _check_file(path, method, spec.file)
    _check_relation(path, config)
    _check_segmentation(path, config.segmentation)
    return config


def _check_file(path: Path, name: str, file: str) -> None:
    if Path(file).name != file or not file.endswith(".safetensors"):
        raise InvalidCheckpoint(f"{path}: the file of {name} must be a .safetensors file beside the config.")


def _check_relation(path: Path, config: CheckpointConfig) -> None:
    """Raise InvalidCheckpoint for a relation network that reads from no ResNet here, or has no file or threshold."""
    spec = config.relation
    if spec is None:
        return
    if not all(isinstance(value, str) for value in (spec.file, spec.sha256)):
        raise InvalidCheckpoint(f"{path}: the relation network needs a file and a sha256 as text.")
    _check_file(path, "the relation network", spec.file)
    if spec.cnn not in config.networks or config.networks[spec.cnn].kind != "resnet":
        raise InvalidCheckpoint(f"{path}: the relation network must name a ResNet of this checkpoint, not {spec.cnn}.")
    if type(spec.threshold) not in (int, float) or not 0 < spec.threshold <= 1:
        raise InvalidCheckpoint(f"{path}: the threshold of the relation network must be above 0 and at most 1.")


def _check_words(path: Path, config: CheckpointConfig) -> None:
    """Raise InvalidCheckpoint for a name or a default of the wrong kind."""
    start = config.defaults
    flags, counts = (config.single_label, start.refined), (start.size, start.loops)
    kinds = all(type(flag) is bool for flag in flags) and all(type(count) is int and count >= 0 for count in counts)
    threshold = start.threshold
    kinds = kinds and start.combine in get_args(Combine) and _is_range(start.blocks)
    if not kinds or type(threshold) not in (int, float) or not 0 <= threshold <= 1 or not isinstance(config.name, str):
        raise InvalidCheckpoint(f"{path}: the name must be text, and defaults numbers in their range, true or false.")


def _is_range(blocks: Any) -> bool:
    """Whether blocks are None, or a first and a last one."""
    pair = isinstance(blocks, tuple) and len(blocks) == 2 and all(type(block) is int for block in blocks)
    return blocks is None or (pair and 0 <= blocks[0] <= blocks[1])


def _check_segmentation(path: Path, spec: SegmentationSpec | None) -> None:
    if spec is None:
        return
    if not all(isinstance(value, str) for value in (spec.timm, spec.file, spec.sha256)):
        raise InvalidCheckpoint(f"{path}: the segmentation network needs a backbone, a file and a sha256 as text.")
    _check_file(path, "the segmentation network", spec.file)


def weights_sha256(config: CheckpointConfig) -> str:
    """One hash over the weights that a config names, known before they are read."""
    return hashlib.sha256("".join(spec.sha256 for spec in config.networks.values()).encode()).hexdigest()


def write_config(folder: Path, config: CheckpointConfig) -> None:
    """Write `config.json` atomically."""
    temporary = folder / f".{CONFIG_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(dataclasses.asdict(config), indent=1, default=str) + "\n", encoding="utf-8")
    temporary.replace(folder / CONFIG_FILE)


def build_network(spec: NetworkSpec, classes: int) -> TransformerBranch | CnnBranch:
    """The untrained network that a spec describes."""
    if spec.kind == "vit":
        return TransformerBranch(build_vit(spec.timm, tile=spec.tile), classes, deconvolution=spec.deconvolution)
    return CnnBranch(build_resnet(spec.timm), classes)


def _load_network(folder: Path, config: CheckpointConfig, method: Method) -> TransformerBranch | CnnBranch:
    spec = config.networks[method]
    path = _whole_file(folder, spec.file, spec.sha256)
    try:
        network = build_network(spec, len(config.classes))
    except CrtError as error:
        raise InvalidCheckpoint(f"{method} of {folder}: {error}") from error
    load_strict(network, path)
    return network


def _load_relation(folder: Path, spec: RelationSpec, networks: dict[Method, Any]) -> RelationNetwork:
    path = _whole_file(folder, spec.file, spec.sha256)
    network = RelationNetwork(networks[spec.cnn].resnet)
    load_strict(network, path, without="resnet")
    return network


def _load_segmentation(folder: Path, config: CheckpointConfig) -> DeepLab:
    spec = cast("SegmentationSpec", config.segmentation)
    path = _whole_file(folder, spec.file, spec.sha256)
    try:
        network = build_deeplab(spec.timm, len(config.classes) + 1, stride=spec.stride)
    except CrtError as error:
        raise InvalidCheckpoint(f"The segmentation network of {folder}: {error}") from error
    load_strict(network, path)
    return network


def _whole_file(folder: Path, file: str, sha256: str) -> Path:
    """The path of a weights file. Raises InvalidCheckpoint if it is not there or not the one the config is about."""
    path = folder / file
    if not path.is_file():
        raise InvalidCheckpoint(f"{folder} names {file}, which is not there.")
    if sha256 and file_sha256(path) != sha256:
        raise InvalidCheckpoint(f"{path} is damaged: its sha256 is not the one in {CONFIG_FILE}.")
    return path


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
