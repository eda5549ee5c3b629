import numpy as np
import pytest

from crt.models.outputs import VitOutputs, merge_patches
from crt.models.tiles import TileGrid


def test_patches_are_averaged_where_tiles_overlap_and_padding_is_left_out():
    grid = TileGrid(24, 40, 32, 16)  # two tiles over 32 × 48 pixels, of which the image has 24 × 40
    assert (len(grid), grid.patch_cells) == (2, (2, 3))
    values = np.array([[1.0, 2, 3, 4], [10, 20, 30, 40]], np.float32)
    assert merge_patches(grid, values).tolist() == [[1, 6, 20], [3, 17, 40]]


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_every_leading_axis_is_merged_by_itself(lead):
    grid = TileGrid(24, 40, 32, 16)
    values = np.random.default_rng(0).random((*lead, 2, 4), dtype=np.float32)
    found = merge_patches(grid, values)
    assert found.shape == (*lead, 2, 3) and found.dtype == np.float32 and found.flags.c_contiguous
    for index in np.ndindex(*lead):
        np.testing.assert_array_equal(found[index], merge_patches(grid, values[index]))


def test_rows_and_columns_that_hold_only_padding_are_left_out():
    grid = TileGrid(10, 33, 32, 16)
    assert grid.padded == (32, 48) and grid.patch_cells == (1, 3)
    assert merge_patches(grid, np.ones((2, 4), np.float32)).tolist() == [[1, 1, 1]]


def test_the_mean_over_heads_and_the_largest_loop_count():
    attention = np.arange(2 * 3 * 2 * 1 * 4, dtype=np.float32).reshape(2, 3, 2, 1, 4)
    outputs = VitOutputs(np.zeros((3, 1, 1, 2, 2)), attention, np.zeros(3), np.zeros(2), np.zeros((3, 1)))
    assert outputs.loops == 2
    np.testing.assert_array_equal(outputs.mean_cls_attn, (attention[:, :, 0] + attention[:, :, 1]) / 2)
    plain = VitOutputs(outputs.cams, attention[:, :, 0], outputs.similarity, outputs.residual, outputs.scores)
    assert plain.mean_cls_attn is plain.cls_attn
