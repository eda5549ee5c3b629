"""The ablations of the loop: in training and at test (Table 3), which attention refines, and what a pass changes."""

from __future__ import annotations

import itertools
import statistics

from crt.results.base import Table
from crt.results.claims import MASKS, Compared, listed, saying, table_of, verdict_of_best
from crt.results.spread import TESTED, Paired, Rows, Spread, best, cell, named, spread

WAYS = (("unrefined", "_unrefined"), ("refined by the first pass", "_first"), ("refined by the sum", ""))
LAST_SIMILARITY = 99.8
"""Percent, at the fourth pass (Fig. 6 of the paper)."""


def loops(rows: Rows) -> list[Table]:
    """Table 3 in three ways to refine, what loops at test change in each, the passes' attention, and Fig. 6."""
    rows = sorted(rows, key=lambda row: row["name"])
    runs = named(rows)
    summed = table_of(
        "loops (Table 3), refined by the sum",
        rows,
        [(f"test {k}", f"crt_loops_{k}") for k in TESTED],
        (MASKS, "loops"),
    )
    first = table_of(
        "the same, refined by the first pass", rows, [(f"test {k}", f"crt_loops_{k}_first") for k in TESTED if k > 1]
    )
    bare = table_of("the same, unrefined", rows, [(f"test {k}", f"crt_loops_{k}_unrefined") for k in TESTED])
    looped = [row for row in rows if row["name"] != "0 in training"]
    gains = {k: Paired.of(looped, f"crt_loops_{k}_first", f"crt_loops_{k}") for k in TESTED if k > 1}
    told = "; ".join(f"{k} loops {gain}" for k, gain in gains.items() if gain)
    return [
        saying(summed, _alike(runs, "", " refined by the sum")),
        saying(
            first,
            _alike(runs, "_first", " refined by the first pass"),
            f"The first pass's attention alone and not the sum, in the same runs: {told}." if told else "",
        ),
        saying(bare, _alike(runs, "_unrefined", " unrefined")),
        *_at_test(looped),
        *_attention(runs.get("3 in training", ())),
        *_similarity(rows),
    ]


def _key(count: int, way: str) -> str:
    """The kind of map; up to one loop there is one pass, so that the first and the last are the sum."""
    return f"crt_loops_{count}{way if way == '_unrefined' or count > 1 else ''}"


def _alike(runs: dict[str, list[dict]], way: str, words: str) -> str:
    """Trainings tested with their own loop count, and the claim that three are best."""
    mine = {k: (runs.get(f"{k} in training", []), _key(k, way)) for k in TESTED}
    found = {k: got for k, (rows, key) in mine.items() if (got := spread(rows, key)) is not None}
    if not found:
        return ""
    told = f"Trained and tested with the same count,{words}: {', '.join(f'{k}: {got}' for k, got in found.items())}."
    three, key = mine[3]
    gaps = {k: Compared.between(three, key, rows, other) for k, (rows, other) in mine.items() if k != 3}
    known = {f"{k}": gap for k, gap in gaps.items() if gap}
    if not known:
        return told
    against = ", ".join(f"{gap} against {k}" for k, gap in known.items())
    return f"{told} The paper's claim that three are best {verdict_of_best(known)}; three are {against}."


def _at_test(rows: Rows) -> list[Table]:
    """What each loop count at test changes against none within a run, refined or not, over all trainings with loops."""
    gaps = {
        (way, k): Paired.of(rows, _key(k, way), _key(0, way)) for _, way in WAYS for k in TESTED if k
    }  # within one run no seed differs
    if not any(gaps.values()):
        return []
    body = tuple((name, *(_change(gaps[way, k]) for k in TESTED if k)) for name, way in WAYS)
    head = ("against test 0, trained with loops", *(f"test {k}" for k in TESTED if k))
    return [saying(Table(head, body), _hindrance(rows))]


def _change(gap: Paired) -> str:
    if not gap:
        return "–"
    mean = f"{statistics.mean(gap.gaps):+.1f}"
    return mean if len(gap.gaps) == 1 else f"{mean} ({min(gap.gaps):+.1f} to {max(gap.gaps):+.1f})"


