"""The ablations (`scripts.ablate`): a table for each claim, with the paper's numbers in a column of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from crt.checkpoint import Defaults
from scripts.report.ablation_charts import charts
from scripts.report.ablation_loops import kind_of, loops
from scripts.report.base import Section, Table, ordinal
from scripts.report.claims import SEEDS, published, saying, table_of
from scripts.report.spread import Rows, Spread, cell, named, spread
from scripts.report.verdict import Paired, verdict_of_all

ONE_TILE = "one tile of 224"
MODES = {
    ("overlap", 224): ONE_TILE,
    ("overlap", 336): "overlap, 336",
    ("non-overlap", 448): "side by side, 448",
    ("bilinear", 448): "interpolated to 28 × 28",
    ("deconvolution", 448): "deconvolution to 28 × 28",
}
"""The rows of Table 2 by the mode and the size at test."""


def ablation_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.ablate` measured: a table for each claim, mean and spread over the seeds."""
    protocol = result["protocol"]
    plan = protocol["schedule"]
    missing = f" Not measured: {'; '.join(protocol['missing'])}." if protocol["missing"] else ""
    how = (
        f"All rows: {plan['epochs']} epochs of {plan['crop']} px crops, unless the row has another size, on "
        f"{trained_on(protocol)}, batch {plan['batch']}, {plan['vit']} + {plan['cnn']}; {measured_on(protocol)}, "
        f"unless the row has another size. Seeds: {', '.join(map(str, protocol['seeds']))}. ± is half the range over "
        "the seeds. A verdict needs three seeds and a Student t interval at 95 % of the differences of runs of one "
        f"seed that excludes zero.{missing}"
    )
    count = plan["loops"]
    makers: dict[str, Callable[[Rows], list[Table]]] = {
        "consistency": partial(_consistency, count=count),
        "loops": loops,
        "twins": partial(_twins, count=count),
        "modes": partial(_modes, count=count),
        "sizes": _sizes,
    }
    tables: list[Table] = []
    for name, make in makers.items():
        if rows := [row for row in result["rows"] if row["table"] == name]:
            tables += make(rows)
    machines = sorted({row["machine"] for row in result["rows"] if row.get("machine")})
    minutes = sum(row["minutes"] or 0 for row in _runs(result["rows"]))
    cost = f"{minutes:.0f} minutes of training in all, on {'; '.join(machines)}." if machines else ""
    notes = (how, cost) if cost else (how,)
    drawn = charts(result["rows"], count)
    return Section("Ablations", notes, protocol.get("command", ""), tuple(tables), (), drawn, order=2)


def _crt(count: int) -> tuple[tuple[str, str], ...]:
    """Heads and kinds of CRT's maps at the loop count that the rows were trained with, and at none."""
    head = f"CRT, {count} {'loop' if count == 1 else 'loops'}, refined"
    trained = ((head, f"crt_loops_{count}"), ("unrefined", f"crt_loops_{count}_unrefined"))
    return (*trained, ("0 loops, refined", "crt_loops_0")) if count else trained


def _runs(rows: Rows) -> list[dict[str, Any]]:
    """One row of every training, however many tables share it."""
    found = {(row["training"], row["seed"]): row for row in rows if row.get("training")}
    return list(found.values())


def trained_on(protocol: dict[str, Any]) -> str:
    """The training images in words; results of earlier versions have one split of the devkit that was measured."""
    if "data" not in protocol:
        return f"VOC2012:{protocol['split']}"
    counts = protocol["images_per_class"]
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    return (
        f"{' and '.join(protocol['data'])} ({protocol['images']} images, {counts[least]} of {least} to {counts[most]} "
        f"of {most})"
    )


def measured_on(protocol: dict[str, Any]) -> str:
    """The measured images and the measure in words."""
    size = f"with their long side at {protocol['size']} pixels" if protocol.get("size") else "of their own size"
    return (
        f"measured on every {ordinal(protocol['stride'])} image of {protocol['eval_split']} that shows an animal, "
        f"{size}, {protocol['views']}; mIoU over background, the animals and person at the best threshold"
    )


def _consistency(rows: Rows, count: int) -> list[Table]:
    """Table 1."""
    crt = _crt(count)
    rows = sorted(rows, key=lambda row: row["name"])
    runs = named(rows)
    ours = runs.get("λ = 0.1", ())
    words = []
    for head, keys in crt:
        if gap := Paired.between(ours, keys, runs.get("λ = 0", ())):
            words.append(f"{head} {gap}, the claim {gap.statement()}")
    paper = published("consistency", "λ = 0.1", "λ = 0")
    helps = f"λ = 0.1 against λ = 0{paper}: {'; '.join(words)}." if words else ""
    head, keys = crt[0]
    gaps = {name: Paired.between(ours, keys, mine) for name, mine in runs.items() if name not in ("λ = 0.1", "λ = 0")}
    known = {name: gap for name, gap in gaps.items() if gap}
    text = ", ".join(f"{gap} against {name}{published('consistency', 'λ = 0.1', name)}" for name, gap in known.items())
    best = f"The paper's claim that λ = 0.1 is best {verdict_of_all(known)}; {head}, it is {text}." if known else ""
    table = table_of("CAM consistency loss (Table 1)", rows, (*crt, ("its CNN", "crt_cnn")), (SEEDS, "consistency"))
    return [saying(table, helps, best)]


