"""The pointing game and the classification measure (`scripts.evaluate pointing` and `classification`)."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Section, Table, numbers, ordinal
from scripts.report.verdict import listed, too_few

NETWORK_NAMES = {"crt": "CRT", "tscam": "TS-CAM", "resnet": "CNN alone", "crt_cnn": "CNN branch of the pair"}
NAMES = {
    "crt": "CRT, default settings",
    "tscam": "TS-CAM, refined",
    "tscam_unrefined": "TS-CAM, unrefined",
    "tscam_default": "TS-CAM, refined as CRT is by default",
    "centre": "centre of the image",
}
"""Rows that have a name beside the network's; those of loop counts and explainers are named by their record."""
SUBSETS = ("all", "difficult")
FIRST = ("crt", "tscam", "tscam_default", "resnet", "crt_cnn")
"""Rows with given classes."""


def pointing_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """A row per kind of map, with the stored interval of each accuracy, and the stored differences."""
    protocol, found = result["protocol"], result["pointing"]
    level, targets = f"{100 * protocol['bootstrap']['level']:g} % interval", found["targets"]
    how = (
        f"{_setup(protocol, found['images'])} {targets['all']['total']} pairs of an image and a class, of which "
        f"{targets['difficult']['total']} are difficult. Accuracy: {protocol['measure']}. Tolerance: "
        f"{protocol['tolerance']}. Difficult: {protocol['difficult']}. Intervals: {protocol['bootstrap']['resamples']} "
        f"draws of the images, seed {protocol['bootstrap']['seed']}."
    )
    columns = ("accuracy, all", level, "accuracy, difficult", level)
    rows = tuple((*_row(name, result["rows"]), *_cells(row)) for name, row in found["methods"].items())
    tables = [Table(("method", "explainer", *columns), rows, (2, 4))]
    if found["differences"]:
        gaps = tuple((_pair(name), *_cells(row, sign=True)) for name, row in found["differences"].items())
        gap_columns = ("difference, all", level, "difference, difficult", level)
        tables.append(Table(("difference", *gap_columns), gaps, caption=_verdicts(found["differences"])))
    shown = [name for name in FIRST if name in found["methods"]]
    counts = targets["all"]["per_class"]
    classes = tuple(
        (label, f"{counts[label]}", *numbers(*(found["methods"][name]["all"]["per_class"][label] for name in shown)))
        for label in counts
    )
    tables.append(Table(("accuracy by class, all", "images", *map(_name, shown)), classes))
    return _section("Pointing game", how, result, tables)


def classification_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """MAP of every network and loop count, and the average precision of each class."""
    protocol, methods = result["protocol"], result["classification"]["methods"]
    how = (
        f"{_setup(protocol, result['images'])} AP: {protocol['measure']}; mAP is its mean over classes. "
        f"Difficult objects: {protocol['difficult_objects']}."
    )
    names = {name: _scored(name, result["rows"]) for name in methods}
    rows = tuple((names[name], *numbers(row["map"])) for name, row in methods.items())
    labels = next(iter(methods.values()))["per_class"]
    classes = tuple((label, *numbers(*(row["per_class"][label] for row in methods.values()))) for label in labels)
    tables = [Table(("method", "mAP"), rows, (1,)), Table(("AP by class", *names.values()), classes)]
    return _section("Classification", how, result, tables, (f"No verdict: {too_few(1)}.",))


def _section(
    what: str, how: str, result: dict[str, Any], tables: list[Table], sentences: tuple[str, ...] = ()
) -> Section:
    protocol = result["protocol"]
    return Section(
        f"{what} on {protocol['data']} {protocol['split']}",
        (how,),
        protocol["command"],
        tuple(tables),
        sentences,
        weights_sha256=protocol["checkpoint_sha256"],
        networks=tuple(protocol["networks"].values()),
        order=4,
    )


def _setup(protocol: dict[str, Any], images: int) -> str:
    """Images, size, mode, precision and backbones in words; results of earlier versions have no backbones."""
    every = f", every {ordinal(protocol['stride'])} image" if protocol["stride"] > 1 else ""
    size = "images of their own size" if protocol["size"] is None else f"long side {protocol['size']} px"
    flip = "with the mirror image" if protocol["flip"] else "without the mirror image"
    backbones = ", ".join(f"`{name}` {backbone}" for name, backbone in protocol.get("backbones", {}).items())
    text = f"; backbones: {backbones}" if backbones else ""
    return (
        f"{images} images of {protocol['data']} {protocol['split']}{every} (stride {protocol['stride']}); {size}, "
        f"{flip}; cut-merge mode {protocol['mode']}; {protocol['precision']}{text}."
    )


def _cells(row: dict[str, Any], *, sign: bool = False) -> tuple[str, ...]:
    """Mean and interval of each subset; dashes where a subset has no target."""
    shape = "+.1f" if sign else ".1f"
    cells = []
    for subset in SUBSETS:
        mean, bounds = row[subset]["mean"], row[subset]["interval"]
        cells += ["–" if mean is None else f"{mean:{shape}}", "–" if bounds is None else _span(bounds, shape)]
    return tuple(cells)


def _span(bounds: list[float], shape: str) -> str:
    return f"{bounds[0]:{shape}} to {bounds[1]:{shape}}"


def _verdicts(differences: dict[str, Any]) -> tuple[str, ...]:
    """Which stored intervals lie above zero, below it, or hold it, on the images that were drawn."""
    words = []
    for subset in SUBSETS:
        bounds = {_pair(name): row[subset]["interval"] for name, row in differences.items() if row[subset]["interval"]}
        groups = {
            "above zero": [name for name, (low, _) in bounds.items() if low > 0],
            "below zero": [name for name, (_, high) in bounds.items() if high < 0],
            "around zero": [name for name, (low, high) in bounds.items() if low <= 0 <= high],
        }
        text = "; ".join(f"{where}: {listed(names)}" for where, names in groups.items() if names)
        words += [f"Intervals over {subset} pairs lie {text}."] if text else []
    return (*words, f"They are over images, of one training: no verdict on the method ({too_few(1)}).")


def _pair(name: str) -> str:
    """The two rows of a difference in words."""
    return " − ".join(_name(one) for one in name.split(" - "))


def _name(name: str) -> str:
    return NAMES.get(name) or NETWORK_NAMES.get(name, name)


def _row(name: str, rows: dict[str, Any]) -> tuple[str, str]:
    """Method and explainer; the network's own map is its CAM."""
    if name not in rows:
        return _name(name), "–"
    made = rows[name]
    if name in NAMES:
        return NAMES[name], "CAM"
    if "loops" in made:
        refined = "refined" if made["refined"] else "unrefined"
        return f"{NETWORK_NAMES[made['network']]}, loops {made['loops']}, {refined}", "CAM"
    return NETWORK_NAMES[made["network"]], made.get("explainer", "CAM")


def _scored(name: str, rows: dict[str, Any]) -> str:
    """A row of scores; refinement does not change them."""
    made = rows[name]
    network = NETWORK_NAMES[made["network"]]
    return f"{network}, loops {made['loops']}" if made["network"] == "crt" else network
