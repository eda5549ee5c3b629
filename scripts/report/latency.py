"""How long a user waits, on the page and for a walk: sections of docs/performance.md, from other benchmarks' files."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Section, Table, setup_table
from scripts.report.speed import ORDER, PERFORMANCE_PAGE

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
PHOTOS = {
    "first_part": "first part of the answer",
    "first_map": "first map in a browser on the server's cores, from the choice of the file",
}
"""What is timed for photographs of several sizes, and the heads of the tables."""
QUANTILES = ("median", "p10", "p90")
WEIGHTS = {
    "requests": ("requests", 1),
    "scripts": ("scripts", 1),
    "kB of scripts": ("script_bytes", 1000),
    "kB": ("bytes", 1000),
}
"""Columns of the page's weight: a count of the result, and how much of it is one."""
ASKED = {
    "server_only_ms": "first run on an upload, on the server",
    "first_ms": "the same beside a browser on its cores",
    "browser_ms": "in that browser, from the upload to drawn CAMs",
    "cached_ms": "a run answered from the cache, on the server",
}


def latency_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """`scripts.bench.latency`: by precision and by what else the processor does, and how long the start takes."""
    rows = tuple(
        (PRECISIONS[precision], words, *(f"{stats[key][which]:.0f}" for which in QUANTILES))
        for precision, stats in result["latency"].items()
        for key, words in ASKED.items()
    )
    starts = tuple(
        (PRECISIONS[precision], f"{stats['start_s']:g}", f"{stats['model_loaded_s']:g}")
        for precision, stats in result["latency"].items()
    )
    photos = [_photos(result, key, head) for key, head in PHOTOS.items()]
    networks = ", ".join(f"`{name}`" for name in result["networks"])
    caption = ("This processor is not made for bfloat16.",) if set(result["latency"]) == {"fp32"} else ()
    facts = setup_table(
        checkpoint=f"{result['checkpoint']}, at the size that the page starts with",
        first_run=f"{networks}, loops 0 to {result['loops']}: all networks and CAMs that the page can show",
        visitors=f"{result['visitors']} new ones of each kind, one after the other",
        time_of_the_server="Gradio's own",
        machine=result["machine"],
    )
    tables = (
        Table(("precision", "what", "median ms", "p10", "p90"), rows, caption=caption),
        *(table for table in photos if table.rows),
        Table(("start of `python app.py`", "page answers, s", "networks are loaded, s"), starts),
        facts,
    )
    return Section("Latency by precision and load", (), result["command"], tables, page=PERFORMANCE_PAGE)


def _photos(result: dict[str, Any], key: str, head: str) -> Table:
    """Times by precision and photograph, and those of the smallest that a median is; no rows where not measured."""
    rows = []
    for precision, stats in result["latency"].items():
        spent = stats.get(key, {"ms": {}})["ms"]
        for megapixels, times in spent.items():
            ratio = times["median"] / next(iter(spent.values()))["median"]
            values = (*(f"{times[which]:.0f}" for which in QUANTILES), f"{ratio:.2f}")
            rows.append((PRECISIONS[precision], f"{megapixels} megapixels", *values))
    return Table((head, "photograph", "median ms", "p10", "p90", "times the smallest"), tuple(rows))


def viewer_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.bench.frontend`: redraws and the first maps, in a browser."""
    rows = tuple(
        (f"{row['maps']}", f"{row['zoom']}×", *(f"{row['frame_ms'][name]:.0f}" for name in ("median", "p90", "max")))
        for row in result["redraws"]
    )
    machine = result["machine"]
    facts = setup_table(
        measure=result["measure"],
        first_CAMs_after_an_upload=f"median {result['first_map_s']['median']:.2f} s, through the browser",
        browser=f"chromium {result['chromium']}",
        machine=f"{machine['cpu']}, {machine['cores']} cores",
    )
    tables = (Table(("maps", "zoom", "median ms", "p90", "max"), rows), facts)
    return Section("Redraws in the browser", (), result["command"], tables, page=PERFORMANCE_PAGE, order=1)


def page_weight_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.bench.page_weight`: what a first visit loads, of another version too."""
    versions = {"": result} | (
        {f", commit {result['against']['commit']}": result["against"]} if "against" in result else {}
    )
    rows = [
        (f"{owner}{name}", *(f"{counts[count] / unit:.0f}" for count, unit in WEIGHTS.values()))
        for name, version in versions.items()
        for owner, counts in version["page"].items()
    ]
    if "against" in result:
        (owner, own), (_, other) = (next(iter(version["page"].items())) for version in versions.values())
        pairs = ((own[count], other[count]) for count, _ in WEIGHTS.values())
        ratios = (f"{mine / theirs:.2f}" if theirs else "–" for mine, theirs in pairs)
        rows.append((f"{owner}, this in the other", *ratios))
    facts = setup_table(
        requests_to_other_machines=f"{result['elsewhere']}",
        measure="bytes on the wire until the page without an image is at rest, with an empty cache",
        browser=f"chromium {result['chromium']}",
    )
    tables = (Table(("a first visit", *WEIGHTS), tuple(rows)), facts)
    return Section("Page weight", (), result["command"], tables, page=PERFORMANCE_PAGE, order=1)


def walk_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.bench.random_walk`: sparse against dense."""
    height, width = result["grid"]
    rows = [("sparse, as here", f"{1000 * result['sparse_median_seconds']:.0f} ms")]
    if "dense_seconds" in result:
        rows += [
            ("dense, as IRNet's", f"{result['dense_seconds']:.1f} s"),
            ("dense over sparse", f"{result['ratio']:.0f}"),
            ("largest difference of the results", f"{result['largest_difference']:g} of the largest value"),
        ]
    facts = setup_table(classes=f"{result['classes']}", threads=f"{result['threads']}", machine=result["machine"])
    return Section(
        "The random walk",
        (),
        result.get("command", f"python -m scripts.bench.random_walk --height {height} --width {width}"),
        (Table((f"random walk on {height} × {width} cells", "time"), tuple(rows)), facts),
        page=PERFORMANCE_PAGE,
        order=max(ORDER.values()) + 1,
    )
