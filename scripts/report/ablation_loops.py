"""The ablations of the loop: in training and at test (Table 3), which attention refines, and what a pass changes."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

from scripts.report.base import Table
from scripts.report.claims import MASKS, table_of, titled
from scripts.report.spread import TESTED, Rows, Spread, best, cell, named, spread
from scripts.report.verdict import Paired, change, difference, differences, marked

LOOPS_TITLE, ALIKE_TITLE, AT_TEST_TITLE = "Loops", "Loops, the same in training and at test", "Loops at test"
ATTENTION_TITLE, SIMILARITY_TITLE = "Attention of the passes", "Similarity of the tokens"
"""Headings of the tables."""
WAYS = (("unrefined", "_unrefined"), ("refined by the first pass", "_first"), ("refined by the sum", ""))
ATTENTION = (("unrefined", "_unrefined"), ("sum or mean", ""), ("first pass", "_first"), ("last pass", "_last"))
LOOPS_HEADS = (
    "loops (Table 3), refined by the sum",
    "the same, refined by the first pass",
    "the same, unrefined",
)
ALIKE_HEAD, AT_TEST_HEAD = "loops in training and at test", "against test 0, trained with loops"
ATTENTION_HEAD = "attention, 3 loops in training"
SIMILARITY_HEAD = "similarity of the tokens before and after a pass (Fig. 6), %"
"""First head cells of the tables, by which their charts stand beside them."""
LAST_SIMILARITY = 99.8
"""Percent, at the fourth pass (Fig. 6 of the paper)."""


def loops(rows: Rows) -> list[Table]:
    """Table 3 in three ways to refine, what loops at test change in each, the passes' attention, and Fig. 6."""
    rows = sorted(rows, key=lambda row: row["name"])
    runs = named(rows)
    tables = []
    for (name, way), head in zip(reversed(WAYS), LOOPS_HEADS, strict=True):
        tested = [k for k in TESTED if way != "_first" or k > 1]
        columns = [(f"test {k}", f"crt_loops_{k}{way}") for k in tested]
        table = table_of(head, rows, columns, None if way else (MASKS, "loops"))
        tables.append(titled(table, f"{LOOPS_TITLE}, {name}" if way else LOOPS_TITLE))
    looped = [row for row in rows if row["name"] != "0 in training"]
    return [*tables, *_alike(runs), *_at_test(looped), *_attention(runs.get("3 in training", ())), *_similarity(rows)]


def kind_of(count: int, way: str) -> str:
    """The kind of map; up to one loop there is one pass, so that the first and the last are the sum."""
    return f"crt_loops_{count}{way if way == '_unrefined' or count > 1 else ''}"


def _alike(runs: dict[str, list[dict]]) -> list[Table]:
    """Trainings tested with their own loop count, in each way to refine."""
    body = []
    for k in TESTED:
        cells = [cell(spread(runs.get(f"{k} in training", []), kind_of(k, way))) for _, way in reversed(WAYS)]
        body += [(f"{k}", *cells)] if set(cells) != {"–"} else []
    heads = tuple(name for name, _ in reversed(WAYS))
    return [titled(Table((ALIKE_HEAD, *heads), tuple(body)), ALIKE_TITLE)] if body else []


def _at_test(rows: Rows) -> list[Table]:
    """What each loop count at test changes against none within a run, refined or not, over all trainings with loops."""
    gaps = {
        (way, k): differences(rows, kind_of(k, way), kind_of(0, way)) for _, way in WAYS for k in TESTED if k
    }  # within one run no seed differs
    if not any(gaps.values()):
        return []
    body = tuple((name, *(_change(gaps[way, k]) for k in TESTED if k)) for name, way in WAYS)
    head = (AT_TEST_HEAD, *(f"test {k}" for k in TESTED if k))
    return [titled(Table(head, body), AT_TEST_TITLE), *_hindrance(rows)]


def _change(gaps: tuple[float, ...]) -> str:
    return change(gaps) if gaps else "–"


def _hindrance(rows: Rows) -> list[Table]:
    """Whether refinement keeps loops from helping at test, at three loops: what they change unrefined and refined."""
    whole = [row for row in rows if all(best(row, kind_of(k, way)) is not None for _, way in WAYS for k in (0, 3))]
    if not whole:
        return []
    body = []
    for name, way in WAYS:
        gaps = differences(whole, kind_of(3, way), kind_of(0, way))
        cost = Paired.within(whole, partial(_cost, way=way)) if way != "_unrefined" else None
        words = ("–", "–") if cost is None else (f"{cost.mean:+.1f}", f"{marked(cost.verdict())} ({cost.reason})")
        body.append((name, f"{statistics.mean(gaps):+.1f}", f"{sum(gap > 0 for gap in gaps)} of {len(gaps)}", *words))
    head = ("3 loops at test against none", "points", "runs with a gain", "lost by refinement", "that it loses")
    return [Table(head, tuple(body), caption=("What refinement loses is averaged over the trainings of each seed.",))]


def _cost(row: dict[str, Any], way: str) -> float | None:
    """What three loops change unrefined, minus what they change refined this way."""
    bare, refined = (difference(row, kind_of(3, one), kind_of(0, one)) for one in ("_unrefined", way))
    return None if bare is None or refined is None else bare - refined


def _attention(rows: Rows) -> list[Table]:
    """Refinement on and off, and which passes' attention, for the training with three loops."""
    if not rows:
        return []
    body = tuple((f"test {k}", *(cell(spread(rows, kind_of(k, way))) for _, way in ATTENTION)) for k in TESTED)
    alike = "The mean over passes gives the maps of the sum: a constant factor vanishes in their normalization."
    return [titled(Table((ATTENTION_HEAD, *(head for head, _ in ATTENTION)), body), ATTENTION_TITLE, alike)]


def _similarity(rows: Rows) -> list[Table]:
    """Fig. 6: cosine of the tokens before and after each pass."""
    found = {
        name: {k: got for k in TESTED if k and (got := similarity(mine, k)) is not None}
        for name, mine in named(rows).items()
    }
    if not any(found.values()):
        return []
    body = tuple(
        (name, *(cell(got.get(k)) for k in TESTED if k), f"{LAST_SIMILARITY}") for name, got in found.items() if got
    )
    head = (SIMILARITY_HEAD, *(f"pass {k}" for k in TESTED if k), f"paper: pass {max(TESTED)}")
    return [titled(Table(head, body), SIMILARITY_TITLE)]


def at_pass(rows: Rows, count: int) -> dict[int, float | None]:
    """Percent at a pass, by seed."""
    return {row["seed"]: 100 * row["similarity"][count] for row in rows if len(row.get("similarity") or ()) > count}


def similarity(rows: Rows, count: int) -> Spread | None:
    """Percent at a pass, over the runs that have it."""
    return Spread.of(list(at_pass(rows, count).values()))
