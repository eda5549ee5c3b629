"""What was measured, as sections of tables and plain sentences, made from the JSON files of `results/` alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crt.checkpoint import Defaults
from crt.errors import InvalidDataset, reason_of
from scripts.report.ablation import ablation_section
from scripts.report.base import Section, Table
from scripts.report.evaluation import ROWS, attention_of, evaluation_section, with_defaults
from scripts.report.latency import latency_section, page_weight_section, viewer_section, walk_section
from scripts.report.localization import localization_section
from scripts.report.pilot import pilot_section
from scripts.report.pipeline import pipeline_section
from scripts.report.pointing import classification_section, pointing_section
from scripts.report.reliability import fuzz_section, load_section
from scripts.report.speed import bench_section

__all__ = [
    "KINDS", "ROWS", "Measured", "Section", "Table", "attention_of", "read_measured", "read_results", "with_defaults",
]  # fmt: skip

KINDS: dict[str, Callable[[dict[str, Any], Defaults], Section]] = {
    "definitions": localization_section,
    "methods": evaluation_section,
    "pointing": pointing_section,
    "classification": classification_section,
    "stages": pipeline_section,
    "rows": ablation_section,
    "pilot": pilot_section,
    "sparse_seconds": walk_section,
    "redraws": viewer_section,
    "page": page_weight_section,
    "latency": latency_section,
    "fuzz": fuzz_section,
    "load": load_section,
}
"""By the key that identifies a kind of result; the first that a result has counts."""
SEVERAL: dict[str, Callable[[dict[str, Any], Defaults], tuple[Section, ...]]] = {"bench": bench_section}
"""Kinds of result that become several sections."""


@dataclass(frozen=True)
class Measured:
    """A result, what kind it is (a key of `KINDS`), its section, and the name of its file."""

    kind: str
    result: dict[str, Any]
    section: Section
    file: str = ""


def read_measured(folder: Path, defaults: Defaults) -> tuple[Measured, ...]:
    """All results in a folder, evaluations first. Raises InvalidDataset as `read_file` does."""
    found = [one for path in sorted(folder.glob("*.json")) for one in read_file(path, defaults)]
    return tuple(sorted(found, key=lambda one: one.section.order))


def read_file(path: Path, defaults: Defaults) -> list[Measured]:
    """The sections of one result; none of a file of another kind.

    Raises InvalidDataset for a file that is no JSON, or that another version wrote.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidDataset(f"{path} cannot be read as JSON: {reason_of(error)}.") from error
    kind = next((key for key in (*KINDS, *SEVERAL) if key in result), None)
    if kind is None:
        return []
    try:
        sections = SEVERAL[kind](result, defaults) if kind in SEVERAL else (KINDS[kind](result, defaults),)
    except (KeyError, TypeError) as error:
        raise InvalidDataset(f"{path} was written by another version ({error!r}): measure it again.") from error
    return [Measured(kind, result, section, path.name) for section in sections]


def read_results(folder: Path, defaults: Defaults) -> tuple[Section, ...]:
    """The sections of `read_measured`. Raises InvalidDataset as it does."""
    return tuple(one.section for one in read_measured(folder, defaults))
