"""How fast it is: the sections of docs/performance.md, from what the benchmarks wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Chart, Line, Section, Table

PERFORMANCE_PAGE = "performance"
MAPS = {
    "ablation": "Every loop count 0 to 4, refined and not, of three methods",
    "one_map": "CRT's map with three loops, refined",
    "peers": "The CNN's map of one class",
}
FAST = "ours, bfloat16"
"""The way of a bench that is shown beside the times in float32."""
PHOTO = (375, 500)
"""Height and width of the benchmark's image."""


def bench_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """`scripts.bench`: against the method written out plainly, growth, and masks."""
    stats = result["bench"]
    tables = [_compared(stats[name], name, result["size"]) for name in MAPS if name in stats]
    if "utilization" in stats:
        tables.append(_utilization(stats["utilization"]))
    if "tried" in stats:
        tables += _tried(stats["tried"])
    if "first" in stats:
        head = ("embedded checkpoint, all networks and their maps", "median ms", "min", "max")
        tables.append(Table(head, (("loops 0 to 4", *_times(stats["first"]["ms"])),)))
    if "masks" in stats:
        rows = tuple((name, *_times(times)) for name, times in stats["masks"].items())
        tables.append(Table(("masks of one image", "median ms", "min", "max"), rows))
    if "training" in stats:
        tables.append(_training(stats["training"]))
    charts: tuple[Chart, ...] = ()
    if "growth" in stats:
        tables += [_growth(stats["growth"][name], name) for name in ("sizes", "loops")]
        charts = (_memory(stats["growth"]["sizes"]),)
    if set(stats) == {"training"}:
        how = (
            f"{result['machine']}, torch {result['torch']}; {result['runs']} runs of each way, in turns. A compiled "
            "step has the losses and gradients of the step itself (`tests/crt/train/test_cuda_graph.py`); the mIoU "
            "after a whole compiled training was not compared."
        )
        return Section("Training on a GPU", (how,), result["command"], tuple(tables), page=PERFORMANCE_PAGE)
    how = (
        f"{result['machine']}, {result['threads']} threads, float32, torch {result['torch']}; {result['networks']} "
        f"with random weights where no checkpoint is named; an image of 500 × 375 pixels, its long side at "
        f"{result['size']}; {result['runs']} runs of each way, in turns."
    )
    return Section("The library", (how,), result["command"], tuple(tables), charts=charts, page=PERFORMANCE_PAGE)


