"""The dense walk that the sparse one is timed against gives the same."""

import json

import numpy as np
import pytest

from crt.checkpoint import Defaults
from crt.errors import InvalidSetting
from crt.pseudo_labels.random_walk import random_walk
from crt.pseudo_labels.settings import WalkSettings
from scripts.bench.random_walk import WalkBench, bench_walk, dense_walk
from scripts.report.sections import KINDS
from tests.helpers.reference_walk import dense_walk as reference


def test_the_dense_walk_is_that_of_the_reference_and_of_the_library():
    rng = np.random.default_rng(3)
    seeds, edge = rng.random((2, 7, 9), dtype=np.float32), rng.random((1, 7, 9), dtype=np.float32)
    settings = WalkSettings(radius=4, beta=3, exp_times=3)
    wanted = reference(seeds, edge, 4, 3, 3)
    np.testing.assert_allclose(dense_walk(seeds, edge, settings), wanted, rtol=1e-4)
    np.testing.assert_allclose(random_walk(seeds, edge, settings), wanted, rtol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (30, 3)])
def test_grids_smaller_than_the_disc(size):
    rng = np.random.default_rng(0)
    seeds, edge = rng.random((1, *size), dtype=np.float32), rng.random((1, *size), dtype=np.float32)
    settings = WalkSettings(exp_times=2)
    np.testing.assert_allclose(dense_walk(seeds, edge, settings), random_walk(seeds, edge, settings), rtol=1e-3)


def test_the_command_writes_what_it_measured(tmp_path):
    result = bench_walk(WalkBench(12, 16, runs=3, json=tmp_path / "sub" / "walk.json"))
    assert json.loads((tmp_path / "sub" / "walk.json").read_text()) == result
    assert result["command"] == "python -m scripts.bench.random_walk --height 12 --width 16 --runs 3"
    assert {"version", "commit"} <= result.keys()
    assert KINDS["sparse_seconds"](result, Defaults()).command == result["command"]
    assert result["largest_difference"] < 1e-3 and len(result["sparse_seconds"]) == 3
    assert result["ratio"] == pytest.approx(result["dense_seconds"] / result["sparse_median_seconds"], rel=0.1, abs=0.2)
    with pytest.raises(InvalidSetting, match="at least 1"):
        bench_walk(WalkBench(0, 5))
