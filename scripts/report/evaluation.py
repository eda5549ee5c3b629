"""Evaluations of maps (`scripts.evaluate seeds`): a row per kind of map, and the paper's claims beside them."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from crt.pass_reductions import DEFAULT_REDUCTION
from scripts.report.base import Section, Table, numbers, ordinal
from scripts.report.verdict import too_few

ROWS = {
    "resnet": "ResNet-50 alone (the CAM of IRNet)",
    "tscam": "TS-CAM, refined",
    "tscam_unrefined": "TS-CAM, unrefined",
    "tscam_default": "TS-CAM, refined as CRT is by default",
    "crt_cnn": "CNN branch of the pair",
    "crt": "CRT, default settings",
}


def with_defaults(result: dict[str, Any], defaults: Defaults) -> dict[str, Any]:
    """An evaluation whose rows of the default settings are those of the checkpoint's defaults as they are now.

    Every loop count is measured in one run, so a new default loop count needs no new run, only its row under another
    name. Where this run has not measured the defaults, it has no rows of them.
    """
    attention = attention_of(defaults)
    stats = result["protocol"].get("attention", attention_of(Defaults()))
    if not defaults.refined:
        refined = "_unrefined"
    elif defaults.blocks is None and (defaults.pass_reduction == DEFAULT_REDUCTION or defaults.loops < 2):
        refined = ""  # with one pass there is nothing to put together
    elif attention == stats:
        refined = "_default"
    else:
        refined = f"_{defaults.pass_reduction}" if defaults.blocks is None else None
    now = {
        "crt": f"crt_loops_{defaults.loops}{refined}",
        "crt_unrefined": f"crt_loops_{defaults.loops}_unrefined",
    }
    methods = {name: row for name, row in result["methods"].items() if name not in now}
    if refined is not None and now["crt"] in result["methods"]:
        methods = {name: result["methods"][row] for name, row in now.items() if row in result["methods"]} | methods
    scores = {name: value for name, value in result["classification_map"].items() if name != "crt"}
    if "crt" in methods:
        scores = {"crt": scores[f"crt_loops_{defaults.loops}"]} | scores
    return result | {"methods": methods, "classification_map": scores}


def attention_of(defaults: Defaults) -> dict[str, Any]:
    """What refines the maps of the rows `…_default` of an evaluation, as JSON values."""
    return {
        "pass_reduction": defaults.pass_reduction,
        "blocks": None if defaults.blocks is None else list(defaults.blocks),
    }


def evaluation_section(result: dict[str, Any], defaults: Defaults) -> Section:
    """What `scripts.evaluate seeds` measured: a row per kind of map, and per class."""
    result = with_defaults(result, defaults)
    protocol, methods = result["protocol"], result["methods"]
    views = f"{len(protocol['scales'])} scale{'s' if len(protocol['scales']) > 1 else ''}"
    every = f", every {ordinal(protocol['stride'])} image" if protocol["stride"] > 1 else ""
    over = "all classes" if protocol["classes"] == "all" else "background, " + ", ".join(protocol["classes"])
    how = (
        f"mIoU of {over}; {result['images']} images{every}; image labels given; 255 ignored; cut-merge mode "
        f"{protocol['mode']}; {protocol['precision']}. "
        "Best: the best background threshold of a sweep on these same images."
    )
    rows = tuple(
        (_title(name), *numbers(row["miou_at_0.15"], row["miou_best"]), f"{row['threshold_best']:.2f}")
        for name, row in methods.items()
    )
    stats = {name: value for name, value in result["classification_map"].items() if name in ROWS}
    scores = ", ".join(f"{ROWS[name]} {value:.1f}" for name, value in stats.items())
    return Section(
        f"Maps on {protocol['split']}, {views}{' and flips' if protocol['flip'] else ''}",
        (how,),
        protocol["command"],
        (Table(("maps", "mIoU at 0.15", "mIoU best", "threshold"), rows, (1, 2)), _per_class(methods)),
        (*_claims(methods), f"Classification mAP (one scale, no flip): {scores}.", f"No verdict: {too_few(1)}."),
        weights_sha256=protocol.get("checkpoint_sha256", ""),
    )


def _claims(methods: dict[str, Any]) -> list[str]:
    """What was measured of the paper's claims, in words made from the numbers. One training gives no verdict."""
    best = {name: row["miou_best"] for name, row in methods.items()}
    words = []
    counted = [name for name in best if name.startswith("crt_loops")]
    ours = "crt" if "crt" in best else max(counted, key=best.__getitem__, default="")
    if ours:
        rivals = ("resnet", "tscam", "tscam_default")
        margins = [f"{best[ours] - best[name]:+.1f} over {_title(name)}" for name in rivals if name in best]
        words.append(
            f"The paper claims that CRT is above the CNN and TS-CAM alone; {_title(ours)}: {', '.join(margins)}."
        )
    for refined, suffix in (("With", ""), ("Without", "_unrefined")):
        counts = {k: best[f"crt_loops_{k}{suffix}"] for k in range(9) if f"crt_loops_{k}{suffix}" in best}
        if len(counts) > 1:
            top = max(counts, key=lambda k: counts[k])
            words.append(
                f"{refined} refinement, loops {top} have the highest value at test time ({counts[top]:.1f}; loops 0: "
                f"{counts[0]:.1f}); the paper's best is 3."
            )
    for way in ("first", "last", "default"):
        counts = {k: best[f"crt_loops_{k}_{way}"] for k in range(9) if f"crt_loops_{k}_{way}" in best}
        if counts:
            stats = ", ".join(f"loops {k} {counts[k]:.1f} (sum: {best[f'crt_loops_{k}']:.1f})" for k in counts)
            how = "as by default" if way == "default" else f"by the attention of the {way} pass alone"
            words.append(f"Refined {how} instead of by the sum over passes: {stats}.")
    return words


def _title(name: str) -> str:
    if name in ROWS:
        return ROWS[name]
    plain = name.removesuffix("_unrefined")
    refined = "unrefined" if plain != name else "refined"
    if plain == "crt":
        return "CRT, default loops, unrefined"
    count, _, way = plain.removeprefix("crt_loops_").partition("_")
    words = {"first": " by the first pass", "last": " by the last pass", "default": " as by default", "": ""}
    return f"CRT, loops {count}, {refined}{words[way]}"


def _per_class(methods: dict[str, Any]) -> Table:
    shown = [name for name in ("resnet", "tscam", "crt_cnn", "crt") if name in methods]
    rows = tuple(
        (label, *numbers(*(methods[name]["per_class"][label] for name in shown)))
        for label in methods[shown[0]]["per_class"]
    )
    return Table(("IoU at the best threshold", *(ROWS[name] for name in shown)), rows)
