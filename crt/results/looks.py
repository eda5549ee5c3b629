"""How long a reader waits for maps: a section of docs/performance.md, from what `scripts.bench_looks` wrote."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from crt.results.base import Section, Table
from crt.results.speed import PAGE

PRECISIONS = {"no": "float32", "bf16": "bfloat16", "fp16": "float16"}
ASKED = {
    "first_ms": "first look at an upload, on the server",
    "browser_ms": "the same in the browser, from the upload to drawn maps",
    "cached_ms": "a look from the cache, on the server",
}


def looks(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """`scripts.bench_looks`: by precision, against the aims."""
    rows, says, aims = [], [], result["aims"]
    for precision, told in result["looks"].items():
        name = PRECISIONS[precision]
        for key, words in ASKED.items():
            rows.append((name, words, *(f"{told[key][which]:.0f}" for which in ("median", "p10", "p90"))))
        first, cached = (_said(told[key]["median"], aims[key]) for key in ("first_ms", "cached_ms"))
        says.append(
            f"In {name} the first look is {first}, the one from the cache {cached}; the page answers "
            f"{told['start_s']:g} s after `python app.py` and has its networks after {told['ready_s']:g} s "
            f"(aim {aims['start_s']:g})."
        )
    if any(told["first_ms"]["median"] > aims["first_ms"] for told in result["looks"].values()):
        says.append(
            "A first look is all networks and their maps, which the section on the library times by themselves. "
            "Meanwhile the browser draws on the same cores."
        )
    if set(result["looks"]) == {"no"}:
        says.append("This processor is not made for bfloat16.")
    how = (
        f"{result['machine']}; checkpoint {result['checkpoint']} at the size that the page starts with. A first look "
        f"runs {', '.join(f'`{name}`' for name in result['networks'])}, and records loops 0 to {result['loops']}, all "
        f"that the page can show; {result['visitors']} new visitors, one after the other; the server's time is "
        "Gradio's own. The browser yields the processor to the server, so what the reader waits for in it is an upper "
        "bound."
    )
    table = Table(("precision", "what", "median ms", "p10", "p90"), tuple(rows), says=tuple(says))
    return Section("Waiting for maps", (how,), result["command"], (table,), page=PAGE)


def _said(median: float, aim: float) -> str:
    return f"{'within' if median <= aim else 'above'} its aim of {aim:g} ms"
