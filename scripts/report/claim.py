"""A claim of the paper as one card: a sentence, the verdict, the differences it goes by, and a chart of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scripts.report.base import Line
from scripts.report.verdict import Paired, Verdict, judge_all, too_few

DECIMALS = 3
Bounds = tuple[float, float]
OURS, PAPER_NAME = "ours", "paper"


@dataclass(frozen=True)
class Compared:
    """One difference, in points; None for what is not known.

    `name`: what is compared with what; `label`: the same in a chart of such differences; `paper`: the published one;
    `ours`: the mean over the seeds; `interval`: of that mean, at 95 %, only from three seeds on; `range`: of the seeds,
    from two on.
    """

    name: str
    label: str
    paper: float | None
    ours: float | None
    interval: Bounds | None
    range: Bounds | None
    seeds: int

    @classmethod
    def of(cls, name: str, label: str, gaps: Paired, paper: float | None = None) -> Compared:
        """From the differences of the seeds, of which there may be none."""
        ours = _rounded(gaps.mean) if gaps else None
        spread = (_rounded(min(gaps.gaps)), _rounded(max(gaps.gaps))) if len(gaps.gaps) > 1 else None
        found = gaps.interval()
        interval = None if found is None else (_rounded(found[0]), _rounded(found[1]))
        return cls(name, label, None if paper is None else _rounded(paper), ours, interval, spread, len(gaps.gaps))

    @property
    def half(self) -> float:
        """Half of the interval, or of the range where there is no interval; 0 without either."""
        low, high = self.interval or self.range or (0.0, 0.0)
        return _rounded((high - low) / 2)


@dataclass(frozen=True)
class ClaimChart:
    """Lines of ours and the points of the paper over one x. `joined`: whether the x of our lines follow each other.
    `x_labels`: the names of x = 0, 1, …, where those are no numbers of a scale.
    """

    x: str
    y: str
    ours: tuple[Line, ...]
    paper: Line
    x_labels: tuple[str, ...] = ()
    joined: bool = False


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict. `source`: where the paper makes it; `subject`: the name of the `Setup` it was measured
    with; `rows`: the differences it goes by, of which `decides` is the index of the least in the claim's direction.
    `section`: the heading of its tables on the page of results.
    """

    id: str
    sentence: str
    verdict: Verdict
    reason: str
    source: str
    subject: str
    rows: tuple[Compared, ...]
    decides: int
    chart: ClaimChart
    command: str = ""
    section: str = ""


@dataclass(frozen=True)
class Gap:
    """What a claim compares: the differences of the seeds, and the paper's, in points."""

    gaps: Paired
    paper: float | None = None


def claim(
    name: str,
    sentence: str,
    compared: Mapping[str, Gap],
    *,
    source: str,
    subject: str,
    command: str,
    section: str = "",
    difference: str = "{}",
    x: str = "",
    y: str = "points",
    sign: int = 1,
    chart: ClaimChart | None = None,
    shown: Mapping[str, Gap] | None = None,
) -> Claim:
    """The card of the claim that each of these differences is above zero, or that the only one has this `sign`.

    `compared`: by their labels; `difference`: the name of one, with its label instead of {}. `shown`: those in the
    chart, where they are more than the claim is about; `chart`: another chart than one of the differences. `section`:
    the heading of its tables where that is not its `subject`.
    """
    rows = _rows(compared, difference)
    known = {label: one.gaps for label, one in compared.items()}
    if len(known) == 1:
        only = next(iter(known.values()))
        verdict, reason = only.verdict(sign), only.reason
    elif all(known.values()):
        verdict, reason = judge_all(known)
    else:
        verdict, reason = "inconclusive", too_few(min(len(gaps.gaps) for gaps in known.values()))
    measured = [index for index, row in enumerate(rows) if row.ours is not None]
    decides = min(measured, key=lambda index: sign * (rows[index].ours or 0.0), default=0)
    drawn = chart or differences_chart(rows if shown is None else _rows(shown, difference), x, y)
    return Claim(name, sentence, verdict, reason, source, subject, rows, decides, drawn, command, section or subject)


def _rows(compared: Mapping[str, Gap], difference: str) -> tuple[Compared, ...]:
    return tuple(Compared.of(difference.format(label), label, one.gaps, one.paper) for label, one in compared.items())


def differences_chart(rows: Sequence[Compared], x: str, y: str) -> ClaimChart:
    """A position on the x axis for each difference, ours with half its interval or range."""
    known = [(x_at, row) for x_at, row in enumerate(rows) if row.ours is not None]
    halves = tuple(row.half for _, row in known)
    ours = Line(
        OURS,
        tuple(x_at for x_at, _ in known),
        tuple(row.ours or 0.0 for _, row in known),
        halves if any(row.seeds > 1 for _, row in known) else (),
    )
    published = [(x_at, row.paper) for x_at, row in enumerate(rows) if row.paper is not None]
    paper = Line(PAPER_NAME, tuple(x_at for x_at, _ in published), tuple(value for _, value in published))
    return ClaimChart(x, y, (ours,) if known else (), paper, tuple(row.label for row in rows))


def _rounded(value: float) -> float:
    return round(value, DECIMALS) + 0.0  # without the sign of -0.0
