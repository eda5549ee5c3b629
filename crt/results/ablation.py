"""The ablations (`scripts.ablate`): a table for each question, with the paper's numbers in a column of their own."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from crt.checkpoint import Defaults
from crt.results.base import Section, Table

# METHOD section 10: VOC 2012 train, mIoU of the seeds over all 21 classes (of the masks for the loops), by row.
PAPER: dict[str, dict[str, str]] = {
    "coupling": {"λ = 0": "40.8", "λ = 0.01": "47.7", "λ = 0.1": "51.5", "λ = 0.2": "50.6"},
    "loops": {f"{k} in training": value for k, value in enumerate(("69.9", "70.4", "71.4", "71.8", "71.7"))},
    "modes": {
        "one tile of 224": "51.5",
        "overlap, 336": "57.6",
        "side by side, 448": "57.9",
        "interpolated, trained so": "53.2",
        "deconvolution to 28 × 28": "29.2",
    },
}
PAPER_HEAD = {
    "coupling": "paper: seeds, 21 classes",
    "loops": "paper: masks, 21 classes",
    "modes": "paper: seeds, 21 classes",
}
COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "coupling": (("CRT, refined", "crt_loops_3"), ("unrefined", "crt_loops_3_unrefined"), ("its CNN", "crt_cnn")),
    "loops": tuple(
        (f"test {k}{end}", f"crt_loops_{k}{way}")
        for k in range(5)
        for end, way in ((", sum", ""), (", first pass", "_first"))
        if not (way and k < 2)
    ),
    "modes": (
        ("CRT, refined", "crt_loops_3"),
        ("first pass", "crt_loops_3_first"),
        ("unrefined", "crt_loops_3_unrefined"),
    ),
    "sizes": (("CRT, default", "crt"), ("unrefined", "crt_unrefined"), ("TS-CAM", "tscam"), ("ResNet", "resnet")),
    "twins": (("first branch", "crt_cnn"), ("second branch", "crt_loops_3_unrefined|resnet")),
}


def ablation(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """What `scripts.ablate` measured: a table for each question, mean and spread over the seeds."""
    protocol = result["protocol"]
    plan = protocol["schedule"]
    how = (
        f"All rows: {plan['epochs']} epochs of {plan['crop']} px crops on {protocol['split']}, batch {plan['batch']}, "
        f"{plan['vit']} + {plan['cnn']}; measured on every {protocol['every']}th picture of {protocol['measured']} "
        f"that shows an animal, {protocol['views']}, best threshold. ± is half the range over "
        f"{len(protocol['seeds'])} seeds. "
        f"{len(protocol['missing'])} runs of the list are still to do."
    )
    names = dict.fromkeys(row["table"] for row in result["rows"])
    tables = tuple(_ablation_table(name, [row for row in result["rows"] if row["table"] == name]) for name in names)
    return Section("Ablations", (how,), protocol.get("command", ""), tables, _ablation_claims(result["rows"]), order=2)


def _ablation_table(name: str, rows: Sequence[dict[str, Any]]) -> Table:
    """Rows of one question; several seeds of a row become mean and spread."""
    columns = COLUMNS[name]
    paper = PAPER.get(name)
    extra = ("correlation of the maps, %",) if name == "twins" else (PAPER_HEAD[name],) if paper else ()
    body = []
    for title in dict.fromkeys(row["name"] for row in rows):
        mine = [row for row in rows if row["name"] == title]
        cells = [_spread([_best(row, keys) for row in mine]) for _, keys in columns]
        if name == "twins":
            cells.append(_spread([100 * _closeness(row) for row in mine]))
        elif paper:
            cells.append(paper.get(title, "–"))
        body.append((title, *cells))
    return Table((name, *(head for head, _ in columns), *extra), tuple(body))


def _ablation_claims(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Whether each claim of the paper shows, in a sentence made from the numbers."""
    words = []
    coupled = _means(rows, "coupling", "crt_loops_3")
    if {"λ = 0", "λ = 0.1"} <= coupled.keys():
        gain = coupled["λ = 0.1"] - coupled["λ = 0"]
        words.append(f"The coupling {'helps' if gain > 0 else 'does not help'} here: {gain:+.1f} points with λ = 0.1.")
    twins = {row["name"]: _closeness(row) for row in rows if row["table"] == "twins"}
    if len(twins) == 2:
        same, other = twins["the same CNN twice"], twins["CNN + transformer"]
        claim = "more alike than" if same > other else "not more alike than"
        words.append(f"Two CNNs give maps that are {claim} a CNN's and a transformer's ({same:.2f} and {other:.2f}).")
    return tuple(words)


def _means(rows: Sequence[dict[str, Any]], table: str, method: str) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["table"] == table and (value := _best(row, method)) is not None:
            found.setdefault(row["name"], []).append(value)
    return {name: statistics.mean(values) for name, values in found.items()}


def _best(row: dict[str, Any], keys: str) -> float | None:
    return next((row["methods"][key]["miou_best"] for key in keys.split("|") if key in row["methods"]), None)


def _closeness(row: dict[str, Any]) -> float:
    """Correlation of both branches' maps; with a transformer at the loop count it was trained with."""
    found = row["correlation"]
    return found["crt"][3] if "crt" in found else found["resnet"][0]


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    half = (max(known) - min(known)) / 2
    return f"{statistics.mean(known):.1f}" + (f" ± {half:.1f}" if len(known) > 1 else "")
