"""Means over seeds, and whether two of them differ by more than the seeds do."""

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
    half: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread | None:
        """Of what is known; None if nothing is."""
        known = [value for value in values if value is not None]
        return cls(statistics.mean(known), (max(known) - min(known)) / 2, len(known)) if known else None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" + (f" ± {self.half:.1f}" if self.runs > 1 else "")


def cell(found: Spread | None) -> str:
    """A cell of a table."""
    return "–" if found is None else str(found)


def best(row: dict[str, Any], keys: str) -> float | None:
    """Mean IoU of a kind of map at its best threshold; `keys`: kinds with bars between, the first that there is."""
    return next((row["methods"][key]["miou_best"] for key in keys.split("|") if key in row["methods"]), None)


def spread(rows: Sequence[dict[str, Any]], keys: str) -> Spread | None:
    """`best` over the seeds."""
    return Spread.of([best(row, keys) for row in rows])


@dataclass(frozen=True)
class Paired:
    """Differences within a run, or between runs of one seed, so that what the seed does to both is left out."""

    gaps: tuple[float, ...]

    @classmethod
    def of(cls, rows: Rows, one: str, other: str) -> Paired:
        """Kind `one` minus kind `other` in every run that has both."""
        pairs = [(best(row, one), best(row, other)) for row in rows]
        return cls(tuple(a - b for a, b in pairs if a is not None and b is not None))

    @classmethod
    def between(cls, rows: Rows, keys: str, others: Rows, other_keys: str | None = None) -> Paired:
        """A kind of map in `rows` minus that in `others` (or `other_keys` there), seed by seed where both have it."""
        theirs = {row["seed"]: best(row, other_keys or keys) for row in others}
        pairs = [(best(row, keys), theirs.get(row["seed"])) for row in rows]
        return cls(tuple(a - b for a, b in pairs if a is not None and b is not None))

    @property
    def verdict(self) -> str:
        """What the runs say of a claim that the difference is above zero."""
        if all(gap > 0 for gap in self.gaps):
            return "holds"
        return "does not hold" if all(gap <= 0 for gap in self.gaps) else "is not settled by these runs"

    def __bool__(self) -> bool:
        return bool(self.gaps)

    def __str__(self) -> str:
        up = sum(gap > 0 for gap in self.gaps)
        mean = statistics.mean(self.gaps)
        if len(self.gaps) == 1:
            return f"{mean:+.1f} in one run"
        return (
            f"{mean:+.1f} ({min(self.gaps):+.1f} to {max(self.gaps):+.1f}, above zero in {up} of {len(self.gaps)} runs)"
        )
