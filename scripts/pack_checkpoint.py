"""Put the runs of the pair and of the two baselines into one checkpoint folder that the app opens.

python -m scripts.pack_checkpoint --runs runs/pair runs/tscam runs/cnn --out checkpoints/voc --name voc
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

from crt.checkpoint import CheckpointConfig, Defaults, Method, load_checkpoint, read_config, write_config
from crt.errors import CrtError, InvalidCheckpoint

MASKS = ("relation", "segmentation")
"""The networks that make masks."""


@dataclass(frozen=True)
class Pack:
    """Which finished runs become one checkpoint."""

    runs: tuple[Path, ...]
    """Output folders of `scripts.train_crt`, each with other networks over the same classes."""
    out: Path
    name: str
    defaults: Defaults = field(default_factory=Defaults)
    """Settings that measured best; the app starts from them."""
    networks: tuple[Method, ...] | None = None
    """Take these only, for a smaller checkpoint; all of them if left out."""


def pack(config: Pack) -> CheckpointConfig:
    """Copy the networks, write the common config, and read the result back strictly."""
    configs = [read_config(run) for run in config.runs]
    networks: dict = {}
    for run, part in zip(config.runs, configs, strict=True):
        if (part.classes, part.single_label) != (configs[0].classes, configs[0].single_label):
            raise InvalidCheckpoint(f"{run} has other classes than {config.runs[0]}.")
        if twice := networks.keys() & part.networks.keys():
            raise InvalidCheckpoint(f"{run} has {', '.join(sorted(twice))} a second time: give each run once.")
        networks |= part.networks
    if config.networks is not None:
        if missing := set(config.networks) - networks.keys():
            raise InvalidCheckpoint(f"No run has {', '.join(sorted(missing))}: choose among {', '.join(networks)}.")
        networks = {name: networks[name] for name in config.networks}
    relation, segmentation = (_the_one(configs, name) for name in MASKS)
    config.out.mkdir(parents=True, exist_ok=True)
    for run, part in zip(config.runs, configs, strict=True):
        kept = [spec for name, spec in part.networks.items() if name in networks]
        for spec in (*kept, part.relation, part.segmentation):
            if spec is not None:
                shutil.copyfile(run / spec.file, config.out / spec.file)
    packed = CheckpointConfig(
        name=config.name,
        classes=configs[0].classes,
        networks=networks,
        single_label=configs[0].single_label,
        defaults=config.defaults,
        relation=relation,
        segmentation=segmentation,
        training=_training(configs),
    )
    write_config(config.out, packed)
    load_checkpoint(config.out)
    return packed


def _the_one(configs: list[CheckpointConfig], name: str) -> Any:
    """What the runs have of a network for masks, if one has it. Raises InvalidCheckpoint if several have."""
    found = [spec for part in configs if (spec := getattr(part, name)) is not None]
    if len(found) > 1:
        raise InvalidCheckpoint(f"{len(found)} of the runs have a {name} network: give one that has.")
    return found[0] if found else None


def _training(configs: list[CheckpointConfig]) -> dict[str, Any]:
    """How each run's networks were trained, and those for masks, which a run's record holds beside them."""
    told: dict[str, Any] = {}
    for part in configs:
        masks = {name: part.training[name] for name in MASKS if name in part.training}
        told["+".join(part.networks)] = {key: value for key, value in part.training.items() if key not in masks}
        told |= masks
    return told


if __name__ == "__main__":
    try:
        done = pack(tyro.cli(Pack))
        print(f"packed {', '.join(done.networks)}: {dataclasses.asdict(done.defaults)}")
    except CrtError as error:
        sys.exit(f"error: {error}")
