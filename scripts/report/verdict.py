"""The verdict on a claim by differences between runs of the same seeds: holds, does not hold, or inconclusive."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scripts.report.spread import Rows, best, named

Verdict = Literal["holds", "does not hold", "inconclusive"]
VERDICT_MARKS: dict[Verdict, str] = {"holds": "✔ ", "does not hold": "✘ ", "inconclusive": ""}
"""Before the words of a verdict on a page."""
LEAST_SEEDS = 3
"""With fewer no verdict is given: the spread of two differences is no estimate of that of others."""
CONFIDENCE = 0.95


def difference(row: dict[str, Any], one: str, other: str) -> float | None:
    """Best mIoU of kind `one` minus that of kind `other` in a run, in points; None if it lacks one."""
    a, b = best(row, one), best(row, other)
    return None if a is None or b is None else a - b


def differences(rows: Rows, one: str, other: str) -> tuple[float, ...]:
    """`difference` of every run that has both."""
    return tuple(gap for row in rows if (gap := difference(row, one, other)) is not None)


@dataclass(frozen=True)
class Paired:
    """One difference per seed, so that what a seed does to both sides is left out. In points."""

    gaps: tuple[float, ...]

    @classmethod
    def of(cls, values: Mapping[int, float | None], others: Mapping[int, float | None]) -> Paired:
        """`values` minus `others` at every seed where both are known."""
        pairs = [(values[seed], others.get(seed)) for seed in sorted(values)]
        return cls(tuple(a - b for a, b in pairs if a is not None and b is not None))

    @classmethod
    def between(cls, rows: Rows, keys: str, others: Rows, other_keys: str | None = None) -> Paired:
        """A kind of map in `rows` minus that in `others` (or `other_keys` there); at most one run per seed in each."""
        return cls.of(
            {row["seed"]: best(row, keys) for row in rows},
            {row["seed"]: best(row, other_keys or keys) for row in others},
        )

    @classmethod
    def within(cls, rows: Rows, value: Callable[[dict[str, Any]], float | None]) -> Paired:
        """A difference that one run has by itself, averaged at each seed over the rows that every seed has.

        Runs of one seed are not independent of each other, so they count as one.
        """
        found = {name: {row["seed"]: value(row) for row in mine} for name, mine in named(rows).items()}
        known = [{seed: gap for seed, gap in gaps.items() if gap is not None} for gaps in found.values()]
        seeds = sorted({seed for gaps in known for seed in gaps})
        whole = [gaps for gaps in known if len(gaps) == len(seeds)]
        return cls(tuple(statistics.mean(gaps[seed] for gaps in whole) for seed in seeds) if whole else ())

    @property
    def mean(self) -> float:
        """In points. Raises statistics.StatisticsError without a difference."""
        return statistics.mean(self.gaps)

    def interval(self, comparisons: int = 1) -> tuple[float, float] | None:
        """The two-sided Student t interval of the mean at 95 %; None for fewer than three seeds.

        `comparisons`: how many intervals are tested together for one verdict (Bonferroni's correction).
        """
        from scipy.special import stdtrit

        count = len(self.gaps)
        if count < LEAST_SEEDS:
            return None
        quantile = float(stdtrit(count - 1, 1 - (1 - CONFIDENCE) / (2 * comparisons)))
        half = quantile * statistics.stdev(self.gaps) / math.sqrt(count)
        return self.mean - half, self.mean + half

    def verdict(self, sign: int = 1, *, comparisons: int = 1) -> Verdict:
        """Of the claim that the difference has this sign; inconclusive unless the interval excludes zero."""
        bounds = self.interval(comparisons)
        if bounds is None or bounds[0] <= 0 <= bounds[1]:
            return "inconclusive"
        return "holds" if (bounds[0] > 0) == (sign > 0) else "does not hold"

    def statement(self, sign: int = 1) -> str:
        """The verdict with its reason, to be put behind the claim: "holds (95 % interval +1.0 to +3.0, 3 seeds)"."""
        verdict = self.verdict(sign)
        return f"{'is ' if verdict == 'inconclusive' else ''}{verdict} ({self.reason})"

    @property
    def reason(self) -> str:
        """What the verdict goes by."""
        bounds = self.interval()
        if bounds is None:
            return too_few(len(self.gaps))
        return f"95 % interval {bounds[0]:+.1f} to {bounds[1]:+.1f}, {len(self.gaps)} seeds"

    def __bool__(self) -> bool:
        return bool(self.gaps)

    def __str__(self) -> str:
        return change(self.gaps)


def marked(verdict: Verdict) -> str:
    """The verdict as pages have it."""
    return f"{VERDICT_MARKS[verdict]}{verdict}"


def too_few(seeds: int) -> str:
    """Why there is no verdict."""
    return f"{seeds} {'seed' if seeds == 1 else 'seeds'}, a verdict needs {LEAST_SEEDS}"


def change(gaps: tuple[float, ...]) -> str:
    """Mean and range of at least one difference: "+2.0 (+1.0 to +3.0)"."""
    mean = f"{statistics.mean(gaps):+.1f}"
    return mean if len(gaps) == 1 else f"{mean} ({min(gaps):+.1f} to {max(gaps):+.1f})"


def judge_all(compared: Mapping[str, Paired]) -> tuple[Verdict, str]:
    """The verdict on the claim that every difference is above zero, and its reason; `compared`: at least one
    difference, by what it is to.

    It holds if every interval is above zero, and does not if one is below; since one of many may do so by chance,
    those intervals are widened by their number.
    """
    count = len(compared)
    seeds = min(len(one.gaps) for one in compared.values())
    if below := [name for name, one in compared.items() if one.verdict(comparisons=count) == "does not hold"]:
        return "does not hold", f"below zero: {listed(below)}"
    if seeds < LEAST_SEEDS:
        return "inconclusive", too_few(seeds)
    if level := [name for name, one in compared.items() if one.verdict() != "holds"]:
        return "inconclusive", f"not above zero at 95 %: {listed(level)}; {seeds} seeds"
    return "holds", f"all above zero at 95 %, {seeds} seeds"


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Names as in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
