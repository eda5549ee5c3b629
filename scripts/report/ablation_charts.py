"""The charts of the ablations, each beside its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scripts.report.ablation_loops import (
    ALIKE_HEAD,
    AT_TEST_HEAD,
    ATTENTION,
    ATTENTION_HEAD,
    LOOPS_HEADS,
    SIMILARITY_HEAD,
    WAYS,
    kind_of,
    similarity,
)
from scripts.report.ablation_rows import MODES, closeness, mode_name
from scripts.report.base import Chart, Line
from scripts.report.claims import PAPER
from scripts.report.spread import TESTED, Rows, Spread, named, spread
from scripts.report.verdict import differences

CONSISTENCY_HEAD, MODES_HEAD = "CAM consistency loss (Table 1)", "cut and merge (Table 2)"
SIZES_HEAD, BRANCHES_HEAD = "input size (Fig. 5), shipped checkpoint", "two branches (Fig. 1)"
"""First head cells of the tables, by which their charts stand beside them."""
MIOU, LOOPS_AXIS = "mIoU, %", "loops at test"


def charts(rows: Rows, count: int) -> tuple[Chart, ...]:
    """Of each table of which there are rows. `count`: loops in training."""
    found = _consistency([row for row in rows if row["table"] == "consistency"], count)
    found += _loops([row for row in rows if row["table"] == "loops"])
    sizes = [row for row in rows if row["table"] == "sizes"]
    if len(runs := named(sizes)) > 1:
        kinds = (("CRT, default", "crt"), ("TS-CAM", "tscam"), ("ResNet", "resnet"))
        lines = [
            line_of(title, [(int(name.split()[0]), spread(mine, keys)) for name, mine in runs.items()])
            for title, keys in kinds
        ]
        caption = "mIoU of the shipped checkpoint against the input size, for CRT, TS-CAM and the ResNet."
        found += _chart("Input size", "long side, px", MIOU, lines, caption, SIZES_HEAD)
    found += _modes([row for row in rows if row["table"] == "modes"], count)
    return tuple(found + _branches([row for row in rows if row["table"] == "branches"], count))


def _modes(rows: Rows, count: int) -> list[Chart]:
    """Table 2: the rows that are trained as they are tested, and the paper's."""
    runs = named([row | {"name": mode_name(row)} for row in rows])
    names = tuple(name for name in MODES.values() if name in runs)
    kinds = (
        ("refined", kind_of(count, "")),
        ("unrefined", kind_of(count, "_unrefined")),
        ("refined, 0 loops", kind_of(0, "")),
    )
    lines = [line_of(title, [(i, spread(runs[name], keys)) for i, name in enumerate(names)]) for title, keys in kinds]
    paper = Line("paper", tuple(range(len(names))), tuple(float(PAPER["modes"][name]) for name in names))
    caption = "mIoU by how a larger image goes through the transformer, of rows trained as they are tested."
    return [
        replace(chart, joined=False)
        for chart in _chart(
            "Cut and merge", "way through the transformer", MIOU, [*lines, paper], caption, MODES_HEAD, names
        )
    ]


def _branches(rows: Rows, count: int) -> list[Chart]:
    """Fig. 1: the correlation of both branches' maps."""
    runs = named(rows)
    close = [(i, Spread.of([100 * closeness(row, count) for row in mine])) for i, mine in enumerate(runs.values())]
    caption = "Correlation of the maps of both branches, for two CNNs and for a CNN with a transformer."
    line = [line_of("correlation", close)]
    return [
        replace(chart, joined=False)
        for chart in _chart("Two branches", "branches", "correlation, %", line, caption, BRANCHES_HEAD, tuple(runs))
    ]


