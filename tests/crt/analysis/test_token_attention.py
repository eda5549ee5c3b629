import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.analysis.token_attention import locate_token, place_tile
from crt.checkpoint import load_checkpoint
from crt.errors import InvalidImage, InvalidSetting
from crt.models.outputs import merge_patches
from crt.models.tiles import MODES, TileGrid
from crt.models.vit import transformer_of
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.naive import make_image, merged, naive, of
from tests.helpers.tiny import tiny_checkpoint

POINTS = [(0.0, 0.0), (1.0, 1.0), (0.45, 0.55), (0.99, 0.02)]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny"))))


def check(predictor, method, wanted, at):
    view = predictor.token(make_image(), wanted, method=method, at=at)
    grid, matrices, tokens = naive(predictor, method, wanted)
    prefix, side = predictor.checkpoint.networks[method].num_prefix_tokens, grid.tile // grid.patch
    assert view.grid == grid
    index = view.patch[0] * side + view.patch[1]
    row = matrices[view.tile, :, :, :, prefix + index]
    np.testing.assert_allclose(view.attention, row[..., prefix:], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(view.prefix_attention, row[..., :prefix].sum(-1), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(view.attention.sum(-1) + view.prefix_attention, 1, rtol=1e-5)
    unit = tokens / np.linalg.norm(tokens, axis=-1, keepdims=True)
    cosine = np.einsum("ld,nlpd->nlp", unit[view.tile, :, index], unit)
    np.testing.assert_allclose(view.similarity, merged(grid, cosine), atol=1e-5)
    assert view.similarity.shape == (wanted.loops + 1, *grid.patch_cells)
    for array in (view.attention, view.prefix_attention, view.similarity):
        assert array.dtype == np.float32 and array.flags.c_contiguous
    return view


@pytest.mark.parametrize("kind", ["plain", "registers", "patch14-qk-norm", "distilled"])
def test_a_token_sees_what_whole_matrices_say(kind):
    small = of(kind, tile_batch=3)
    assert small.checkpoint.networks["crt"].num_prefix_tokens == {"plain": 1, "registers": 5}.get(kind, 2)
    for loops, at in enumerate(POINTS):
        view = check(small, "crt", InferenceConfig(size=150, loops=loops), at)
        assert len(view.grid) > 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [None, 70])
@pytest.mark.parametrize("at", POINTS)
def test_in_every_mode_up_to_the_border(mode, size, at):
    view = check(of("registers"), "crt", InferenceConfig(size=size, loops=2, mode=mode), at)
    if at == (1.0, 1.0):
        assert view.cell == (view.grid.patch_cells[0] - 1, view.grid.patch_cells[1] - 1)
    if at == (0.0, 0.0):
        assert (view.tile, view.patch, view.cell) == (0, (0, 0), (0, 0))
    if view.grid.single:
        np.testing.assert_allclose(view.similarity[:, view.cell[0], view.cell[1]], 1, rtol=1e-6)


@pytest.mark.parametrize("method", ["crt", "tscam"])
def test_both_transformers_of_a_checkpoint(predictor, method):
    wanted = InferenceConfig(size=96, loops=2 if method == "crt" else 0)
    view = check(predictor, method, wanted, (0.4, 0.7))
    assert view.attention.shape == (max(1, wanted.loops), 6, 2, 16)
    always = predictor.token(make_image(), InferenceConfig(size=96, loops=3), method="tscam", at=(0.4, 0.7))
    assert always.similarity.shape[0] == always.attention.shape[0] == 1


SIDES, SHARES = st.integers(1, 500), st.floats(0, 1)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(MODES), st.sampled_from([8, 16, 32]), SIDES, SIDES, SHARES, SHARES, st.booleans())
def test_the_patch_under_a_point_and_the_tile_with_the_nearest_centre(mode, size, height, width, y, x, released):
    grid = TileGrid(height, width, 64, size, mode, "released" if released else "minimal")
    place = locate_token(grid, (y, x))
    top, left = grid.origins[place.tile]
    for start, patch, cell, at, length, cells in zip(
        (top, left), place.patch, place.cell, (y, x), grid.content, grid.patch_cells, strict=True
    ):
        assert 0 <= patch < 64 // size and start // size + patch == cell < cells
        assert cell * size <= at * length <= cell * size + size
    middle = np.array(place.cell) * size + size // 2
    corners = np.array(grid.origins)
    covering = ((corners <= middle) & (middle < corners + 64)).all(1)
    away = np.where(covering, np.square(corners + 32 - middle).sum(1), np.inf)
    assert covering[place.tile] and place.tile == away.argmin()  # argmin: of equally near ones the first


@pytest.mark.parametrize("at", [(-0.01, 0.5), (0.5, 1.01), (float("nan"), 0.5), (0.5, float("inf"))])
def test_a_point_outside_is_refused(predictor, at):
    with pytest.raises(InvalidSetting, match="outside the image: choose y and x between 0 and 1"):
        predictor.token(make_image(), InferenceConfig(size=64), at=at)


