"""Every measurement of `scripts.bench` and `scripts.loadtest` has its table, made of results as they write them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from crt.checkpoint import Defaults, load_checkpoint
from crt.predictor import Predictor
from scripts.bench.__main__ import BenchSection
from scripts.bench.frontend import percentiles
from scripts.bench.needed import needed
from scripts.bench.reading import reading
from scripts.bench.start import start
from scripts.loadtest.run import VersionLoad, ratios
from scripts.loadtest.users import Load, Tally
from scripts.report.base import Section, Table
from scripts.report.latency import PHOTOS
from scripts.report.markdown import markdown
from scripts.report.sections import KINDS, SEVERAL
from scripts.report.speed import ORDER
from tests.helpers.tables import as_dict
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]
OF_SECTIONS = {
    "ablation": "throughput", "one_map": "throughput", "peers": "throughput", "first": "throughput",
    "masks": "throughput", "utilization": "stages", "tried": "backends", "growth": "growth", "needed": "needed",
    "reading": "reading", "start": "start", "training": "training",
}  # fmt: skip
"""The section of the page that each measurement stands in."""


def stored(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "results" / f"{name}.json").read_text(encoding="utf-8"))


def bench_of(**measured: dict[str, Any]) -> tuple[Section, ...]:
    """The sections of a result with these measurements, as JSON holds it."""
    result = {
        "bench": measured, "machine": "2 cores", "threads": 2, "torch": "2.14", "networks": "a + b", "size": 336,
        "runs": 5, "command": "python -m scripts.bench",
    }  # fmt: skip
    return SEVERAL["bench"](json.loads(json.dumps(result)), Defaults())


def one_of(**measured: dict[str, Any]) -> Section:
    (section,) = bench_of(**measured)
    assert section.page == "performance" and section.command == "python -m scripts.bench"
    assert as_dict(section.tables[-1])["machine"] == "2 cores"
    return section


def test_every_measurement_of_the_benchmark_has_a_place_on_the_page() -> None:
    assert set(OF_SECTIONS) == set(get_args(BenchSection)) and set(OF_SECTIONS.values()) == set(ORDER)


def test_what_the_endpoints_run(tmp_path: Path) -> None:
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path / "tiny")))
    measured = needed(predictor, 96, runs=1)
    section = one_of(needed=measured)
    table = section.tables[0]
    assert [row[:2] for row in table.rows] == [
        ("`/masks`", "`crt`, 2 loops"),
        ("`/cams`", "all networks, 2 loops"),
        ("`/predict`", "all networks, every loop count of the page"),
    ]
    assert table.rows[0][-1] == "1" and table.rows[1][2] == f"{measured['ms']['/cams']['median']:.0f}"
    assert table.rows[2][-1].startswith(f"{measured['ratio']['/predict']['median']:.1f} (")


def test_photographs_are_read_whole_and_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.bench.reading.MEGAPIXELS", (0.1, 0.4))
    monkeypatch.setattr("scripts.bench.reading.LEAST_SIDE", 380)
    measured = reading(1)
    section = one_of(reading=measured)
    rows = section.tables[0].rows
    assert [row[1:3] for row in rows] == [
        ("whole", "387 × 258"), ("reduced", "387 × 258"), ("whole", "774 × 516"), ("reduced", "387 × 258"),
    ]  # fmt: skip
    assert rows[2][0].startswith("0.4 megapixels, ") and rows[2][0].endswith(" MB")
    assert rows[2][3] == f"{measured['0.4']['ms']['whole']['median']:.1f}" and rows[3][-1] == "1"
    assert "networks" not in as_dict(section.tables[-1])  # none of them runs


def test_imports_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.bench.start.IMPORTED", ("json", "crt"))
    monkeypatch.setattr("scripts.bench.start.START_PAGE", "crt")
    measured = start(1)
    imports, packages, _ = one_of(start=measured).tables
    assert [row[0] for row in imports.rows] == ["`json`", "`crt`"]
    assert imports.rows[1][1] == f"{measured['cpu_s']['crt']:.2f}" and packages.folded
    assert len(packages.rows) == len(measured["share"]) and packages.rows[0][1].endswith(" %")


def test_sections_are_shown_only_where_a_result_has_them() -> None:
    bench = stored("bench")["bench"]
    measured = {"needed": {"loops": 1, "network": "crt", "ms": dict.fromkeys(("/masks", "/cams", "/predict"), TIMES),
                           "ratio": {}}, "reading": {}, "start": {"cpu_s": {}, "share": {}}}  # fmt: skip
    before = {name: found for name, found in bench.items() if name not in measured}
    without, all_of_them = bench_of(**before), bench_of(**before, **measured)
    titles = {"What the endpoints run", "Reading photographs", "Imports at the start"}
    assert {one.title for one in all_of_them} - {one.title for one in without} == titles
    assert sorted(one.order for one in all_of_them) == sorted(ORDER.values())
    assert "`crt`, 1 loop |" in markdown(next(one for one in all_of_them if one.order == ORDER["needed"]))


TIMES = {"median": 100.0, "min": 90.0, "max": 120.0}


@pytest.mark.parametrize(("key", "head"), PHOTOS.items())
def test_what_is_timed_by_photograph_has_a_table(key: str, head: str) -> None:
    result = stored("latency")
    for stats in result["latency"].values():
        spent = {"0.2": percentiles([100.0, 110.0]), "24": percentiles([200.0, 240.0])}
        stats[key] = {"ms": spent, "ratio": percentiles([2.0, 2.2])}
    (table,) = (one for one in KINDS["latency"](result, Defaults()).tables if one.head[0] == head)
    assert table.rows[0][-1] == "1.00" and len(table.rows) == 2 * len(result["latency"])
    assert table.rows[1] == ("float32", "24 megapixels", "220", "204", "236", "2.10")
    for stats in result["latency"].values():
        del stats[key]
    assert head not in [one.head[0] for one in KINDS["latency"](result, Defaults()).tables]


def test_losses_of_training_are_compared_with_the_plain_ones() -> None:
    training = stored("bench")["bench"]["training"]
    losses = {"ours, float32": [1.0, 0.51, 0.3], "plain, float32": [1.0, 0.5, 0.3]}
    (section,) = (one for one in bench_of(training=training | {"losses": losses}) if one.order == ORDER["training"])
    table = section.tables[1]
    assert table.head[1:] == ("1", "2", "3", "at most from plain, float32")
    assert table.rows[0] == ("ours, float32", "1.0000", "0.5100", "0.3000", "2.0 %") and table.rows[1][-1] == "0.0 %"


def version(seconds: float, busy: int) -> VersionLoad:
    """What ten requests of one version have met."""
    errors = Counter({"The page is gone.": 1}) if busy > 1 else Counter[str]()
    tally = Tally({"/masks": [seconds] * 6, "/cams": [2 * seconds] * 4, "/predict": []}, busy=busy, errors=errors)
    return VersionLoad(tally, memory=[900.0, 1000.0, 1100.0], cached=[100.0, 200.0, 300.0])


def loaded(commit: str | None = "3e76f42", *, busy: int = 4) -> Section:
    """The section of a load, in turns with another version where there is a commit."""
    config = Load(users=3, minutes=2, rounds=2)
    result = version(1.0, 1).result(config) | {
        "users": 3, "images": 9, "minutes": 2.0, "rounds": 2, "restart": False, "command": "c", "machine": "2 cores",
    }  # fmt: skip
    if commit is not None:
        other = version(2.5, busy).result(config)
        result |= {"against": other | {"commit": commit}, "ratio": ratios(result, other)}
    return KINDS["load"](json.loads(json.dumps(result)), Defaults())


def beside(section: Section) -> list[Table]:
    return [table for table in section.tables if table.head[0] == "both versions in turns"]


def test_a_load_in_turns_with_another_version_has_both() -> None:
    section = loaded()
    assert section.title == "3 users for 2 minutes, in turns with commit 3e76f42"
    (table,) = beside(section)
    assert table.rows == (
        ("answers", "10", "10", "1.00"),
        ("p50 s", "1.0", "2.5", "–"),
        ("p95 s", "2.0", "5.0", "0.40"),
        ("rejected as busy", "1", "4", "0.25"),
        ("errors", "0", "1", "–"),
        ("memory of the server, MiB, median", "1000", "1000", "–"),
        ("the same without its cache, median", "800", "800", "–"),
    )
    images = "9, which all users share, each at 3 input sizes"
    assert as_dict(section.tables[-1]) == {"images": images, "turns of each version": "2", "machine": "2 cores"}
    assert section.tables[1].rows[-1] == ("all", "10", "1.0", "2.0")
    assert loaded("").title.endswith("in turns with another version")
    (none_refused,) = beside(loaded(busy=0))
    assert none_refused.rows[3] == ("rejected as busy", "1", "0", "–")  # no ratio to nothing


def test_a_load_of_one_version_has_no_other() -> None:
    section = loaded(None)
    assert beside(section) == [] and section.title == "3 users for 2 minutes"
    assert as_dict(section.tables[-1]) == {
        "images": "9, which all users share, each at 3 input sizes",
        "machine": "2 cores",
    }
