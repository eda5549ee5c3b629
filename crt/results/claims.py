"""The paper's numbers, tables with a column of them, and whether a difference is larger than what the seeds make."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crt.results.base import Table
from crt.results.spread import Paired, Rows, cell, named, spread

# METHOD section 10: VOC 2012 train, mIoU of the seeds over all 21 classes (of the masks for the loops), by row.
PAPER: dict[str, dict[str, str]] = {
    "coupling": {"λ = 0": "40.8", "λ = 0.01": "47.7", "λ = 0.1": "51.5", "λ = 0.2": "50.6"},
    "loops": {f"{k} in training": value for k, value in enumerate(("69.9", "70.4", "71.4", "71.8", "71.7"))},
    "modes": {
        "one tile of 224": "51.5",
        "overlap, 336": "57.6",
        "side by side, 448": "57.9",
        "interpolated, trained so": "53.2",
        "deconvolution to 28 × 28": "29.2",
    },
}
SEEDS, MASKS = "paper: seeds, 21 classes", "paper: masks, 21 classes"


def published(table: str, name: str, other: str) -> str:
    """By how much one row of the paper's is above another, in brackets; nothing where it has one of them not."""
    theirs = [PAPER[table].get(row) for row in (name, other)]
    known = [float(value) for value in theirs if value is not None]
    return f" (paper {known[0] - known[1]:+.1f})" if len(known) == len(theirs) else ""


def table_of(title: str, rows: Rows, columns: Sequence[tuple[str, str]], paper: tuple[str, str] | None = None) -> Table:
    """A line per name; `columns`: heads and kinds of map; `paper`: its column's head, and its numbers' key in PAPER."""
    body = []
    for name, mine in named(rows).items():
        cells = [cell(spread(mine, keys)) for _, keys in columns]
        body.append((name, *cells, *([PAPER[paper[1]].get(name, "–")] if paper else [])))
    return Table((title, *(head for head, _ in columns), *([paper[0]] if paper else [])), tuple(body))


def saying(table: Table, *sentences: str) -> Table:
    """The table with those sentences under it that are not empty."""
    return dataclasses.replace(table, says=tuple(filter(None, sentences)))


@dataclass(frozen=True)
class Compared:
    """One row of a table above another. `paired`: differences between runs of one seed. `half`: half the range over
    the seeds, the larger of the two rows'; `seeds`: how many those are.
    """

    paired: Paired
    half: float
    seeds: int

    @classmethod
    def between(cls, rows: Rows, keys: str, others: Rows, other_keys: str | None = None) -> Compared | None:
        """A kind of map in `rows` against that in `others` (or `other_keys` there); None without a seed in common."""
        paired = Paired.between(rows, keys, others, other_keys)
        found = [one for one in (spread(rows, keys), spread(others, other_keys or keys)) if one is not None]
        return cls(paired, max(one.half for one in found), max(one.runs for one in found)) if paired else None

    @property
    def mean(self) -> float:
        """In points."""
        return statistics.mean(self.paired.gaps)

    @property
    def beyond(self) -> int:
        """1 or -1 where the difference is larger than the seeds', by its sign; else 0."""
        return 0 if abs(self.mean) <= self.half else 1 if self.mean > 0 else -1

    def verdict(self, sign: int = 1) -> str:
        """Of the claim that the difference has this sign."""
        if not self.beyond:
            return f"is not settled: no difference {_beyond(self)}"
        return f"holds {_beyond(self)}" if self.beyond == sign else f"does not hold: the opposite shows {_beyond(self)}"

    def __str__(self) -> str:
        gaps = self.paired.gaps
        return f"{self.mean:+.1f} " + (f"({min(gaps):+.1f} to {max(gaps):+.1f})" if len(gaps) > 1 else "in one run")


def verdict_of_best(compared: Mapping[str, Compared]) -> str:
    """Of the claim that a row is above every other; `compared`: that row against each of those, by their names."""
    within = _beyond(*compared.values())
    if above := [name for name, one in compared.items() if one.beyond < 0]:
        return f"does not hold: {listed(above)} came out above it {within}"
    if level := [name for name, one in compared.items() if not one.beyond]:
        return f"is not settled: no difference from {listed(level)} {within}"
    return f"holds {within}"


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def beyond_seeds(seeds: int, half: float) -> str:
    """What a difference is held against, in words."""
    return f"beyond the spread of {seeds} seeds (± {half:.1f})" if seeds > 1 else "in the one run of each"


def _beyond(*compared: Compared) -> str:
    return beyond_seeds(max(one.seeds for one in compared), max(one.half for one in compared))
