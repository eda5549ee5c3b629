"""Localization (`scripts.evaluate wsol`): a row per kind of map, with the published numbers in columns of their own."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Chart, Line, Section, Table, numbers, ordinal
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
KEYS = ("top1", "top5", "gt_known", "max_box_acc", "max_box_acc_v2")


def localization_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.evaluate wsol` measured: boxes, and the classes by the scores."""
    protocol, methods = result["protocol"], result["methods"]
    every = f", every {ordinal(protocol['stride'])} image" if protocol["stride"] > 1 else ""
    split = f" of {protocol['split']}" if protocol["split"] else ""
    how = (
        f"{result['images']} images{split}{every}, {result['classes']} classes; view: {protocol['view']}; threshold: "
        f"{protocol['thresholds']}; {protocol['precision']}; IoU in pixels of the image, inclusive."
    )
    terms = "; ".join(f"{title}: {result['definitions'][key]}" for title, key in zip(HEAD, KEYS, strict=True))
    rows = tuple(
        (_title(name), *numbers(*(row[key] for key in KEYS)), f"{row['threshold']:.2f}")
        for name, row in methods.items()
    )
    others = tuple(
        (
            _title(name),
            *numbers(
                row["classification_top1"], row["classification_top5"], row["gt_known_continuous"], row.get("pxap")
            ),
        )
        for name, row in methods.items()
    )
    tables = (
        Table(("maps", *HEAD, "threshold"), rows, tuple(range(1, 6))),
        Table(("maps", "class Top-1", "class Top-5", "GT-known, continuous IoU", "PxAP"), others),
        Table(("published, all 200 classes of CUB", "backbone", "Top-1", "Top-5", "GT-known"), PUBLISHED_BOXES),
    )
    title = f"Boxes on {protocol['data']}, {protocol['view']}"
    return Section(
        title,
        (how, f"{terms}."),
        protocol["command"],
        tables,
        _claims(methods),
        (_curves(methods),),
        protocol["checkpoint_sha256"],
        tuple(protocol["networks"].values()),
        order=3,
    )


def _curves(methods: dict[str, Any]) -> Chart:
    """GT-known against the threshold."""
    from crt.metrics.localization import BOX_THRESHOLDS

    lines = tuple(
        Line(_title(name), tuple(float(t) for t in BOX_THRESHOLDS), tuple(methods[name]["curve"]))
        for name in BOX_ROWS
        if name in methods
    )
    caption = "GT-known localization against the threshold that a pixel must exceed, a line for each kind of map."
    return Chart("Boxes by threshold", "threshold, share of the map's range", "GT-known, %", lines, caption)


def _claims(methods: dict[str, Any]) -> tuple[str, ...]:
    """What was measured of the paper's ordering, CRT before TS-CAM before CAM. One training gives no verdict."""
    words = []
    for order in _orders(methods):
        for key, name in (("gt_known", "GT-known"), ("top1", "Top-1")):
            found = {method: methods[method][key] for method in order}
            ranked = sorted(found, key=lambda method: -found[method])
            ranking = ", ".join(f"{_title(method)} {found[method]:.1f}" for method in ranked)
            ordering = "" if ranked == list(order) else "not "
            words.append(f"{name}: {ranking}; this is {ordering}the paper's order, CRT before TS-CAM before CAM.")
    if words:
        words.append(f"Whether that order holds is inconclusive ({too_few(1)}).")
    if {"crt_cnn", "resnet"} <= methods.keys():
        gain = methods["crt_cnn"]["gt_known"] - methods["resnet"]["gt_known"]
        words.append(f"The CAM consistency loss changes the CNN's own GT-known by {gain:+.1f} points.")
    if "crt" in methods:
        ranking = methods["crt"]["classification_top1"]
        words.append(f"Top-1 localization cannot exceed class Top-1, which is {ranking:.1f} for CRT.")
    counts = {int(name.split("_")[2]): row["gt_known"] for name, row in methods.items() if _refined_loops(name)}
    if len(counts) > 1:
        best = max(counts, key=counts.__getitem__)
        words.append(
            f"Of CRT's loop counts, refined by all blocks, {best} finds most boxes ({counts[best]:.1f}; loops 0: "
            f"{counts[0]:.1f})."
        )
    plain = methods.get("crt_loops_0_default")
    if plain and "crt" in methods:
        shown = methods["crt"]
        words.append(
            f"Refined as by default, CRT's default loops against none: GT-known {shown['gt_known']:.1f} against "
            f"{plain['gt_known']:.1f} at the thresholds chosen on training images, MaxBoxAcc "
            f"{shown['max_box_acc']:.1f} against {plain['max_box_acc']:.1f} at the best of the test images."
        )
    return tuple(words)


def _orders(methods: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Kinds of maps that the paper's ordering is about: refined alike by the defaults, and as published."""
    loops = [name for name in methods if _refined_loops(name)]
    alike = ("crt", "tscam_default" if "tscam_default" in methods else "tscam", "resnet")
    published = [(name, "tscam", "resnet") for name in loops[:1] + loops[-1:] if "tscam_default" in methods]
    return [order for order in dict.fromkeys((alike, *published)) if methods.keys() >= set(order)]


def _refined_loops(name: str) -> bool:
    return name.startswith("crt_loops_") and name.count("_") == 2


def _title(name: str) -> str:
    if name in BOX_ROWS:
        return BOX_ROWS[name]
    count, _, way = name.removeprefix("crt_loops_").partition("_")
    return f"CRT, loops {count}, {'refined' if not way else 'refined as by default' if way == 'default' else way}"
