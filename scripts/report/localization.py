"""Localization (`scripts.evaluate wsol`): a row per kind of map, with the published numbers in columns of their own."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import NOT_RECORDED, Chart, Line, Section, Table, numbers, ordinal, setup_table
from scripts.report.verdict import too_few

BOX_ROWS = {
    "crt": "CRT, default settings",
    "tscam": "TS-CAM, refined",
    "tscam_default": "TS-CAM, refined as CRT is by default",
    "resnet": "CNN alone (CAM)",
    "crt_cnn": "CNN branch of the pair",
}
# CUB-200-2011, all 200 classes: Top-1, Top-5 and GT-known localization, as the papers have them.
PUBLISHED_BOXES = (
    ("TS-CAM (2021)", "DeiT-Tiny", "64.5", "80.9", "86.4"),
    ("TS-CAM (2021)", "DeiT-S", "71.3", "83.8", "87.7"),
    ("CRT (2022)", "DeiT-S", "72.9", "86.4", "90.1"),
)
HEAD = ("Top-1", "Top-5", "GT-known", "MaxBoxAcc", "MaxBoxAccV2")
OTHER_HEAD = ("class Top-1", "class Top-5", "GT-known, continuous IoU", "PxAP")
OTHER_KEYS = ("classification_top1", "classification_top5", "gt_known_continuous", "pxap")
KEYS = ("top1", "top5", "gt_known", "max_box_acc", "max_box_acc_v2")


def localization_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.evaluate wsol` measured: boxes, and the classes by the scores."""
    protocol, methods = result["protocol"], result["methods"]
    every = f", every {ordinal(protocol['stride'])} image" if protocol["stride"] > 1 else ""
    split = f" of {protocol['split']}" if protocol["split"] else ""
    rows = {
        name: (_title(name), *numbers(*(row[key] for key in KEYS)), f"{row['threshold']:.2f}")
        for name, row in methods.items()
    }
    others = tuple((_title(name), *numbers(*(row.get(key) for key in OTHER_KEYS))) for name, row in methods.items())
    terms = tuple((title, result["definitions"][key]) for title, key in zip(HEAD, KEYS, strict=True))
    head, highlight = ("maps", *HEAD, "threshold"), tuple(range(1, 6))
    tables = [Table(head, tuple(row for name, row in rows.items() if name in BOX_ROWS), highlight)]
    if more := tuple(row for name, row in rows.items() if name not in BOX_ROWS):
        tables.append(Table(head, more, highlight, folded="CRT by loops and attention"))
    tables += [
        Table(("class accuracy", *OTHER_HEAD), others, folded="Class accuracy and other measures of boxes"),
        Table(("published, all 200 classes of CUB", "backbone", "Top-1", "Top-5", "GT-known"), PUBLISHED_BOXES),
        Table(("measure", "definition"), terms, folded="Definitions of the measures"),
        setup_table(
            images=f"{result['images']}{split}{every}",
            classes=f"{result['classes']}",
            view=protocol["view"],
            threshold=protocol["thresholds"],
            IoU="in pixels of the image, inclusive",
            precision=protocol["precision"],
            machine=protocol.get("machine", NOT_RECORDED),
        ),
    ]
    return Section(
        f"Boxes on {protocol['data']}, {protocol['view']}".replace(" × ", " by "),
        (),
        protocol["command"],
        tuple(tables),
        ("Top-1 localization cannot exceed class Top-1.", f"No verdict: {too_few(1)}."),
        (*_loops(methods), _curves(methods)),
        protocol["checkpoint_sha256"],
        tuple(protocol["networks"].values()),
        order=3,
    )


def _loops(methods: dict[str, Any]) -> list[Chart]:
    """GT-known of CRT against its loops; none with fewer than two counts."""
    ways = {"": "CRT, refined", "_default": "CRT, refined as by default", "_unrefined": "CRT, unrefined"}
    counts = sorted(int(name.split("_")[2]) for name in methods if _refined_loops(name))
    if len(counts) < 2:
        return []
    lines = []
    for way, name in ways.items():
        known = tuple(k for k in counts if f"crt_loops_{k}{way}" in methods)
        lines += [Line(name, known, tuple(methods[f"crt_loops_{k}{way}"]["gt_known"] for k in known))] if known else []
    for key in ("tscam", "resnet"):
        if key in methods:
            lines.append(Line(BOX_ROWS[key], tuple(counts), (methods[key]["gt_known"],) * len(counts)))
    caption = "GT-known localization against the loops at test; a network without loops is a level line."
    return [Chart("GT-known by loops", "loops at test", "GT-known, %", tuple(lines), caption, beside="maps")]


def _curves(methods: dict[str, Any]) -> Chart:
    """GT-known against the threshold."""
    from crt.metrics.localization import BOX_THRESHOLDS

    lines = tuple(
        Line(_title(name), tuple(float(t) for t in BOX_THRESHOLDS), tuple(methods[name]["curve"]))
        for name in BOX_ROWS
        if name in methods
    )
    caption = "GT-known localization against the threshold that a pixel must exceed, a line for each kind of map."
    title, x = "Boxes by threshold", "threshold, share of the map's range"
    return Chart(title, x, "GT-known, %", lines, caption, beside="maps")


def _refined_loops(name: str) -> bool:
    return name.startswith("crt_loops_") and name.count("_") == 2


def _title(name: str) -> str:
    if name in BOX_ROWS:
        return BOX_ROWS[name]
    count, _, way = name.removeprefix("crt_loops_").partition("_")
    return f"CRT, loops {count}, {'refined' if not way else 'refined as by default' if way == 'default' else way}"
