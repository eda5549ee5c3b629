"""How fast it is: the sections of docs/performance.md, from what the benchmarks wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crt.checkpoint import Defaults
from crt.results.base import Chart, Line, Section, Table

PAGE = "performance"
MAPS = {
    "ablation": "Every loop count 0 to 4, refined and not, of three methods",
    "one_map": "CRT's map with three loops, refined",
    "peers": "The CNN's map of one class",
}
AIMS = {"ablation": 6.0, "one_map": 2.0, "peers": 1.0}
"""How many times as long the other way should take."""
SHARE = 0.75
PEAK_MIB = 2560


def bench(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """`scripts.bench`: against the method written out plainly, growth, and masks."""
    told = result["bench"]
    tables = [_compared(told[name], name) for name in MAPS if name in told]
    if "share" in told:
        tables.append(_share(told["share"]))
    if "first" in told:
        head = ("embedded checkpoint, all networks and their maps", "median ms", "min", "max")
        tables.append(Table(head, (("loops 0 to 4", *_times(told["first"]["ms"])),)))
    if "masks" in told:
        rows = tuple((name, *_times(times)) for name, times in told["masks"].items())
        tables.append(Table(("masks of one picture", "median ms", "min", "max"), rows))
    charts: tuple[Chart, ...] = ()
    if "growth" in told:
        tables += [_growth(told["growth"][name], name) for name in ("sizes", "loops")]
        charts = (_memory(told["growth"]["sizes"]),)
    how = (
        f"{result['machine']}, {result['threads']} threads, float32, torch {result['torch']}; {result['networks']} "
        f"with random weights where no checkpoint is named; a picture of 500 × 375 pixels, its long side at "
        f"{result['size']}; {result['runs']} runs of each way, in turns."
    )
    return Section("The library", (how,), result["command"], tuple(tables), charts=charts, page=PAGE)


def _times(times: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{times[name]:.0f}" for name in ("median", "min", "max"))


def _compared(told: dict[str, Any], name: str) -> Table:
    rows = []
    for way, times in told["ms"].items():
        ratio = told["ratio"].get(way)
        words = "1" if ratio is None else f"{ratio['median']:.1f} ({ratio['min']:.1f} to {ratio['max']:.1f})"
        rows.append((way, *_times(times), words))
    other = next(iter(told["ratio"].values()))["median"]
    reached = "reached" if other >= AIMS[name] else "missed"
    says = f"The aim of {AIMS[name]:g} times is {reached}: {other:.1f}."
    return Table((MAPS[name], "median ms", "min", "max", "times ours"), tuple(rows), says=(says,))


def _share(told: dict[str, Any]) -> Table:
    rows = tuple((name, *_times(times)) for name, times in told["stages_ms"].items())
    reached = "reached" if told["share"] >= SHARE else "missed"
    says = (
        f"CRT's transformer does {told['gflops_transformer']:.0f} of the {told['gflops_product']:.0f} GFLOP/s that a "
        f"product of two 1024 × 1024 matrices reached in the same run: {100 * told['share']:.0f} %. The aim of "
        f"{100 * SHARE:.0f} % is {reached}."
    )
    return Table(("where a look's time goes", "median ms", "min", "max"), rows, says=(says,))


def _growth(rows: list[dict[str, Any]], name: str) -> Table:
    body = tuple(
        (f"{row['size']} px, {row['loops']} loops", f"{row['tiles']}", f"{row['seconds']:.2f}", f"{row['peak_mib']}")
        for row in rows
    )
    says = ""
    if name == "sizes":
        worst = max(row["peak_mib"] for row in rows)
        reached = "reached" if worst < PEAK_MIB else "missed"
        says = f"At most {worst} MiB; the aim of less than {PEAK_MIB} is {reached}. Loaded: {rows[0]['loaded_mib']}."
    return Table((f"growth with {name}", "tiles", "seconds", "peak MiB"), body, says=(says,) if says else ())


def _memory(rows: list[dict[str, Any]]) -> Chart:
    line = Line("seconds", tuple(row["tiles"] for row in rows), tuple(row["seconds"] for row in rows))
    return Chart(
        "Time by tiles", "tiles", "seconds of a look", (line,), "Seconds of a look against the number of tiles."
    )


def walk(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.bench_walk`: sparse against dense."""
    height, width = result["grid"]
    rows = [("sparse, as here", f"{1000 * result['sparse_median_seconds']:.0f} ms")]
    says = ""
    if "dense_seconds" in result:
        rows.append(("dense, as IRNet's", f"{result['dense_seconds']:.1f} s"))
        reached = "reached" if result["ratio"] >= 100 else "missed"
        says = (
            f"{result['ratio']:.0f} times as fast, where the aim was 100: {reached}. The results differ by at most "
            f"{result['largest_difference']:g} of the largest value."
        )
    how = f"{result['machine']}, {result['threads']} threads; {result['classes']} classes."
    table = Table((f"random walk on {height} × {width} cells", "time"), tuple(rows), says=(says,) if says else ())
    return Section(
        "The random walk",
        (how,),
        f"python -m scripts.bench_walk --height {height} --width {width} --json results/walk.json",
        (table,),
        page=PAGE,
    )


def viewer(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.bench_viewer`: redraws and the first maps, in a browser."""
    rows = tuple(
        (f"{row['maps']}", f"{row['zoom']}×", *(f"{row['frame_ms'][name]:.0f}" for name in ("median", "p90", "max")))
        for row in result["redraws"]
    )
    first, machine = result["first_map_s"], result["machine"]
    reached = "reached" if result["worst_median_ms"] <= result["budget_ms"] else "missed"
    says = (
        f"The slowest scene takes {result['worst_median_ms']:.0f} ms; the aim of {result['budget_ms']:.0f} is "
        f"{reached}. First maps after an upload, through the browser: median {first['median']:.2f} s."
    )
    how = f"{machine['cpu']}, {machine['cores']} cores; chromium {result['chromium']}; {result['measure']}."
    table = Table(("maps", "zoom", "median ms", "p90", "max"), rows, says=(says,))
    return Section("The page", (how,), result["command"], (table,), page=PAGE)


def load(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.load`: many users at once."""
    rows = tuple(
        (name, f"{row['answers']}", f"{row.get('p50_s', 0):.1f}", f"{row.get('p95_s', 0):.1f}")
        for name, row in result["load"].items()
    )
    memory, errors = result["memory_mib"], sum(result["errors"].values())
    says = (
        f"{result['busy']} were told that the page is busy, {errors} got another error, {result['connections_lost']} "
        f"connections were lost and {result['connections_recovered']} came back. Memory of the server: "
        f"{memory['min']} to {memory['max']} MiB, ± {memory['spread_percent']} % around the median once settled."
    )
    title = f"{result['users']} users for {result['minutes']:g} minutes"
    title += ", with a restart half way" if result["restart"] else ""
    table = Table(("endpoint", "answers", "p50 s", "p95 s"), rows, says=(says,))
    return Section(title, (f"{result['machine']}.",), result["command"], (table,), page=PAGE)