def _loops(rows: Rows) -> list[Chart]:
    """Table 3 in three ways to refine, what loops at test change, the passes' attention, and Fig. 6."""
    runs = dict(sorted(named(rows).items()))
    found: list[Chart] = []
    for (name, way), head in zip(reversed(WAYS), LOOPS_HEADS, strict=True):
        lines = [
            line_of(f"trained with {trained.split()[0]}", [(k, spread(mine, f"crt_loops_{k}{way}")) for k in TESTED])
            for trained, mine in runs.items()
        ]
        caption = f"mIoU against the loops at test, {name}, a line for each loop count in training."
        title = f"Loops at test, {name.removeprefix('refined by the ')}" if way else "Loops at test"
        found += _chart(title, LOOPS_AXIS, MIOU, lines, caption, head)
    alike = [
        line_of(name, [(k, spread(runs.get(f"{k} in training", ()), kind_of(k, way))) for k in TESTED])
        for name, way in reversed(WAYS)
    ]
    caption = "mIoU against the loop count in training and at test, a line for each way to refine."
    found += _chart("The same loops in both", "loops", MIOU, alike, caption, ALIKE_HEAD)
    looped = [row for row in rows if row["name"] != "0 in training"]
    changed = [
        line_of(name, [(k, Spread.of(differences(looped, kind_of(k, way), kind_of(0, way)))) for k in TESTED if k])
        for name, way in WAYS
    ]
    caption = "Change of the mIoU against no loops at test, over all trainings with loops."
    found += _chart("Change by loops at test", LOOPS_AXIS, "mIoU, points", changed, caption, AT_TEST_HEAD)
    three = runs.get("3 in training", ())
    passes = [line_of(name, [(k, spread(three, kind_of(k, way))) for k in TESTED]) for name, way in ATTENTION]
    caption = "mIoU against the loops at test, a line for the attention that refines the maps."
    found += _chart("Attention of the passes", LOOPS_AXIS, MIOU, passes, caption, ATTENTION_HEAD)
    similar = [
        line_of(f"trained with {name.split()[0]}", [(k, similarity(mine, k)) for k in TESTED if k])
        for name, mine in runs.items()
    ]
    caption = "Cosine of the tokens before and after each pass (Fig. 6), a line for each loop count in training."
    return found + _chart("What a pass still changes", "pass", "similarity, %", similar, caption, SIMILARITY_HEAD)


def _consistency(rows: Rows, count: int) -> list[Chart]:
    """λ at equal distances, as the least ones lie too close together on a scale."""
    runs = sorted(named(rows).items())
    loops = f"{count} {'loop' if count == 1 else 'loops'}"
    kinds = (
        (f"refined, {loops}", f"crt_loops_{count}"),
        *([("refined, 0 loops", "crt_loops_0")] if count else []),
        (f"unrefined, {loops}", f"crt_loops_{count}_unrefined"),
        ("its CNN", "crt_cnn"),
    )
    lines = [line_of(title, [(i, spread(mine, keys)) for i, (_, mine) in enumerate(runs)]) for title, keys in kinds]
    if len(runs) < 2:
        return []
    x_labels = tuple(name.removeprefix("λ = ") for name, _ in runs)
    caption = "mIoU against the weight λ of the CAM consistency loss, for CRT's maps and those of its CNN."
    return _chart("Consistency", "λ", MIOU, lines, caption, CONSISTENCY_HEAD, x_labels)


def _chart(
    title: str, x: str, y: str, lines: Sequence[Line], caption: str, beside: str, x_labels: tuple[str, ...] = ()
) -> list[Chart]:
    """A chart of the lines that have points; none without any."""
    shown = tuple(line for line in lines if line.x)
    bars = " Bars: half the range over the seeds, up and down." if any(line.half_range for line in shown) else ""
    return [Chart(title, x, y, shown, f"{caption}{bars}", x_labels, beside=beside)] if shown else []


def line_of(name: str, points: Sequence[tuple[int, Spread | None]]) -> Line:
    """The means at those x that have one, with half their range where there are several runs."""
    known = [(x, found) for x, found in points if found is not None]
    halves = tuple(found.half_range for _, found in known)
    spreads = halves if any(found.runs > 1 for _, found in known) else ()
    return Line(name, tuple(x for x, _ in known), tuple(found.mean for _, found in known), spreads)
