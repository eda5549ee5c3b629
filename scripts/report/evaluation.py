"""Evaluations of maps (`scripts.evaluate seeds`): a row per kind of map, mIoU against loops, and IoU by class."""

from __future__ import annotations

import re
from typing import Any

from crt.checkpoint import Defaults
from crt.data import VOC_ANIMALS, VOC_CLASSES
from crt.pass_reductions import DEFAULT_REDUCTION, PASS_REDUCTIONS
from scripts.report.base import NOT_RECORDED, Section, Table, folded, numbers, ordinal, setup_table
from scripts.report.evaluation_charts import (
    BACKGROUND,
    CLASS_ROWS,
    CLASSES_HEAD,
    MAPS_HEAD,
    classes_chart,
    loops_chart,
)
from scripts.report.verdict import too_few

ROWS = {
    "resnet": "ResNet-50 alone (the CAM of IRNet)",
    "tscam": "TS-CAM, refined",
    "tscam_unrefined": "TS-CAM, unrefined",
    "tscam_default": "TS-CAM, refined as CRT is by default",
    "crt_cnn": "CNN branch of the pair",
    "crt": "CRT, default settings",
}
REPORTED_SPLIT = "val"
"""The images that chose nothing: their evaluations come first, and give the headline."""
EVALUATED = 0
"""Place of the first evaluations among the sections."""


def with_defaults(result: dict[str, Any], defaults: Defaults) -> dict[str, Any]:
    """An evaluation whose rows of the default settings are those of the checkpoint's defaults as they are now.

    Every loop count is measured in one run, so a new default loop count needs no new run, only its row under another
    name. Where this run has not measured the defaults, it has no rows of them.
    """
    attention = attention_of(defaults)
    stats = result["protocol"].get("attention", attention_of(Defaults()))
    # With one pass there is nothing to put together.
    one_pass = defaults.loops < 2 and not PASS_REDUCTIONS[defaults.pass_reduction].tile_normalized
    if not defaults.refined:
        refined = "_unrefined"
    elif defaults.blocks is None and (defaults.pass_reduction == DEFAULT_REDUCTION or one_pass):
        refined = ""
    elif attention == stats:
        refined = "_default"
    else:
        refined = f"_{defaults.pass_reduction}" if defaults.blocks is None else None
    now = {
        "crt": f"crt_loops_{defaults.loops}{refined}",
        "crt_unrefined": f"crt_loops_{defaults.loops}_unrefined",
    }
    methods = {name: row for name, row in result["methods"].items() if name not in now}
    if refined is not None and now["crt"] in result["methods"]:
        methods = {name: result["methods"][row] for name, row in now.items() if row in result["methods"]} | methods
    scores = {name: value for name, value in result.get("classification_map", {}).items() if name != "crt"}
    if "crt" in methods and (score := scores.get(f"crt_loops_{defaults.loops}")) is not None:
        scores = {"crt": score} | scores
    return result | {"methods": methods, "classification_map": scores}


def attention_of(defaults: Defaults) -> dict[str, Any]:
    """What refines the maps of the rows `…_default` of an evaluation, as JSON values."""
    return {
        "pass_reduction": defaults.pass_reduction,
        "blocks": None if defaults.blocks is None else list(defaults.blocks),
    }


