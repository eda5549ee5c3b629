"""The benchmark: what it counts, and that every section runs on tiny networks."""

import itertools
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from app.core import decoded
from crt.checkpoint import Defaults, load_checkpoint
from crt.errors import InvalidSetting
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from crt.precision import resolve
from crt.predictor import Predictor
from scripts.bench import timing
from scripts.bench.__main__ import SECTIONS, Bench, BenchSection, bench
from scripts.bench.growth import growth
from scripts.bench.maps import MAP_LOOPS, flops_of, photo
from scripts.bench.needed import needed
from scripts.bench.reading import LEAST_SIDE, reading
from scripts.bench.start import _import_seconds, start
from scripts.bench.timing import compared, in_turns
from scripts.report.speed import FAST, bench_section
from tests.helpers.tables import as_dict
from tests.helpers.tiny import tiny_checkpoint


def test_ways_take_turns_and_ratios_are_of_the_same_turn():
    order = []
    ways = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    spent = in_turns(ways, 3)
    assert order == ["a", "b"] * 4  # the first of each does not count
    assert {name: len(times) for name, times in spent.items()} == {"a": 3, "b": 3}
    section = compared({"ours": [1.0, 2.0, 4.0], "theirs": [2.0, 6.0, 4.0]}, "ours")
    assert section["ratio"] == {"theirs": {"median": 2.0, "min": 1.0, "max": 3.0}}
    assert section["ms"]["ours"] == {"median": 2000.0, "min": 1000.0, "max": 4000.0}


def test_slow_is_slower(monkeypatch):
    now = itertools.count()
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: next(now)))  # a second from call to call
    section = compared(in_turns({"ours": lambda: None, "slow": lambda: [next(now) for _ in range(9)]}, 2), "ours")
    assert section["ratio"]["slow"] == {"median": 10.0, "min": 10.0, "max": 10.0}


def test_the_photo_is_a_photo_of_any_size():
    assert photo().shape == (375, 500, 3)
    assert photo(1008, 1344).shape == (1008, 1344, 3) and photo().dtype == np.uint8


@pytest.mark.slow
def test_every_section_runs(tmp_path, monkeypatch):
    shipped = str(tiny_checkpoint(tmp_path / "tiny", masks=True))
    for name, value in {
        "VIT": "deit_tiny_patch16_224",
        "CNN": "resnet18",
        "CROP": 224,
        "IMAGES": 8,
        "CURVE_STEPS": 4,
    }.items():
        monkeypatch.setattr(f"scripts.bench.training.{name}", value)
    monkeypatch.setattr("scripts.bench.reading.MEGAPIXELS", (0.1,))
    sections: tuple[BenchSection, ...] = tuple(one for one in SECTIONS if one != "growth")  # has its own test
    file = tmp_path / "bench.json"
    result = bench(
        Bench(sections, "deit_tiny_patch16_224", "resnet18", size=224, runs=1, checkpoint=shipped, json=file)
    )
    assert json.loads(file.read_text()) == json.loads(json.dumps(result)) and set(result["bench"]) == set(sections)
    assert {"version", "commit"} <= result.keys()
    ratios = [ratio["median"] for ratio in result["bench"]["ablation"]["ratio"].values()]
    training = result["bench"]["training"]
    assert training["images_per_second"].keys() >= {"ours, float32", "plain, float32"}
    assert training["losses"].keys() == training["images_per_second"].keys()
    for losses in training["losses"].values():
        assert len(losses) == 4 and losses[-1] < losses[0]  # it learns
    measured = [*ratios, *training["images_per_second"].values(), training["loader_images_per_second"]]
    measured.append(result["bench"]["utilization"]["utilization"])
    assert ratios and all(math.isfinite(value) and value > 0 for value in measured)
    waits = result["bench"]["first"]
    assert 0 < waits["ms"]["first"]["min"] < waits["ms"]["panels"]["min"] < waits["ms"]["all"]["min"]
    assert 0 < waits["products_ms"] < math.inf
    fast = {FAST} if resolve("auto", "cpu") == "bf16" else set()
    assert set(result["bench"]["one_map"]["ms"]) == {"ours", "plain"} | fast
    ways = result["bench"]["tried"]
    assert ways["skipped"].keys() | ways["ready_s"].keys() == {"torch.compile", "ONNX Runtime", "OpenVINO"}
    assert set(ways["cnn"]["ratio"]) >= {"channels first"} and "one thread" in ways["transformer"]["ratio"]
    found = {section.title: section for section in bench_section(result, Defaults())}
    assert {"Throughput", "Time by stage", "Other backends", "Training on a CPU"} <= found.keys()
    curves = found["Training on a CPU"].tables[1]
    assert curves.head[1:] == ("1", "2", "4", "at most from plain, float32") and curves.rows[-1][-1] == "0.0 %"
    assert "reading is" in as_dict(found["Training on a CPU"].tables[-1])["limit"]
    assert "by other ways" in found["Other backends"].tables[0].head[0]
    assert result["command"].endswith("--cnn resnet18 --size 224 --runs 1 --checkpoint tiny")
    assert str(tmp_path) not in file.read_text()


