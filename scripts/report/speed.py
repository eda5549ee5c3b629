"""How fast the library is: sections of docs/performance.md, a question each, from what `scripts.bench` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Chart, Line, Section, Table, setup_table

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
TIMES = ("median ms", "min", "max")
_SECTIONS = ("throughput", "stages", "backends", "growth", "needed", "reading", "start", "training")
ORDER = {name: place for place, name in enumerate(_SECTIONS, 2)}
"""Places on the page, after those of the latency and of the redraws."""
GROWTH_HEADS = {"sizes": "growth with size", "loops": "growth with loops"}


def bench_section(result: dict[str, Any], defaults: Defaults) -> tuple[Section, ...]:  # noqa: ARG001 - the kinds are called alike
    """`scripts.bench`: a section for each question that the result answers."""
    stats = result["bench"]
    facts = setup_table(
        networks=f"{result['networks']}, with random weights where no checkpoint is named",
        image=f"{PHOTO[1]} × {PHOTO[0]} pixels, its long side at {result['size']}",
        precision="float32, where no other is named",
        runs=f"{result['runs']} of each way, in turns",
        torch=result["torch"],
        threads=f"{result['threads']}",
        machine=result["machine"],
    )
    parts = {
        "throughput": ("Throughput", _throughput(stats, result["size"]), ()),
        "stages": ("Time by stage", _utilization(stats["utilization"]) if "utilization" in stats else [], ()),
        "backends": ("Other backends", _tried(stats["tried"]) if "tried" in stats else [], ()),
        "growth": ("Growth", *_growth(stats["growth"])) if "growth" in stats else ("Growth", [], ()),
    }
    found = [
        Section(title, (), result["command"], (*tables, facts), (), charts, page=PERFORMANCE_PAGE, order=ORDER[name])
        for name, (title, tables, charts) in parts.items()
        if tables
    ]
    apart = {"needed": _needed, "reading": _reading, "start": _start, "training": _training}
    return (*found, *(section(result) for name, section in apart.items() if name in stats))


def times(stats: Mapping[str, float]) -> tuple[str, ...]:
    """Median, least and most as text."""
    return tuple(f"{stats[name]:.0f}" for name in ("median", "min", "max"))


def _throughput(stats: dict[str, Any], size: int) -> list[Table]:
    tables = [_compared(stats[name], name, size) for name in MAPS if name in stats]
    if "first" in stats:
        tables.append(_first(stats["first"]))
    if "masks" in stats:
        rows = tuple((name, *times(spent), _rate(spent)) for name, spent in stats["masks"].items())
        tables.append(Table(("masks of one image", *TIMES, "a second"), rows))
    return tables


def _first(stats: dict[str, Any]) -> Table:
    """The embedded checkpoint: when the maps are there that the page draws one after the other."""
    whole = stats["ms"]["all"]["median"]
    names = {"first": "the first map", "panels": "ResNet, TS-CAM and CRT", "all": "all networks, loops 0 to 4"}
    rows = [
        (words, *times(stats["ms"][name]), f"{stats['ms'][name]['median'] / whole:.2f}")
        for name, words in names.items()
    ]
    products = stats["products_ms"]
    rows.insert(2, ("their products alone", f"{products:.0f}", "", "", f"{products / whole:.2f}"))
    return Table(("embedded checkpoint, from pixels to", *TIMES, "of the last"), tuple(rows))


def _rate(spent: Mapping[str, float]) -> str:
    return f"{1000 / spent['median']:.1f}"


def _compared(stats: dict[str, Any], name: str, size: int) -> Table:
    fast = stats["ms"].get(FAST)
    rows = []
    for way, spent in stats["ms"].items():
        more = () if fast is None else (f"{spent['median'] / fast['median']:.1f}",)
        rows.append((way, *times(spent), _rate(spent), _ratio(stats, way), *more))
    head = (MAPS[name], *TIMES, "a second", "times ours", *([] if fast is None else ["times ours in bfloat16"]))
    return Table(head, tuple(rows), caption=_tiles(stats, size) if name == "one_map" else ())


def _tiles(stats: dict[str, Any], size: int) -> tuple[str, ...]:
    from crt.models.tiles import TileGrid

    other = next(way for way in stats["ms"] if not way.startswith("ours"))
    ours, plain = (
        len(TileGrid(round(PHOTO[0] * size / PHOTO[1]), size, padding=padding)) for padding in ("minimal", "released")
    )
    return (f'Ours runs on {ours} tiles and "{other}" on {plain}.',)


def _utilization(stats: dict[str, Any]) -> list[Table]:
    rows = tuple((name, *times(spent)) for name, spent in stats["stages_ms"].items())
    used, products = stats["utilization"], stats["products_share"]
    rates = (
        ("CRT's transformer, GFLOP/s", f"{stats['gflops_transformer']:.0f}"),
        ("a product of two 1024 × 1024 matrices in the same run, GFLOP/s", f"{stats['gflops_product']:.0f}"),
        ("the transformer's rate in that of the product", f"{100 * used:.0f} %"),
        ("products in the time of its operators", f"{100 * products:.0f} %"),
        ("rate of its products in that of the product", f"{100 * used / products:.0f} %"),
    )
    caption = (
        "The matrices of its products have other shapes.",
        "Norms, GELU, sums and copies between them take the rest of the time.",
    )
    return [
        Table(("where the time of a run goes", *TIMES), rows),
        Table(("use of the processor", "value"), rates, caption=caption),
    ]


def _tried(stats: dict[str, Any]) -> list[Table]:
    """Other backends, for a pass of the transformer and for the CNN."""
    tables = []
    for network, words in (("transformer", "one pass of the transformer, by other ways"), ("cnn", "the CNN likewise")):
        rows = []
        for way, spent in stats[network]["ms"].items():
            ratio, ready = stats[network]["ratio"].get(way), stats["ready_s"].get(way)
            made = "–" if ready is None or network == "cnn" else f"{ready:.0f}"
            rows.append((way, *times(spent), "1" if ratio is None else f"{ratio['median']:.2f}", made))
        tables.append(Table((words, *TIMES, "times ours", "s to prepare"), tuple(rows)))
    if stats["skipped"]:
        tables.append(Table(("skipped", "reason"), tuple(stats["skipped"].items())))
    return tables


def _growth(stats: dict[str, list[dict[str, Any]]]) -> tuple[list[Table], tuple[Chart, ...]]:
    tables = []
    for name, head in GROWTH_HEADS.items():
        rows = tuple(
            (
                f"{row['size']} px, {row['loops']} loops",
                f"{row['tiles']}",
                f"{row['seconds']:.2f}",
                f"{row['peak_mib']}",
            )
            for row in stats[name]
        )
        tables.append(Table((head, "tiles", "seconds", "peak MiB"), rows))
    sizes = stats["sizes"]
    loaded = f"The peak with the networks loaded and before a run is {sizes[0]['loaded_mib']} MiB."
    line = Line("seconds", tuple(row["tiles"] for row in sizes), tuple(row["seconds"] for row in sizes))
    caption = "Seconds of a run against the number of tiles."
    chart = Chart("Time by tiles", "tiles", "seconds of a run", (line,), caption, beside=GROWTH_HEADS["sizes"])
    tables[0] = Table(tables[0].head, tables[0].rows, caption=(loaded,))
    return tables, (chart,)


def _needed(result: dict[str, Any]) -> Section:
    """What the endpoints run, of the embedded checkpoint."""
    stats = result["bench"]["needed"]
    loops = f"{stats['loops']} {'loop' if stats['loops'] == 1 else 'loops'}"
    runs = {
        "/masks": f"`{stats['network']}`, {loops}",
        "/cams": f"all networks, {loops}",
        "/predict": "all networks, every loop count of the page",
    }
    rows = tuple((f"`{name}`", words, *times(stats["ms"][name]), _ratio(stats, name)) for name, words in runs.items())
    table = Table(("endpoint, embedded checkpoint", "what it runs", *TIMES, "times `/masks`"), rows)
    image = f"{PHOTO[1]} × {PHOTO[0]} pixels, its long side at {result['size']}"
    return _apart(result, "needed", "What the endpoints run", (table,), image=image, threads=f"{result['threads']}")


def _reading(result: dict[str, Any]) -> Section:
    """Photographs of several sizes, read whole and reduced."""
    rows = tuple(
        (f"{megapixels} megapixels, {stats['file_mb']:g} MB", way, f"{pixels[1]} × {pixels[0]}",
         *(f"{stats['ms'][way][name]:.1f}" for name in ("median", "min", "max")), _ratio(stats, way))
        for megapixels, stats in result["bench"]["reading"].items()
        for way, pixels in (("whole", stats["size"]), ("reduced", stats["reduced"]))
    )  # fmt: skip
    table = Table(("photograph", "read", "pixels", *TIMES, "times reduced"), rows)
    return _apart(result, "reading", "Reading photographs", (table,), photographs="JPEG of smooth noise, 3 by 2")


def _start(result: dict[str, Any]) -> Section:
    """Seconds of the processor for the imports of the page, and the packages that take most of them."""
    stats = result["bench"]["start"]
    imports = tuple((f"`{name}`", f"{seconds:.2f}") for name, seconds in stats["cpu_s"].items())
    packages = tuple((f"`{name}`", f"{100 * share:.1f} %") for name, share in stats["share"].items())
    tables = (
        Table(("import", "s of the processor"), imports),
        Table(("package", "share of the page's imports"), packages, folded="Share of each package"),
    )
    return _apart(result, "start", "Imports at the start", tables, time="median of processes of their own")


def _ratio(stats: dict[str, Any], way: str) -> str:
    """How many times the base a way takes, with its range; 1 for the base itself."""
    ratio = stats["ratio"].get(way)
    return "1" if ratio is None else f"{ratio['median']:.1f} ({ratio['min']:.1f} to {ratio['max']:.1f})"


def _apart(result: dict[str, Any], name: str, title: str, tables: tuple[Table, ...], **facts: str) -> Section:
    """A section with a set-up of its own."""
    runs = f"{result['runs']} of each"
    setup = setup_table(**facts, runs=runs, torch=result["torch"], machine=result["machine"])
    return Section(title, (), result["command"], (*tables, setup), page=PERFORMANCE_PAGE, order=ORDER[name])


def _training(result: dict[str, Any]) -> Section:
    stats = result["bench"]["training"]
    rates = stats["images_per_second"]
    base = next(way for way in ("plain, bfloat16", "plain, float32") if way in rates)
    rows = tuple(
        (name, *times(stats["step_ms"][name]), f"{rate:.2f}", f"{rate / rates[base]:.1f}")
        for name, rate in rates.items()
    )
    reading = stats["loader_over_fastest_step"]
    facts = setup_table(
        networks=f"{stats['vit']} + {stats['cnn']}",
        step=f"{stats['batch']} images, crops of {stats['crop']}, {stats['loops']} loops, both optimizers",
        reading=f"{stats['workers']} {'process' if stats['workers'] == 1 else 'processes'}, "
        f"{stats['loader_images_per_second']:.0f} crops a second, {reading:.1f} times what the fastest step takes",
        limit="the step; reading is not" if reading > 1 else "reading is",
        runs=f"{result['runs']} of each way, in turns",
        torch=result["torch"],
        machine=result["machine"],
    )
    table = Table(("a step of training", *TIMES, "images a second", f"times {base}"), rows)
    where = "a CPU" if stats["device"] == "cpu" else stats["device"]
    notes = (
        "A compiled step has the losses and gradients of the step itself (`tests/crt/train/test_cuda_graph.py`).",
        "The mIoU after a whole compiled training was not compared.",
    )
    return Section(
        f"Training on {where}",
        (" ".join(notes),) if any("compiled" in way for way in rates) else (),
        result["command"],
        (table, *([_losses(stats["losses"])] if "losses" in stats else []), facts),
        page=PERFORMANCE_PAGE,
        order=ORDER["training"],
    )


def _losses(losses: dict[str, list[float]]) -> Table:
    """The losses of each way along its steps, and how far they are from the plain ones in float32 at most."""
    plain = losses["plain, float32"]
    last = len(plain)
    steps = [step for step in (1, 2, 4, 8, 16, 32) if step < last] + [last]
    rows = []
    for name, found in losses.items():
        apart = max(abs(loss - other) / other for loss, other in zip(found, plain, strict=True))
        rows.append((name, *(f"{found[step - 1]:.4f}" for step in steps), f"{100 * apart:.1f} %"))
    head = ("loss after as many steps on the same images", *map(str, steps), "at most from plain, float32")
    return Table(head, tuple(rows))
