"""What was measured, as sections of tables and plain sentences, made from the JSON files of `results/` alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crt.checkpoint import Defaults
from crt.errors import InvalidDataset, reason_of
from scripts.report.ablation import ablation
from scripts.report.base import Section, Table
from scripts.report.evaluation import ROWS, attention_of, evaluation, with_defaults
from scripts.report.latency import latency
from scripts.report.localization import localization
from scripts.report.pilot import pilot
from scripts.report.pipeline import pipeline
from scripts.report.pointing import classification, pointing
from scripts.report.reliability import fuzz, load
from scripts.report.speed import bench, viewer, walk

__all__ = [
    "KINDS", "ROWS", "Measured", "Section", "Table", "attention_of", "read_measured", "read_results", "with_defaults",
]  # fmt: skip

KINDS: dict[str, Callable[[dict[str, Any], Defaults], Section]] = {
    "definitions": localization,
    "methods": evaluation,
    "pointing": pointing,
    "classification": classification,
    "stages": pipeline,
    "rows": ablation,
    "pilot": pilot,
    "bench": bench,
    "sparse_seconds": walk,
    "redraws": viewer,
    "latency": latency,
    "fuzz": fuzz,
    "load": load,
}
"""By the key that identifies a kind of result; the first that a result has counts."""


@dataclass(frozen=True)
class Measured:
    """A result, what kind it is (a key of `KINDS`), and its section."""

    kind: str
    result: dict[str, Any]
    section: Section


def read_measured(folder: Path, defaults: Defaults) -> tuple[Measured, ...]:
    """All results in a folder, evaluations first.

    Raises InvalidDataset for a file that is no JSON, or that another version wrote.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidDataset(f"{path} cannot be read as JSON: {reason_of(error)}.") from error
        kind = next((key for key in KINDS if key in result), None)
        if kind is None:
            continue
        try:
            found.append(Measured(kind, result, KINDS[kind](result, defaults)))
        except (KeyError, TypeError) as error:
            raise InvalidDataset(f"{path} was written by another version ({error!r}): measure it again.") from error
    return tuple(sorted(found, key=lambda one: one.section.order))


def read_results(folder: Path, defaults: Defaults) -> tuple[Section, ...]:
    """The sections of `read_measured`. Raises InvalidDataset as it does."""
    return tuple(one.section for one in read_measured(folder, defaults))
