"""The random walk against its dense form, what it must keep, and its way to labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidSetting
from crt.pseudo_labels.paths import directions, search_paths
from crt.pseudo_labels.random_walk import TRUNCATION, chebyshev_weights, random_walk, walk_labels, walk_scores
from crt.pseudo_labels.settings import WalkSettings
from tests.helpers.reference_walk import dense_walk, path


def grid(height: int, width: int, maps: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Seeds with zeros among them, and edges that reach both 0 and 1."""
    r = np.random.default_rng(seed)
    seeds = r.random((maps, height, width)).astype(np.float32)
    edge = np.clip(1.6 * r.random((1, height, width)) - 0.3, 0, 1).astype(np.float32)
    return np.where(seeds > 0.6, seeds, 0), edge


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    maps=st.integers(0, 3),
    radius=st.integers(2, 6),
    beta=st.sampled_from([0.5, 1, 3, 10]),
    exp_times=st.integers(0, 9),
    seed=st.integers(0, 1000),
)
def test_the_walk_is_the_dense_one(size, maps, radius, beta, exp_times, seed) -> None:
    seeds, edge = grid(size[0], size[1], maps, seed)
    got = random_walk(seeds, edge, WalkSettings(radius, beta, exp_times))
    assert got.dtype == np.float32 and got.shape == seeds.shape
    np.testing.assert_allclose(got, dense_walk(seeds, edge, radius, beta, exp_times), atol=2e-7)


def test_a_very_long_walk_is_the_dense_one_too() -> None:
    seeds, edge = grid(5, 6, 2)
    np.testing.assert_allclose(
        random_walk(seeds, edge, WalkSettings(4, 2, 16)), dense_walk(seeds, edge, 4, 2, 16), atol=2e-7
    )


def test_values_stay_between_those_of_the_start() -> None:
    seeds, edge = grid(9, 30, 3)
    start = seeds * (1 - edge)
    propagated = random_walk(seeds, edge)
    assert (propagated.min((1, 2)) >= start.min((1, 2))).all()
    assert (propagated.max((1, 2)) <= start.max((1, 2))).all()
    assert propagated.std() < start.std()


def test_without_edges_a_constant_stays_and_with_edges_alone_nothing_is_left() -> None:
    flat = np.full((1, 6, 7), 0.7, np.float32)
    np.testing.assert_allclose(random_walk(flat, np.zeros((1, 6, 7))), flat, atol=1e-7)
    assert not random_walk(flat, np.ones((1, 6, 7))).any()


def test_a_wall_stops_the_walk_and_a_gap_lets_it_through() -> None:
    seeds, wall = np.zeros((1, 9, 15), np.float32), np.zeros((1, 9, 15), np.float32)
    seeds[0, 4, 3], wall[0, :, 7] = 1, 1
    shut = random_walk(seeds, wall)
    assert shut[0, :, :7].min() > 0 and not shut[0, :, 7:].any()
    wall[0, 4, 7] = 0
    assert random_walk(seeds, wall)[0, :, 8:].min() > 0


def test_both_sides_of_the_grid_are_not_neighbours() -> None:
    seeds = np.zeros((1, 5, 40), np.float32)
    seeds[0, 2, 39] = 1
    propagated = random_walk(seeds, np.zeros((1, 5, 40)), WalkSettings(exp_times=2))  # four steps of at most four cells
    assert propagated[0, :, 23:].min() > 0 and not propagated[0, :, :23].any()


def test_the_walk_of_a_mirrored_grid_is_mirrored() -> None:
    seeds, edge = grid(11, 8, 2)
    np.testing.assert_allclose(
        random_walk(seeds[..., ::-1], edge[..., ::-1])[..., ::-1], random_walk(seeds, edge), atol=1e-6
    )


def test_inputs_are_left_alone() -> None:
    seeds, edge = grid(6, 5, 2)
    before = seeds.copy(), edge.copy()
    seeds.flags.writeable = edge.flags.writeable = False
    random_walk(seeds, edge)
    np.testing.assert_array_equal(seeds, before[0])
    np.testing.assert_array_equal(edge, before[1])