def _hindrance(rows: Rows) -> str:
    """What keeps loops from helping at test once maps are refined, at three loops."""
    whole = [row for row in rows if all(best(row, _key(k, way)) is not None for _, way in WAYS for k in (0, 3))]
    if not whole:
        return ""
    bare, first, summed = (Paired.of(whole, _key(3, way), _key(0, way)).gaps for _, way in WAYS)
    told = [
        f"{statistics.mean(gaps):+.1f} {name} (a gain in {sum(gap > 0 for gap in gaps)} of {len(gaps)} runs)"
        for (name, _), gaps in zip(WAYS, (bare, first, summed), strict=True)
    ]
    costs = [no - yes for no, yes in zip(bare, summed, strict=True)]
    cost, later = statistics.mean(costs), statistics.mean(first) - statistics.mean(summed)
    told = f"Three loops at test instead of none change the maps by {listed(told)}."
    if cost <= 0:
        return f"{told} So refinement does not keep loops from helping."
    first_alone = "as much of it where the first pass's attention alone refines"
    if later > 0:
        first_alone = f"{100 * min(later / cost, 1):.0f} % less where the first pass's attention alone refines"
    so = "So refinement is what keeps loops from helping"
    if statistics.mean(bare) <= 0:
        so = "Unrefined they do not help on the mean either, but refinement makes it worse"
    return (
        f"{told} {so}: it costs {cost:.1f} points, something in {sum(one > 0 for one in costs)} of {len(costs)} runs, "
        f"{first_alone}."
    )


def _attention(rows: Rows) -> list[Table]:
    """Refinement on and off, and which passes' attention, for the training with three loops."""
    ways = (("unrefined", "_unrefined"), ("sum or mean", ""), ("first pass", "_first"), ("last pass", "_last"))
    if not rows:
        return []
    body = tuple((f"test {k}", *(cell(spread(rows, _key(k, way))) for _, way in ways)) for k in TESTED)
    told = (
        ("refinement helps", "crt_loops_3", "crt_loops_3_unrefined"),
        ("the sum over passes is better than the first pass alone", "crt_loops_3", "crt_loops_3_first"),
        ("the sum is better than the last pass alone", "crt_loops_3", "crt_loops_3_last"),
    )
    gaps = {name: Paired.of(rows, *two) for name, *two in told}
    words = "; ".join(f"that {name} {gap.verdict}, {gap}" for name, gap in gaps.items() if gap)
    alike = "The mean over passes gives the maps of the sum: a constant factor vanishes in their normalisation."
    table = Table(("attention, 3 loops in training", *(head for head, _ in ways)), body)
    return [saying(table, f"The paper refines by the sum. At three loops, {words}." if words else "", alike)]


def _similarity(rows: Rows) -> list[Table]:
    """Fig. 6: cosine of the tokens before and after each pass."""
    last = max(TESTED)
    found = {
        name: {k: got for k in TESTED if k and (got := similarity(mine, k)) is not None}
        for name, mine in named(rows).items()
    }
    if not any(found.values()):
        return []
    body = tuple(
        (name, *(cell(got.get(k)) for k in TESTED if k), f"{LAST_SIMILARITY}") for name, got in found.items() if got
    )
    head = ("similarity of the tokens before and after a pass (Fig. 6), %", *(f"pass {k}" for k in TESTED if k))
    table = Table((*head, f"paper: pass {last}"), body)
    looped = {name: got for name, got in found.items() if last in got and name != "0 in training"}
    if not looped:
        return [table]
    rising = all(a.mean < b.mean for got in looped.values() for a, b in itertools.pairwise(got.values()))
    ends = [got[last] for got in looped.values()]
    reached = all(LAST_SIMILARITY - one.mean <= one.half for one in ends)
    holds = "does not hold here" if not rising else "holds here" if reached else "holds here in its direction"
    low, high, half = min(one.mean for one in ends), max(one.mean for one in ends), max(one.half for one in ends)
    claim = (
        f"The paper's claim that the similarity rises with every pass, to {LAST_SIMILARITY} % at pass {last}, {holds}"
    )
    within = f", seeds ± {half:.1f} at most" if any(one.runs > 1 for one in ends) else ""
    return [saying(table, f"{claim}: trained with loops it is {low:.1f} to {high:.1f} % there{within}.")]


def similarity(rows: Rows, count: int) -> Spread | None:
    """Percent at a pass, over the runs that know it."""
    return Spread.of([100 * row["similarity"][count] for row in rows if len(row.get("similarity") or ()) > count])
