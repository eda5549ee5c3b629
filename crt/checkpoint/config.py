"""What `config.json` of a checkpoint says: its networks, classes and defaults, read strictly."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from crt.deeplab import Stride
from crt.errors import InvalidCheckpoint
from crt.refine import Attention, Combine, blocks_between
from crt.tiles import MODES, Mode

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


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
