"""The charts of the ablations."""

from __future__ import annotations

from collections.abc import Sequence

from crt.results.base import Chart, Line
from crt.results.spread import TESTED, Rows, Spread, named, spread

LAST_SIMILARITY = 99.8  # percent, at the fourth pass (Fig. 6 of the paper)


def charts(rows: Rows) -> tuple[Chart, ...]:
    """Table 3, Fig. 5 and Fig. 6 as lines."""
    found = []
    loops = [row for row in rows if row["table"] == "loops"]
    if lines := [
        _line(f"trained with {name.split()[0]}", [(k, spread(mine, f"crt_loops_{k}")) for k in TESTED])
        for name, mine in sorted(named(loops).items())
    ]:
        says = "mIoU against the loops at test, a line for each loop count in training; refined by the sum over passes."
        found.append(Chart("Loops in training and at test", "loops at test", "mIoU, %", tuple(lines), says))
    sizes = [row for row in rows if row["table"] == "sizes"]
    if len(runs := named(sizes)) > 1:
        kinds = (("CRT, default", "crt"), ("TS-CAM", "tscam"), ("ResNet", "resnet"))
        lines = [
            _line(title, [(int(name.split()[0]), spread(mine, keys)) for name, mine in runs.items()])
            for title, keys in kinds
        ]
        says = "mIoU of the shipped checkpoint against the input size, for CRT, TS-CAM and the ResNet."
        found.append(Chart("Input size", "long side, px", "mIoU, %", tuple(lines), says))
    similar = [
        _line(
            f"trained with {name.split()[0]}",
            [
                (k, Spread.of([100 * row["similarity"][k] for row in mine if row.get("similarity")]))
                for k in (1, 2, 3, 4)
            ],
        )
        for name, mine in sorted(named(loops).items())
    ]
    if any(line.x for line in similar):
        last = [line.y[-1] for line in similar if line.x]
        says = (
            "Cosine of the tokens before and after each pass (Fig. 6). At the fourth it is "
            f"{min(last):.1f} to {max(last):.1f} %; the paper has {LAST_SIMILARITY} %."
        )
        found.append(Chart("What a pass still changes", "pass", "similarity, %", tuple(similar), says))
    return tuple(found)


def _line(name: str, points: Sequence[tuple[int, Spread | None]]) -> Line:
    known = [(x, found) for x, found in points if found is not None]
    halves = tuple(found.half for _, found in known)
    spreads = halves if any(found.runs > 1 for _, found in known) else ()
    return Line(name, tuple(x for x, _ in known), tuple(found.mean for _, found in known), spreads)
