"""Put the runs of the pair and of the two baselines into one checkpoint folder that the app opens.

python -m scripts.pack_checkpoint --runs runs/pair runs/tscam runs/cnn --out checkpoints/voc --name voc
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tyro

from crt.checkpoint import METHODS, CheckpointConfig, Defaults, Method, NetworkSpec, read_config, write_config
from crt.errors import InvalidCheckpoint
from scripts.block_numbers import to_indices, to_numbers
from scripts.cli import run_cli

MASK_NETWORKS = {"relation": "an IRN", "segmentation": "a segmentation network"}
"""The networks that make masks."""
CHOICE = "defaults"
"""Key of `training` for how the default settings were chosen."""

RunConfigs = list[tuple[Path, CheckpointConfig]]


@dataclass(frozen=True)
class DefaultOptions(Defaults):
    """Settings that measured best; the app starts from them.

    Attributes:
        size: pixels of the long side of the networks' input.
        loops: loop count of CRT.
        refined: whether attention multiplies the transformers' CAMs.
        pass_reduction: which passes' attention refines the maps, and how.
        blocks: the first and the last of the blocks whose attention it is, counted from 1; None for all.
        threshold: background constant, a share of a map's largest value.
    """

    def indexed(self) -> Defaults:
        """As a checkpoint has them, with blocks counted from 0. Raises InvalidSetting."""
        return Defaults(**{**vars(self), "blocks": to_indices(self.blocks)})


@dataclass(frozen=True)
class Pack:
    """Which finished runs become one checkpoint."""

    runs: tuple[Path, ...]
    """Output folders of `scripts.train_crt`, each with other networks over the same classes."""
    out: Path
    """The checkpoint folder to write."""
    name: str
    """Name of the checkpoint, for its card and the page."""
    defaults: DefaultOptions = field(default_factory=DefaultOptions)
    """Settings that measured best; the app starts from them."""
    chosen_on: str | None = None
    """The images that they were chosen on, in words, for the card: others than those that are reported on."""
    chosen_by: str | None = None
    """The command that chose them, for the card."""
    networks: tuple[Method, ...] | None = None
    """Take these only, for a smaller checkpoint; all of them if left out. An IRN goes with its CNN."""


def pack(config: Pack) -> CheckpointConfig:
    """Copy the networks, write the common config, and read the result back strictly.

    An IRN reads the features of one CNN: where `config.networks` leaves that out, it is left out too, with
    the record of its training, and a sentence is printed.

    Raises InvalidCheckpoint for runs that do not go together, and for defaults out of their range, InvalidSetting for
    blocks that are no range; `config.out` is then as it was.
    """
    from crt.checkpoint import load_checkpoint

    if not config.runs:
        raise InvalidCheckpoint("There is no run to pack: give at least one folder that a training run exported.")
    parts = [(run, read_config(run)) for run in config.runs]
    first = parts[0][1]
    for run, part in parts:
        if (part.classes, part.single_label) != (first.classes, first.single_label):
            raise InvalidCheckpoint(f"{run} has other classes than {config.runs[0]}.")
    networks = _networks(config, parts)
    relation, segmentation = (_the_one([part for _, part in parts], name) for name in MASK_NETWORKS)
    training = _training(parts, networks)
    if relation is not None and relation.cnn not in networks:
        print(f"The IRN is left out: it needs {relation.cnn}, which --networks does not name.", flush=True)
        relation, training = None, {key: value for key, value in training.items() if key != "relation"}
    packed = CheckpointConfig(
        name=config.name,
        classes=first.classes,
        networks=networks,
        single_label=first.single_label,
        defaults=config.defaults.indexed(),
        relation=relation,
        segmentation=segmentation,
        training=training | _choice(config),
    )
    config.out.parent.mkdir(parents=True, exist_ok=True)
    # Beside the result, so that what does not load leaves it as it was.
    with TemporaryDirectory(dir=config.out.parent, prefix=f".{config.out.name}.") as staged:
        folder = Path(staged)
        write_config(folder, packed)
        _copy(parts, packed, folder)
        load_checkpoint(folder)
        config.out.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.replace(config.out / file.name)
    return packed


def _choice(config: Pack) -> dict[str, Any]:
    """The record of how the defaults were chosen, if there is one."""
    record = {"chosen_on": config.chosen_on, "command": config.chosen_by}
    entries = {key: value for key, value in record.items() if value is not None}
    return {CHOICE: entries} if entries else {}


def _networks(config: Pack, parts: RunConfigs) -> dict[Method, NetworkSpec]:
    """The networks that make maps, in the order of `METHODS`."""
    found: dict[Method, NetworkSpec] = {}
    for run, part in parts:
        if twice := found.keys() & part.networks.keys():
            raise InvalidCheckpoint(f"{run} has {', '.join(sorted(twice))} a second time: give each run once.")
        found |= part.networks
    if config.networks is None:
        return found
    if missing := set(config.networks) - found.keys():
        raise InvalidCheckpoint(f"No run has {', '.join(sorted(missing))}: choose among {', '.join(found)}.")
    return {name: found[name] for name in config.networks}


def _the_one(configs: list[CheckpointConfig], name: str) -> Any:
    """What the runs have of a network for masks, if one has it. Raises InvalidCheckpoint if several have."""
    found = [spec for part in configs if (spec := getattr(part, name)) is not None]
    if len(found) > 1:
        raise InvalidCheckpoint(f"{len(found)} of the runs have {MASK_NETWORKS[name]}: give one that has.")
    return found[0] if found else None


def _copy(parts: RunConfigs, packed: CheckpointConfig, folder: Path) -> None:
    """The weights that `packed` names. Raises InvalidCheckpoint for a missing file, or one name for two of them."""
    for run, part in parts:
        kept = [spec for name, spec in part.networks.items() if name in packed.networks]
        for spec in (*kept, part.relation if packed.relation else None, part.segmentation):
            if spec is None:
                continue
            if not (run / spec.file).is_file():
                raise InvalidCheckpoint(f"{run} names {spec.file}, which is not there.")
            if (folder / spec.file).exists():
                raise InvalidCheckpoint(f"{run} has a second {spec.file}: rename one of them, in its config too.")
            shutil.copyfile(run / spec.file, folder / spec.file)


def _training(parts: RunConfigs, networks: dict[Method, NetworkSpec]) -> dict[str, Any]:
    """How the networks were trained, under the names of the networks of one run, such as `crt+crt_cnn`.

    A run's own record goes under its networks; records that were packed before, and those of the networks for masks,
    keep their names. Records of runs that gave no network are left out.
    """
    entries: dict[str, Any] = {}
    for run, part in parts:
        own = {k: value for k, value in part.training.items() if k != CHOICE and not _names_networks(k)}
        records = {key: value for key, value in part.training.items() if _names_networks(key)}
        if own or records.keys() <= set(MASK_NETWORKS):
            records["+".join(part.networks)] = own
        for key, record in records.items():
            if key in entries:
                raise InvalidCheckpoint(f"{run} has a second record of the training of {key}: give one run that has.")
            if key in MASK_NETWORKS and getattr(part, key) is None:
                raise InvalidCheckpoint(f"{run} has a record of the training of a {key} network, and no such network.")
            if key in MASK_NETWORKS or set(key.split("+")) & networks.keys():
                entries[key] = record
    return entries


def _names_networks(key: str) -> bool:
    """Whether a key of `training` is the name of a record, and not a field of a run's own."""
    return key in MASK_NETWORKS or set(key.split("+")) <= set(METHODS)


def main(config: Pack) -> None:
    """Pack and print the networks."""
    done = pack(config)
    defaults = dataclasses.asdict(done.defaults) | {"blocks": to_numbers(done.defaults.blocks)}
    print(f"packed {', '.join(done.networks)}: {defaults}")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Pack), main))