def _times(times: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{times[name]:.0f}" for name in ("median", "min", "max"))


def _compared(stats: dict[str, Any], name: str, size: int) -> Table:
    from crt.models.tiles import TileGrid

    rows = []
    for way, times in stats["ms"].items():
        ratio = stats["ratio"].get(way)
        words = "1" if ratio is None else f"{ratio['median']:.1f} ({ratio['min']:.1f} to {ratio['max']:.1f})"
        rows.append((way, *_times(times), words))
    others = [way for way in stats["ms"] if not way.startswith("ours")]
    other = min(others, key=lambda way: stats["ms"][way]["median"]) if name == "peers" else others[0]
    times = stats["ratio"][other]["median"]
    low, high = (stats["ratio"][other][which] for which in ("min", "max"))
    slower = "the fastest of the others" if name == "peers" else f'"{other}"'
    caption = [f"In float32 {slower} takes {times:.1f} times as long."]
    if name == "one_map":
        ours, plain = (
            len(TileGrid(round(PHOTO[0] * size / PHOTO[1]), size, padding=padding))
            for padding in ("minimal", "released")
        )
        caption.append(
            f'Ours runs on {ours} tiles and "{other}" on {plain}, which are {plain / ours:.1f} times as many.'
        )
    if name == "peers" and low < 1 <= high:
        caption = [f"The fastest of the others takes as long, within the spread: {low:.2f} to {high:.2f} times ours."]
    if FAST in stats["ms"]:
        fast = stats["ms"][other]["median"] / stats["ms"][FAST]["median"]
        caption.append(f"Against ours in bfloat16, which the page takes on this processor, that is {fast:.1f} times.")
    return Table((MAPS[name], "median ms", "min", "max", "times ours"), tuple(rows), caption=tuple(caption))


def _utilization(stats: dict[str, Any]) -> Table:
    rows = tuple((name, *_times(times)) for name, times in stats["stages_ms"].items())
    used, products = stats["utilization"], stats["products_share"]
    caption = (
        (
            f"CRT's transformer does {stats['gflops_transformer']:.0f} GFLOP/s: {100 * used:.0f} % of the "
            f"{stats['gflops_product']:.0f} of a product of two 1024 × 1024 matrices in the same run."
        ),
        (
            f"Products take {100 * products:.0f} % of its operators' time, so they run at "
            f"{100 * used / products:.0f} % of that rate; their matrices have other shapes."
        ),
        "Norms, GELU, sums and copies between them take the rest.",
    )
    return Table(("where the time of a run goes", "median ms", "min", "max"), rows, caption=caption)


def _tried(stats: dict[str, Any]) -> list[Table]:
    """Other backends, for a pass of the transformer and for the CNN."""
    tables = []
    for network, words in (("transformer", "one pass of the transformer, by other ways"), ("cnn", "the CNN likewise")):
        rows = []
        for way, times in stats[network]["ms"].items():
            ratio, ready = stats[network]["ratio"].get(way), stats["ready_s"].get(way)
            made = "" if ready is None or network == "cnn" else f"{ready:.0f}"
            rows.append((way, *_times(times), "1" if ratio is None else f"{ratio['median']:.2f}", made))
        tables.append(Table((words, "median ms", "min", "max", "times ours", "s to prepare"), tuple(rows)))
    if stats["skipped"]:
        caption = "; ".join(f"{way}: {why}" for way, why in stats["skipped"].items())
        tables[0] = replace(tables[0], caption=(f"Skipped: {caption}.",))
    return tables


def _training(stats: dict[str, Any]) -> Table:
    rates = stats["images_per_second"]
    base = next(way for way in ("plain, bfloat16", "plain, float32") if way in rates)
    limit = "not the" if stats["loader_over_fastest_step"] > 1 else "the"
    rows = tuple(
        (name, *_times(stats["step_ms"][name]), f"{rate:.2f}", f"{rate / rates[base]:.1f}")
        for name, rate in rates.items()
    )
    readers = "One process reads" if stats["workers"] == 1 else f"{stats['workers']} processes read"
    caption = [
        (
            f"{stats['vit']} + {stats['cnn']}, crops of {stats['crop']}, {stats['loops']} loops, "
            f"{stats['batch']} images a step, both optimizers."
        ),
        (
            f"{readers} {stats['loader_images_per_second']:.0f} crops a second, "
            f"{stats['loader_over_fastest_step']:.1f} times what the fastest step takes: reading is {limit} limit."
        ),
    ]
    if base == "plain, bfloat16":
        caption.append(f"The fastest way is {max(rates.values()) / rates[base]:.1f} times as fast as {base}.")
    head = ("a step of training", "median ms", "min", "max", "images a second", f"times {base}")
    return Table(head, rows, caption=tuple(caption))


def _growth(rows: list[dict[str, Any]], name: str) -> Table:
    body = tuple(
        (f"{row['size']} px, {row['loops']} loops", f"{row['tiles']}", f"{row['seconds']:.2f}", f"{row['peak_mib']}")
        for row in rows
    )
    caption = ()
    if name == "sizes":
        worst = max(row["peak_mib"] for row in rows)
        caption = (f"The peak is at most {worst} MiB; with the networks loaded it is {rows[0]['loaded_mib']} MiB.",)
    return Table((f"growth with {name}", "tiles", "seconds", "peak MiB"), body, caption=caption)


def _memory(rows: list[dict[str, Any]]) -> Chart:
    line = Line("seconds", tuple(row["tiles"] for row in rows), tuple(row["seconds"] for row in rows))
    return Chart("Time by tiles", "tiles", "seconds of a run", (line,), "Seconds of a run against the number of tiles.")


def walk_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.bench.random_walk`: sparse against dense."""
    height, width = result["grid"]
    rows = [("sparse, as here", f"{1000 * result['sparse_median_seconds']:.0f} ms")]
    caption = ()
    if "dense_seconds" in result:
        rows.append(("dense, as IRNet's", f"{result['dense_seconds']:.1f} s"))
        caption = (
            f"The sparse walk is {result['ratio']:.0f} times as fast.",
            f"The results differ by at most {result['largest_difference']:g} of the largest value.",
        )
    how = f"{result['machine']}, {result['threads']} threads; {result['classes']} classes."
    table = Table((f"random walk on {height} × {width} cells", "time"), tuple(rows), caption=caption)
    return Section(
        "The random walk",
        (how,),
        result.get("command", f"python -m scripts.bench.random_walk --height {height} --width {width}"),
        (table,),
        page=PERFORMANCE_PAGE,
    )


def viewer_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001
    """`scripts.bench.frontend`: redraws and the first maps, in a browser."""
    rows = tuple(
        (f"{row['maps']}", f"{row['zoom']}×", *(f"{row['frame_ms'][name]:.0f}" for name in ("median", "p90", "max")))
        for row in result["redraws"]
    )
    first, machine = result["first_map_s"], result["machine"]
    caption = (
        f"The slowest scene takes {result['worst_median_ms']:.0f} ms.",
        f"First CAMs after an upload, through the browser: median {first['median']:.2f} s.",
    )
    how = f"{machine['cpu']}, {machine['cores']} cores; chromium {result['chromium']}; {result['measure']}."
    table = Table(("maps", "zoom", "median ms", "p90", "max"), rows, caption=caption)
    return Section("The page", (how,), result["command"], (table,), page=PERFORMANCE_PAGE)
