"""Means over seeds, and how far the runs lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[dict[str, Any]]
"""Runs of `scripts.ablate`, as its JSON has them."""
TESTED = range(5)
"""The loop counts at test."""


def named(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """The runs of each row of a table, in their order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row)
    return found


@dataclass(frozen=True)
class Spread:
    """Mean and half the range of some runs that differ in their seed."""

    mean: float
    half_range: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread | None:
        """Of what is known; None if nothing is."""
        known = [value for value in values if value is not None]
        return cls(statistics.mean(known), (max(known) - min(known)) / 2, len(known)) if known else None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" + (f" ± {self.half_range:.1f}" if self.runs > 1 else "")


def cell(found: Spread | None) -> str:
    """A cell of a table."""
    return "–" if found is None else str(found)


def best(row: dict[str, Any], keys: str) -> float | None:
    """Mean IoU of a kind of map at its best threshold; `keys`: kinds with bars between, the first that there is."""
    return next((row["methods"][key]["miou_best"] for key in keys.split("|") if key in row["methods"]), None)


def spread(rows: Sequence[dict[str, Any]], keys: str) -> Spread | None:
    """`best` over the seeds."""
    return Spread.of([best(row, keys) for row in rows])
