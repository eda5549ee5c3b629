"""The measures of one image that the page shows are the library's."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from crt.metrics.boxes import best_match
from crt.metrics.cam_boxes import boxes, largest_box
from crt.metrics.pixels import overlap, pixel_average_precision, pointing_game_hit
from crt.threshold import above_threshold
from crt.types import IGNORE

SCRIPT = Path(__file__).parents[2] / "viewer" / "localization_parity.mjs"


def smooth(rng: np.random.Generator, h: int, w: int, side: int) -> np.ndarray:
    """A map without negative values, as after the ReLU: about half of it is 0."""
    noise = rng.standard_normal((side, side)).astype(np.float32)
    return np.maximum(0, cv2.resize(noise, (w, h), interpolation=cv2.INTER_LINEAR))


def case(rng: np.random.Generator, kind: int) -> dict:
    h, w = (int(side) for side in rng.integers(3, 60, 2))
    cam = smooth(rng, h, w, int(rng.integers(2, 9)))
    if kind % 4 == 1:  # many equal values, and parts of every shape
        cam = np.round(rng.random((h, w)) ** 4 * 3).astype(np.float32)
    mask = smooth(rng, h, w, int(rng.integers(2, 6))) > 0.3
    ignore = (smooth(rng, h, w, 5) > 0.8) & ~mask if kind % 3 == 0 else None
    if kind == 5:
        cam[:] = 0
    if kind == 6:
        mask[:] = False
    if kind == 7:
        cam[:] = 0.5
    return {"cam": cam, "mask": mask, "ignore": ignore, "level": float(np.float32(rng.random() * cam.max()))}


def expected(cam: np.ndarray, mask: np.ndarray, ignore: np.ndarray | None, level: float) -> dict:
    predicted = above_threshold(cam, level)
    truth = mask.astype(np.uint8)
    if ignore is not None:
        truth[ignore] = IGNORE
    found = overlap(predicted, truth)
    box = largest_box(predicted)
    match = best_match(box, [region.box for region in boxes(mask)], "continuous").iou if box else 0.0
    return {
        "iou": found.iou,
        "precision": found.precision,
        "recall": found.recall,
        "box": match,
        "pointing": pointing_game_hit(cam, truth),
        "pxap": pixel_average_precision(cam, truth),
    }


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_page_measures_as_the_library(tmp_path):
    rng = np.random.default_rng(4)
    cases = [case(rng, kind) for kind in range(160)]
    sent = [
        {
            "h": one["cam"].shape[0],
            "w": one["cam"].shape[1],
            "level": one["level"],
            "map": one["cam"].ravel().tolist(),
            "mask": one["mask"].ravel().astype(int).tolist(),
            "ignore": None if one["ignore"] is None else one["ignore"].ravel().astype(int).tolist(),
        }
        for one in cases
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(sent))
    done = subprocess.run(["node", str(SCRIPT), str(path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    for number, (one, got) in enumerate(zip(cases, answers, strict=True)):
        wanted = expected(**one)
        assert got["pointing"] == wanted["pointing"], number
        for name in ("iou", "precision", "recall", "box", "pxap"):
            assert got[name] == pytest.approx(wanted[name], abs=1e-9), (number, name)
    for name in ("iou", "box", "pxap"):
        assert 0.1 < np.mean([answer[name] for answer in answers]) < 0.9  # the cases are not all alike
    assert {answer["pointing"] for answer in answers} == {True, False}
