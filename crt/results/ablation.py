"""The ablations (`scripts.ablate`): a table for each question, with the paper's numbers in a column of their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from crt.checkpoint import Defaults
from crt.results.ablation_charts import charts
from crt.results.ablation_loops import loops
from crt.results.base import Section, Table, ordinal
from crt.results.claims import SEEDS, Compared, beyond_seeds, published, saying, table_of, verdict_of_best
from crt.results.spread import Rows, Spread, cell, named, spread

CRT = (
    ("CRT, 3 loops, refined", "crt_loops_3"),
    ("unrefined", "crt_loops_3_unrefined"),
    ("0 loops, refined", "crt_loops_0"),
)
ONE_TILE = "one tile of 224"


def ablation(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.ablate` measured: a table for each question, mean and spread over the seeds."""
    protocol = result["protocol"]
    plan = protocol["schedule"]
    size = f"with their long side at {protocol['size']} pixels" if protocol.get("size") else "of their own size"
    how = (
        f"All rows: {plan['epochs']} epochs of {plan['crop']} px crops on {protocol['split']}, batch {plan['batch']}, "
        f"{plan['vit']} + {plan['cnn']}; measured on every {ordinal(protocol['every'])} picture of "
        f"{protocol['measured']} that shows an animal, {size} unless the row says another, {protocol['views']}; mIoU "
        "over background, the animals and person at the best threshold. ± is half the range over "
        f"{len(protocol['seeds'])} seeds. "
        f"{len(protocol['missing'])} runs of the list are still to do."
    )
    makers: dict[str, Callable[[Rows], list[Table]]] = {
        "coupling": _coupling,
        "loops": loops,
        "twins": _twins,
        "modes": _modes,
        "sizes": _sizes,
    }
    tables: list[Table] = []
    for name, make in makers.items():
        if rows := [row for row in result["rows"] if row["table"] == name]:
            tables += make(rows)
    machines = sorted({row["machine"] for row in result["rows"] if row.get("machine")})
    minutes = sum(row["minutes"] or 0 for row in _runs(result["rows"]))
    cost = (
        f"{minutes:.0f} minutes of training in all, two runs at a time, on {'; '.join(machines)}." if machines else ""
    )
    notes = (how, cost) if cost else (how,)
    return Section("Ablations", notes, protocol.get("command", ""), tuple(tables), (), charts(result["rows"]), order=2)


def _runs(rows: Rows) -> list[dict[str, Any]]:
    """One row of every training, however many tables share it."""
    found = {(row["training"], row["seed"]): row for row in rows if row.get("training")}
    return list(found.values())


def _coupling(rows: Rows) -> list[Table]:
    """Table 1."""
    rows = sorted(rows, key=lambda row: row["name"])
    runs = named(rows)
    ours = runs.get("λ = 0.1", ())
    words = []
    for head, keys in CRT:
        if gap := Compared.between(ours, keys, runs.get("λ = 0", ())):
            words.append(f"{head} {gap}, the claim {gap.verdict()}")
    paper = published("coupling", "λ = 0.1", "λ = 0")
    helps = f"λ = 0.1 against no coupling{paper}: {'; '.join(words)}." if words else ""
    head, keys = CRT[0]
    gaps = {name: Compared.between(ours, keys, mine) for name, mine in runs.items() if name not in ("λ = 0.1", "λ = 0")}
    known = {name: gap for name, gap in gaps.items() if gap}
    told = ", ".join(f"{gap} against {name}{published('coupling', 'λ = 0.1', name)}" for name, gap in known.items())
    best = f"The paper's claim that λ = 0.1 is best {verdict_of_best(known)}; {head}, it is {told}." if known else ""
    table = table_of("coupling (Table 1)", rows, (*CRT, ("its CNN", "crt_cnn")), (SEEDS, "coupling"))
    return [saying(table, helps, best)]


def _modes(rows: Rows) -> list[Table]:
    """Table 2."""
    runs = named(rows)
    words = []
    for name, mine in runs.items():
        gap = Compared.between(mine, "crt_loops_3", runs.get(ONE_TILE, ()))
        if gap and name != ONE_TILE:
            sign = -1 if name.startswith("deconvolution") else 1
            words.append(f"{name} {gap}{published('modes', name, ONE_TILE)}, the claim {gap.verdict(sign)}")
    claim = "The paper: overlap, side by side and interpolation help, deconvolution hurts"
    sentence = f"{claim}. Against one tile of 224: {'; '.join(words)}." if words else ""
    crops = "The row trained so sees crops of twice the side, of pictures twice as large, shrunk into one tile."
    columns = (CRT[0], ("first pass", "crt_loops_3_first"), *CRT[1:])
    table = table_of("cut and merge (Table 2)", rows, columns, (SEEDS, "modes"))
    return [saying(table, sentence, crops if "interpolated, trained so" in runs else "")]


def _sizes(rows: Rows) -> list[Table]:
    """Fig. 5, of the shipped checkpoint."""
    columns = (("CRT, default", "crt"), ("unrefined", "crt_unrefined"), ("TS-CAM", "tscam"), ("ResNet", "resnet"))
    table = table_of("input size (Fig. 5), shipped checkpoint", rows, columns)
    found = {name: got.mean for name, mine in named(rows).items() if (got := spread(mine, "crt")) is not None}
    if len(found) < 2:
        return [table]
    names = list(found)
    top = max(found, key=found.__getitem__)
    rise = [found[name] for name in names[: names.index(top) + 1]]
    steady = all(a < b for a, b in itertools.pairwise(rise))
    holds = (
        "does not hold here" if top == names[0] else "holds here" if steady else "holds here, though not step by step"
    )
    after = f", {found[names[-1]] - found[top]:+.1f} from there to {names[-1]}" if top != names[-1] else ""
    told = f"CRT is best at {top} ({found[top] - found[names[0]]:+.1f} over {names[0]}{after})"
    return [
        saying(
            table,
            f"The paper's claim that quality rises with the size up to a point {holds}: {told}. One training of the "
            "networks, so the spread over seeds is not known.",
        )
    ]


def _twins(rows: Rows) -> list[Table]:
    """Fig. 1."""
    body, found = [], {}
    for name, mine in named(rows).items():
        close = Spread.of([100 * _closeness(row) for row in mine])
        found[name] = close
        body.append(
            (name, cell(spread(mine, "crt_cnn")), cell(spread(mine, "crt_loops_3_unrefined|resnet")), cell(close))
        )
    table = Table(("two branches (Fig. 1)", "first branch", "second branch", "correlation of the maps, %"), tuple(body))
    same, other = found.get("the same CNN twice"), found.get("CNN + transformer")
    if same is None or other is None:
        return [table]
    half = max(same.half, other.half)
    holds, differ = ("holds", "a") if same.mean - other.mean > half else ("does not hold", "no")
    claim = "The paper: two CNNs give nearly the same maps, a CNN and a transformer do not"
    within = beyond_seeds(max(same.runs, other.runs), half)
    return [
        saying(table, f"{claim}. This {holds} here: correlation {same} and {other} %, {differ} difference {within}.")
    ]


def _closeness(row: dict[str, Any]) -> float:
    """Correlation of both branches' maps; with a transformer at the loop count it was trained with."""
    found = row["correlation"]
    return found["crt"][3] if "crt" in found else found["resnet"][0]
