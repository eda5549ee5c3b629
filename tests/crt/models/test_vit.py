import pytest
import torch

from crt.errors import InvalidSetting
from crt.models.tiles import TileGrid
from crt.models.vit import transformer_of
from tests.helpers.small_vits import KINDS, small_branch


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("kind", KINDS)
def test_with_rows_or_without_the_tokens_are_the_same(kind):
    net = small_branch(kind)
    x = net.embed(torch.randn(2, 3, net.tile, net.tile))
    tokens, none = net.encode(x)
    again, rows = net.encode_with_cls_attn(x)
    assert none is None
    torch.testing.assert_close(tokens, again)
    assert rows.shape == (2, 2, 2, net.side**2)
    assert rows.dtype == torch.float32
    assert 0 < rows.sum(-1).max() < 1  # what the class token gives to itself and the registers is left out


@pytest.mark.parametrize("kind", KINDS)
def test_loops_0_are_timm_s_own_features(kind):
    net = small_branch(kind)
    tiles = torch.randn(2, 3, net.tile, net.tile)
    (step,) = net.steps(tiles, 0)
    assert step.tokens.shape == (2, net.side**2, 32)
    torch.testing.assert_close(step.tokens, net.vit.forward_features(tiles)[:, net.num_prefix_tokens :])


@pytest.mark.parametrize("kind", KINDS)
def test_forward_is_steps_head_and_merge(kind):
    net = small_branch(kind)
    grid = TileGrid(100, 130, net.tile, net.patch)
    image = torch.randn(2, 3, 100, 130)
    tiles = grid.cut(grid.pad(image))
    for step in net.steps(tiles, 2, cls_attn=False):
        assert step.cls_attn is None
        torch.testing.assert_close(net(image, step.loops, grid), grid.merge(net.head(step.tokens, grid)))


@pytest.mark.parametrize("rows", [True, False])
def test_the_first_passes_of_several_are_float32_under_autocast(rows):
    net = small_branch()
    tiles, grid = torch.randn(2, 3, 64, 64), TileGrid(64, 64, 64, 16)
    wanted = list(net.steps(tiles, 4, cls_attn=rows))
    with torch.autocast("cpu", torch.bfloat16):
        found = [step._replace(tokens=net.raw_cams(step.tokens, grid)) for step in net.steps(tiles, 4, cls_attn=rows)]
    for one, other in zip(found, wanted, strict=True):
        exact, close = net.head(other.tokens, grid), {"rtol": 0, "atol": 0.05}
        torch.testing.assert_close(one.tokens, exact, **(close if one.loops > 2 else {}))
        assert one.tokens.dtype == torch.float32
        assert (one.loops > 2) == bool((one.tokens != exact).any())  # the later passes do run in bfloat16
        if rows and one.cls_attn is not None and other.cls_attn is not None:
            torch.testing.assert_close(
                one.cls_attn, other.cls_attn, **({"rtol": 0.05, "atol": 0} if one.loops > 2 else {})
            )


def test_a_single_pass_runs_in_bfloat16_but_for_its_embedding():
    net, tiles = small_branch(), torch.randn(2, 3, 64, 64)
    embedded = []
    handle = net.vit.patch_embed.register_forward_hook(lambda module, args, out: embedded.append(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        (found,) = net.steps(tiles, 0)
    handle.remove()
    (wanted,) = net.steps(tiles, 0)
    assert embedded == [torch.float32]
    assert (found.tokens != wanted.tokens).any()
    torch.testing.assert_close(found.tokens, wanted.tokens, rtol=0, atol=0.1)


def test_the_numbers_of_a_branch():
    net = small_branch("registers")
    assert (net.tile, net.patch, net.side, net.depth, net.heads, net.num_prefix_tokens) == (64, 16, 4, 2, 2, 5)
    assert len(net.blocks) == 2
    assert small_branch("patch14").side == 6


def test_every_tile_has_the_same_position_embedding():
    net, grid = small_branch(), TileGrid(96, 96, 64)
    patch = torch.randn(1, 3, 64, 64)
    image = torch.zeros(1, 3, 96, 96)
    image[..., :64, :64] = patch
    first = net.embed(grid.cut(grid.pad(image)))[:1]
    torch.testing.assert_close(first, net.embed(patch))


def test_gradients_reach_the_embedding_through_every_pass():
    net = small_branch().train()
    with torch.enable_grad():
        net(torch.randn(1, 3, 64, 64), 3, TileGrid(64, 64, 64)).square().mean().backward()
    assert all(p.grad is not None for p in (net.vit.patch_embed.proj.weight, net.head.classifier.weight))


def test_the_transformer_of_a_name():
    net = small_branch()
    assert transformer_of({"resnet": torch.nn.Identity(), "crt": net}, "crt") is net
    for networks, choice in (({"resnet": torch.nn.Identity(), "crt": net}, "crt"), ({}, "another checkpoint")):
        with pytest.raises(InvalidSetting, match=f"resnet is not a transformer of this checkpoint: choose {choice}"):
            transformer_of(networks, "resnet")
