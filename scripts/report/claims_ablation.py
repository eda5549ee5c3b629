"""The claims of the paper that the ablations (`scripts.ablate`) are about: Tables 1, 2 and 3, Fig. 1, 5 and 6."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from scripts.report.ablation import CONSISTENCY, CUT_AND_MERGE, INPUT_SIZE, TWO_BRANCHES
from scripts.report.ablation_charts import line_of
from scripts.report.ablation_loops import (
    ATTENTION_TITLE,
    LAST_SIMILARITY,
    LOOPS_TITLE,
    SIMILARITY_TITLE,
    at_pass,
    kind_of,
    similarity,
)
from scripts.report.ablation_rows import MODES, ONE_TILE, closeness, mode_name
from scripts.report.base import Line
from scripts.report.claim import PAPER_NAME, Claim, ClaimChart, Gap, claim
from scripts.report.claims import PAPER
from scripts.report.spread import TESTED, Rows, Spread, named, spread
from scripts.report.verdict import Paired, difference

SUBJECT, SUBJECT_SIZES = "Ablations", "Input size"
POINTS = "mIoU, points"
MODE_CLAIMS = {
    "overlap, 336": ("overlap", "Tiles that overlap raise the mIoU over that of one tile.", 1),
    "side by side, 448": ("side-by-side", "Tiles side by side raise the mIoU over that of one tile.", 1),
    "interpolated to 28 × 28": ("interpolation", "Interpolating the map of one tile raises the mIoU.", 1),
    "deconvolution to 28 × 28": ("deconvolution", "Deconvolution of the map of one tile lowers the mIoU.", -1),
}
"""By the row of Table 2: the claim's id, its sentence and the sign of the difference."""


def ablation_claims(result: dict[str, Any]) -> list[Claim]:
    """The claims of which the result has rows."""
    protocol = result["protocol"]
    make: Callable[..., Claim] = partial(claim, subject=SUBJECT, command=protocol.get("command", ""))
    count = protocol["schedule"]["loops"]
    makers: dict[str, Callable[[Rows], list[Claim]]] = {
        "consistency": partial(_consistency, make=make, count=count),
        "loops": partial(_loops, make=make),
        "branches": partial(_branches, make=make, count=count),
        "modes": partial(_modes, make=make, count=count),
        "sizes": partial(_sizes, make=make),
    }
    claims: list[Claim] = []
    for table, of_table in makers.items():
        if rows := [row for row in result["rows"] if row["table"] == table]:
            claims += of_table(rows)
    return claims


def _paper_gap(table: str, name: str, other: str) -> float | None:
    """By how many points one row of the paper's is above another; None where it lacks one."""
    theirs = PAPER[table].get(name), PAPER[table].get(other)
    return None if theirs[0] is None or theirs[1] is None else float(theirs[0]) - float(theirs[1])


def _consistency(rows: Rows, make: Callable[..., Claim], count: int) -> list[Claim]:
    runs, refined = dict(sorted(named(rows).items())), f"crt_loops_{count}"
    ours, none = runs.get("λ = 0.1", ()), runs.get("λ = 0", ())
    others = [name for name in runs if name not in ("λ = 0", "λ = 0.1")]
    made = []
    if ours and none:
        to_none = {
            name: Gap(Paired.between(mine, refined, none), _paper_gap("consistency", name, "λ = 0"))
            for name, mine in runs.items()
            if name != "λ = 0"
        }
        made.append(
            make(
                "consistency-loss", "The CAM consistency loss, at λ = 0.1, raises the mIoU.",
                {"λ = 0.1": to_none["λ = 0.1"]}, shown=to_none, difference="{} minus λ = 0", source="Table 1",
                section=CONSISTENCY, x="minus λ = 0", y=POINTS,
            )
        )  # fmt: skip
    if ours and others:
        to_others = {
            name: Gap(Paired.between(ours, refined, runs[name]), _paper_gap("consistency", "λ = 0.1", name))
            for name in others
        }
        sentence = "Of the weights of the CAM consistency loss, λ = 0.1 gives the highest mIoU."
        made.append(
            make(
                "consistency-weight",
                sentence,
                to_others,
                source="Table 1",
                section=CONSISTENCY,
                difference="λ = 0.1 minus {}",
                x="λ = 0.1 minus this weight",
                y=POINTS,
            )
        )
    return made


def _loops(rows: Rows, make: Callable[..., Claim]) -> list[Claim]:
    runs = named(rows)
    three = runs.get("3 in training", ())
    made = []
    compared = {
        f"{k}": Gap(
            Paired.between(three, kind_of(3, ""), runs.get(f"{k} in training", ()), kind_of(k, "")),
            _paper_gap("loops", "3 in training", f"{k} in training"),
        )
        for k in TESTED
        if k != 3 and f"{k} in training" in runs
    }
    if three and compared:
        sentence = "Three loops, in training and at test, give the highest mIoU."
        made.append(
            make(
                "three-loops",
                sentence,
                compared,
                source="Table 3",
                section=LOOPS_TITLE,
                difference="3 loops minus {} loops",
                x="3 loops minus this count",
                y=POINTS,
            )
        )
    if three:
        made += _refinement(three, make)
    return [*made, *_similarity(dict(sorted(runs.items())), make)]


