"""The benchmark of a user's waiting: measured with a tiny checkpoint, and reported."""

import json
import math
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from app.core import input_sizes
from crt.checkpoint import Defaults
from crt.errors import InvalidSetting
from scripts.bench import latency as latency_bench
from scripts.bench.frontend import uploadable
from scripts.bench.reading import jpeg_photo
from scripts.provenance import ROOT
from scripts.report.latency import latency_section
from tests.helpers.tables import as_dict
from tests.helpers.tiny import tiny_checkpoint

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_every_time_is_measured(tmp_path):
    pytest.importorskip("playwright")
    pixels = np.random.default_rng(5).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    words = ["--checkpoint", tiny_checkpoint(tmp_path / "tiny"), "--image", tmp_path / "image.png"]
    words += ["--visitors", "1", "--json", tmp_path / "results" / "latency.json"]
    # Another process: the browser of the other tests may already be driven in this one.
    subprocess.run([sys.executable, "-m", "scripts.bench.latency", *map(str, words)], cwd=ROOT, check=True)
    result = json.loads((tmp_path / "results" / "latency.json").read_text())
    assert result["command"].endswith("scripts.bench.latency --checkpoint tiny --image image.png --visitors 1")
    assert {"version", "commit"} <= result.keys()
    assert result["visitors"] == 1 and result["checkpoint"] == "tiny"
    assert next(iter(result["latency"])) == "fp32"
    for reported in result["latency"].values():
        assert 0 < reported["first_ms"]["median"] < reported["browser_ms"]["median"]  # the browser waits for the server
        assert all(0 < reported[name]["median"] < math.inf for name in ("cached_ms", "server_only_ms", "browser_ms"))
        for photos in (reported["first_part"], reported["first_map"]):
            assert set(photos["ms"]) == {"0.2", "12", "24"} and photos["ratio"]["median"] > 0
        assert 0 < reported["start_s"] <= reported["model_loaded_s"] < math.inf
    assert str(tmp_path) not in json.dumps(result)


def test_what_was_measured_is_reported():
    reported = {"server_only_ms": 390.0, "first_ms": 450.0, "browser_ms": 900.0, "cached_ms": 20.0}
    times = {name: {"median": value, "p10": value, "p90": value} for name, value in reported.items()}
    result = {
        "latency": {"fp32": times | {"start_s": 5.0, "model_loaded_s": 6.0}},
        "machine": "two cores",
        "checkpoint": "tiny",
        "networks": ["crt", "tscam"],
        "loops": 4,
        "visitors": 3,
        "command": "python -m scripts.bench.latency",
    }
    section = latency_section(result, Defaults())
    table, starts, setup = section.tables
    assert as_dict(setup)["first run"].startswith("`crt`, `tscam`, loops 0 to 4: all networks and CAMs")
    assert starts.rows == (("float32", "5", "6"),)
    assert table.caption == ("This processor is not made for bfloat16.",)
    assert [row[2] for row in table.rows] == ["390", "450", "900", "20"]


def test_photographs_are_measured_in_turns_and_the_first_visitor_does_not_count():
    calls = []

    def measure(megapixels: float, visitor: int) -> float:
        calls.append((megapixels, visitor))
        return megapixels * (1 if visitor else 100)

    found = latency_bench.in_turns_by_photo(measure, 2)
    assert calls[:4] == [(0.2, 0), (12.0, 0), (24.0, 0), (0.2, 1)] and len(calls) == 9
    assert found["ms"]["24"]["max"] == 24_000 and found["ratio"]["median"] == pytest.approx(120)


def test_no_two_visitors_upload_the_same_pixels(tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(photo)
    images = [np.asarray(Image.open(uploadable(photo, tmp_path, number))).tobytes() for number in (0, 1, 256, 257)]
    assert len(set(images)) == 4
    assert len({jpeg_photo(0.2, seed) for seed in range(3)}) == 3


def test_the_loops_are_those_of_the_page():
    assert latency_bench.PAGE_LOOPS == input_sizes.LOOPS


def test_a_measurement_needs_one_user():
    with pytest.raises(InvalidSetting, match="at least 1 visitor"):
        latency_bench.LatencyBench(visitors=0)
