"""How long a reader waits for maps: a section of docs/performance.md, from what `scripts.bench_looks` wrote."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Section, Table
from scripts.report.speed import PAGE

PRECISIONS = {"no": "float32", "bf16": "bfloat16", "fp16": "float16"}
ASKED = {
    "alone_ms": "first look at an upload, on the server",
    "first_ms": "the same beside a browser on its cores",
    "browser_ms": "in that browser, from the upload to drawn maps",
    "cached_ms": "a look from the cache, on the server",
}


def looks(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """`scripts.bench_looks`: by precision, against the aims."""
    rows, says, aims = [], [], result["aims"]
    for precision, told in result["looks"].items():
        name = PRECISIONS[precision]
        for key, words in ASKED.items():
            rows.append((name, words, *(f"{told[key][which]:.0f}" for which in ("median", "p10", "p90"))))
        alone, beside = (_said(told[key]["median"], aims["first_ms"]) for key in ("alone_ms", "first_ms"))
        cached = _said(told["cached_ms"]["median"], aims["cached_ms"])
        says.append(
            f"In {name} a first look is {alone} where the server has the cores to itself, and {beside} where a browser "
            f"draws on them; one from the cache is {cached}. The page answers {told['start_s']:g} s after "
            f"`python app.py` and has its networks after {told['ready_s']:g} s (aim {aims['start_s']:g})."
        )
    if any(told["alone_ms"]["median"] > aims["first_ms"] for told in result["looks"].values()):
        says.append(
            "A first look is all networks and their maps, which the section on the library times by themselves."
        )
    if set(result["looks"]) == {"no"}:
        says.append("This processor is not made for bfloat16.")
    how = (
        f"{result['machine']}; checkpoint {result['checkpoint']} at the size that the page starts with. A first look "
        f"runs {', '.join(f'`{name}`' for name in result['networks'])}, and records loops 0 to {result['loops']}, all "
        f"that the page can show; {result['visitors']} new visitors of each kind, one after the other; the server's "
        "time is Gradio's own."
    )
    table = Table(("precision", "what", "median ms", "p10", "p90"), tuple(rows), says=tuple(says))
    return Section("Waiting for maps", (how,), result["command"], (table,), page=PAGE)


def _said(median: float, aim: float) -> str:
    return f"{'within' if median <= aim else 'above'} its aim of {aim:g} ms"
