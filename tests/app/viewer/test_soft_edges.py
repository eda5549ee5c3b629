"""The page finds and cuts the soft edges of a mask as the library does."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from crt.pseudo_labels.object_masks import has_soft_edges
from crt.threshold import above_threshold

SCRIPT = Path(__file__).parents[2] / "viewer" / "soft_edges_parity.mjs"


def case(rng: np.random.Generator, kind: int) -> dict:
    """A disc from black to white with an edge of some pixels, in all values or a few, or noise over it."""
    rows, columns = np.mgrid[:24, :32]
    edge = 10 ** rng.uniform(-1, 1.2)
    shares = np.clip(0.5 + (9 - np.hypot(rows - 12, columns - 16)) / edge, 0, 1)
    steps = (255, 255, 3, 1)[kind % 4]
    shares = np.rint(shares * steps) / steps
    if kind % 5 == 4:
        shares = rng.random(shares.shape)
    return {
        "values": np.rint(255 * shares).astype(int).ravel().tolist(),
        "are_labels": bool(kind % 2),
        "cutoff": float(np.round(rng.uniform(0.01, 0.99), 2)),
    }


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_soft_edges_are_those_of_the_library(tmp_path):
    rng = np.random.default_rng(4)
    cases = [case(rng, kind) for kind in range(60)]
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    ran = subprocess.run(
        ["node", str(SCRIPT), str(tmp_path / "cases.json")], capture_output=True, text=True, check=True
    )
    answers = json.loads(ran.stdout)
    assert {answer["soft"] for answer in answers} == {True, False}
    for one, answer in zip(cases, answers, strict=True):
        values = np.array(one["values"])
        assert answer["soft"] == has_soft_edges(values, are_labels=one["are_labels"])
        if values.min() == 0 and values.max() == 255:
            assert answer["inside"] == above_threshold(values / 255, one["cutoff"]).astype(int).tolist()
