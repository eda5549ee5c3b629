import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidSetting
from crt.models.tiles import MODES, TileGrid, padded_length
from crt.resample import upsample_cam

SIDES = st.integers(1, 300)
CUTS = st.sampled_from(["overlap", "non-overlap"])
grids = st.builds(TileGrid, SIDES, SIDES, st.sampled_from([32, 64, 96]), st.just(16), st.sampled_from(MODES))


@settings(deadline=None, max_examples=60)
@given(grids)
def test_cells_and_tiles_hold_the_image(grid):
    rows, cols = grid.shape
    assert len(grid) == rows * cols == len(grid.origins)
    assert all(side >= content for side, content in zip(grid.padded, grid.content, strict=True))
    last = grid.origins[-1]
    assert (last[0] + grid.tile, last[1] + grid.tile) == grid.padded
    for cells, span in zip(grid.cells, grid.content_size, strict=True):
        assert span <= cells < span + 1
    if not grid.single:
        assert grid.cells == grid.patch_cells == (-(-grid.height // 16), -(-grid.width // 16))


@settings(deadline=None, max_examples=40)
@given(grids, st.floats(-3, 3, width=32))
def test_the_merge_of_a_constant_is_that_constant(grid, value):
    side = grid.tile_cells
    merged = grid.crop(grid.merge(torch.full((2 * len(grid), 3, side, side), value)))
    assert merged.shape == (2, 3, *grid.cells)
    torch.testing.assert_close(merged, torch.full_like(merged, value))


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, CUTS)
def test_merging_the_tiles_of_a_image_gives_the_image(height, width, mode):
    grid = TileGrid(height, width, 64, 16, mode)
    image = torch.arange(3.0 * height * width).reshape(1, 3, height, width) / (3 * height * width)
    images = torch.cat([image, 1 - image])
    padded = grid.pad(images)
    assert padded.shape[-2:] == grid.padded
    torch.testing.assert_close(grid.merge(grid.cut(padded))[..., :height, :width], images)
    assert not padded[..., height:, :].any()
    assert not padded[..., width:].any()


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, CUTS)
def test_tiles_are_a_partition_of_unity(height, width, mode):
    grid = TileGrid(height, width, 64, 16, mode)
    cover = grid.cover(4)
    counted = torch.zeros_like(cover)
    for y, x in grid.origins:
        counted[y // 16 : y // 16 + 4, x // 16 : x // 16 + 4] += 1
    assert torch.equal(cover, counted)
    assert cover.min() >= 1
    assert cover.max() <= (4 if mode == "overlap" else 1)
    assert cover.sum() == len(grid) * 16


def test_cut_is_row_major_and_goes_in_parts():
    grid = TileGrid(100, 130, 64)
    padded = grid.pad(torch.randn(2, 3, 100, 130))
    tiles = grid.cut(padded)
    assert tiles.shape == (2 * len(grid), 3, 64, 64)
    for i, (y, x) in enumerate(grid.origins):
        assert torch.equal(tiles[2 * i : 2 * i + 2], padded[..., y : y + 64, x : x + 64])
    assert torch.equal(torch.cat([grid.cut(padded, 0, 4), grid.cut(padded, 4, 99)]), tiles)


@pytest.mark.parametrize(("size", "tiles"), [(224, 1), (336, 4), (448, 9), (672, 25)])
def test_the_cost_in_tiles_is_the_paper_s(size, tiles):
    assert len(TileGrid(size, size)) == tiles


@pytest.mark.parametrize(
    ("length", "minimal", "released"),
    [(1, 224, 224), (223, 224, 224), (224, 224, 336), (225, 336, 336), (336, 336, 448), (500, 560, 560)],
)
def test_the_released_padding_grows_an_exact_fit(length, minimal, released):
    assert padded_length(length, 224, 112) == minimal
    assert padded_length(length, 224, 112, "released") == released
    assert TileGrid(length, length, padding="released").padded == (released, released)


def test_bilinear_keeps_the_proportions_within_one_tile():
    grid = TileGrid(120, 240, 64, 16, "bilinear")
    assert grid.padded == (64, 64)
    assert grid.content == (32, 64)
    assert grid.cells == (8, 15)
    assert grid.tile_cells == 15
    padded = grid.pad(torch.ones(1, 3, 120, 240))
    torch.testing.assert_close(padded[..., :32, :], torch.ones(1, 3, 32, 64))
    assert not padded[..., 32:, :].any()


@pytest.mark.parametrize("mode", ["bilinear", "deconvolution"])
def test_the_long_side_of_a_single_tile_fills_all_of_its_cells(mode):
    grid = TileGrid(375, 500, mode=mode)
    assert grid.content_size == (0.75 * grid.tile_cells, grid.tile_cells)
    assert grid.patch_content_size == (10.5, 14) and grid.patch_cells == (11, 14)
    ramp = torch.linspace(-1, 1, 500).expand(1, 3, 375, 500)  # along the image, so that a place can be read off
    padded = torch.nn.functional.interpolate(grid.pad(ramp), (grid.tile_cells, grid.tile_cells), mode="area")
    cells = grid.crop(padded)[0].numpy()
    placed = upsample_cam(cells, grid.content_size, (375, 500))
    error = (placed - ramp[0].numpy())[:, :350, 20:480] * 250  # in pixels
    assert abs(error).max() < 2.5


def test_deconvolution_is_twice_as_fine():
    grid = TileGrid(60, 120, 64, 16, "deconvolution")
    assert grid.tile_cells == 8
    assert grid.cells == (4, 8)
    assert grid.content_size == (4.0, 8.0)


def test_gradients_pass_through_cut_and_merge():
    grid = TileGrid(96, 96, 64)
    image = torch.randn(1, 1, 96, 96, dtype=torch.float32, requires_grad=True)
    (grad,) = torch.autograd.grad(grid.merge(grid.cut(grid.pad(image))).sum(), image)
    torch.testing.assert_close(grad, torch.ones_like(grad))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((64, 64, 64, 16, "diagonal"), "cut-merge mode"),
        ((64, 64, 64, 16, "overlap", "much"), "Unknown padding"),
        ((0, 64), "cannot be cut"),
        ((64, -1), "cannot be cut"),
        ((64, 64, 48, 16), "even number"),
        ((64, 64, 64, 0), "cannot be cut"),
        ((64, 64, 0, 16), "even number"),
    ],
)
def test_bad_settings_get_a_sentence(arguments, message):
    with pytest.raises(InvalidSetting, match=message):
        TileGrid(*arguments)


