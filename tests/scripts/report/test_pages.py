"""The pages of results are made of the JSON files and of the checkpoint's defaults."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from crt.checkpoint import Defaults
from crt.data import VOC_CLASSES
from crt.errors import InvalidDataset
from scripts.report.base import Chart, Line, Section, Table
from scripts.report.markdown import anchor, chart_file, markdown
from scripts.report.pages import Report, report
from scripts.report.pipeline import PUBLISHED
from scripts.report.reliability import FAULTS, faults
from scripts.report.sections import KINDS, SEVERAL, read_results, with_defaults
from scripts.report.speed import FAST
from tests.docs.test_links import on_the_host, on_the_site
from tests.helpers.ablation_sample import whole
from tests.helpers.tables import as_dict

ROOT = Path(__file__).parents[3]


def test_rows_of_the_defaults_follow_the_checkpoint():
    methods = {name: {"miou_best": i} for i, name in enumerate(["crt", "crt_unrefined", "resnet"])}
    counts = {f"crt_loops_{k}{end}": {"miou_best": 10 * k + len(end)} for k in (0, 1) for end in ("", "_unrefined")}
    default = {f"crt_loops_{k}_default": {"miou_best": 30 + k} for k in (0, 1)}
    result = {
        "protocol": {"attention": {"pass_reduction": "first", "blocks": [1, 2]}},
        "methods": methods | counts | default,
        "classification_map": {"crt": 1, "crt_loops_0": 3, "crt_loops_1": 2},
        "images": 3,
    }
    new = with_defaults(result, Defaults(loops=1, refined=True))
    assert new["methods"]["crt"]["miou_best"] == 10
    assert new["methods"]["crt_unrefined"]["miou_best"] == 20
    assert new["methods"]["resnet"] == methods["resnet"]
    assert new["classification_map"] == {"crt": 2, "crt_loops_0": 3, "crt_loops_1": 2}
    assert new["images"] == 3
    assert with_defaults(result, Defaults(loops=1, refined=False))["methods"]["crt"]["miou_best"] == 20
    first = with_defaults(result, Defaults(loops=1, pass_reduction="first", blocks=(1, 2)))
    assert first["methods"]["crt"]["miou_best"] == 31
    one_pass = with_defaults(result, Defaults(loops=1, pass_reduction="last"))  # the same as the sum
    assert one_pass["methods"]["crt"]["miou_best"] == 10
    passes = {"crt_loops_2": {"miou_best": 5}, "crt_loops_2_last": {"miou_best": 6}}
    alone = with_defaults(result, Defaults(loops=1, pass_reduction="tile_normalized"))["methods"]
    assert "crt" not in alone  # of one pass it is not the sum either
    two = result | {"methods": passes, "classification_map": {"crt_loops_2": 1}}
    assert with_defaults(two, Defaults(loops=2, pass_reduction="last"))["methods"]["crt"]["miou_best"] == 6
    for unmeasured in (Defaults(loops=9), Defaults(loops=2, pass_reduction="first"), Defaults(loops=1, blocks=(1, 2))):
        new = with_defaults(result, unmeasured)
        assert not {"crt", "crt_unrefined"} & set(new["methods"]) and "crt" not in new["classification_map"]


def test_without_a_row_of_the_defaults_the_best_row_stands_for_crt():
    row = {"miou_at_0.15": 1.0, "threshold_best": 0.2, "per_class": {"cat": 1.0}}
    best = {"crt": 70, "crt_unrefined": 60, "crt_loops_0": 50, "crt_loops_2": 70, "crt_loops_3": 65, "resnet": 40}
    best |= {f"crt_loops_{k}_unrefined": 60 for k in (0, 2, 3)}
    protocol = {"split": "train", "classes": ["cat"], "scales": [1.0], "flip": True, "stride": 1, "mode": "overlap"}
    result = {
        "protocol": protocol | {"precision": "float32", "command": "python -m x"},
        "methods": {name: row | {"miou_best": value} for name, value in best.items()},
        "classification_map": {"crt": 1.0, "crt_loops_3": 1.0, "resnet": 2.0},
        "images": 3,
    }
    section = KINDS["methods"](result, Defaults(loops=3, pass_reduction="first"))
    text = markdown(section)
    assert "default" not in text and section.title == "Seeds on train, 1 class, 1 scale and flips"
    assert [cells[0] for cells in section.tables[0].rows] == [
        "CRT, loops 2, refined",
        "ResNet-50 alone (the CAM of IRNet)",
    ]
    assert section.sentences[-1] == "No verdict: 1 seed, a verdict needs 3."
    assert [name for name, *_ in section.tables[1].rows].count("CRT, loops 3, unrefined") == 1
    loops, classes = section.charts
    assert [line.name for line in loops.lines] == ["CRT, sum over passes", "CRT, unrefined", "CNN alone"]
    assert loops.lines[0].y == (50, 70, 65) and loops.lines[2].y == (40,) * 3 and loops.joined
    assert [line.name for line in classes.lines] == ["CNN alone"] and not classes.joined
    assert "CRT, default settings" in markdown(KINDS["methods"](result, Defaults(loops=3)))


def test_an_evaluation_of_few_maps_is_reported():
    row = {"miou_at_0.15": 1.0, "miou_best": 2.0, "threshold_best": 0.2}
    protocol = {"split": "val", "classes": "all", "scales": [1.0], "flip": False, "stride": 2, "mode": "overlap"}
    result = {"protocol": protocol | {"precision": "float32", "command": "python -m x"}, "images": 3}
    classes = dict.fromkeys(("background", *VOC_CLASSES), 3.0)
    section = KINDS["methods"](result | {"methods": {"tscam": row | {"per_class": classes}}}, Defaults())
    assert section.title == "Seeds on val, VOC-21, 1 scale"
    maps, by_class, setup = section.tables
    assert maps.rows == (("TS-CAM, refined", "1.0", "2.0", "0.20", "–"),) and not maps.folded
    assert by_class.folded == "IoU by class" and len(by_class.rows) == 21
    assert [chart.title for chart in section.charts] == ["IoU by class"] and "class mAP" not in as_dict(setup)
    assert as_dict(setup)["images"] == "3 of val, every 2nd image" and "Reproduce" in markdown(section)
    none = KINDS["methods"](result | {"methods": {}}, Defaults())
    assert none.title == "Seeds on val, 0 classes, 1 scale" and none.charts == ()


def copied_checkpoints(to: Path) -> list[Path]:
    """The checkpoints of this repository, and beside the test links to all but their cards."""
    shipped = [path.parent for path in (ROOT / "checkpoints").glob("*/config.json")]
    for folder in shipped:
        copy = to / "checkpoints" / folder.name
        copy.mkdir(parents=True)
        for path in folder.iterdir():
            (copy / path.name).symlink_to(path) if path.suffix != ".md" else None
    return shipped


def test_charts_are_written_beside_the_page_the_same_every_time(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.report.chart_files.draw", lambda figures: ["<svg ></svg>"] * len(figures))
    copied_checkpoints(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "ablation.json").write_text(json.dumps(whole()))
    written = []
    for _ in range(2):
        report(
            Report(
                tmp_path / "results",
                tmp_path / "checkpoints",
                output=tmp_path / "docs" / "results.md",
                summary=tmp_path / "summary.json",
            )
        )
        written.append({path.name: path.read_bytes() for path in (tmp_path / "docs").rglob("*.*")})
    assert written[0] == written[1]
    found = re.findall(r"!\[(.+?)\]\(figures/(.*?)\)", written[0]["results.md"].decode())
    assert {name for _, name in found} == {name for name in written[0] if name.endswith(".svg")}
    names = [name for _, name in found]
    assert names[:2] == ["ablations-consistency.svg", "ablations-loops-at-test.svg"]
    assert names[-1] == "ablations-input-size.svg" and len(names) == 11
    shown = json.loads((tmp_path / "summary.json").read_text())["sections"][0]["charts"]
    assert all(chart["joined"] for chart in shown) and len(shown) < len(names)  # the app draws lines


def no_chart_changed(figures) -> list[str]:
    raise AssertionError("a chart is not of these results: run python -m scripts.report")


def test_the_committed_pages_are_what_the_results_say(tmp_path, monkeypatch):
    """A second report changes no file, and draws no chart."""
    monkeypatch.setattr("scripts.report.chart_files.draw", no_chart_changed)
    shipped = copied_checkpoints(tmp_path)
    shutil.copytree(ROOT / "docs/figures", tmp_path / "figures")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()}
    (tmp_path / "figures" / "old.svg").write_text("of an earlier report")
    summary = tmp_path / "summary.json"
    report(Report(ROOT / "results", tmp_path / "checkpoints", output=tmp_path / "results.md", summary=summary))
    assert summary.read_text() == (ROOT / "results/summary.json").read_text()
    text = (tmp_path / "results.md").read_text()
    assert text == (ROOT / "docs/results.md").read_text()
    speed = (tmp_path / "performance.md").read_text()
    assert speed == (ROOT / "docs/performance.md").read_text()
    assert (tmp_path / "reliability.md").read_text() == (ROOT / "docs/reliability.md").read_text()
    for folder in shipped:
        card = (tmp_path / "checkpoints" / folder.name / "README.md").read_text()
        assert card == (folder / "README.md").read_text()
        assert ".svg" not in card and "](../../docs/results.md#" in card  # the tables are on the page of results
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "figures").iterdir()} == before
    assert set(before) == set(re.findall(r"\(figures/(.*?)\)", text + speed))
    for path in (ROOT / "results").glob("voc_*.json"):
        assert json.loads(path.read_text())["images"] > 0


def test_every_section_names_its_backbones_and_seeds():
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    for part in text.split("\n## ")[1:]:
        if part.startswith("Claims of the paper"):
            continue
        assert re.search(r"deit_tiny_patch16_224|resnet50", part) and re.search(r"[Ss]eeds?\b.*\d", part), part[:80]
    named = re.findall(r"    python .*--checkpoint (\S+)", text)
    for name in set(named):
        known = (ROOT / "checkpoints" / Path(name).name).is_dir()
        assert known != (f"| checkpoint of the command | `{name}`, not part of this repository |" in text)


def test_the_method_has_the_sections_that_are_cited_and_no_measured_number():
    text = (ROOT / "docs/method.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^## (\d+)\.", text, re.MULTILINE))
    for path in (one for folder in ("crt", "app", "scripts") for one in (ROOT / folder).rglob("*.py")):
        code = path.read_text(encoding="utf-8")
        assert set(re.findall(r"METHOD section (\d+)", code)) <= sections, path
        assert not re.search(r"METHOD section 10 (has|and) the paper", " ".join(code.split())), path
    sentences = [line for line in text.split("## 11.")[0].splitlines() if re.search(r"\d %", line)]
    assert sentences == []  # what was measured stands in results.md, with its command


def test_published_numbers_are_those_of_the_papers_table():
    rows = {name.partition(" ")[0]: (seeds, masks) for name, _, seeds, masks, _ in PUBLISHED}
    table_4 = {"IRNet": ("48.8", "66.3"), "SEAM": ("55.4", "63.6"), "AdvCAM": ("55.6", "69.9"),
               "MCTformer": ("61.7", "69.1"), "ReCAM": ("56.6", "70.5"), "CRT": ("57.7", "71.8")}  # fmt: skip
    assert rows | table_4 == rows


def test_no_page_calls_a_difference_of_one_training_a_finding():
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "checkpoints").glob("*/README.md")]
    for page in pages:
        if page.name != "method.md":
            text = page.read_text(encoding="utf-8")
            assert not re.search(r"(claim|ordering|order)[^.]*(shows here|holds here|holds beyond|is shown)", text), (
                page
            )
            assert "all are answered" not in text and "beyond the spread" not in text, page


def stored(name: str) -> dict:
    return json.loads((ROOT / "results" / f"{name}.json").read_text(encoding="utf-8"))


def test_the_stored_benchmarks_keep_to_their_bounds():
    reported = stored("bench")["bench"]
    assert reported["ablation"]["ratio"]["plain, each map a run of its own"]["median"] >= 6
    assert max(row["peak_mib"] for row in reported["growth"]["sizes"]) < 2560
    assert stored("walk")["ratio"] >= 100
    assert stored("viewer")["worst_median_ms"] <= 50
    for times in stored("latency")["latency"].values():
        assert times["cached_ms"]["median"] <= 50 and times["start_s"] <= times["model_loaded_s"] <= 60


def test_the_stored_load_and_fuzzing_keep_to_their_bounds():
    nonsense = stored("fuzz")
    assert not nonsense["tracebacks"] and not any(row["crashed"] for row in nonsense["fuzz"].values())
    for name in ("load", "load_restart"):
        result = stored(name)
        assert not result["errors"] and result["memory_mib"]["spread_percent"] <= 10


def test_charts_of_one_title_have_files_of_their_own():
    chart = Chart("Boxes", "threshold", "%", (Line("a", (0, 1), (2, 3)),), "what it shows")
    one, two = (Section(title, charts=(chart,)) for title in ("One scale", "Seven scales"))
    assert (chart_file(one, chart), chart_file(two, chart)) == ("one-scale-boxes.svg", "seven-scales-boxes.svg")
    assert "![what it shows](figures/one-scale-boxes.svg)" in markdown(one)


def test_a_chart_stands_below_its_table_and_the_command_last():
    line = (Line("a", (0, 1), (2, 3)),)
    charts = tuple(Chart(name, "x", "y", line, f"of {name}", beside=name) for name in ("second", "first", "none"))
    tables = tuple(
        Table((name, "n"), (("r", "1"),), title=name.title(), caption=("Read it.",)) for name in ("first", "second")
    )
    folded = dataclasses.replace(tables[1], folded="More")
    text = markdown(Section("S", ("Note.",), "python -m x", (tables[0], folded), ("Words.",), charts))
    parts = ("## S", "Note.", "### First", "| first | n |", "Read it.", "![of first]", "### Second",
             "<details markdown", "<summary>More</summary>\n\n| second", "Read it.\n\n</details>", "![of second]",
             "![of none]", "Words.", "**Reproduce**\n\n    python -m x\n")  # fmt: skip
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "heading", ["Seeds on val, VOC-21, 7 scales and flips", "CAM consistency loss", "Boxes on CUB_200_2011, whole"]
)
def test_the_anchor_of_a_heading_is_that_of_both_places(heading):
    assert anchor(heading) == on_the_host(heading) == on_the_site(heading)


def test_the_pipeline_becomes_a_table_beside_what_others_published():
    stages = [
        {"stage": stage, "split": "train", "measure": "animals", "images": 3, "miou": miou, "pixel_accuracy": 80.0,
         "threshold": threshold}
        for stage, miou, threshold in (("seeds", 66.6, 0.17), ("random_walk", 72.1, 0.3), ("masks", 71.0, None))
    ]  # fmt: skip
    protocol = {"machine": "2 cores", "command": "python -m x"}
    section = KINDS["stages"]({"protocol": protocol, "stages": stages, "seconds": {"seeds": 120.0}}, Defaults())
    assert section.tables[0].rows[1] == (
        "after the random walk",
        "3 of train",
        "animals",
        "72.1",
        "+5.5",
        "80.0",
        "0.30",
    )
    assert section.tables[0].rows[0][4] == "–" and section.tables[0].rows[2][4:] == ("-1.1", "80.0", "–")
    assert section.sentences == ("No verdict: 1 seed, a verdict needs 3.",)
    (chart,) = section.charts
    assert [(line.name, line.x) for line in chart.lines] == [("animals", (0, 1, 2)), ("paper, VOC-21", (0, 2, 3))]
    assert ("seeds", "2") in section.tables[2].rows and section.command == "python -m x"
    text = markdown(section)
    assert "| the pseudo masks | 3 of train | animals | 71.0 | -1.1 | 80.0 | – |" in text and "| CRT (2022) |" in text
    without_times = KINDS["stages"]({"protocol": protocol, "stages": stages[:1], "seconds": {}}, Defaults())
    assert [table.head[0] for table in without_times.tables][2:] == ["set-up"]


def test_a_broken_result_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InvalidDataset, match=r"broken\.json"):
        read_results(tmp_path, Defaults())
    (tmp_path / "broken.json").write_text("{}")
    assert read_results(tmp_path, Defaults()) == ()
    (tmp_path / "broken.json").write_text('{"latency": {"fp32": {}}}')
    with pytest.raises(InvalidDataset, match="another version"):
        read_results(tmp_path, Defaults())


def test_a_training_on_a_gpu_is_held_against_the_plain_one_in_the_same_precision():
    rates = {"ours, bfloat16, compiled": 600.0, "plain, float32": 60.0, "plain, bfloat16": 100.0}
    reported = {"vit": "v", "cnn": "c", "crop": 336, "batch": 16, "loops": 3, "device": "g", "images_per_second": rates,
            "step_ms": {name: {"median": 1, "min": 1, "max": 1} for name in rates}, "workers": 15,
            "loader_images_per_second": 300.0, "loader_over_fastest_step": 0.5}  # fmt: skip
    result = {"bench": {"training": reported}, "machine": "m", "torch": "t", "runs": 3, "command": "c",
              "networks": "a + b", "size": 336, "threads": 2}  # fmt: skip
    (section,) = SEVERAL["bench"](result, Defaults())
    text = markdown(section)
    assert section.title == "Training on g" and section.page == "performance"
    assert "| ours, bfloat16, compiled | 1 | 1 | 1 | 600.00 | 6.0 |" in text and "was not compared" in text
    facts = as_dict(section.tables[-1])
    assert facts["reading"] == "15 processes, 300 crops a second, 0.5 times what the fastest step takes"
    assert facts["limit"] == "reading is" and facts["machine"] == "m"


def test_the_benchmarks_become_pages():
    times = {"median": 100.0, "min": 90.0, "max": 120.0}
    reported = {"ms": {"ours": times, "plain": times}, "ratio": {"plain": {"median": 5.5, "min": 5.0, "max": 7.0}}}
    row = {"size": 224, "loops": 4, "tiles": 1, "seconds": 0.5, "loaded_mib": 700, "peak_mib": 900}
    share = {
        "utilization": 0.8,
        "gflops_transformer": 160.0,
        "gflops_product": 200.0,
        "products_share": 0.7,
        "stages_ms": {"crt": times},
    }
    result = {
        "bench": {"ablation": reported, "one_map": reported, "utilization": share,
                  "first": {"ms": {"first": times, "panels": times, "all": times}, "products_ms": 50.0},
                  "masks": {"walk": times},
                  "growth": {"sizes": [row, row | {"tiles": 4, "peak_mib": 3000}], "loops": [row]}},
        "machine": "2 cores", "threads": 2, "torch": "2", "networks": "a + b", "size": 336, "runs": 5, "command": "c",
    }  # fmt: skip
    found = {section.title: section for section in SEVERAL["bench"](result, Defaults())}
    assert list(found) == ["Throughput", "Time by stage", "Growth"]
    assert {section.page for section in found.values()} == {"performance"}
    assert all(
        section.command == "c" and as_dict(section.tables[-1])["machine"] == "2 cores" for section in found.values()
    )
    ablation, one_map, first, masks, _ = found["Throughput"].tables
    assert ablation.rows[1] == ("plain", "100", "90", "120", "10.0", "5.5 (5.0 to 7.0)") and not ablation.caption
    assert one_map.caption == ('Ours runs on 4 tiles and "plain" on 6.',)
    assert first.rows[0] == ("the first map", "100", "90", "120", "1.00")
    assert first.rows[2] == ("their products alone", "50", "", "", "0.50") and masks.rows[0][0] == "walk"
    rates = as_dict(found["Time by stage"].tables[1])
    assert rates["the transformer's rate in that of the product"] == "80 %"
    growth = found["Growth"]
    assert growth.charts[0].lines[0].x == (1, 4) and growth.charts[0].beside == growth.tables[0].head[0]
    assert growth.tables[0].caption == ("The peak with the networks loaded and before a run is 700 MiB.",)
    fast = {"ms": reported["ms"] | {FAST: times | {"median": 50.0}}, "ratio": reported["ratio"]}
    (peers,) = SEVERAL["bench"]({**result, "bench": {"peers": fast}}, Defaults())
    assert peers.tables[0].head[-1] == "times ours in bfloat16" and peers.tables[0].rows[1][-1] == "2.0"
    walk = {"grid": [94, 125], "classes": 2, "machine": "m", "threads": 2, "sparse_seconds": [0.1],
            "sparse_median_seconds": 0.073}  # fmt: skip
    assert len(KINDS["sparse_seconds"](walk, Defaults()).tables[0].rows) == 1
    dense = walk | {"dense_seconds": 180.0, "ratio": 2466.0, "largest_difference": 2e-6}
    assert "| dense over sparse | 2466 |" in markdown(KINDS["sparse_seconds"](dense, Defaults()))
    load = {"load": {"/cams": {"answers": 9, "p50_s": 1.0, "p95_s": 2.0}, "/masks": {"answers": 0},
                     "a page in chromium": {"answers": 4, "p50_s": 3.0, "p95_s": 4.0}}, "busy": 3,
            "errors": {"x": 2}, "connections_lost": 0, "connections_recovered": 0, "users": 30, "minutes": 5.0,
            "restart": True, "machine": "m", "command": "c",
            "memory_mib": {"median": 1, "min": 1, "max": 2, "spread_percent": 4.0},
            "without_cache_mib": {"min": 11, "max": 12, "spread_percent": 5.0},
            "cache_mib": {"median": 3, "min": 2, "max": 9, "limit": 8}}  # fmt: skip
    text = markdown(KINDS["load"](load, Defaults()))
    assert "30 users for 5 minutes, with a restart half way" in text and "| requests | 18 | – |" in text
    assert "| answered | 13 | 72 % |\n| rejected as busy | 3 | 17 % |\n| errors | 2 | 11 % |" in text
    assert KINDS["load"](load, Defaults()).page == "reliability"
    assert "| `x` | 2 |" in text and "| most that the cache may take | – | 8 | – |" in text
    assert "| whole | 1 | 2 | ± 4.0 % |" in text and "| without its cache | 11 | 12 | ± 5.0 % |" in text
    assert "| its cache of Predictions | 2 | 9 | – |" in text


def test_fuzzing_becomes_a_table_with_its_crashes():
    row = {"asked": 9, "answered": 4, "refused": 5, "crashed": 0, "slowest_s": 1.25, "crashes": []}
    result = {"fuzz": {"files": row, "requests": row}, "tracebacks": 0, "health": "ok", "sentences": 7, "machine": "m",
            "memory_mib": {"before": 500, "largest": 600, "half": 630, "after": 640}, "largest_px": 900,
            "cache_mib": {"half": 20, "after": 30, "limit": 256}, "command": "c"}  # fmt: skip
    section = KINDS["fuzz"](result, Defaults())
    assert section.page == "reliability" and section.command == "c"
    text = markdown(section)
    assert "| all | 18 | 8 | 10 | 0 | 1.2 |" in text and "| crashed |" not in text.replace("refused | crashed |", "")
    assert "| after the first run | 500 | – |" in text and "| after a run at 900 × 900 pixels | 600 | – |" in text
    assert "| half way | 630 | 20 |" in text and "| at the end | 640 | 30 |" in text
    assert "| growth |" not in text and "| tracebacks in the log of the server | 0 |" in text
    text = markdown(KINDS["fuzz"](result | {"growth_mib": {"measured": 80, "limit": 200}}, Defaults()))
    assert "| growth | 80 MiB of the server without its cache" in text and "fails above 200 |" in text
    broken = row | {"crashed": 1, "answered": 3, "crashes": ["/maps: status 500"]}
    text = markdown(KINDS["fuzz"](result | {"fuzz": {"files": broken}}, Defaults()))
    assert "| all | 9 | 3 | 5 | 1 | 1.2 |" in text and "| crashed |\n|---|\n| `/maps: status 500` |" in text
    assert "log of the server | 1 |" in markdown(KINDS["fuzz"](result | {"tracebacks": 1}, Defaults()))


def test_each_fault_names_a_file_that_has_tests():
    section = faults()
    assert len(section.tables[0].rows) == len(FAULTS) > 15
    for fault, becomes, file in FAULTS:
        assert fault and becomes and "|" not in fault + becomes
        assert re.search(r"^def test_", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), file
    assert section.page == "reliability"
