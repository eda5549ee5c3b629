"""The pages and model cards, from sections and the checkpoints that they are about."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crt.checkpoint import CONFIG_FILE, CheckpointConfig, read_config
from crt.errors import InvalidDataset
from scripts.output import write_json
from scripts.report.base import Chart
from scripts.report.charts import slug, svg
from scripts.report.front_page import headline_table, write_front_page
from scripts.report.model_card import card, seeds_of
from scripts.report.overview import claims_section, is_about, overview
from scripts.report.reliability import RELIABILITY_PAGE, faults
from scripts.report.sections import ROWS, Section, read_measured
from scripts.report.speed import PERFORMANCE_PAGE

OTHERS = {
    PERFORMANCE_PAGE: (
        "# Performance\n\nWritten by `python -m scripts.report` from `results/*.json`. Machines differ: compare the "
        "ratios, which were taken in one run, and not the times.\n\n"
    ),
    RELIABILITY_PAGE: (
        "# Reliability\n\nWritten by `python -m scripts.report` from `results/*.json`: what was done to break the "
        "page, and what became of it.\n\n"
    ),
}
"""The pages beside that of the results, and how each begins."""
FIGURES = "figures"
"""Folder of the charts, beside the page."""
README = "README.md"
"""A model card, and the front page, which lies in the folder above that of the pages."""


@dataclass(frozen=True)
class Report:
    """Where results come from and where the pages go."""

    results: Path = Path("results")
    checkpoints: Path = Path("checkpoints")
    """A folder of checkpoints, each of which gets its model card."""
    defaults: str = "voc"
    """The one whose defaults are the default rows of the tables."""
    out: Path = Path("docs/results.md")
    summary: Path = Path("results/summary.json")
    """The claims, the headline and the sections of `out` as JSON, which the Results tab of the app shows."""


def report(config: Report) -> None:
    """Write `out`, its charts, the model cards, the summary that the app shows, and the table of the README above."""
    checkpoints = {
        path.parent.name: read_config(path.parent) for path in sorted(config.checkpoints.glob(f"*/{CONFIG_FILE}"))
    }
    defaults = read_config(config.checkpoints / config.defaults).defaults
    measured = read_measured(config.results, defaults)
    found = tuple(_with_subject(one.section, checkpoints) for one in measured)
    claimed = overview(measured, defaults, checkpoints)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    others = {page: [section for section in found if section.page == page] for page in OTHERS}
    others[RELIABILITY_PAGE].append(faults())
    found = [section for section in found if section.page not in OTHERS]
    if not found:
        raise InvalidDataset(f"{config.results} holds no results: run scripts.evaluate with --json first.")
    sections = "\n".join(map(markdown, [claims_section(claimed), *found] if claimed.claims else found))
    for page, sections_of_page in others.items():
        if sections_of_page:
            text = OTHERS[page] + "\n".join(map(markdown, sections_of_page))
            (config.out.parent / f"{page}.md").write_text(text, encoding="utf-8")
    figures = config.out.parent / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    everything = [*found, *(section for of_page in others.values() for section in of_page)]
    drawn = {chart_file(section, chart): svg(chart) for section in everything for chart in section.charts}
    for old in figures.glob("*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, data in drawn.items():
        (figures / name).write_bytes(data)
    intro = (
        "# Results\n\nWritten by `python -m scripts.report` from `results/*.json`. All numbers are in percent. "
        "A verdict needs at least three seeds (docs/method.md, section 11); a checkpoint is one training. The image "
        "ids of the splits are in `results/splits`.\n\n"
    )
    config.out.write_text(intro + sections, encoding="utf-8")
    write_front_page(config.out.parent.parent / README, headline_table(measured, claimed.setups))
    write_json(config.summary, dataclasses.asdict(claimed) | {"sections": [dataclasses.asdict(one) for one in found]})
    for name, checkpoint in checkpoints.items():
        folder = config.checkpoints / name
        own = [section for section in found if is_about(section, checkpoint)]
        text = card(folder, checkpoint, "\n".join(markdown(section, charts=False) for section in own))
        (folder / README).write_text(text, encoding="utf-8")


def _backbones(checkpoint: CheckpointConfig) -> str:
    return ", ".join(f"`{method}` {spec.backbone}" for method, spec in checkpoint.networks.items())


def _with_subject(section: Section, checkpoints: Mapping[str, CheckpointConfig]) -> Section:
    """The section with a note on which networks it measured: their backbones and the seeds of their training."""
    extra_notes = [
        f"Checkpoint {name}: {_backbones(checkpoint)}; seed {seeds_of(checkpoint)}."
        for name, checkpoint in checkpoints.items()
        if is_about(section, checkpoint)
    ]
    if section.weights_sha256 and not extra_notes:
        extra_notes = [f"These weights (`{section.weights_sha256[:16]}…`) are of no checkpoint of this repository."]
    named = re.search(r"--checkpoint (\S+)", section.command)
    if named is not None and section.weights_sha256 and Path(named[1]).name not in checkpoints:
        extra_notes.append(f"The checkpoint `{named[1]}` that the command names is not part of this repository.")
    return dataclasses.replace(section, notes=(*section.notes, " ".join(extra_notes))) if extra_notes else section


def markdown(section: Section, *, charts: bool = True) -> str:
    """A section as Markdown, its default row in bold; `charts`: with its images, which lie in `FIGURES`."""
    lines = [f"## {section.title}", ""]
    for note in section.notes:
        lines += [note, ""]
    if section.command:
        lines += [f"    {section.command}", ""]
    for table in section.tables:
        lines += ["| " + " | ".join(table.head) + " |", "|---" * len(table.head) + "|"]
        lines += ["| " + " | ".join((_bold(row[0]), *row[1:])) + " |" for row in table.rows]
        lines.append("")
        if table.caption:
            lines += [" ".join(table.caption), ""]
    if section.sentences:
        lines += [" ".join(section.sentences), ""]
    for chart in section.charts if charts else ():
        lines += [f"![{chart.caption}]({FIGURES}/{chart_file(section, chart)})", ""]
    return "\n".join(lines)


def chart_file(section: Section, chart: Chart) -> str:
    """The file name of a chart; sections of one kind have charts of the same title."""
    return f"{slug(f'{section.title} {chart.title}')}.svg"


def _bold(name: str) -> str:
    return f"**{name}**" if name == ROWS["crt"] else name
