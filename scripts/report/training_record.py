"""The records of a checkpoint's trainings: a column each, with the command and the whole config below."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scripts.report.base import NOT_RECORDED, Table
from scripts.report.markdown import REPRODUCE
from scripts.report.recorded_preset import preset_of

MASK_RECORDS = ("relation", "segmentation")
"""Records of the networks that make masks, beside those of the trainings from image labels."""
SIDES = {"long": "long side", "short": "short side", "both": "both sides"}


def trainings(records: Mapping[str, Mapping[str, Any]]) -> Table:
    """How the networks were trained: a row for each fact, a column for each record. `records`: those with a config of
    a model, and those of the networks that make masks.
    """
    columns = {name: _facts(name, part) for name, part in records.items()}
    names = dict.fromkeys(fact for facts in columns.values() for fact in facts)
    rows = tuple((fact, *(facts.get(fact, "–") for facts in columns.values())) for fact in names)
    return Table(("training", *(f"`{name}`" for name in columns)), rows)


def record_lines(name: str, part: Mapping[str, Any]) -> list[str]:
    """The command of a training, if it is recorded, and its config."""
    command = part.get("command")
    config = json.dumps(part["config"], ensure_ascii=False, separators=(", ", ": "))
    return [
        *([f"{REPRODUCE} `{name}`", "", f"    {command}", ""] if command else []),
        f"<details><summary>Config of <code>{name}</code></summary>\n\n```json\n{config}\n```\n\n</details>",
        "",
    ]


def _facts(name: str, part: Mapping[str, Any]) -> dict[str, str]:
    """A training as its record has it: data, schedule, cost, preset and commit."""
    values = part["config"]
    recorded = f"`{part['preset']}`" if part.get("preset") else None
    if "model" in values:
        own, preset = _from_labels(part), recorded or _by_config(values)
    else:
        own, preset = _from_masks(name, part), recorded or NOT_RECORDED
    return {
        "images": f"{part['images']}",
        **own,
        "batch": f"{values['batch']}",
        "precision": part["precision"],
        "machine": part["machine"],
        "minutes": f"{part['minutes']:.0f}",
        "preset": preset,
        "seed": f"{values['seed']}",
        "commit": part.get("commit") or NOT_RECORDED,
        "command": "below" if part.get("command") else NOT_RECORDED,
    }


def _by_config(values: Mapping[str, Any]) -> str:
    found = preset_of(values)
    return f"`{found}`, which the recorded config equals" if found else NOT_RECORDED


def _from_labels(part: Mapping[str, Any]) -> dict[str, str]:
    values = part["config"]
    data, branches = values["data"], values["model"]["branches"]
    splits = "" if any(":" in str(root) for root in data["roots"]) else f", {' '.join(data['splits'])}"
    return {
        "data": f"{' '.join(map(str, data['roots']))}{splits}",
        "epochs": " + ".join(f"{phase['epochs']}" for phase in values["schedule"]),
        "schedule": "; ".join(_phase(phase, branches) for phase in values["schedule"]),
        "λ": f"{values['lambda_cam']}",
    }


def _from_masks(name: str, part: Mapping[str, Any]) -> dict[str, str]:
    values = part["config"]
    labels = "confident labels" if name == "relation" else "pseudo masks"
    return {
        "data": f"{labels} made from this checkpoint's CAMs",
        "epochs": f"{values['epochs']}",
        "schedule": f"{values['crop']} px crops",
        "backbone": f"`{values['cnn']}`",
    }


def _phase(phase: Mapping[str, Any], branches: str) -> str:
    words = [f"{SIDES[phase.get('side', 'long')]} {phase['resize'][0]}–{phase['resize'][1]}"]
    if branches != "cnn":
        words.append(f"loops drawn from {', '.join(map(str, phase['loops']))}")
    if branches != "vit":
        words.append(f"the CNN gets them at {phase['cnn_size'] or phase['crop']} px")
    return f"{phase['epochs']} epochs of {phase['crop']} px crops ({', '.join(words)})"
