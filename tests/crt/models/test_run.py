from contextlib import nullcontext

import numpy as np
import pytest
import torch

from crt.models.cam_head import class_scores
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.outputs import VitOutputs
from crt.models.run import run_cnn, run_logits, run_transformer
from crt.models.tiles import TileGrid
from tests.helpers.small_vits import small_branch

GRID = TileGrid(64, 96, 64)
"""Two tiles."""
PIXELS = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def run(loops: int = 2, *, heads: bool = False, tile_batch: int = 9, seen: list[float] | None = None) -> VitOutputs:
    advance = (lambda _: None) if seen is None else seen.append
    network = small_branch()
    return run_transformer(
        network, PIXELS, GRID, loops, heads=heads, tile_batch=tile_batch, autocast=nullcontext, advance=advance
    )


def test_the_arrays_of_a_transformer():
    found, network = run(), small_branch()
    steps = list(network.steps(GRID.cut(GRID.pad(PIXELS)), 2))
    for k, step in enumerate(steps):
        cams = network.raw_cams(step.tokens, GRID)
        np.testing.assert_allclose(found.cams[k], cams, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.scores[k], class_scores(GRID.merge(cams))[0], rtol=1e-5, atol=1e-6)
        assert found.similarity[k] == pytest.approx(float(step.similarity.mean()))
    for k, step in enumerate((steps[0], steps[2])):  # loops 0 and 1 share a pass
        assert step.cls_attn is not None
        np.testing.assert_allclose(found.cls_attn[k], step.cls_attn.mean(2), rtol=1e-5)
        assert found.residual[k] == pytest.approx(float(step.residual.mean()))
    assert found.cls_attn.shape == (2, 2, 2, 16) and found.cls_attn.flags.c_contiguous


def test_the_attention_of_each_head_is_kept_where_it_is_requested():
    heads = run(heads=True)
    assert heads.cls_attn.shape == (2, 2, 2, 2, 16)  # passes, blocks, heads, tiles, patches
    np.testing.assert_allclose(heads.mean_cls_attn, run().cls_attn, rtol=1e-5)
    assert (heads.cls_attn[:, :, 0] != heads.cls_attn[:, :, 1]).any()


@pytest.mark.parametrize(
    ("tile_batch", "wanted"), [(1, [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1]), (2, [1 / 3, 2 / 3, 1])]
)
def test_progress_is_the_share_of_tiles_and_loops(tile_batch, wanted):
    seen: list[float] = []
    found = run(tile_batch=tile_batch, seen=seen)
    assert seen == pytest.approx(wanted)
    for name, array in vars(run()).items():
        np.testing.assert_allclose(getattr(found, name), array, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tile_batch", [1, 3, 100])
@pytest.mark.parametrize("loops", [0, 2])
def test_logits_of_several_images_are_their_scores(tile_batch, loops):
    images = torch.cat([PIXELS, PIXELS.flip(-1)])
    found = run_logits(small_branch(), images, GRID, loops, tile_batch=tile_batch)
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[0], run(2).scores[loops], rtol=1e-4, atol=1e-5)
    assert (found[0] - found[1]).abs().max() > 1e-4


def test_a_cnn_gives_the_maps_of_its_classifier_and_their_mean():
    torch.manual_seed(1)
    network = CnnBranch(build_resnet("test_resnet"), 3).eval()
    found, maps = run_cnn(network, PIXELS, nullcontext), network(PIXELS)
    np.testing.assert_allclose(found.cams, maps[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.scores, maps[0].mean((1, 2)), rtol=1e-5, atol=1e-6)
    assert found.cams.flags.c_contiguous
    logits = run_logits(network, torch.cat([PIXELS, -PIXELS]), GRID, 5, tile_batch=1)
    np.testing.assert_allclose(logits[0], found.scores, rtol=1e-4, atol=1e-5)
