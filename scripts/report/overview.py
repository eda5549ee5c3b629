"""What the Results tab shows first: the claims, mIoU against loops, IoU by class, and what was measured on what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crt.checkpoint import CheckpointConfig, Defaults, weights_sha256
from crt.pass_reductions import PassReduction
from crt.types import METHOD_TITLES
from scripts.report.ablation import measured_on, trained_on
from scripts.report.ablation_charts import line_of
from scripts.report.ablation_loops import kind_of
from scripts.report.base import NOT_RECORDED, Line, Section, ordinal
from scripts.report.claim import Claim
from scripts.report.claims_ablation import SUBJECT, SUBJECT_SIZES, ablation_claims
from scripts.report.claims_checkpoint import evaluation_claims, localization_claims, pipeline_claims
from scripts.report.evaluation import with_defaults
from scripts.report.model_card import seeds_of
from scripts.report.sections import Measured
from scripts.report.spread import TESTED, Rows, named, spread

TILE_NORMALIZED = "_tile_normalized"
REFINEMENTS = {
    "_unrefined": "none",
    "_first": "first pass",
    "_last": "last pass",
    TILE_NORMALIZED: "first pass, per-tile normalized",
    "": "sum over passes",
}
"""By the end of a kind of map; the attention that refines it."""
SAME_AS_SUM: tuple[PassReduction, ...] = ("sum", "mean")
"""Pass reductions whose normalized maps are those of the sum."""
NETWORKS = ("resnet", "tscam", "crt_cnn", "crt")
CLAIMS: dict[str, Callable[[dict[str, Any], Defaults, str], list[Claim]]] = {
    "methods": evaluation_claims,
    "stages": pipeline_claims,
    "definitions": localization_claims,
}
"""By the kind of result, those of a checkpoint."""
OF_A_CHECKPOINT = (*CLAIMS, "pointing", "classification")
"""Kinds of result about one checkpoint."""
OWN_SIZE = "own size"


@dataclass(frozen=True)
class Setup:
    """What one group of numbers was measured with, in words. `seeds`: of the trainings; `inputs`: the size at which the
    networks see the images; `machine`: that it was measured on.
    """

    name: str
    networks: str
    images: str
    seeds: str
    inputs: str = NOT_RECORDED
    machine: str = NOT_RECORDED


@dataclass(frozen=True)
class Headline:
    """mIoU against loops at test: the lines of one network refined in one way."""

    network: str
    refinement: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class PerClass:
    """IoU in percent, a row of `values` for each class that an image shows and a column for each network. `caption`: of
    which images.
    """

    caption: str
    networks: tuple[str, ...]
    classes: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Overview:
    """`shown`: network and refinement of the headline that are shown first, of the default settings if measured."""

    setups: tuple[Setup, ...]
    claims: tuple[Claim, ...]
    headline: tuple[Headline, ...]
    shown: tuple[str, str] | None
    per_class: PerClass | None


def overview(found: Iterable[Measured], defaults: Defaults, checkpoints: Mapping[str, CheckpointConfig]) -> Overview:
    """Of all results together; each kind is left out that there is no result of."""
    setups: list[Setup] = []
    claims: list[Claim] = []
    headline: list[Headline] = []
    per_class: PerClass | None = None
    for one in found:
        if one.kind == "rows":
            mine = ablation_claims(one.result)
            claims += mine
            about = {made.subject for made in mine}
            setups += [setup for setup in _ablation_setups(one.result) if setup.name in about]
            headline += _trained(one.result)
        elif one.kind in OF_A_CHECKPOINT:
            setup = _setup(one, checkpoints)
            setups.append(setup)
            known = {made.id for made in claims}  # of several evaluations the first makes the claim
            mine = CLAIMS[one.kind](one.result, defaults, setup.name) if one.kind in CLAIMS else []
            claims += [made for made in mine if made.id not in known]
            if one.kind == "methods":
                headline += _evaluated(one.result, defaults, setup.name)
                per_class = per_class or _per_class(one.result, defaults, setup.name)
    first = next((one for one in headline if one.refinement == _default_refinement(defaults)), None)
    shown = None if first is None else (first.network, first.refinement)
    return Overview(tuple(setups), tuple(claims), tuple(headline), shown, per_class)


def is_about(section: Section, checkpoint: CheckpointConfig) -> bool:
    """Whether it measured these networks, perhaps among others."""
    hashes = {spec.sha256 for spec in checkpoint.networks.values()}
    return section.weights_sha256 == weights_sha256(checkpoint) or hashes <= set(section.networks)


def _setup(one: Measured, checkpoints: Mapping[str, CheckpointConfig]) -> Setup:
    """Of a result about one checkpoint."""
    protocol, result = one.result["protocol"], one.result
    about = next(((name, config) for name, config in checkpoints.items() if is_about(one.section, config)), None)
    weights = one.section.weights_sha256[:8] or NOT_RECORDED
    networks = f"weights {weights}" if about is None else f"checkpoint {about[0]}: {_backbones(about[1])}"
    seeds = NOT_RECORDED if about is None else _seeds(seeds_of(about[1]).split(", "))
    every = f", every {ordinal(protocol['stride'])}" if protocol.get("stride", 1) > 1 else ""
    if one.kind == "stages":
        row = next(iter(result["stages"]), None)
        images = NOT_RECORDED if row is None else f"{row['images']} images of {row['split']}"
        inputs = _views((protocol.get("seeds") or {}).get("scales", ()))
    elif one.kind == "methods":
        images, inputs = f"{result['images']} images of {protocol['split']}{every}", _views(protocol["scales"])
    elif one.kind == "definitions":
        images = f"{result['images']} images of {protocol['split'] or protocol['data']}{every}"
        inputs = protocol["view"]
    else:
        number = result["pointing"]["images"] if one.kind == "pointing" else result["images"]
        images = f"{number} images of {protocol['data']} {protocol['split']}{every}"
        inputs = OWN_SIZE if protocol["size"] is None else f"long side {protocol['size']} px"
    return Setup(one.section.title, networks, images, seeds, inputs, protocol.get("machine", NOT_RECORDED))


def _views(scales: Sequence[float]) -> str:
    """The size of the images, and how many scales of it."""
    return OWN_SIZE if len(scales) < 2 else f"{OWN_SIZE}, {len(scales)} scales"


def _backbones(checkpoint: CheckpointConfig) -> str:
    return " + ".join(dict.fromkeys(spec.backbone for spec in checkpoint.networks.values()))


def _ablation_setups(result: dict[str, Any]) -> list[Setup]:
    protocol = result["protocol"]
    plan = protocol["schedule"]
    networks = f"{plan['vit']} + {plan['cnn']}, {plan['epochs']} epochs on {trained_on(protocol)}"
    counts = {row.get("images") for row in result["rows"]}
    count = f"{counts.pop()} images: " if len(counts) == 1 and None not in counts else ""
    images = count + measured_on(protocol).partition(", ")[0]
    sizes = {row["seed"] for row in result["rows"] if row["table"] == "sizes"}
    size = f"long side {protocol['size']} px" if protocol.get("size") else OWN_SIZE
    machines = "; ".join(sorted({row["machine"] for row in result["rows"] if row.get("machine")})) or NOT_RECORDED
    return [
        Setup(SUBJECT, networks, images, _seeds(protocol["seeds"]), size, machines),
        Setup(SUBJECT_SIZES, "shipped checkpoint", images, _seeds(sorted(sizes)), "as in its rows", machines),
    ]


def _seeds(seeds: Sequence[object]) -> str:
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"


def _default_refinement(defaults: Defaults) -> str:
    if not defaults.refined:
        return REFINEMENTS["_unrefined"]
    return REFINEMENTS["" if defaults.pass_reduction in SAME_AS_SUM else f"_{defaults.pass_reduction}"]


def _evaluated(result: dict[str, Any], defaults: Defaults, subject: str) -> list[Headline]:
    """Of a checkpoint: CRT by its loops, and the networks without loops as level lines."""
    methods = with_defaults(result, defaults)["methods"]
    measured = [k for k in range(10) if f"crt_loops_{k}" in methods]
    made = []
    for way, refinement in REFINEMENTS.items():
        counts = [k for k in measured if way != TILE_NORMALIZED or k > 1]  # with one pass it is not the sum
        kinds = [kind_of(k, way) for k in counts]
        if not kinds or not methods.keys() >= set(kinds) or (way in ("_first", "_last") and max(counts) < 2):
            continue
        lines = [Line("CRT", tuple(counts), tuple(methods[kind]["miou_best"] for kind in kinds))]
        level = {
            "tscam": "tscam_unrefined" if way == "_unrefined" else "tscam",
            "resnet": "resnet",
            "crt_cnn": "crt_cnn",
        }
        lines += [
            Line(METHOD_TITLES[name], tuple(counts), (methods[kind]["miou_best"],) * len(counts))
            for name, kind in level.items()
            if kind in methods
        ]
        made.append(Headline(f"CRT, {subject}", refinement, tuple(lines)))
    return made


def _trained(result: dict[str, Any]) -> list[Headline]:
    """Of the ablation's trainings: a network for each loop count in training."""
    rows: Rows = [row for row in result["rows"] if row["table"] == "loops"]
    made = []
    for name, mine in sorted(named(rows).items()):
        count = name.split()[0]
        for way, refinement in REFINEMENTS.items():
            points = [(k, spread(mine, kind_of(k, way))) for k in TESTED]
            cnn = [(k, spread(mine, "crt_cnn")) for k in TESTED]
            lines = tuple(one for one in (line_of("CRT", points), line_of(METHOD_TITLES["crt_cnn"], cnn)) if one.x)
            if all(found is not None for _, found in points):
                made.append(
                    Headline(f"CRT trained with {count} {'loop' if count == '1' else 'loops'}", refinement, lines)
                )
    return made


def _per_class(result: dict[str, Any], defaults: Defaults, subject: str) -> PerClass | None:
    """Of an evaluation that has the default settings."""
    methods = with_defaults(result, defaults)["methods"]
    shown = [name for name in NETWORKS if name in methods]
    if "crt" not in shown:
        return None
    shares = [methods[name]["per_class"] for name in shown]
    classes = tuple(label for label in shares[-1] if all(one[label] is not None for one in shares))
    values = tuple(tuple(methods[name]["per_class"][label] for name in shown) for label in classes)
    return PerClass(
        f"IoU in percent, each map at its best threshold. {subject}.",
        tuple(METHOD_TITLES[name] for name in shown),
        classes,
        values,
    )