def test_only_transformers_have_tokens(predictor, tmp_path):
    for ask in (
        lambda who, method: who.token(make_image(), method=method, at=(0, 0)),
        lambda w, m: w.layers(make_image(), method=m),
    ):
        for method in ("resnet", "crt_cnn", "unknown"):
            with pytest.raises(InvalidSetting, match=f"{method} is not a transformer of this .*: choose tscam or crt"):
                ask(predictor, method)
    with pytest.raises(InvalidSetting, match="choose another checkpoint"):
        Predictor(load_checkpoint(tiny_checkpoint(tmp_path, methods=("resnet",)))).layers(make_image())
    with pytest.raises(InvalidImage):
        predictor.token(b"hello", at=(0, 0))


def same(one, two, tolerance):
    assert vars(one).keys() == vars(two).keys()
    for name, array in vars(one).items():
        if isinstance(array, np.ndarray):
            np.testing.assert_allclose(array, getattr(two, name), rtol=tolerance, atol=tolerance)
        else:
            assert array == getattr(two, name)


def inspected(predictor, wanted):
    return predictor.token(make_image(), wanted, at=(0.9, 0.8)), predictor.layers(make_image(), wanted)


@pytest.mark.parametrize("tile_batch", [1, 4, 1000])
def test_one_run_in_bounded_batches_under_the_lock(tile_batch, monkeypatch):
    small, wanted = of("registers", tile_batch=tile_batch), InferenceConfig(size=200, loops=2)
    network, seen = transformer_of(small.checkpoint.networks, "crt"), []
    embed = network.embed
    monkeypatch.setattr(
        network, "embed", lambda tiles: (seen.append((len(tiles), small._lock.locked())), embed(tiles))[1]
    )
    found = inspected(small, wanted)
    counts = [count for count, _ in seen]
    assert sum(counts) == 2 * len(found[0].grid) and max(counts) == min(tile_batch, len(found[0].grid))
    assert all(locked for _, locked in seen) and not small._lock.locked()
    for one, two in zip(found, inspected(of("registers"), wanted), strict=True):
        same(one, two, 1e-5)


def test_threads_and_repetition_change_no_bit(predictor):
    wanted, found = inspected(predictor, InferenceConfig(size=128, loops=2)), []
    work = [
        threading.Thread(target=lambda: found.append(inspected(predictor, InferenceConfig(size=128, loops=2))))
        for _ in range(3)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(found) == 3
    for views in found:
        for one, two in zip(views, wanted, strict=True):
            same(one, two, 0)


def test_bfloat16_keeps_float32_arrays_and_nearly_their_values():
    wanted = InferenceConfig(size=64, loops=1)
    for exact, rough in zip(inspected(of("plain"), wanted), inspected(of("plain", bfloat16=True), wanted), strict=True):
        same(exact, rough, 0.1)
        arrays = [array for array in vars(rough).values() if isinstance(array, np.ndarray)]
        assert len(arrays) > 1 and all(array.dtype == np.float32 for array in arrays)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(MODES), st.integers(1, 300), st.integers(1, 300), st.sampled_from([(), (2,), (3, 1, 2)]))
def test_rows_are_merged_and_placed(mode, height, width, lead):
    grid = TileGrid(height, width, 64, 16, mode)
    rows = np.random.default_rng(height).random((*lead, len(grid), 16), dtype=np.float32)
    found = merge_patches(grid, rows)
    assert found.shape == (*lead, *grid.patch_cells)
    np.testing.assert_allclose(found, merged(grid, np.moveaxis(rows, -2, 0)), rtol=1e-5)
    placed = np.stack([place_tile(grid, tile, rows[..., tile, :]) for tile in range(len(grid))])
    assert placed.shape == (len(grid), *found.shape) and placed.dtype == np.float32
    np.testing.assert_allclose(np.nanmean(placed, 0), found, rtol=1e-5)  # merging is the mean of the tiles that see it
    covered = np.isfinite(placed).reshape(len(grid), -1, *grid.patch_cells)[:, 0].sum(0)
    np.testing.assert_array_equal(covered, grid.cover(4)[: covered.shape[0], : covered.shape[1]])


def test_a_token_s_attention_on_the_whole_image(predictor):
    view = predictor.token(make_image(), InferenceConfig(size=128, loops=1), at=(0.5, 0.3))
    placed = view.placed_attention
    assert placed.shape == (1, 6, 2, *view.grid.patch_cells)
    np.testing.assert_array_equal(placed, place_tile(view.grid, view.tile, view.attention))
    inside = np.isfinite(placed)
    assert inside[..., view.cell[0], view.cell[1]].all() and not inside.all()
    own = view.attention.reshape(1, 6, 2, 4, 4)[..., view.patch[0], view.patch[1]]
    np.testing.assert_array_equal(placed[..., view.cell[0], view.cell[1]], own)
