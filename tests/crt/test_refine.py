from pathlib import Path
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidSetting
from crt.models.cam_head import CamHead, class_scores
from crt.models.loop import passes, unroll
from crt.models.tiles import TileGrid
from crt.pass_reductions import PASS_REDUCTIONS, PassReduction, blocks_between
from crt.refine import attention_map, refine
from crt.types import MAX_LOOPS
from scripts.dev.constants import module
from tests.helpers.narrow import present

ROOT = Path(__file__).parents[2]


class Encoder:
    """F(x) = x @ W, which also counts its passes and gives a row that names the pass."""

    def __init__(self):
        self.weight = torch.randn(8, 8, generator=torch.Generator().manual_seed(0)) / 8
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return x @ self.weight, torch.full((2, x.shape[0], 3, 4), float(self.calls))


def start():
    return torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1))


def test_the_equation_of_the_paper():
    encoder, x0 = Encoder(), start()
    steps = list(unroll(encoder, x0, 3, 1))
    torch.testing.assert_close(steps[0].tokens, x0 @ encoder.weight)
    x = x0
    for step in steps[1:]:
        x = x + x @ encoder.weight
        torch.testing.assert_close(step.tokens, x)


@pytest.mark.parametrize("loops", range(5))
def test_one_run_gives_what_separate_runs_give(loops):
    together, apart = Encoder(), Encoder()
    steps = list(unroll(together, start(), loops, 1))
    assert [step.loops for step in steps] == list(range(loops + 1))
    assert together.calls == passes(loops) == max(1, loops)
    for count, step in enumerate(steps):
        (last,) = unroll(Encoder(), start(), count, 1, every=False)
        assert last.loops == count
        torch.testing.assert_close(step.tokens, last.tokens)
        torch.testing.assert_close(step.similarity, last.similarity)
        torch.testing.assert_close(step.residual, last.residual)
    list(unroll(apart, start(), loops, 1, every=False))
    assert apart.calls == together.calls


def test_loops_0_and_1_share_the_pass():
    steps = list(unroll(Encoder(), start(), 2, 1))
    assert steps[0].cls_attn is steps[1].cls_attn
    assert [float(present(step.cls_attn).mean()) for step in steps] == [1, 1, 2]


def test_similarity_leaves_the_prefix_out():
    x0 = start()
    zero, one = unroll(Encoder(), x0, 1, 2)
    wanted = F.cosine_similarity(x0[:, 2:], one.tokens[:, 2:], dim=-1).mean(1)
    torch.testing.assert_close(one.similarity, wanted)
    wanted = F.cosine_similarity(x0[:, 2:], zero.tokens[:, 2:], dim=-1).mean(1)
    torch.testing.assert_close(zero.similarity, wanted)


def test_residual_is_the_size_of_each_correction():
    encoder, x = Encoder(), start()
    zero, *steps = unroll(encoder, x, 3, 2)
    torch.testing.assert_close(zero.residual, steps[0].residual, rtol=0, atol=0)  # one pass serves both
    for step in steps:
        correction = x @ encoder.weight
        wanted = (correction[:, 2:].square().sum(-1) / x[:, 2:].square().sum(-1)).sqrt().mean(1)
        torch.testing.assert_close(step.residual, wanted)
        x = x + correction
    (nothing,) = unroll(Encoder(), torch.zeros(2, 5, 8), 0, 1)
    torch.testing.assert_close(nothing.residual, torch.zeros(2))


def test_the_loop_is_lazy_and_can_be_left():
    encoder = Encoder()
    steps = unroll(encoder, start(), 8, 1)
    next(steps)
    next(steps)
    assert encoder.calls == 1


def test_negative_loops_are_refused():
    with pytest.raises(InvalidSetting, match="0 or more"):
        list(unroll(Encoder(), start(), -1, 1))


def rows() -> torch.Tensor:
    return torch.rand(3, 4, 2, 16, generator=torch.Generator().manual_seed(2))  # passes, blocks, n, patches


@pytest.mark.parametrize(("loops", "used"), [(0, 1), (1, 1), (2, 2), (3, 3)])
def test_attention_is_summed_over_the_passes_of_the_loop_count(loops, used):
    found = attention_map(rows(), loops)
    assert found.shape == (2, 1, 4, 4)
    torch.testing.assert_close(found.flatten(1), rows()[:used].mean(1).sum(0))
    torch.testing.assert_close(attention_map(rows(), loops, pass_reduction="mean") * used, found)
    torch.testing.assert_close(attention_map(rows(), loops, pass_reduction="last").flatten(1), rows()[used - 1].mean(0))


def test_tile_normalized_attention_is_the_first_passs_with_each_tile_by_itself():
    found = attention_map(rows(), 3, pass_reduction="tile_normalized", blocks=[1, 2]).flatten(1)
    first = rows()[0, 1:3].mean(0)
    torch.testing.assert_close(found.square() * first.amax(1, keepdim=True), first)
    assert found.amax(1).tolist() == [1, 1]
    dim = rows()
    dim[0, :, 1] /= 1000  # one tile whose class token attends to nearly nothing
    torch.testing.assert_close(
        attention_map(dim, 3, pass_reduction="tile_normalized"),
        attention_map(rows(), 3, pass_reduction="tile_normalized"),
    )
    assert attention_map(torch.zeros(1, 2, 1, 4), 0, pass_reduction="tile_normalized").tolist() == [[[[0, 0], [0, 0]]]]
    assert attention_map(rows(), 2, pass_reduction="first").flatten(1).equal(rows()[0].mean(0))


