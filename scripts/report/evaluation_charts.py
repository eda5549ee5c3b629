"""The charts of an evaluation of maps: mIoU against loops at test, and IoU by class."""

from __future__ import annotations

from typing import Any

from scripts.report.ablation_loops import kind_of
from scripts.report.base import Chart, Line

BACKGROUND = "background"
MAPS_HEAD, CLASSES_HEAD = "maps", "IoU at the best threshold"
"""First head cells of the tables that the charts stand beside."""
CLASS_ROWS = {
    "crt": "CRT, default settings",
    "tscam": "TS-CAM, refined",
    "resnet": "CNN alone",
    "crt_cnn": "CNN branch of the pair",
}
"""The kinds of map whose IoU is given by class."""
CRT_LINES = {
    "": "CRT, sum over passes",
    "_first": "CRT, first pass",
    "_last": "CRT, last pass",
    "_unrefined": "CRT, unrefined",
}
"""By the end of a kind of map, how CRT's maps are refined."""
LEVELS = {"tscam": "TS-CAM, refined", "resnet": "CNN alone", "crt_cnn": "CNN branch of the pair"}
"""Kinds of map without loops."""
COUNTED_LOOPS = 10


def loops_chart(methods: dict[str, Any]) -> list[Chart]:
    """MIoU of CRT against its loops, and level lines of the networks without; none with fewer than two counts."""
    counts = [k for k in range(COUNTED_LOOPS) if f"crt_loops_{k}" in methods]
    if len(counts) < 2:
        return []
    lines = []
    for way, name in CRT_LINES.items():
        if way in ("_first", "_last") and f"crt_loops_{max(counts)}{way}" not in methods:
            continue
        known = [k for k in counts if kind_of(k, way) in methods]
        values = tuple(methods[kind_of(k, way)]["miou_best"] for k in known)
        lines += [Line(name, tuple(known), values)] if known else []
    for key, name in LEVELS.items():
        if key in methods:
            lines.append(Line(name, tuple(counts), (methods[key]["miou_best"],) * len(counts)))
    caption = "mIoU at the best threshold against the loops at test; a network without loops is a level line."
    return [Chart("mIoU by loops", "loops at test", "mIoU, %", tuple(lines), caption, beside=MAPS_HEAD)]


def classes_chart(methods: dict[str, Any], labels: tuple[str, ...]) -> list[Chart]:
    """IoU of each class, a mark for each network; none without any of these networks."""
    lines = []
    for key, name in CLASS_ROWS.items():
        values = methods[key]["per_class"] if key in methods else {}
        known = [(place, values[label]) for place, label in enumerate(labels) if values.get(label) is not None]
        line = Line(name, tuple(place for place, _ in known), tuple(value for _, value in known))
        lines += [line] if known else []
    if not lines:
        return []
    caption = "IoU of each class at the best threshold, a mark for each network."
    return [Chart("IoU by class", "class", "IoU, %", tuple(lines), caption, labels, joined=False, beside=CLASSES_HEAD)]
