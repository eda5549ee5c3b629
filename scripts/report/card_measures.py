"""The headline rows of a model card: how good CRT is beside TS-CAM and a CNN alone, with links to the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crt.checkpoint import CheckpointConfig, Method
from scripts.report.base import Table, numbers
from scripts.report.evaluation import REPORTED_SPLIT, measure_of, shown_as_crt, with_defaults
from scripts.report.markdown import anchor
from scripts.report.overview import is_about
from scripts.report.pipeline import STAGE_NAMES
from scripts.report.sections import Measured
from scripts.report.verdict import listed

RESULTS_FILE = "../../docs/results.md"
CARD_HEAD = ("measure", "CRT", "TS-CAM", "CNN alone", "images", "section")
BOXES = {"gt_known": "GT-known localization", "top1": "Top-1 localization"}
COLUMNS: dict[Method, int] = {"crt": 1, "tscam": 2, "resnet": 3}
"""Of the networks, in the rows."""
Row = tuple[str, ...]


def card_table(found: Iterable[Measured], checkpoint: CheckpointConfig) -> Table:
    """Of the results about a checkpoint; of its evaluations those of `val` alone, if there are any."""
    about = [one for one in found if is_about(one.section, checkpoint)]
    reported = [one for one in about if one.kind == "methods" and one.result["protocol"]["split"] == REPORTED_SPLIT]
    rows: list[Row] = []
    for one in about:
        if one.kind == "methods" and (one in reported or not reported):
            rows += _seeds(one, checkpoint)
        elif one.kind == "stages":
            rows += _stages(one)
        elif one.kind == "definitions":
            values = one.result["methods"]
            images = f"{one.result['images']} of {one.result['protocol']['split'] or one.result['protocol']['data']}"
            rows += [
                _row(one, title, [_of(values, name, key) for name in ("crt", "tscam", "resnet")], images)
                for key, title in BOXES.items()
            ]
        elif one.kind in ("pointing", "classification"):
            rows += _on_boxes(one, checkpoint)
    return Table(CARD_HEAD, tuple(rows), caption=_left_out(rows, checkpoint))


def _left_out(rows: Iterable[Row], checkpoint: CheckpointConfig) -> tuple[str, ...]:
    """A sentence on the columns of networks that the checkpoint does not hold; none if it holds all of them."""
    names = [
        CARD_HEAD[column]
        for method, column in COLUMNS.items()
        if method not in checkpoint.networks and any(row[column] != "–" for row in rows)
    ]
    return (f"{listed(names)}: measured with the others, and no part of this checkpoint.",) if names else ()


def _seeds(one: Measured, checkpoint: CheckpointConfig) -> list[Row]:
    methods, protocol = with_defaults(one.result, checkpoint.defaults)["methods"], one.result["protocol"]
    crt = shown_as_crt(methods)
    words = "" if crt in ("crt", "") else f", CRT at {crt.rpartition('_')[2]} loops"
    scales = len(protocol["scales"])
    title = f"mIoU, seeds, {measure_of(one.result)}, {scales} scale{'s' if scales > 1 else ''}{words}"
    values = [_of(methods, name, "miou_best") for name in (crt, "tscam", "resnet")]
    return [_row(one, title, values, f"{one.result['images']} of {protocol['split']}")]


def _stages(one: Measured) -> list[Row]:
    return [
        _row(one, f"mIoU, {STAGE_NAMES[row['stage']]}, VOC-21", [row["miou"], None, None], _images(row))
        for row in one.result["stages"]
        if row["measure"] == "VOC-21"
    ]


def _images(row: dict[str, Any]) -> str:
    return f"{row['images']} of {row['split']}"


def _on_boxes(one: Measured, checkpoint: CheckpointConfig) -> list[Row]:
    """The pointing game, or the mean average precision of the class scores."""
    protocol, found = one.result["protocol"], one.result[one.kind]
    if one.kind == "pointing":
        title, images = "pointing game", found["images"]
        values = [(found["methods"].get(name) or {}).get("all", {}).get("mean") for name in ("crt", "tscam", "resnet")]
    else:
        title, images = "classification mAP", one.result["images"]
        names = (f"crt_loops_{checkpoint.defaults.loops}", "tscam", "resnet")
        values = [_of(found["methods"], name, "map") for name in names]
    return [_row(one, title, values, f"{images} of {protocol['data']} {protocol['split']}")]


def _of(methods: dict[str, Any], name: str, key: str) -> float | None:
    return methods[name][key] if name in methods else None


def _row(one: Measured, title: str, values: Iterable[float | None], images: str) -> Row:
    link = f"[{one.section.title}]({RESULTS_FILE}#{anchor(one.section.title)})"
    return (title, *numbers(*values), images, link)
