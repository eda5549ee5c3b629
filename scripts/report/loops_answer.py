"""Whether loops at test raise the mIoU of a checkpoint, with which reduction, and at which threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crt.checkpoint import CheckpointConfig
from scripts.report.ablation_loops import kind_of
from scripts.report.base import NOT_RECORDED, SETUP_HEAD, Section, Table
from scripts.report.chosen_on import chosen_on
from scripts.report.evaluation import measure_of
from scripts.report.overview import Setup, is_about
from scripts.report.sections import Measured
from scripts.report.spread import TESTED
from scripts.report.verdict import listed, too_few

ANSWER_TITLE = "Do loops help at test"
LOOPS_REFINEMENTS = {"": "sum over passes", "_first": "first pass", "_last": "last pass", "_unrefined": "none"}
"""By the end of a kind of map; what refines it."""
BEST, FIXED = "best", "0.15"
"""Thresholds: the best of a sweep on the same images, and the paper's constant."""
LOOPS_MEASURES = {BEST: "miou_best", FIXED: "miou_at_0.15"}
CAPTION = (
    "Best: the best threshold of a sweep on the same images.",
    "0.15: the paper's constant.",
    "Gain: the best count above 0 against none.",
)
WHY = (
    "[Method](method.md#4-attention-refinement-eq-1) has a part of the reason: how the attention of the second pass "
    "differs from that of the first."
)


@dataclass(frozen=True)
class _Row:
    """mIoU of CRT refined in one way, as the page has it, by the loops at test. `moved`: the best thresholds of the
    least and of the most loops.
    """

    images: str
    way: str
    threshold: str
    values: dict[int, float]
    moved: tuple[float, float]

    @property
    def name(self) -> str:
        return f"{self.images.partition(',')[0]} ({'unrefined' if self.way == 'none' else self.way})"

    @property
    def gain(self) -> float:
        """Of the best loop count above 0 over no loops, in points."""
        return max(value for count, value in self.values.items() if count) - self.values[0]


def loops_section(
    found: Iterable[Measured], command: str, checkpoints: Mapping[str, CheckpointConfig], setups: Iterable[Setup] = ()
) -> list[Section]:
    """The section, if an evaluation has no loops and more of them. `checkpoints`: by their names; `setups`: what was
    measured with what.
    """
    evaluations = [one for one in found if one.kind == "methods"]
    rows = [row for one in evaluations for row in _rows(one.result)]
    if not rows:
        return []
    counts = [k for k in TESTED if any(k in row.values for row in rows)]
    head = ("images", "refinement", "threshold", *(f"{k} loops" if k != 1 else "1 loop" for k in counts), "gain")
    body = tuple(
        (row.images, row.way, row.threshold, *(f"{row.values[k]:.1f}" if k in row.values else "–" for k in counts),
         f"{row.gain:+.1f}")
        for row in rows
    )  # fmt: skip
    table = Table(head, body, caption=CAPTION)
    titles = {one.section.title for one in evaluations}
    facts = tuple((one.name, f"{one.networks}, {one.seeds}") for one in setups if one.name in titles)
    sentences = (*_answer(rows), *_chosen(evaluations, checkpoints), WHY, f"No verdict: {too_few(1)}.")
    return [Section(ANSWER_TITLE, (), command, (table, *([Table(SETUP_HEAD, facts)] if facts else [])), sentences)]


def _rows(result: dict[str, Any]) -> list[_Row]:
    methods, images = result["methods"], f"{result['protocol']['split']}, {measure_of(result)}"
    rows = []
    for way, words in LOOPS_REFINEMENTS.items():
        counts = [k for k in TESTED if way in ("", "_unrefined") or k != 1]  # with one pass all of them are the sum
        kinds = {k: kind for k in counts if (kind := kind_of(k, way)) in methods}
        if 0 in kinds and len(kinds) > 1:
            moved = tuple(methods[kinds[k]]["threshold_best"] for k in (0, max(kinds)))
            for threshold, key in LOOPS_MEASURES.items():
                values = {k: round(methods[kind][key], 1) for k, kind in kinds.items()}
                rows.append(_Row(images, words, threshold, values, moved))
    return rows


def _answer(rows: list[_Row]) -> list[str]:
    """Where loops raise the mIoU, and where that is at the fixed threshold alone."""
    raised = {
        threshold: [row for row in rows if row.threshold == threshold and row.gain > 0] for threshold in LOOPS_MEASURES
    }
    names = {threshold: [row.name for row in mine] for threshold, mine in raised.items()}
    at_best = f"on {listed(names[BEST])}, and in no other row" if names[BEST] else "in no row"
    lines = [f"At the best threshold of a sweep, loops raise the mIoU {at_best}."]
    alone = [row for row in raised[FIXED] if row.name not in names[BEST]]
    if alone:
        lines.append(f"At the fixed threshold alone they raise it on {listed([row.name for row in alone])}.")
        if all(float(FIXED) < row.moved[1] < row.moved[0] for row in alone):
            lines.append("There the best threshold falls with the loops, towards the fixed one.")
    return lines


def _chosen(evaluations: Sequence[Measured], checkpoints: Mapping[str, CheckpointConfig]) -> list[str]:
    """On which of these images the default loop count was chosen."""
    known = [
        (name, chosen_on(one, config))
        for one in evaluations
        for name, config in checkpoints.items()
        if is_about(one.section, config)
    ]
    return [
        f"The default loop count of `{name}` was chosen on {text.partition(',')[0]}."
        for name, text in dict.fromkeys(known)
        if text not in (None, NOT_RECORDED)
    ]
