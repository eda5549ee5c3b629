"""The ablations of the loop: in training and at test (Table 3), which attention refines, and what a pass changes."""

from __future__ import annotations

import itertools
import statistics
from functools import partial
from typing import Any

from scripts.report.base import Table
from scripts.report.claims import MASKS, saying, table_of
from scripts.report.spread import TESTED, Rows, Spread, best, cell, named, spread
from scripts.report.verdict import Paired, change, difference, differences, listed, verdict_of_all

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
    gains = {k: differences(looped, f"crt_loops_{k}_first", f"crt_loops_{k}") for k in TESTED if k > 1}
    text = "; ".join(f"{k} loops {change(gain)}" for k, gain in gains.items() if gain)
    return [
        saying(summed, _alike(runs, "", " refined by the sum")),
        saying(
            first,
            _alike(runs, "_first", " refined by the first pass"),
            f"The first pass's attention alone and not the sum, in the same runs: {text}." if text else "",
        ),
        saying(bare, _alike(runs, "_unrefined", " unrefined")),
        *_at_test(looped),
        *_attention(runs.get("3 in training", ())),
        *_similarity(rows),
    ]


def kind_of(count: int, way: str) -> str:
    """The kind of map; up to one loop there is one pass, so that the first and the last are the sum."""
    return f"crt_loops_{count}{way if way == '_unrefined' or count > 1 else ''}"


def _alike(runs: dict[str, list[dict]], way: str, words: str) -> str:
    """Trainings tested with their own loop count, and the claim that three are best."""
    mine = {k: (runs.get(f"{k} in training", []), kind_of(k, way)) for k in TESTED}
    found = {k: got for k, (rows, key) in mine.items() if (got := spread(rows, key)) is not None}
    if not found:
        return ""
    text = f"Trained and tested with the same count,{words}: {', '.join(f'{k}: {got}' for k, got in found.items())}."
    three, key = mine[3]
    gaps = {k: Paired.between(three, key, rows, other) for k, (rows, other) in mine.items() if k != 3}
    known = {f"{k}": gap for k, gap in gaps.items() if gap}
    if not known:
        return text
    against = ", ".join(f"{gap} against {k}" for k, gap in known.items())
    return f"{text} The paper's claim that three are best {verdict_of_all(known)}; three are {against}."


def _at_test(rows: Rows) -> list[Table]:
    """What each loop count at test changes against none within a run, refined or not, over all trainings with loops."""
    gaps = {
        (way, k): differences(rows, kind_of(k, way), kind_of(0, way)) for _, way in WAYS for k in TESTED if k
    }  # within one run no seed differs
    if not any(gaps.values()):
        return []
    body = tuple((name, *(_change(gaps[way, k]) for k in TESTED if k)) for name, way in WAYS)
    head = ("against test 0, trained with loops", *(f"test {k}" for k in TESTED if k))
    return [saying(Table(head, body), _hindrance(rows))]


def _change(gaps: tuple[float, ...]) -> str:
    return change(gaps) if gaps else "–"


def _hindrance(rows: Rows) -> str:
    """Whether refinement keeps loops from helping at test, at three loops."""
    whole = [row for row in rows if all(best(row, kind_of(k, way)) is not None for _, way in WAYS for k in (0, 3))]
    if not whole:
        return ""
    gaps = [differences(whole, kind_of(3, way), kind_of(0, way)) for _, way in WAYS]
    text = [
        f"{statistics.mean(one):+.1f} {name} (a gain in {sum(gap > 0 for gap in one)} of {len(one)} runs)"
        for (name, _), one in zip(WAYS, gaps, strict=True)
    ]
    costs = {name: Paired.within(whole, partial(_cost, way=way)) for name, way in WAYS[1:]}
    claims = [f"{name} {cost.statement()}, {cost.mean:.1f} points" for name, cost in costs.items() if cost]
    return (
        f"Three loops at test instead of none change the maps by {listed(text)}. That refinement takes from what loops "
        f"change, averaged over the trainings of each seed: {'; '.join(claims)}."
    )


def _cost(row: dict[str, Any], way: str) -> float | None:
    """What three loops change unrefined, minus what they change refined this way."""
    bare, refined = (difference(row, kind_of(3, one), kind_of(0, one)) for one in ("_unrefined", way))
    return None if bare is None or refined is None else bare - refined


def _attention(rows: Rows) -> list[Table]:
    """Refinement on and off, and which passes' attention, for the training with three loops."""
    ways = (("unrefined", "_unrefined"), ("sum or mean", ""), ("first pass", "_first"), ("last pass", "_last"))
    if not rows:
        return []
    body = tuple((f"test {k}", *(cell(spread(rows, kind_of(k, way))) for _, way in ways)) for k in TESTED)
    text = (
        ("refinement helps", "crt_loops_3", "crt_loops_3_unrefined"),
        ("the sum over passes is better than the first pass alone", "crt_loops_3", "crt_loops_3_first"),
        ("the sum is better than the last pass alone", "crt_loops_3", "crt_loops_3_last"),
    )
    gaps = {name: Paired.within(rows, partial(difference, one=one, other=other)) for name, one, other in text}
    words = "; ".join(f"that {name} {gap.statement()}, {gap}" for name, gap in gaps.items() if gap)
    alike = "The mean over passes gives the maps of the sum: a constant factor vanishes in their normalisation."
    table = Table(("attention, 3 loops in training", *(head for head, _ in ways)), body)
    return [saying(table, f"The paper refines by the sum. At three loops, {words}." if words else "", alike)]


def _similarity(rows: Rows) -> list[Table]:
    """Fig. 6: cosine of the tokens before and after each pass."""
    last = max(TESTED)
    runs = named(rows)
    found = {
        name: {k: got for k in TESTED if k and (got := similarity(mine, k)) is not None} for name, mine in runs.items()
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
    steps = {
        f"pass {later}, {name}": Paired.of(at_pass(runs[name], later), at_pass(runs[name], before))
        for name in looped
        for before, later in itertools.pairwise(k for k in TESTED if k)
    }
    ends = [got[last].mean for got in looped.values()]
    claim = f"The paper's claim that the similarity rises with every pass {verdict_of_all(steps)}"
    ends_at = f"trained with loops it is {min(ends):.1f} to {max(ends):.1f} % at pass {last}"
    return [saying(table, f"{claim}: {ends_at}, in the paper {LAST_SIMILARITY} %.")]


def at_pass(rows: Rows, count: int) -> dict[int, float | None]:
    """Percent at a pass, by seed."""
    return {row["seed"]: 100 * row["similarity"][count] for row in rows if len(row.get("similarity") or ()) > count}


def similarity(rows: Rows, count: int) -> Spread | None:
    """Percent at a pass, over the runs that have it."""
    return Spread.of(list(at_pass(rows, count).values()))