def _refinement(rows: Rows, make: Callable[..., Claim]) -> list[Claim]:
    """Of the trainings with three loops."""

    def gap(count: int, one: str, other: str) -> Gap:
        return Gap(Paired.within(rows, partial(difference, one=kind_of(count, one), other=kind_of(count, other))))

    helps = {str(k): found for k in TESTED if (found := gap(k, "", "_unrefined")).gaps}
    passes = {f"{name} pass": found for name in ("first", "last") if (found := gap(3, "", f"_{name}")).gaps}
    made = []
    if "3" in helps:
        made.append(
            make(
                "refinement", "Refinement by the attention raises the mIoU.", {"3": helps["3"]}, shown=helps,
                difference="refined minus unrefined, {} loops", source="Eq. 1", section=ATTENTION_TITLE,
                x="loops at test", y=POINTS,
            )
        )  # fmt: skip
    if passes:
        sentence = "The attention summed over the passes refines better than that of one pass."
        made.append(
            make(
                "sum-over-passes",
                sentence,
                passes,
                source="Released program",
                section=ATTENTION_TITLE,
                difference="sum minus {}",
                x="the sum minus this pass",
                y=POINTS,
            )
        )
    return made


def _similarity(runs: Mapping[str, Rows], make: Callable[..., Claim]) -> list[Claim]:
    looped = {name: mine for name, mine in runs.items() if name != "0 in training" and at_pass(mine, max(TESTED))}
    passes = [k for k in TESTED if k]
    steps = {
        f"pass {later} minus pass {before}, {name}": Gap(Paired.of(at_pass(mine, later), at_pass(mine, before)))
        for name, mine in looped.items()
        for before, later in itertools.pairwise(passes)
    }
    if not steps:
        return []
    lines = tuple(
        line_of(f"trained with {name.split()[0]}", [(k, similarity(mine, k)) for k in passes])
        for name, mine in looped.items()
    )
    paper = Line(PAPER_NAME, (max(TESTED),), (LAST_SIMILARITY,))
    chart = ClaimChart("pass", "similarity, %", lines, paper, joined=True)
    sentence = "The tokens change less with every pass."
    return [make("token-similarity", sentence, steps, source="Fig. 6", section=SIMILARITY_TITLE, chart=chart)]


def _branches(rows: Rows, make: Callable[..., Claim], count: int) -> list[Claim]:
    runs = named(rows)
    pairs = {"two CNNs": "the same CNN twice", "CNN + transformer": "CNN + transformer"}
    close = {
        name: {row["seed"]: 100 * closeness(row, count) for row in runs.get(kind, ())} for name, kind in pairs.items()
    }
    gaps = Paired.of(close["two CNNs"], close["CNN + transformer"])
    if not gaps:
        return []
    points = [(index, Spread.of(list(values.values()))) for index, values in enumerate(close.values())]
    chart = ClaimChart("", "correlation, %", (line_of("ours", points),), Line(PAPER_NAME, (), ()), tuple(close))
    sentence = "Two CNNs give nearly the same maps, a CNN and a transformer do not."
    compared = {"two CNNs minus CNN + transformer": Gap(gaps)}
    return [make("two-branches", sentence, compared, source="Fig. 1", section=TWO_BRANCHES, chart=chart)]


def _modes(rows: Rows, make: Callable[..., Claim], count: int) -> list[Claim]:
    """Only trainings with the mode and size of their test count; of the others the paper makes no claim."""
    runs = named([row | {"name": mode_name(row)} for row in rows])
    one_tile, refined = runs.get(ONE_TILE, ()), f"crt_loops_{count}"
    gaps = {
        name: Gap(Paired.between(runs.get(name, ()), refined, one_tile), _paper_gap("modes", name, ONE_TILE))
        for name in MODES.values()
        if name != ONE_TILE
    }
    made = []
    for name, (key, sentence, sign) in MODE_CLAIMS.items():
        made.append(
            make(
                key,
                sentence,
                {name: gaps[name]},
                difference="{} against one tile of 224",
                source="Table 2",
                section=CUT_AND_MERGE,
                x="against one tile of 224",
                y=POINTS,
                sign=sign,
            )
        )
    return made


def _sizes(rows: Rows, make: Callable[..., Claim]) -> list[Claim]:
    runs = named(rows)
    means = {name: found.mean for name, mine in runs.items() if (found := spread(mine, "crt")) is not None}
    if len(means) < 2:
        return []
    smallest, *larger = means
    gaps = {name: Gap(Paired.between(runs[name], "crt", runs[smallest])) for name in larger}
    top = max(larger, key=means.__getitem__)
    sentence = "The mIoU rises with the input size up to a point."
    compared = {top: gaps[top]}
    made = make(
        "input-size",
        sentence,
        compared,
        shown=gaps,
        source="Fig. 5",
        section=INPUT_SIZE,
        difference=f"{{}} minus {smallest}",
        x=f"minus {smallest}",
        y=POINTS,
        subject=SUBJECT_SIZES,
    )
    return [made]
