"""A pixel on the threshold belongs to the background, on the page as in the library."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from crt.metrics.pixels import PixelCurves
from crt.metrics.segmentation import ThresholdSweep
from crt.postprocess import cam_to_labels
from crt.threshold import above_threshold
from crt.viz.contours import outlines
from crt.viz.layer import MapLayer, Style, blend

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "viewer" / "threshold_parity.mjs"
FILES = (".py", ".mjs")
LEVELS = [step / 100 for step in range(100)] + np.random.default_rng(3).random(60).tolist()


WHITE = np.full((1, 1, 3), 255, np.uint8)


def around(level: float) -> np.ndarray:
    """(6,) float32 from 0 to 1: the level as a map can hold it, its neighbours, and values farther away."""
    near = np.float32(level)
    steps = [np.nextafter(near, np.float32(towards)) for towards in (-1, 2)] if level else [0, 0.01]
    return np.clip(np.array([near, *steps, 0, 1, near / 2], np.float32), 0, 1)


def by_the_library(value: np.float32, level: float) -> dict[str, bool]:
    cam, truth = np.full((1, 1), value, np.float32), np.ones((1, 1), np.uint8)
    sweep = ThresholdSweep(np.array([level]), 2)
    sweep.add(truth, cam[None], np.array([0]))
    return {
        "above_threshold": bool(above_threshold(cam, level)[0, 0]),
        "cam_to_labels": bool(cam_to_labels(cam[None], [0], level)[0, 0] == 1),
        "ThresholdSweep": bool(sweep.confusions()[0, 1, 1] == 1),
        "PixelCurves": bool(np.isclose(PixelCurves([level]).add(cam, truth).overlap().iou, 1).all()),
        "outlines": len(outlines(cam, level)) == 1,
        "mixed": bool(blend(WHITE, MapLayer(cam, 1, "", level, masked=True), Style(opacity=1)).all()),
    }


def test_every_function_of_the_library_has_one_rule():
    for level in LEVELS:
        for value in around(level):
            assert set(by_the_library(value, level).values()) == {bool(value > np.float32(level))}, (value, level)


def test_no_module_compares_with_a_level_by_a_rule_of_its_own():
    own = re.compile(r">=\s*(\w+\.)*(level|threshold)\b")
    files = [path for top in ("crt", "app", "scripts") for path in (ROOT / top).rglob("*") if path.suffix in FILES]
    assert len(files) > 200
    found = [path.relative_to(ROOT).as_posix() for path in files if own.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_every_function_of_the_page_has_the_rule_of_the_library(tmp_path):
    cases = [{"level": level, "values": around(level).tolist()} for level in LEVELS]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases))
    done = subprocess.run(["node", str(SCRIPT), str(path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for case, answers in zip(cases, json.loads(done.stdout), strict=True):
        wanted = above_threshold(around(case["level"]), case["level"])
        for value, answer, expected in zip(case["values"], answers, wanted, strict=True):
            assert set(answer.values()) == {bool(expected)}, (value, case["level"], answer)