def evaluation_section(result: dict[str, Any], defaults: Defaults) -> Section:
    """What `scripts.evaluate seeds` measured: a row per kind of map, and per class."""
    result = with_defaults(result, defaults)
    protocol, methods, labels = result["protocol"], result["methods"], classes_of(result)
    scores = result.get("classification_map", {})
    views = f"{len(protocol['scales'])} scale{'s' if len(protocol['scales']) > 1 else ''}"
    rows = {
        name: (
            _title(name),
            *numbers(row["miou_at_0.15"], row["miou_best"]),
            f"{row['threshold_best']:.2f}",
            *numbers(scores.get(name)),
        )
        for name, row in methods.items()
    }
    first = [name for name in rows if name in (*ROWS, "crt_unrefined", shown_as_crt(methods))]
    more = tuple(row for name, row in rows.items() if name not in first)
    head = (MAPS_HEAD, "mIoU at 0.15", "mIoU best", "threshold", "class mAP")
    tables = [Table(head, tuple(rows[name] for name in first), (1, 2))]
    if more:
        tables.append(Table(head, more, (1, 2), folded="CRT by loops and attention"))
    every = f", every {ordinal(protocol['stride'])} image" if protocol["stride"] > 1 else ""
    facts = setup_table(
        images=f"{result['images']} of {protocol['split']}{every}",
        measure=f"mIoU of {', '.join(labels)}; image labels given; 255 ignored",
        scales=", ".join(f"{scale:g}" for scale in protocol["scales"]),
        flips="with each scale" if protocol["flip"] else "none",
        best="at the best background threshold of a sweep on these same images",
        class_mAP="one scale, no flip" if scores else None,
        cut_and_merge=protocol["mode"],
        precision=protocol["precision"],
        machine=protocol.get("machine", NOT_RECORDED),
    )
    return Section(
        f"Seeds on {protocol['split']}, {measure_of(result)}, {views}{' and flips' if protocol['flip'] else ''}",
        (),
        protocol["command"],
        (*tables, *_per_class(methods, labels), facts),
        (f"No verdict: {too_few(1)}.",),
        (*loops_chart(methods), *classes_chart(methods, labels)),
        weights_sha256=protocol.get("checkpoint_sha256", ""),
        order=EVALUATED if protocol["split"] == REPORTED_SPLIT else EVALUATED + 1,
    )


def classes_of(result: dict[str, Any]) -> tuple[str, ...]:
    """The classes that an evaluation measured, background among them."""
    known = next((row["per_class"] for row in result["methods"].values()), None)
    return () if known is None else tuple(known)


def measure_of(result: dict[str, Any]) -> str:
    """The classes of an evaluation in a word or two: VOC-21, animals, or their number."""
    labels = [name for name in classes_of(result) if name != BACKGROUND]
    if labels == list(VOC_CLASSES):
        return "VOC-21"
    if labels == [*VOC_ANIMALS, "person"]:
        return "animals"
    return f"{len(labels)} class{'' if len(labels) == 1 else 'es'}"


def shown_as_crt(methods: dict[str, Any]) -> str:
    """CRT's row: of the default settings, or where these were not measured the refined one with the highest mIoU."""
    counted = [name for name in methods if re.fullmatch(r"crt_loops_\d+", name)]
    return "crt" if "crt" in methods else max(counted, key=lambda name: methods[name]["miou_best"], default="")


_WAYS = {
    "first": " by the first pass",
    "last": " by the last pass",
    "sum": " by the sum",
    "mean": " by the mean",
    "tile_normalized": " by the first pass, per-tile normalized",
    "default": " as by default",
    "": "",
}
"""What refines a map, by the end of its kind."""


def _title(name: str) -> str:
    if name in ROWS:
        return ROWS[name]
    plain = name.removesuffix("_unrefined")
    refined = "unrefined" if plain != name else "refined"
    if plain == "crt":
        return "CRT, default loops, unrefined"
    count, _, way = plain.removeprefix("crt_loops_").partition("_")
    return f"CRT, loops {count}, {refined}{_WAYS[way]}"


def _per_class(methods: dict[str, Any], labels: tuple[str, ...]) -> list[Table]:
    shown = {name: text for name, text in CLASS_ROWS.items() if name in methods}
    if not shown:
        return []
    rows = tuple((label, *numbers(*(methods[name]["per_class"][label] for name in shown))) for label in labels)
    return [folded(Table((CLASSES_HEAD, *shown.values()), rows), "IoU by class")]
