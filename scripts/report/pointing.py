"""The pointing game and the classification measure (`scripts.evaluate pointing` and `classification`)."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import NOT_RECORDED, Chart, Line, Section, Table, folded, numbers, ordinal, setup_table
from scripts.report.verdict import too_few

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
ACCURACY_HEAD, AP_HEAD = "accuracy by class, all", "AP by class"
"""First head cells of the tables that the charts stand beside."""


def pointing_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """A row per kind of map, with the stored interval of each accuracy, and the stored differences."""
    protocol, found = result["protocol"], result["pointing"]
    level, targets = f"{100 * protocol['bootstrap']['level']:g} % interval", found["targets"]
    facts = {
        "pairs_of_an_image_and_a_class": f"{targets['all']['total']}, "
        f"of which {targets['difficult']['total']} are difficult",
        "accuracy": protocol["measure"],
        "tolerance": protocol["tolerance"],
        "difficult": protocol["difficult"],
        "intervals": f"{protocol['bootstrap']['resamples']} draws of the images, seed {protocol['bootstrap']['seed']}",
    }
    columns = ("accuracy, all", level, "accuracy, difficult", level)
    rows = {name: (*_row(name, result["rows"]), *_cells(row)) for name, row in found["methods"].items()}
    head = ("method", "explainer", *columns)
    tables = [Table(head, tuple(row for name, row in rows.items() if name in (*NAMES, *FIRST)), (2, 4))]
    if more := tuple(row for name, row in rows.items() if name not in (*NAMES, *FIRST)):
        tables.append(Table(head, more, (2, 4), folded="By loops and explainer"))
    if found["differences"]:
        gaps = tuple(
            (_pair(name), *_cells(row, sign=True), _side(row["all"]["interval"]))
            for name, row in found["differences"].items()
        )
        gap_columns = ("difference, all", level, "difference, difficult", level, "interval of all")
        caption = ("The intervals are over images, of one training.", f"No verdict: {too_few(1)}.")
        tables.append(Table(("difference", *gap_columns), gaps, caption=caption))
    shown = [name for name in FIRST if name in found["methods"]]
    counts = targets["all"]["per_class"]
    classes = tuple(
        (label, f"{counts[label]}", *numbers(*(found["methods"][name]["all"]["per_class"][label] for name in shown)))
        for label in counts
    )
    by_class = Table((ACCURACY_HEAD, "images", *map(_name, shown)), classes)
    tables.append(folded(by_class, "Accuracy by class"))
    lines = tuple(
        line for name in shown if (line := _class_line(_name(name), found["methods"][name]["all"]["per_class"])).x
    )
    caption = "Accuracy of each class over all pairs, a mark for each kind of map."
    chart = Chart("Accuracy by class", "class", "accuracy, %", lines, caption, tuple(counts), False, ACCURACY_HEAD)
    charts = (chart,) if lines else ()
    return _section("Pointing game", (found["images"], facts), result, tables, charts=charts)


def classification_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """MAP of every network and loop count, and the average precision of each class."""
    protocol, methods = result["protocol"], result["classification"]["methods"]
    facts = {
        "AP": protocol["measure"],
        "mAP": "mean of AP over classes",
        "difficult_objects": protocol["difficult_objects"],
    }
    names = {name: _scored(name, result["rows"]) for name in methods}
    rows = tuple((names[name], *numbers(row["map"])) for name, row in methods.items())
    labels = next(iter(methods.values()))["per_class"]
    classes = tuple((label, *numbers(*(row["per_class"][label] for row in methods.values()))) for label in labels)
    by_class = folded(Table((AP_HEAD, *names.values()), classes), "AP by class")
    tables = [Table(("method", "mAP"), rows, (1,)), by_class]
    last = {result["rows"][name]["network"]: name for name in methods}  # of CRT the most loops
    lines = tuple(line for name in last.values() if (line := _class_line(names[name], methods[name]["per_class"])).x)
    caption = "Average precision of each class, a mark for each network."
    chart = Chart("AP by class", "class", "AP, %", lines, caption, tuple(labels), False, AP_HEAD)
    sentences = (f"No verdict: {too_few(1)}.",)
    charts = (chart,) if lines else ()
    return _section("Classification", (result["images"], facts), result, tables, sentences, charts)


def _class_line(name: str, by_class: dict[str, float | None]) -> Line:
    """The classes that have a value, by their place."""
    known = [(place, value) for place, value in enumerate(by_class.values()) if value is not None]
    return Line(name, tuple(place for place, _ in known), tuple(value for _, value in known))


def _section(
    what: str,
    how: tuple[int, dict[str, str]],
    result: dict[str, Any],
    tables: list[Table],
    sentences: tuple[str, ...] = (),
    charts: tuple[Chart, ...] = (),
) -> Section:
    """`how`: the number of images, and what is to be known beside what both measures share."""
    protocol = result["protocol"]
    return Section(
        f"{what} on {protocol['data']} {protocol['split']}",
        (),
        protocol["command"],
        (*tables, _setup(protocol, *how)),
        sentences,
        charts,
        weights_sha256=protocol["checkpoint_sha256"],
        networks=tuple(protocol["networks"].values()),
        order=4,
    )


def _setup(protocol: dict[str, Any], images: int, facts: dict[str, str]) -> Table:
    """Images, size, mode, precision and backbones; results of earlier versions have no backbones."""
    every = f", every {ordinal(protocol['stride'])} image" if protocol["stride"] > 1 else ""
    size = "images of their own size" if protocol["size"] is None else f"long side {protocol['size']} px"
    flip = "with the mirror image" if protocol["flip"] else "without the mirror image"
    backbones = ", ".join(f"`{name}` {backbone}" for name, backbone in protocol.get("backbones", {}).items())
    return setup_table(
        images=f"{images} of {protocol['data']} {protocol['split']}{every}",
        size=f"{size}, {flip}",
        cut_and_merge=protocol["mode"],
        backbones=backbones or None,
        **facts,
        precision=protocol["precision"],
        machine=protocol.get("machine", NOT_RECORDED),
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


def _side(bounds: list[float] | None) -> str:
    """Where a stored interval lies, on the images that were drawn."""
    if bounds is None:
        return "–"
    return "above zero" if bounds[0] > 0 else "below zero" if bounds[1] < 0 else "around zero"


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
