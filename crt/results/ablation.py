"""The ablations (`scripts.ablate`): a table for each question, with the paper's numbers in a column of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crt.checkpoint import Defaults
from crt.results.ablation_charts import charts
from crt.results.base import Section, Table
from crt.results.spread import TESTED, Paired, Rows, Spread, cell, named, spread

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
SEEDS, MASKS = "paper: seeds, 21 classes", "paper: masks, 21 classes"


def ablation(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.ablate` measured: a table for each question, mean and spread over the seeds."""
    protocol = result["protocol"]
    plan = protocol["schedule"]
    size = f"with their long side at {protocol['size']} pixels" if protocol.get("size") else "of their own size"
    how = (
        f"All rows: {plan['epochs']} epochs of {plan['crop']} px crops on {protocol['split']}, batch {plan['batch']}, "
        f"{plan['vit']} + {plan['cnn']}; measured on every {protocol['every']}th picture of {protocol['measured']} "
        f"that shows an animal, {size} unless the row says another, {protocol['views']}; mIoU over background, the "
        f"animals and person at the best threshold. ± is half the range over {len(protocol['seeds'])} seeds. "
        f"{len(protocol['missing'])} runs of the list are still to do."
    )
    makers: dict[str, Callable[[Rows], list[Table]]] = {
        "coupling": _coupling,
        "loops": _loops,
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


def _table(title: str, rows: Rows, columns: Sequence[tuple[str, str]], paper: tuple[str, str] | None = None) -> Table:
    """A line per name; `columns`: heads and kinds of map; `paper`: its column's head, and its numbers' key in PAPER."""
    body = []
    for name, mine in named(rows).items():
        cells = [cell(spread(mine, keys)) for _, keys in columns]
        body.append((name, *cells, *([PAPER[paper[1]].get(name, "–")] if paper else [])))
    return Table((title, *(head for head, _ in columns), *([paper[0]] if paper else [])), tuple(body))


def _says(table: Table, *sentences: str) -> Table:
    return Table(table.head, table.rows, table.marked, tuple(sentence for sentence in sentences if sentence))


def _coupling(rows: Rows) -> list[Table]:
    """Table 1."""
    columns = (
        ("CRT, 3 loops, refined", "crt_loops_3"),
        ("unrefined", "crt_loops_3_unrefined"),
        ("0 loops, refined", "crt_loops_0"),
        ("its CNN", "crt_cnn"),
    )
    table = _table("coupling (Table 1)", sorted(rows, key=lambda row: row["name"]), columns, (SEEDS, "coupling"))
    runs = named(rows)
    words = []
    for head, keys in columns[:3]:
        if gap := Paired.between(runs.get("λ = 0.1", ()), keys, runs.get("λ = 0", ())):
            words.append(f"{head} {gap}, the claim {gap.verdict}")
    sentence = f"λ = 0.1 against no coupling (in the paper +10.7): {'; '.join(words)}." if words else ""
    return [_says(table, sentence)]


def _loops(rows: Rows) -> list[Table]:
    """Table 3, loops in training by loops at test, in the three ways to refine; and the passes' attention."""
    rows = sorted(rows, key=lambda row: row["name"])
    runs = named(rows)
    summed = _table(
        "loops (Table 3), refined by the sum",
        rows,
        [(f"test {k}", f"crt_loops_{k}") for k in TESTED],
        (MASKS, "loops"),
    )
    alike = {
        k: found for k in TESTED if (found := spread(runs.get(f"{k} in training", ()), f"crt_loops_{k}")) is not None
    }
    words = ", ".join(f"{k}: {found}" for k, found in alike.items())
    claim = f"Trained and tested with the same count: {words}."
    three, none = runs.get("3 in training", ()), runs.get("0 in training", ())
    if gap := Paired.between(three, "crt_loops_3", none, "crt_loops_0"):
        claim += f" The paper's claim that three loops are better than none {gap.verdict} here: {gap}."
    looped = [row for row in _runs(rows) if row["name"] != "0 in training"]
    first = _table(
        "the same, refined by the first pass", rows, [(f"test {k}", f"crt_loops_{k}_first") for k in TESTED if k > 1]
    )
    gains = {k: Paired.of(looped, f"crt_loops_{k}_first", f"crt_loops_{k}") for k in (2, 3, 4)}
    told = "; ".join(f"{k} loops {gain}" for k, gain in gains.items() if gain)
    bare = _table("the same, unrefined", rows, [(f"test {k}", f"crt_loops_{k}_unrefined") for k in TESTED])
    ways = (
        ("unrefined", "crt_loops_3_unrefined", "crt_loops_0_unrefined"),
        ("refined by the first pass", "crt_loops_3_first", "crt_loops_0"),
        ("refined by the sum", "crt_loops_3", "crt_loops_0"),
    )
    steps = "; ".join(f"{name} {gap}" for name, one, other in ways if (gap := Paired.of(looped, one, other)))
    return [
        _says(summed, claim),
        _says(first, f"The first pass's attention alone and not the sum, in the same runs: {told}." if told else ""),
        _says(bare, f"Three loops at test against none, within the runs trained with loops: {steps}." if steps else ""),
        *_attention(runs.get("3 in training", ())),
    ]  # fmt: skip


def _attention(rows: Rows) -> list[Table]:
    """Refinement on and off, and which passes' attention, for the training with three loops."""
    if not rows:
        return []
    ways = (("unrefined", "_unrefined"), ("sum or mean", ""), ("first pass", "_first"), ("last pass", "_last"))
    body = tuple(
        (f"test {k}", *(cell(spread(rows, f"crt_loops_{k}{way}")) for _, way in ways)) for k in TESTED if k > 1
    )
    refined = Paired.of(rows, "crt_loops_3", "crt_loops_3_unrefined")
    gain = f"Refinement at three loops: {refined}. " if refined else ""
    worse = Paired.of(rows, "crt_loops_3_last", "crt_loops_3")
    last = f"The last pass alone instead of the sum: {worse}. " if worse else ""
    table = Table(("attention, 3 loops in training", *(head for head, _ in ways)), body)
    return [_says(table, f"{gain}{last}Sum and mean over passes differ by a constant, which normalisation takes away.")]


def _modes(rows: Rows) -> list[Table]:
    """Table 2."""
    columns = (
        ("CRT, 3 loops, refined", "crt_loops_3"),
        ("first pass", "crt_loops_3_first"),
        ("unrefined", "crt_loops_3_unrefined"),
        ("0 loops, refined", "crt_loops_0"),
    )
    runs = named(rows)
    words = []
    for name, mine in runs.items():
        gap = Paired.between(mine, "crt_loops_3", runs.get("one tile of 224", ()))
        if not gap or name == "one tile of 224":
            continue
        theirs = PAPER["modes"].get(name)
        paper = "" if theirs is None else f" (paper {float(theirs) - float(PAPER['modes']['one tile of 224']):+.1f})"
        words.append(f"{name} {gap}{paper}")
    sentence = f"Against one tile of 224: {'; '.join(words)}." if words else ""
    return [_says(_table("cut and merge (Table 2)", rows, columns, (SEEDS, "modes")), sentence)]


def _sizes(rows: Rows) -> list[Table]:
    """Fig. 5, of the shipped checkpoint."""
    columns = (("CRT, default", "crt"), ("unrefined", "crt_unrefined"), ("TS-CAM", "tscam"), ("ResNet", "resnet"))
    table = _table("input size (Fig. 5), shipped checkpoint", rows, columns)
    found = {name: got for name, mine in named(rows).items() if (got := spread(mine, "crt")) is not None}
    if len(found) < 2:
        return [table]
    top, first = max(found, key=lambda name: found[name].mean), next(iter(found))
    gain = found[top].mean - found[first].mean
    told = f"CRT is best at {top} here ({gain:+.1f} over {first}; one training of the networks)."
    return [_says(table, f"{told} In the paper sizes beyond one tile help as well.")]


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
    holds = "holds" if same.mean - other.mean > max(same.half, other.half) else "does not hold"
    claim = "The paper: two CNNs give nearly the same maps, a CNN and a transformer do not"
    return [_says(table, f"{claim}. This {holds} here: correlation {same} and {other} %.")]


def _closeness(row: dict[str, Any]) -> float:
    """Correlation of both branches' maps; with a transformer at the loop count it was trained with."""
    found = row["correlation"]
    return found["crt"][3] if "crt" in found else found["resnet"][0]
