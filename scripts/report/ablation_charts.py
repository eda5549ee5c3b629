"""The charts of the ablations."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.report.ablation_loops import LAST_SIMILARITY, similarity
from scripts.report.base import Chart, Line
from scripts.report.spread import TESTED, Rows, Spread, named, spread


def charts(rows: Rows, count: int) -> tuple[Chart, ...]:
    """Table 1, Table 3, Fig. 5 and Fig. 6 as lines; those of which there are rows. `count`: loops in training."""
    found = _consistency([row for row in rows if row["table"] == "consistency"], count)
    loops = [row for row in rows if row["table"] == "loops"]
    if lines := [
        line_of(f"trained with {name.split()[0]}", [(k, spread(mine, f"crt_loops_{k}")) for k in TESTED])
        for name, mine in sorted(named(loops).items())
    ]:
        caption = (
            "mIoU against the loops at test, a line for each loop count in training; refined by the sum over passes."
        )
        found += _chart("Loops in training and at test", "loops at test", "mIoU, %", lines, caption)
    sizes = [row for row in rows if row["table"] == "sizes"]
    if len(runs := named(sizes)) > 1:
        kinds = (("CRT, default", "crt"), ("TS-CAM", "tscam"), ("ResNet", "resnet"))
        lines = [
            line_of(title, [(int(name.split()[0]), spread(mine, keys)) for name, mine in runs.items()])
            for title, keys in kinds
        ]
        caption = "mIoU of the shipped checkpoint against the input size, for CRT, TS-CAM and the ResNet."
        found += _chart("Input size", "long side, px", "mIoU, %", lines, caption)
    similar = [
        line_of(f"trained with {name.split()[0]}", [(k, similarity(mine, k)) for k in TESTED if k])
        for name, mine in sorted(named(loops).items())
    ]
    if any(line.x for line in similar):
        last = [line.y[-1] for line in similar if line.x]
        caption = (
            "Cosine of the tokens before and after each pass (Fig. 6). At the fourth it is "
            f"{min(last):.1f} to {max(last):.1f} %; the paper has {LAST_SIMILARITY} %."
        )
        found += _chart("What a pass still changes", "pass", "similarity, %", similar, caption)
    return tuple(found)


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
    return _chart("Consistency", "λ", "mIoU, %", lines, caption, x_labels)


def _chart(
    title: str, x: str, y: str, lines: Sequence[Line], caption: str, x_labels: tuple[str, ...] = ()
) -> list[Chart]:
    """A chart of the lines that have points; none without any."""
    shown = tuple(line for line in lines if line.x)
    bars = " Bars: half the range over the seeds, up and down." if any(line.half_range for line in shown) else ""
    return [Chart(title, x, y, shown, f"{caption}{bars}", x_labels)] if shown else []


def line_of(name: str, points: Sequence[tuple[int, Spread | None]]) -> Line:
    """The means at those x that have one, with half their range where there are several runs."""
    known = [(x, found) for x, found in points if found is not None]
    halves = tuple(found.half_range for _, found in known)
    spreads = halves if any(found.runs > 1 for _, found in known) else ()
    return Line(name, tuple(x for x, _ in known), tuple(found.mean for _, found in known), spreads)
