import numpy as np
import pytest
import torch

from crt.analysis.rollout import roll
from crt.checkpoint import load_checkpoint
from crt.models.outputs import merge_patches
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.naive import make_image, merged, naive, of
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny"))))


@pytest.mark.parametrize("kind", ["plain", "registers", "patch14-qk-norm", "distilled"])
@pytest.mark.parametrize("loops", [0, 1, 3])
def test_heads_and_rollout_are_those_of_whole_matrices(kind, loops):
    small, wanted = of(kind, tile_batch=3), InferenceConfig(size=130, loops=loops)
    view = small.layers(make_image(), wanted)
    grid, matrices, _ = naive(small, "crt", wanted)
    prefix = small.checkpoint.networks["crt"].num_prefix_tokens
    assert view.grid == grid and len(grid) > 3
    heads = np.moveaxis(matrices[:, :, :, :, 0, prefix:], 0, 3)
    np.testing.assert_allclose(view.heads, heads, rtol=1e-3, atol=1e-6)
    mixed = 0.5 * matrices.astype(np.float64).mean(3) + 0.5 * np.eye(matrices.shape[-1])  # (n, passes, blocks, N, N)
    product = mixed[:, :, 0]
    for block in range(1, mixed.shape[2]):
        product = mixed[:, :, block] @ product
    np.testing.assert_allclose(product.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(view.rollout, np.moveaxis(product[:, :, 0, prefix:], 0, 1), rtol=1e-3, atol=1e-6)
    for array in (view.heads, view.rollout):
        assert array.dtype == np.float32 and array.flags.c_contiguous
        assert array.min() > 0 and array.sum(-1).max() < 1


@pytest.mark.parametrize("mode", ["overlap", "non-overlap", "bilinear", "deconvolution"])
def test_in_every_mode(mode):
    small, wanted = of("registers"), InferenceConfig(size=100, loops=2, mode=mode)
    view = small.layers(make_image(), wanted)
    grid, matrices, _ = naive(small, "crt", wanted)
    found = merge_patches(view.grid, view.heads)
    assert found.shape == (2, 3, 4, *grid.patch_cells)
    np.testing.assert_allclose(found, merged(grid, matrices[:, :, :, :, 0, 5:]), rtol=1e-3, atol=1e-6)
    assert merge_patches(view.grid, view.rollout).shape == (2, *grid.patch_cells)


@pytest.mark.parametrize("method", ["crt", "tscam"])
def test_heads_are_those_of_a_prediction(predictor, method):
    wanted = InferenceConfig(size=128, loops=3, heads=True)
    view, prediction = predictor.layers(make_image(), wanted, method=method), predictor.predict(make_image(), wanted)
    assert view.grid == prediction.grid
    np.testing.assert_array_equal(view.heads.shape, prediction.records[method].cls_attn.shape)
    np.testing.assert_allclose(view.heads, prediction.records[method].cls_attn, rtol=1e-4, atol=1e-7)
    assert view.rollout.shape == (3 if method == "crt" else 1, len(prediction.grid), 16)


def test_rollout_is_float32_under_autocast():
    matrix, attention = torch.rand(2, 5, 5).softmax(-1), torch.rand(2, 5, 5).softmax(-1)
    with torch.autocast("cpu", torch.bfloat16):
        found = roll(matrix, attention)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, roll(matrix, attention), rtol=0, atol=0)