@pytest.mark.parametrize("tosses", [1, 2, 16, 256, 4096])
def test_chances_are_those_of_coins(tosses) -> None:
    chances = chebyshev_weights(tosses)
    assert chances.sum() + 1e-12 >= 1 - TRUNCATION and chances.sum() <= 1 + 1e-9
    for k, chance in enumerate(chances):
        ways = (2 if k else 1) * math.comb(tosses, (tosses - k) // 2) if (tosses - k) % 2 == 0 else 0
        assert chance == pytest.approx(ways / 2**tosses, rel=1e-9, abs=1e-300)
    assert len(chances) <= 7 * math.sqrt(tosses) + 2


@pytest.mark.parametrize(
    "change",
    [
        {"radius": 1},
        {"radius": 21},
        {"beta": 0},
        {"beta": math.nan},
        {"beta": math.inf},
        {"exp_times": -1},
        {"exp_times": 17},
    ],
)
def test_settings_out_of_range_are_refused(change) -> None:
    with pytest.raises(InvalidSetting):
        WalkSettings(**change)


@pytest.mark.parametrize(
    ("seeds", "edge"), [((2, 4, 5), (4, 5)), ((2, 4, 5), (1, 5, 4)), ((4, 5), (1, 4, 5)), ((1, 0, 5), (1, 0, 5))]
)
def test_shapes_that_do_not_fit_are_refused(seeds, edge) -> None:
    with pytest.raises(InvalidSetting, match=r"\(K, h, w\)"):
        random_walk(np.zeros(seeds), np.zeros(edge))


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_raw_edges_are_refused(value) -> None:
    with pytest.raises(InvalidSetting, match="sigmoid"):
        random_walk(np.ones((1, 3, 3)), np.full((1, 3, 3), value))


@pytest.mark.parametrize("radius", [2, 3, 5, 10])
def test_paths_reach_half_of_the_disc_and_hold_the_cells_near_the_line(radius) -> None:
    ends = [tuple(end) for end in directions(radius).tolist()]
    disc = {
        (y, x) for y in range(-radius, radius) for x in range(-radius, radius) if 0 < y * y + x * x < radius * radius
    }
    assert len(set(ends)) == len(ends)
    assert set(ends) | {(-y, -x) for y, x in ends} == disc
    assert not set(ends) & {(-y, -x) for y, x in ends}
    for cells in search_paths(radius):
        assert sorted(map(tuple, cells.tolist())) == sorted(path((0, 0), tuple(cells[0])))
        assert cells[-1].tolist() == [0, 0]
    with pytest.raises(InvalidSetting):
        search_paths(1)


def test_scores_are_the_enlarged_seeds_over_the_largest() -> None:
    propagated = np.random.default_rng(0).random((2, 5, 6)).astype(np.float32)
    want = F.interpolate(torch.from_numpy(propagated)[None], scale_factor=4, mode="bilinear", align_corners=False)[0]
    want = want[:, :18, :21]
    np.testing.assert_allclose(walk_scores(propagated, (18, 21)), want / want.max(), atol=1e-6)
    with pytest.raises(InvalidSetting, match=r"\(21, 21\)"):
        walk_scores(propagated, (21, 21))


def test_labels_need_more_than_the_background() -> None:
    propagated = np.zeros((2, 1, 3), np.float32)
    propagated[0, 0, 0], propagated[1, 0, 2] = 1, 0.2
    assert set(np.unique(walk_labels(propagated, [4, 8], (1, 12)))) == {0, 5}
    assert set(np.unique(walk_labels(propagated, [4, 8], (1, 12), threshold=0.1))) == {0, 5, 9}
    assert not walk_labels(np.zeros((1, 1, 3), np.float32), [4], (1, 12)).any()
    assert not walk_labels(np.zeros((0, 1, 3), np.float32), [], (1, 12)).any()