def test_the_operations_of_layers_that_are_fused_are_counted():
    network = TransformerBranch(build_vit("deit_tiny_patch16_224"), 2).eval()
    weights = sum(one.weight.numel() for block in network.blocks for one in block.modules() if type(one) is nn.Linear)
    least = 2 * weights * 197 * MAP_LOOPS  # of every token of a tile, once in each pass
    assert least < flops_of(network, torch.zeros(1, 3, 224, 224)) < 1.5 * least


@pytest.mark.slow
def test_growth_is_measured_in_processes_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.bench.growth.GROWTH_SIZES", (64, 192))
    monkeypatch.setattr("scripts.bench.growth.GROWTH_LOOPS", (0, 2))
    rows = growth(str(tiny_checkpoint(tmp_path / "tiny")), threads=1)
    assert [row["tiles"] for row in rows["sizes"]] == [1, 20]
    assert [row["loops"] for row in rows["loops"]] == [0, 2]
    assert all(row["peak_mib"] >= row["loaded_mib"] > 50 for kind in rows.values() for row in kind)


def test_a_run_of_what_is_needed_is_measured_beside_all_of_it(tmp_path):
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path / "tiny")))
    result = needed(predictor, 96, runs=1)
    assert (result["loops"], result["network"]) == (2, "crt")
    assert set(result["ms"]) == {"/masks", "/cams", "/predict"} and set(result["ratio"]) == {"/cams", "/predict"}


def test_reading_is_measured_whole_and_reduced(monkeypatch):
    monkeypatch.setattr("scripts.bench.reading.MEGAPIXELS", (0.1, 0.4))
    monkeypatch.setattr("scripts.bench.reading.LEAST_SIDE", 380)
    result = reading(1)
    assert list(result) == ["0.1", "0.4"]
    assert result["0.1"]["reduced"] == result["0.1"]["size"] and result["0.4"]["size"] == (516, 774)
    assert result["0.4"]["reduced"] == (258, 387) and set(result["0.4"]["ratio"]) == {"whole"}


def test_the_side_that_is_kept_is_that_of_the_page():
    assert LEAST_SIDE == decoded.LEAST_SIDE


def test_the_start_is_measured_by_package(monkeypatch):
    monkeypatch.setattr("scripts.bench.start.IMPORTED", ("json", "crt"))
    monkeypatch.setattr("scripts.bench.start.START_PAGE", "crt")
    result = start(1)
    assert set(result["cpu_s"]) == {"json", "crt"} and all(seconds > 0 for seconds in result["cpu_s"].values())
    assert result["share"] and sum(result["share"].values()) <= 1.01
    with pytest.raises(InvalidSetting, match="cannot be imported"):
        _import_seconds("no_such_module")


def test_invalid_values_are_refused():
    with pytest.raises(InvalidSetting, match="at least 1"):
        bench(Bench(runs=0))