def test_blocks_from_a_first_to_a_last():
    assert blocks_between(None) is None
    assert list(present(blocks_between((2, 4)))) == [2, 3, 4]


def test_blocks_are_chosen_whatever_their_order():
    wanted = rows()[:2, [0, 3]].mean(1).sum(0)
    for blocks in ([0, 3], [3, 0], (3, 0, 3)):
        torch.testing.assert_close(attention_map(rows(), 2, blocks=blocks).flatten(1), wanted)
    torch.testing.assert_close(attention_map(rows(), 2, blocks=range(4)), attention_map(rows(), 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loops": 4}, "only 3 were run"),
        ({"loops": 1, "blocks": []}, "at least one block for the refinement, by its index from 0 to 3"),
        ({"loops": 1, "blocks": [4]}, "at least one block for the refinement, by its index from 0 to 3"),
        ({"loops": 1, "blocks": [-1]}, "at least one block for the refinement, by its index from 0 to 3"),
        ({"loops": 1, "pass_reduction": "max"}, "Unknown pass reduction"),
    ],
)
def test_what_was_not_recorded_is_refused(arguments, message):
    with pytest.raises(InvalidSetting, match=message):
        attention_map(rows(), **arguments)


def test_refine_multiplies_and_follows_a_finer_grid():
    maps, attention = torch.randn(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    torch.testing.assert_close(refine(maps, attention), maps * attention)
    finer = torch.randn(2, 3, 8, 8)
    assert refine(finer, attention).shape == finer.shape
    torch.testing.assert_close(refine(finer, torch.full((2, 1, 4, 4), 0.5)), finer / 2)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.125, 8, width=32))
def test_a_constant_factor_of_the_attention_is_one_of_the_map(factor):
    maps, attention = torch.ones(1, 2, 4, 4), attention_map(rows()[:, :, :1], 2)
    torch.testing.assert_close(refine(maps, attention * factor), refine(maps, attention) * factor)


def test_the_head_is_a_convolution_over_the_grid_of_tokens():
    torch.manual_seed(0)
    head, grid = CamHead(6, 3), TileGrid(64, 64, 64)
    tokens = torch.randn(2, 16, 6)
    maps = head(tokens, grid)
    square = tokens.reshape(2, 4, 4, 6).permute(0, 3, 1, 2)
    torch.testing.assert_close(maps, F.conv2d(square, head.classifier.weight, head.classifier.bias, padding=1))
    torch.testing.assert_close(class_scores(maps), maps.mean((2, 3)))


def test_a_head_fits_its_modes_only():
    tokens = torch.randn(1, 16, 6)
    fine = CamHead(6, 3, deconvolution=True)
    assert fine(tokens, TileGrid(64, 64, 64, mode="deconvolution")).shape == (1, 3, 8, 8)
    assert CamHead(6, 3)(tokens, TileGrid(100, 40, 64, mode="bilinear")).shape == (1, 3, 7, 7)
    with pytest.raises(InvalidSetting, match="was trained with a learned deconvolution"):
        fine(tokens, TileGrid(64, 64, 64))
    with pytest.raises(InvalidSetting, match="has no learned deconvolution"):
        CamHead(6, 3)(tokens, TileGrid(64, 64, 64, mode="deconvolution"))


def test_every_reduction_is_named_described_and_weighs_each_pass():
    assert tuple(PASS_REDUCTIONS) == get_args(PassReduction)
    for name, reduction in PASS_REDUCTIONS.items():
        assert reduction.label and reduction.description, name
        for count in range(1, MAX_LOOPS + 1):
            weights = reduction.weights(count)
            assert len(weights) == count and sum(weights) == pytest.approx(count if name == "sum" else 1), name


def test_the_page_has_the_constants_of_the_library():
    written = ROOT / "app" / "viewer" / "core" / "constants.mjs"
    assert written.read_text(encoding="utf-8") == module(), "run python -m scripts.dev.constants"


def test_one_pass_is_a_singular():
    with pytest.raises(InvalidSetting, match="loop count 2 needs 2 passes, only 1 was run"):
        attention_map(rows()[:1], 2)


def test_the_weights_of_every_reduction_by_hand():
    wanted: dict[PassReduction, tuple[float, ...]] = {
        "sum": (1, 1, 1),
        "mean": (1 / 3, 1 / 3, 1 / 3),
        "first": (1, 0, 0),
        "last": (0, 0, 1),
        "tile_normalized": (1, 0, 0),
    }
    assert {name: reduction.weights(3) for name, reduction in PASS_REDUCTIONS.items()} == wanted
    assert [name for name, reduction in PASS_REDUCTIONS.items() if reduction.tile_normalized] == ["tile_normalized"]
    for name, weights in wanted.items():
        found = attention_map(rows(), 3, pass_reduction=name).flatten(1)
        summed = torch.stack([weight * row for weight, row in zip(weights, rows().mean(1), strict=True)]).sum(0)
        if name == "tile_normalized":
            summed = (summed / summed.amax(1, keepdim=True)).sqrt()
        torch.testing.assert_close(found, summed)
