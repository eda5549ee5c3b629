"""How long a user waits for CAMs: a section of docs/performance.md, from what `scripts.bench.latency` wrote."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Section, Table
from scripts.report.speed import PERFORMANCE_PAGE

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
ASKED = {
    "server_only_ms": "first run on an upload, on the server",
    "first_ms": "the same beside a browser on its cores",
    "browser_ms": "in that browser, from the upload to drawn CAMs",
    "cached_ms": "a run answered from the cache, on the server",
}


def latency_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """`scripts.bench.latency`: by precision."""
    rows, caption = [], []
    for precision, stats in result["latency"].items():
        name = PRECISIONS[precision]
        for key, words in ASKED.items():
            rows.append((name, words, *(f"{stats[key][which]:.0f}" for which in ("median", "p10", "p90"))))
        caption.append(
            f"In {name} the page answers {stats['start_s']:g} s after `python app.py`; its networks are loaded after "
            f"{stats['model_loaded_s']:g} s."
        )
    caption.append("A first run is all networks and their CAMs, which the section on the library times by themselves.")
    if set(result["latency"]) == {"fp32"}:
        caption.append("This processor is not made for bfloat16.")
    how = (
        f"{result['machine']}; checkpoint {result['checkpoint']} at the size that the page starts with. A first run "
        f"is of {', '.join(f'`{name}`' for name in result['networks'])}, and records loops 0 to {result['loops']}, all "
        f"that the page can show; {result['visitors']} new visitors of each kind, one after the other; the server's "
        "time is Gradio's own."
    )
    table = Table(("precision", "what", "median ms", "p10", "p90"), tuple(rows), caption=tuple(caption))
    return Section("Waiting for CAMs", (how,), result["command"], (table,), page=PERFORMANCE_PAGE)
