"""The model card of a checkpoint: what its `config.json` records, and nothing that it does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crt.checkpoint import CheckpointConfig, Defaults, Method
from scripts.pack_checkpoint import CHOICE
from scripts.report.base import NOT_RECORDED, Table, setup_table
from scripts.report.card_licence import licence
from scripts.report.markdown import REPRODUCE, table_lines
from scripts.report.training_record import MASK_RECORDS, record_lines, trainings

ROLES: dict[Method, str] = {
    "crt": "transformer of the pair (arXiv 2209.15211, Eq. 2)",
    "crt_cnn": "CNN of the pair",
    "tscam": "transformer alone (TS-CAM)",
    "resnet": "CNN alone",
}


def card(folder: Path, config: CheckpointConfig, measured: Table) -> str:
    """The card as Markdown; `measured`: the headline rows of what was measured of the checkpoint."""
    records = _records(config)
    unrecorded = _unrecorded(config, records)
    terms = licence(config.name, records, unrecorded)
    words = " ".join((MEASURED, *measured.caption))
    good = "\n".join((*table_lines(measured), "", words)) if measured.rows else "Not measured."
    return CARD.format(
        front="".join(f"{line}\n" for line in terms.front),
        name=config.name,
        title=OTHER_CARD_TITLE if unrecorded else CARD_TITLE,
        tag="weakly-supervised-localization" if config.single_label else "weakly-supervised-segmentation",
        classes=len(config.classes),
        networks="\n".join(_networks(folder, config)),
        measured=good,
        trained="\n".join(_trained(records, unrecorded)),
        defaults="\n".join(_default_lines(config)),
        limits="\n".join(f"- {line}" for line in _limits(config, records)),
        licence="\n".join(terms.lines),
        class_list=", ".join(config.classes),
    )


def seeds_of(config: CheckpointConfig) -> str:
    """The seeds of a checkpoint's trainings from image labels, as text."""
    found = sorted({part["config"]["seed"] for name, part in _records(config).items() if name not in MASK_RECORDS})
    return ", ".join(map(str, found)) or NOT_RECORDED


def _records(config: CheckpointConfig) -> dict[str, dict[str, Any]]:
    """The trainings by the networks that they made; a run that was not packed has one record of its own."""
    training = config.training
    if "config" in training:
        masks = {name: training[name] for name in MASK_RECORDS if name in training}
        alone = {name: value for name, value in training.items() if name not in (*MASK_RECORDS, CHOICE)}
        training = {"+".join(config.networks): alone} | masks
    return {name: part for name, part in training.items() if _is_record(name, part)}


def _is_record(name: str, part: Any) -> bool:
    """Whether it has the config of a training from image labels, or of a network for masks."""
    values = part.get("config") if isinstance(part, dict) else None
    return isinstance(values, dict) and ("model" in values or name in MASK_RECORDS)


def _unrecorded(config: CheckpointConfig, records: Mapping[str, Any]) -> dict[str, str]:
    """What is known of each network whose training has no record."""
    recorded = {network for name in records for network in name.split("+")}
    masks = [name for name in MASK_RECORDS if getattr(config, name) is not None]
    left = [name for name in (*config.networks, *masks) if name not in recorded]
    return {name: _origin(config.training.get(name)) for name in left}


def _origin(entry: Any) -> str:
    if isinstance(entry, dict) and "imported_from" in entry:
        sha256 = f", sha256 `{entry['sha256'][:16]}…`" if entry.get("sha256") else ""
        return f"imported from `{entry['imported_from']}`{sha256}; its training and licence are not recorded"
    return "its training and licence are not recorded"


def _trained(records: Mapping[str, Mapping[str, Any]], unrecorded: Mapping[str, str]) -> list[str]:
    """How the networks were trained, and which of them have no record of that."""
    lines = []
    if any("model" in part["config"] for part in records.values()):
        lines += ["From image labels: the training program reads no mask and no box.", ""]
    if records:
        lines += [*table_lines(trainings(records)), ""]
        lines += [line for name, part in records.items() for line in record_lines(name, part)]
    return [*lines, *(f"- `{name}`: {words}." for name, words in unrecorded.items()), *([""] if unrecorded else [])]


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
    from crt.pass_reductions import attention_words

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
    words.append("A CAM marks where evidence for a class name was found, which may lie beside the object.")
    words.append("Draw no conclusion about people from it.")
    return words


CARD_TITLE, OTHER_CARD_TITLE = (
    "CNN and vision transformer trained from image labels",
    "networks for class activation maps",
)
"""With and without a record of every training."""
MEASURED = (
    "In percent, at the default settings where nothing else is named. "
    "[Results](../../docs/results.md) has every table with its set-up and command."
)
CARD = """---
{front}tags: [{tag}, class-activation-map, vision-transformer]
---
# {name}: {title}

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

{trained}
## Defaults

The settings that the app starts from.

{defaults}

## Limits

{limits}

## Licence

{licence}
"""
