from functools import partial

import pytest
import timm
import torch
from timm.models.vision_transformer import VisionTransformer

from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch, attend, build_vit, token_row, transformer_of
from tests.helpers.narrow import present

SMALL = {"embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 0, "global_pool": ""}
KINDS = {
    "plain": {"patch_size": 16, "img_size": 64},
    "patch14": {"patch_size": 14, "img_size": 84},
    "registers": {"patch_size": 16, "img_size": 64, "reg_tokens": 4},
    "registers-unembedded": {"patch_size": 14, "img_size": 84, "reg_tokens": 4, "no_embed_class": True},
    "dinov2": {"patch_size": 14, "img_size": 56, "init_values": 1e-2},
    "qk-norm": {"patch_size": 16, "img_size": 64, "qk_norm": True},
    "pre-norm": {"patch_size": 16, "img_size": 64, "pre_norm": True},
    "no-bias": {"patch_size": 16, "img_size": 64, "qkv_bias": False},
}


def small(kind="plain", classes=3):
    torch.manual_seed(0)
    vit = VisionTransformer(**SMALL, **KINDS[kind])
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # so that no norm or bias is neutral
    return TransformerBranch(vit, classes).eval()


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("kind", KINDS)
def test_attend_is_timm_s_attention_and_its_row_a_softmax(kind):
    net = small(kind)
    attention, x = net.attentions[0], torch.randn(3, 9, 32)
    out, row = attend(attention, x)
    torch.testing.assert_close(out, attention(x))
    q, k, _ = attention.qkv(x).reshape(3, 9, 3, 2, 16).permute(2, 0, 3, 1, 4)
    whole = (attention.q_norm(q) @ attention.k_norm(k).transpose(-2, -1) / 16**0.5).softmax(-1)  # (n, heads, N, N)
    torch.testing.assert_close(row, whole[:, :, 0])
    torch.testing.assert_close(row.sum(-1), torch.ones(3, 2))


def test_attend_gives_the_row_of_any_token_and_what_a_look_wants():
    attention, x = small("registers").attentions[0], torch.randn(3, 9, 32)
    out, whole = attend(attention, x, lambda q, k: (q @ k.mT).softmax(-1))
    torch.testing.assert_close(out, attention(x))
    for query in range(9):
        _, row = attend(attention, x, partial(token_row, query=query))
        torch.testing.assert_close(row, whole[:, :, query])


@pytest.mark.parametrize("kind", KINDS)
def test_with_rows_or_without_the_tokens_are_the_same(kind):
    net = small(kind)
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
    net = small(kind)
    tiles = torch.randn(2, 3, net.tile, net.tile)
    (step,) = net.steps(tiles, 0)
    assert step.tokens.shape == (2, net.side**2, 32)
    torch.testing.assert_close(step.tokens, net.vit.forward_features(tiles)[:, net.num_prefix_tokens :])


@pytest.mark.parametrize("kind", KINDS)
def test_forward_is_steps_head_and_merge(kind):
    net = small(kind)
    grid = TileGrid(100, 130, net.tile, net.patch)
    image = torch.randn(2, 3, 100, 130)
    tiles = grid.cut(grid.pad(image))
    for step in net.steps(tiles, 2, cls_attn=False):
        assert step.cls_attn is None
        torch.testing.assert_close(net(image, step.loops, grid), grid.merge(net.head(step.tokens, grid)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("query", [None, 2])
def test_rows_are_float32_under_autocast(kind, query):
    """Queries, keys and their product: of bfloat16 ones the rows differ by percents."""
    attention, x = small(kind).attentions[0], torch.randn(3, 9, 32)
    look = None if query is None else partial(token_row, query=query)
    with torch.autocast("cpu", torch.bfloat16):
        _, found = attend(attention, x, look)
    _, wanted = attend(attention, x, look)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rows", [True, False])
def test_the_first_passes_of_several_are_float32_under_autocast(rows):
    net = small()
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
    net, tiles = small(), torch.randn(2, 3, 64, 64)
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
    net = small("registers")
    assert (net.tile, net.patch, net.side, net.depth, net.heads, net.num_prefix_tokens) == (64, 16, 4, 2, 2, 5)
    assert len(net.blocks) == 2
    assert small("patch14").side == 6


def test_a_distilled_deit_has_two_prefix_tokens():
    net = TransformerBranch(build_vit("deit_tiny_distilled_patch16_224", tile=64), 2).eval()
    assert net.num_prefix_tokens == 2
    tiles = torch.randn(1, 3, 64, 64)
    steps = list(net.steps(tiles, 1))
    assert steps[1].tokens.shape == (1, 16, 192)
    assert present(steps[1].cls_attn).shape == (12, 1, 3, 16)
    torch.testing.assert_close(steps[0].tokens, net.vit.forward_features(tiles)[:, 2:])


def test_every_tile_has_the_same_position_embedding():
    net, grid = small(), TileGrid(96, 96, 64)
    patch = torch.randn(1, 3, 64, 64)
    image = torch.zeros(1, 3, 96, 96)
    image[..., :64, :64] = patch
    first = net.embed(grid.cut(grid.pad(image)))[:1]
    torch.testing.assert_close(first, net.embed(patch))


def test_gradients_reach_the_embedding_through_every_pass():
    net = small().train()
    with torch.enable_grad():
        net(torch.randn(1, 3, 64, 64), 3, TileGrid(64, 64, 64)).square().mean().backward()
    assert all(p.grad is not None for p in (net.vit.patch_embed.proj.weight, net.head.classifier.weight))


def test_build_vit_takes_any_tile_and_patch():
    assert build_vit("test_vit", tile=96).patch_embed.grid_size == (6, 6)
    with torch.device("meta"):
        branch = TransformerBranch(build_vit("vit_small_patch14_reg4_dinov2", tile=224), 2)
    assert (branch.tile, branch.patch, branch.side, branch.num_prefix_tokens) == (224, 14, 16, 5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("swin_tiny_patch4_window7_224", "is not a plain timm VisionTransformer|square tiles"),
        ("eva02_tiny_patch14_224", "is not a plain timm VisionTransformer"),
        ("vit_base_patch16_gap_224", "has no class token"),
        ("vit_base_patch16_siglip_224", "has no class token"),
        ("resnet18", "not a vision transformer"),
        ("vit_medium_patch16_rope_reg1_gap_256", "is not a plain timm VisionTransformer|has no class token"),
        ("vit_small_r26_s32_224", "has a stem"),
        ("vit_relpos_small_patch16_224", "is not a plain|blocks of its own|square tiles"),
    ],
)
def test_models_that_do_not_fit_get_a_sentence(name, message):
    assert timm.is_model(name)
    with torch.device("meta"), pytest.raises(InvalidCheckpoint, match=message) as caught:
        build_vit(name)
    assert name in str(caught.value)
    assert str(caught.value).endswith(".")


def test_the_transformer_of_a_name():
    net = small()
    assert transformer_of({"resnet": torch.nn.Identity(), "crt": net}, "crt") is net
    for networks, choice in (({"resnet": torch.nn.Identity(), "crt": net}, "crt"), ({}, "another checkpoint")):
        with pytest.raises(InvalidSetting, match=f"resnet is not a transformer of this checkpoint: choose {choice}"):
            transformer_of(networks, "resnet")


def test_unknown_names_are_a_setting():
    with pytest.raises(InvalidSetting, match=r"timm\.list_models"):
        build_vit("vit_of_nobody")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"img_size": 48}, "even number"),
        ({"img_size": (64, 96)}, "square patches and tiles"),
        ({"patch_size": (16, 8), "img_size": 64}, "square patches and tiles"),
        ({"class_token": False, "global_pool": "avg"}, "no class token"),
    ],
)
def test_a_network_of_one_s_own_is_checked_too(kwargs, message):
    with pytest.raises(InvalidCheckpoint, match=message):
        TransformerBranch(VisionTransformer(**{**SMALL, **KINDS["plain"], **kwargs}), 2)
