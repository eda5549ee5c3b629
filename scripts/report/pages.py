"""The pages and model cards, from sections and the checkpoints that they are about."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crt.checkpoint import CONFIG_FILE, CheckpointConfig, Defaults, read_config
from crt.errors import InvalidDataset
from scripts.output import write_json
from scripts.report.base import Section, Table, with_facts
from scripts.report.card_measures import card_table
from scripts.report.chart_files import write_charts
from scripts.report.charts import figure
from scripts.report.chosen_on import FACT, chosen_on
from scripts.report.first_sections import first_sections
from scripts.report.front_page import headline_table, write_front_page
from scripts.report.markdown import FIGURES, chart_file, markdown, table_markdown
from scripts.report.model_card import card, seeds_of
from scripts.report.origin import origins
from scripts.report.overview import is_about, overview
from scripts.report.reliability import RELIABILITY_PAGE, faults
from scripts.report.sections import Measured, read_measured
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
RESULTS_PAGE = "results"
RESULTS_INTRO = (
    "# Results\n\nWritten by `python -m scripts.report` from `results/*.json`. All numbers are in percent, "
    "differences in points.\n\n"
)
README = "README.md"
"""A model card, and the front page, which lies in the folder above that of the pages."""


@dataclass(frozen=True)
class Report:
    """Where results come from and where the pages go."""

    results: Path = Path("results")
    """Folder of the JSON results."""
    checkpoints: Path = Path("checkpoints")
    """A folder of checkpoints, each of which gets its model card."""
    defaults: str = "voc"
    """The one whose defaults are the default rows of the tables."""
    output: Path = Path("docs/results.md")
    """The page of the results; the other pages go into its folder."""
    summary: Path = Path("results/summary.json")
    """The claims, the headline and the sections of `output` as JSON, which the Results tab of the app shows."""


@dataclass(frozen=True)
class Pages:
    """What a report consists of. `pages`: text by the name of the page; `sections`: all that have charts on them;
    `cards`: text by the name of the checkpoint; `headline`: the table of the README; `summary`: what the app shows.
    """

    pages: dict[str, str]
    sections: tuple[Section, ...]
    cards: dict[str, str]
    headline: Table
    summary: dict[str, Any]


def compose(
    measured: Sequence[Measured], defaults: Defaults, checkpoints: Mapping[str, CheckpointConfig], folder: Path
) -> Pages:
    """Text of every page, card and table; what there is no result of is left out. `folder`: of the checkpoints."""
    found = [_with_subject(one, checkpoints) for one in measured]
    about = overview(measured, defaults, checkpoints)
    own = [section for section in found if section.page not in OTHERS]
    others = {page: [section for section in found if section.page == page] for page in OTHERS}
    others[RELIABILITY_PAGE].append(faults())
    first = first_sections(measured, about, defaults, checkpoints)
    pages = {RESULTS_PAGE: RESULTS_INTRO + "\n".join(map(markdown, [*first, *own]))}
    pages |= {page: _intro(page, measured) + "\n".join(map(markdown, mine)) for page, mine in others.items()}
    shown = [dataclasses.asdict(_of_lines(section)) for section in own]
    return Pages(
        pages,
        (*own, *(section for mine in others.values() for section in mine)),
        {name: card(folder / name, config, card_table(measured, config)) for name, config in checkpoints.items()},
        headline_table(measured, about.setups, defaults),
        dataclasses.asdict(about) | {"sections": shown},
    )


def report(config: Report) -> None:
    """Write all pages, their charts, the model cards, the summary that the app shows, and the table of the README."""
    checkpoints = {
        path.parent.name: read_config(path.parent) for path in sorted(config.checkpoints.glob(f"*/{CONFIG_FILE}"))
    }
    defaults = read_config(config.checkpoints / config.defaults).defaults
    measured = read_measured(config.results, defaults)
    if not any(one.section.page not in OTHERS for one in measured):
        raise InvalidDataset(f"{config.results} holds no results: run scripts.evaluate with --json first.")
    made = compose(measured, defaults, checkpoints, config.checkpoints)
    figures = {chart_file(section, chart): figure(chart) for section in made.sections for chart in section.charts}
    write_charts(config.output.parent / FIGURES, figures)
    for page, text in made.pages.items():
        path = config.output if page == RESULTS_PAGE else config.output.parent / f"{page}.md"
        path.write_text(text, encoding="utf-8")
    write_front_page(config.output.parent.parent / README, made.headline)
    write_json(config.summary, made.summary)
    for name, text in made.cards.items():
        (config.checkpoints / name / README).write_text(text, encoding="utf-8")


def _intro(page: str, measured: Sequence[Measured]) -> str:
    """How a page beside that of the results begins, with what each of its files was measured with."""
    table = origins(one for one in measured if one.section.page == page)
    return OTHERS[page] + ("\n".join([*table_markdown(table), ""]) if table.rows else "")


def _of_lines(section: Section) -> Section:
    """The section without the charts whose points no line joins: the app draws lines, and has a table of classes."""
    return dataclasses.replace(section, charts=tuple(chart for chart in section.charts if chart.joined))


def _backbones(checkpoint: CheckpointConfig) -> str:
    return ", ".join(f"`{method}` {spec.backbone}" for method, spec in checkpoint.networks.items())


def _with_subject(one: Measured, checkpoints: Mapping[str, CheckpointConfig]) -> Section:
    """The section with rows on which networks it measured: their backbones, the seeds of their training, and the images
    that chose their defaults where those were measured too.
    """
    section = one.section
    rows: list[tuple[str, str]] = []
    for name, checkpoint in checkpoints.items():
        if is_about(section, checkpoint):
            rows += [(f"checkpoint {name}", _backbones(checkpoint)), ("seeds of the training", seeds_of(checkpoint))]
            if (chosen := chosen_on(one, checkpoint)) is not None:
                rows.append((FACT, chosen))
    if section.weights_sha256 and not rows:
        rows = [("weights", f"`{section.weights_sha256[:16]}…`, of no checkpoint of this repository")]
    named = re.search(r"--checkpoint (\S+)", section.command)
    if named is not None and section.weights_sha256 and Path(named[1]).name not in checkpoints:
        rows.append(("checkpoint of the command", f"`{named[1]}`, not part of this repository"))
    return with_facts(section, *rows) if rows else section