def _modes(rows: Rows, count: int) -> list[Table]:
    """Table 2. A row that was trained in another way than it is tested is another experiment, and is marked."""
    rows = [row | {"name": mode_name(row)} for row in rows]
    refined, *others_of_crt = _crt(count)
    runs = named(rows)
    words = []
    for name, mine in runs.items():
        gap = Paired.between(mine, refined[1], runs.get(ONE_TILE, ()))
        if gap and name != ONE_TILE and name in MODES.values():
            sign = -1 if name.startswith("deconvolution") else 1
            words.append(f"{name} {gap}{published('modes', name, ONE_TILE)}, the claim {gap.statement(sign)}")
    claim = "The paper: overlap, side by side and interpolation help, deconvolution hurts"
    sentence = f"{claim}. Against one tile of 224: {'; '.join(words)}." if words else ""
    others = sum(name not in MODES.values() for name in runs)
    apart = f"Rows trained in another way than they are tested: {others}; they are not the paper's experiment."
    columns = (refined, ("first pass", kind_of(count, "_first")), *others_of_crt)
    table = table_of("cut and merge (Table 2)", rows, columns, (SEEDS, "modes"))
    return [saying(table, sentence, apart if others else "")]


def mode_name(row: dict[str, Any]) -> str:
    """The name of a row of Table 2 by what it is, with the training's mode and crop where they are others."""
    name = MODES[row["mode"], row["size"]]
    model, phase = row["config"]["model"], row["config"]["schedule"][-1]
    mode, crop = "deconvolution" if model["deconvolution"] else model.get("mode", "overlap"), phase["crop"]
    return name if (mode, crop) == (row["mode"], row["size"]) else f"{name}, trained with {mode} at {crop} px"


def _sizes(rows: Rows) -> list[Table]:
    """Fig. 5, of the shipped checkpoint: one training."""
    columns = (("CRT, default", "crt"), ("unrefined", "crt_unrefined"), ("TS-CAM", "tscam"), ("ResNet", "resnet"))
    table = table_of("input size (Fig. 5), shipped checkpoint", rows, columns)
    runs = named(rows)
    found = {name: got.mean for name, mine in runs.items() if (got := spread(mine, "crt")) is not None}
    if len(found) < 2:
        return [table]
    names = list(found)
    top = max(found, key=found.__getitem__)
    rise = Paired.between(runs[top], "crt", runs[names[0]])
    after = f", {found[names[-1]] - found[top]:+.1f} from there to {names[-1]}" if top != names[-1] else ""
    text = f"CRT is highest at {top} ({found[top] - found[names[0]]:+.1f} over {names[0]}{after})"
    claim = f"The paper's claim that quality rises with the size up to a point {rise.statement()}"
    return [saying(table, f"{claim}: {text}.")]


def _twins(rows: Rows, count: int) -> list[Table]:
    """Fig. 1."""
    runs = named(rows)
    close = {name: {row["seed"]: 100 * closeness(row, count) for row in mine} for name, mine in runs.items()}
    body = tuple(
        (
            name,
            cell(spread(mine, "crt_cnn")),
            cell(spread(mine, f"crt_loops_{count}_unrefined|resnet")),
            cell(Spread.of(list(close[name].values()))),
        )
        for name, mine in runs.items()
    )
    table = Table(("two branches (Fig. 1)", "first branch", "second branch", "correlation of the maps, %"), body)
    gap = Paired.of(close.get("the same CNN twice", {}), close.get("CNN + transformer", {}))
    if not gap:
        return [table]
    claim = "The paper: two CNNs give nearly the same maps, a CNN and a transformer do not"
    return [
        saying(
            table, f"{claim}. That {gap.statement()}: the correlation of the two CNNs is {gap} higher.", *_seen(rows)
        )
    ]


def _seen(rows: Rows) -> list[str]:
    """A note where the two branches of a training had crops of different sizes."""
    words = {}
    for row in rows:
        phases = (row.get("config") or {}).get("schedule", ())
        sizes = [(phase["cnn_size"] or phase["crop"], phase["crop"]) for phase in phases]
        if unlike := [pair for pair in sizes if pair[0] != pair[1]]:
            words[row["name"]] = f"{row['name']}: {', '.join(f'{one} and {other} px' for one, other in unlike)}"
    return [f"The branches had crops of different sizes in training: {'; '.join(words.values())}."] if words else []


def closeness(row: dict[str, Any], count: int) -> float:
    """Correlation of both branches' maps; with a transformer at the loop count it was trained with."""
    found = row["correlation"]
    return found["crt"][count] if "crt" in found else found["resnet"][0]
