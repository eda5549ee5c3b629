"""What the page of results begins with: the set-up, the headline, the paper's claims and the loops, each a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crt.checkpoint import CheckpointConfig, Defaults
from scripts.report.base import Section, Table
from scripts.report.claim import Claim
from scripts.report.front_page import headline_table
from scripts.report.loops_answer import loops_section
from scripts.report.markdown import anchor
from scripts.report.overview import Overview
from scripts.report.sections import Measured
from scripts.report.verdict import marked

COMMAND = "python -m scripts.report"
"""It makes the four tables of what the commands of the sections measured."""


def first_sections(
    found: Iterable[Measured], about: Overview, defaults: Defaults, checkpoints: Mapping[str, CheckpointConfig]
) -> list[Section]:
    """The four sections; each is left out that has no row."""
    found = tuple(found)
    headline = headline_table(found, about.setups, defaults)
    made = [setup_section(about, checkpoints)] if about.setups else []
    if headline.rows:
        made.append(
            Section("Headline", ("Networks, images and the number of trainings differ.",), COMMAND, (headline,))
        )
    made += [claims_section(about)] if about.claims else []
    return [*made, *loops_section(found, COMMAND, checkpoints, about.setups)]


def setup_section(about: Overview, checkpoints: Mapping[str, CheckpointConfig]) -> Section:
    """What was measured with which networks, on which images, and where. `checkpoints`: by their names."""
    rows = tuple((one.name, one.images, one.inputs, one.networks, one.seeds, one.machine) for one in about.setups)
    head = ("measurement", "images", "input", "networks", "trainings", "hardware")
    networks = tuple(
        (name, f"`{method}`", spec.backbone)
        for name, config in checkpoints.items()
        for method, spec in config.networks.items()
    )
    tables = [Table(head, rows)]
    if networks:
        tables.append(Table(("checkpoint", "network", "backbone"), networks, folded="Backbones of the checkpoints"))
    notes = ("A checkpoint is one training.", "The image ids of the splits are in `results/splits`.")
    return Section("Set-up", (" ".join(notes),), COMMAND, tuple(tables))


def claims_section(about: Overview) -> Section:
    """A row for each claim, and every difference that a verdict goes by."""
    head = ("claim", "source", "difference", "paper", "ours", "95 % interval", "seeds", "verdict", "section")
    claims = Table(head, tuple(map(_claim_row, about.claims)))
    differences = tuple(row for one in about.claims for row in _difference_rows(one))
    names = ("difference", "claim", "paper", "ours", "range of the seeds", "95 % interval", "seeds")
    notes = (
        "Differences are in points.",
        "Of a claim about several differences the table has the least.",
        "An interval and a verdict need at least three seeds: [Method](method.md#11-verdicts).",
    )
    every = Table(names, differences, folded="Every difference")
    return Section("Claims of the paper", (" ".join(notes),), COMMAND, (claims, every))


def _claim_row(claim: Claim) -> tuple[str, ...]:
    row = claim.rows[claim.decides]
    cells = (_signed(row.paper), _signed(row.ours), _span(row.interval), f"{row.seeds}")
    link = f"[{claim.section}](#{anchor(claim.section)})"
    return (claim.sentence, claim.source, row.name, *cells, marked(claim.verdict), link)


def _difference_rows(claim: Claim) -> list[tuple[str, ...]]:
    return [
        (row.name, claim.sentence, _signed(row.paper), _signed(row.ours), _span(row.range), _span(row.interval),
         f"{row.seeds}")
        for row in claim.rows
    ]  # fmt: skip


def _span(bounds: tuple[float, float] | None) -> str:
    return "–" if bounds is None else f"{bounds[0]:+.1f} to {bounds[1]:+.1f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 1) + 0.0:+.1f}"
