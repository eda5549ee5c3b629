"""The page outlines the same parts of a mask as the figures of an export."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from crt.viz.contours import SPECK_PIXELS, without_specks

SCRIPT = Path(__file__).parents[2] / "viewer" / "specks_parity.mjs"


def cases() -> list[dict]:
    """Labels of random size, density and count."""
    rng, found = np.random.default_rng(11), []
    for number in range(60):
        h, w = (int(side) for side in rng.integers(1, 40, 2))
        labels = rng.integers(1, 4, (h, w)) * (rng.random((h, w)) < rng.choice([0.2, 0.4, 0.6, 1.0]))
        if number % 3 == 0:  # one label with holes of many sizes
            labels = (rng.random((h, w)) < rng.choice([0.5, 0.7, 0.9])).astype(np.uint8)
        if number % 5 == 1:  # nothing is small
            labels = np.kron(labels, np.ones((5, 5), np.uint8))
        least = SPECK_PIXELS if number % 2 else int(rng.integers(1, 60))
        found.append({"labels": labels.astype(np.uint8), "least": least})
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_page_and_the_library_leave_out_the_same_parts(tmp_path):
    given = cases()
    sent = [
        {"h": one["labels"].shape[0], "w": one["labels"].shape[1], "labels": one["labels"].ravel().tolist(),
         "least": one["least"]}
        for one in given
    ]  # fmt: skip
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(sent))
    done = subprocess.run(["node", str(SCRIPT), str(path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    changed = filled = 0
    for one, got in zip(given, json.loads(done.stdout), strict=True):
        wanted = without_specks(one["labels"], one["least"])
        np.testing.assert_array_equal(np.array(got).reshape(wanted.shape), wanted)
        changed += not np.array_equal(wanted, one["labels"])
        filled += bool((wanted > one["labels"]).any())
    assert 10 < changed < len(given)  # the cases are not all alike
    assert filled > 10


def test_a_part_of_twenty_pixels_stays_and_one_of_nineteen_goes():
    labels = np.zeros((13, 13), np.uint8)
    labels[:4, :5] = 1
    labels[:4, 7:12] = 1
    labels[0, 7] = 0
    labels[9:, :5] = 1
    labels[9, 0] = 0
    labels[8, 5] = 1  # the twentieth pixel touches the part at a corner
    labels[9:, 8:] = 2
    labels[9, 8] = 1  # another label belongs to no part of label 2
    kept = without_specks(labels)
    wanted = labels.copy()
    wanted[:4, 7:12] = wanted[9:, 8:] = 0
    np.testing.assert_array_equal(kept, wanted)


def test_a_hole_of_twenty_pixels_stays_and_one_of_nineteen_is_filled():
    labels = np.ones((15, 20), np.uint8)
    labels[1:5, 1:6] = 0
    labels[1:5, 8:13] = 0
    labels[1, 8] = 1
    labels[6:10, 1:6] = 0
    labels[6, 1] = 1
    labels[5, 0] = 0  # touches no hole with a side
    labels[12, 3:6] = 2  # a speck, and then a hole
    labels[8:, 12:] = 2
    labels[9:12, 11:14] = 0  # between two labels
    kept = without_specks(labels)
    wanted = np.ones_like(labels)
    wanted[1:5, 1:6] = 0
    wanted[8:, 12:] = 2
    wanted[9:12, 12:14] = 1
    np.testing.assert_array_equal(kept, wanted)