def test_maps_and_images_of_other_grids_are_refused():
    grid = TileGrid(96, 96, 64)
    with pytest.raises(InvalidSetting, match="This grid is for"):
        grid.pad(torch.zeros(1, 3, 96, 97))
    for shape in ((3, 1, 4, 4), (4, 1, 4, 5), (4, 1, 3, 3)):
        with pytest.raises(InvalidSetting, match="not those of 4 tiles"):
            grid.merge(torch.zeros(shape))


def test_maps_of_any_type_are_merged_in_float32():
    grid = TileGrid(96, 64, 64)
    merged = grid.merge(torch.ones(2 * len(grid), 1, 4, 4, dtype=torch.bfloat16))
    assert merged.dtype == torch.float32 and merged.shape == (2, 1, 6, 4)


def test_the_least_and_the_default_grid():
    assert TileGrid(1, 1, 2, 1).cells == (1, 1)
    default = TileGrid(300, 224)
    assert (default.tile, default.patch, default.mode, default.padding) == (224, 16, "overlap", "minimal")
    assert (default.stride, default.shape, default.origins) == (112, (2, 1), ((0, 0), (112, 0)))


def test_one_tile_holds_the_whole_image_at_its_proportions():
    grid = TileGrid(7, 300, 64, 16, "bilinear")
    assert grid.content == (1, 64)  # 1.49 pixels, and never none
    assert grid.patch_cells == (1, 4) and len(grid) == 1 and grid.stride == 64
