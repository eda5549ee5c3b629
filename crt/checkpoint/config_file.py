"""Reading and writing `config.json`: each fault is one sentence that names the file, the field and its range."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from crt.checkpoint.schema import (
    CONFIG_FILE,
    FORMAT,
    CheckpointConfig,
    NetworkSpec,
    RelationSpec,
    SegmentationSpec,
    shortened,
)
from crt.errors import InvalidCheckpoint, reason_of
from crt.io_utils import write_text
from crt.types import METHODS

_SCHEMA = TypeAdapter(CheckpointConfig)
_STATED = ("sha256", "mean", "std")
"""What a record made in a program may leave out and a file may not."""


def read_config(folder: Path) -> CheckpointConfig:
    """Read and check `config.json` of a checkpoint folder. `load_checkpoint` checks what depends on
    the networks, such as their depth.

    Args:
        folder: of the checkpoint.

    Returns:
        The config.

    Raises:
        InvalidCheckpoint: the file is missing or damaged, or a field is out of range.
    """
    path = folder / CONFIG_FILE
    try:
        return _checked(path, path.read_bytes())
    except FileNotFoundError as error:
        raise InvalidCheckpoint(
            f"{folder} has no {CONFIG_FILE}: give a folder that a training run exported."
        ) from error
    except OSError as error:
        raise InvalidCheckpoint(f"{path} cannot be read: {reason_of(error)}.") from error


def write_config(folder: Path, config: CheckpointConfig) -> None:
    """Write `config.json`, whole or not at all.

    Args:
        folder: of the checkpoint.
        config: it is checked first.

    Raises:
        InvalidCheckpoint: `read_config` would refuse it; nothing is written then.
        OSError: for instance when the disk is full.
    """
    path = folder / CONFIG_FILE
    try:
        text = json.dumps(dataclasses.asdict(config), indent=1, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InvalidCheckpoint(f"{path} cannot hold this config as JSON: {reason_of(error)}.") from error
    _checked(path, text.encode())
    write_text(path, text)


def _checked(path: Path, content: bytes) -> CheckpointConfig:
    raw = _parsed(path, content)
    if "format" not in raw:
        raise InvalidCheckpoint(f"{path} is not a checkpoint config: it lacks format.")
    if type(raw["format"]) is not int or raw["format"] != FORMAT:
        given = shortened(raw["format"])
        raise InvalidCheckpoint(f"{path} has format {given}, this program reads {FORMAT}: update one.")
    _check_stated(path, raw)
    try:
        config = _SCHEMA.validate_python(raw)
    except ValidationError as error:
        raise InvalidCheckpoint(_sentence(path, error)) from error
    _check_classes(path, config)
    _check_networks(path, config)
    _check_blocks(path, config)
    return config


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    """The JSON object of a file. Raises InvalidCheckpoint for what strict JSON is not."""
    try:
        raw = json.loads(
            content.decode(), object_pairs_hook=_without_duplicates, parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise InvalidCheckpoint(f"{path} cannot be read as JSON: it is nested too deeply.") from error
    except ValueError as error:
        raise InvalidCheckpoint(f"{path} cannot be read as JSON: {reason_of(error)}.") from error
    if not isinstance(raw, dict):
        raise InvalidCheckpoint(f"{path} is not a checkpoint config: it must be a JSON object.")
    return raw


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {shortened(next(name for name in names if names.count(name) > 1))} twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_constant(text)


def _check_stated(path: Path, raw: dict[str, Any]) -> None:
    """Hashes and normalisation have defaults for networks that are in memory only, not for those of a file."""
    networks = raw.get("networks")
    parts = [
        ("relation", RelationSpec, raw.get("relation")),
        ("segmentation", SegmentationSpec, raw.get("segmentation")),
    ]
    if isinstance(networks, dict):
        parts += [(f"networks.{name}", NetworkSpec, part) for name, part in networks.items() if name in METHODS]
    for where, record, part in parts:
        known = {field.name for field in dataclasses.fields(record)}
        lacking = [name for name in _STATED if isinstance(part, dict) and name in known and name not in part]
        if lacking:
            raise InvalidCheckpoint(f"{path} is not a checkpoint config: {where} lacks {lacking[0]}.")


def _sentence(path: Path, error: ValidationError) -> str:
    """The first fault in words."""
    first = error.errors(include_url=False)[0]
    keys = [str(part) for part in first["loc"] if part != "[key]"]
    where, name = ".".join(keys), ".".join(keys[:-1])
    owner = f"{name} " if name else "it "
    match first["type"]:
        case "wanted":
            return f"{path}: {where} {first['msg']}."
        case "missing":
            return f"{path} is not a checkpoint config: {owner}lacks {keys[-1]}."
        case "unexpected_keyword_argument":
            return f"{path} is not a checkpoint config: {owner}has the unknown field {shortened(keys[-1])}."
        case "literal_error" if keys[0] == "networks":
            return f"{path} must name networks among {', '.join(METHODS)}, not {shortened(keys[1])}."
        case _:
            return f"{path} is not a checkpoint config: {where} must be an object with its fields."


def _check_classes(path: Path, config: CheckpointConfig) -> None:
    names = config.classes
    if not names:
        raise InvalidCheckpoint(f"{path}: classes must list the class names, each once; it is empty.")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidCheckpoint(f"{path}: classes must list the class names, each once, not {shortened(twice)} twice.")


def _check_networks(path: Path, config: CheckpointConfig) -> None:
    if not config.networks:
        raise InvalidCheckpoint(f"{path} must name networks among {', '.join(METHODS)}; it has none.")
    if not config.modes:
        raise InvalidCheckpoint(f"{path}: either all transformers have a learned deconvolution, or none.")
    tiles = {name: spec.tile for name, spec in config.networks.items() if spec.type == "vit"}
    if len(set(tiles.values())) > 1:
        sizes = ", ".join(f"{name} {tile}" for name, tile in tiles.items())
        raise InvalidCheckpoint(f"{path}: the tile of all transformers must be the same number of pixels, not {sizes}.")
    reads = config.relation.cnn if config.relation is not None else None
    if reads is not None and (reads not in config.networks or config.networks[reads].type != "resnet"):
        raise InvalidCheckpoint(f"{path}: relation.cnn must name a ResNet of this checkpoint, not {reads}.")


def _check_blocks(path: Path, config: CheckpointConfig) -> None:
    blocks = config.defaults.blocks
    if blocks is not None and blocks[0] > blocks[1]:
        raise InvalidCheckpoint(
            f"{path}: defaults.blocks must be the first and the last block, in this order, not {list(blocks)}."
        )
