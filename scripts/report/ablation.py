"""The ablations (`scripts.ablate`): a table for each claim, with the paper's numbers in a column of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from crt.checkpoint import Defaults
from scripts.report.ablation_charts import BRANCHES_HEAD, CONSISTENCY_HEAD, MODES_HEAD, SIZES_HEAD, charts
from scripts.report.ablation_loops import kind_of, loops
from scripts.report.ablation_rows import MODES, closeness, mode_name
from scripts.report.base import NOT_RECORDED, Section, Table, ordinal, setup_table
from scripts.report.claims import SEEDS, table_of, titled
from scripts.report.spread import Rows, Spread, cell, named, spread

CONSISTENCY, CUT_AND_MERGE, TWO_BRANCHES, INPUT_SIZE = (
    "CAM consistency loss",
    "Cut and merge",
    "Two branches",
    "Input size",
)
"""Headings of the tables; those of the loops are in `scripts.report.ablation_loops`."""


EARLIER = (
    "before 0.2.0: every ResNet-50 started with shifted running statistics of its batch normalization, and the "
    "command's defaults were these seeds and images"
)
"""Of results without a list of their training images."""


def ablation_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.ablate` measured: a table for each claim, mean and spread over the seeds."""
    protocol = result["protocol"]
    plan = protocol["schedule"]
    count = plan["loops"]
    makers: dict[str, Callable[[Rows], list[Table]]] = {
        "consistency": partial(_consistency, count=count),
        "loops": loops,
        "branches": partial(_branches, count=count),
        "modes": partial(_modes, count=count),
        "sizes": _sizes,
    }
    tables: list[Table] = []
    for name, make in makers.items():
        if rows := [row for row in result["rows"] if row["table"] == name]:
            tables += make(rows)
    machines = sorted({row["machine"] for row in result["rows"] if row.get("machine")})
    minutes = sum(row["minutes"] or 0 for row in _runs(result["rows"]))
    facts = setup_table(
        training=f"{plan['epochs']} epochs of {plan['crop']} px crops, batch {plan['batch']}, unless the row has "
        "another size",
        networks=f"{plan['vit']} + {plan['cnn']}",
        training_images=trained_on(protocol),
        measured_images=measured_on(protocol),
        measure="mIoU over background, the animals and person, at the best threshold",
        seeds=", ".join(map(str, protocol["seeds"])),
        version=None if "data" in protocol else EARLIER,
        spread="± is half the range over the seeds",
        minutes_of_training=f"{minutes:.0f}" if machines else None,
        machine="; ".join(machines) or NOT_RECORDED,
        not_measured="; ".join(protocol["missing"]) or None,
    )
    drawn = charts(result["rows"], count)
    return Section("Ablations", (), protocol.get("command", ""), (*tables, facts), (), drawn, order=5)


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
    every = f"every {ordinal(protocol['train_stride'])} image of " if protocol["train_stride"] > 1 else ""
    what = f"{every}{' and '.join(protocol['data'])}"
    return f"{what} ({protocol['images']} images, {counts[least]} of {least} to {counts[most]} of {most})"


def measured_on(protocol: dict[str, Any]) -> str:
    """The measured images and the measure in words."""
    size = f"with their long side at {protocol['size']} pixels" if protocol.get("size") else "of their own size"
    return (
        f"every {ordinal(protocol['stride'])} image of {protocol['eval_split']} that shows an animal, {size}, "
        f"{protocol['views']}"
    )


def _consistency(rows: Rows, count: int) -> list[Table]:
    """Table 1."""
    rows = sorted(rows, key=lambda row: row["name"])
    columns = (*_crt(count), ("its CNN", "crt_cnn"))
    return [titled(table_of(CONSISTENCY_HEAD, rows, columns, (SEEDS, "consistency")), CONSISTENCY)]


def _modes(rows: Rows, count: int) -> list[Table]:
    """Table 2. A row that was trained in another way than it is tested is another experiment, and is marked."""
    rows = [row | {"name": mode_name(row)} for row in rows]
    refined, *others_of_crt = _crt(count)
    others = any(name not in MODES.values() for name in named(rows))
    apart = "A row that names its training was trained in another way than it is tested, and is none of the paper's."
    columns = (refined, ("first pass", kind_of(count, "_first")), *others_of_crt)
    table = table_of(MODES_HEAD, rows, columns, (SEEDS, "modes"))
    return [titled(table, CUT_AND_MERGE, apart if others else "")]


def _sizes(rows: Rows) -> list[Table]:
    """Fig. 5, of the shipped checkpoint: one training."""
    columns = (("CRT, default", "crt"), ("unrefined", "crt_unrefined"), ("TS-CAM", "tscam"), ("ResNet", "resnet"))
    return [titled(table_of(SIZES_HEAD, rows, columns), INPUT_SIZE)]


def _branches(rows: Rows, count: int) -> list[Table]:
    """Fig. 1."""
    runs = named(rows)
    body = tuple(
        (
            name,
            cell(spread(mine, "crt_cnn")),
            cell(spread(mine, f"crt_loops_{count}_unrefined|resnet")),
            cell(Spread.of([100 * closeness(row, count) for row in mine])),
        )
        for name, mine in runs.items()
    )
    table = Table((BRANCHES_HEAD, "first branch", "second branch", "correlation of the maps, %"), body)
    return [titled(table, TWO_BRANCHES, *_seen(rows))]


def _seen(rows: Rows) -> list[str]:
    """A note where the two branches of a training had crops of different sizes."""
    words = {}
    for row in rows:
        phases = (row.get("config") or {}).get("schedule", ())
        sizes = [(phase["cnn_size"] or phase["crop"], phase["crop"]) for phase in phases]
        if any(one != other for one, other in sizes):
            words[row["name"]] = f"The branches of {row['name']} had crops of different sizes in training."
    return list(words.values())
