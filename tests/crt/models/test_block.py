"""A block by parts of products against timm's own."""

from functools import partial

import pytest
import torch
from timm.layers.mlp import GluMlp
from torch import nn
from torch.profiler import ProfilerActivity, profile

from crt.models.attention import attend, attend_only
from crt.models.block import run_block
from tests.helpers.small_vits import KINDS, small_branch


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inference", [True, False])
def test_a_block_is_timm_s(kind, inference):
    block, x = small_branch(kind).blocks[1], torch.randn(3, 9, 32)
    with torch.inference_mode(inference), torch.no_grad():
        wanted, before = block(x), x.clone()
        out, none = run_block(block, x, attend_only)
        again, row = run_block(block, x, attend)
        _, first = run_block(block, x, partial(attend, summary=lambda q, k: (q @ k.mT).softmax(-1)[:, :, 0]))
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(again, wanted)
    torch.testing.assert_close(row, first)
    assert none is None
    assert torch.equal(x, before)  # the loop adds to it later


@pytest.mark.parametrize(
    "change",
    [
        lambda block: setattr(block.mlp, "act", nn.ReLU()),
        lambda block: setattr(block.mlp, "act", nn.GELU("tanh")),
        lambda block: setattr(block.mlp, "norm", nn.LayerNorm(128)),
        lambda block: setattr(block, "mlp", GluMlp(32, 64)),
    ],
)
def test_other_mlps_run_by_themselves(change):
    block, x = small_branch().blocks[0], torch.randn(2, 5, 32)
    change(block)
    with torch.inference_mode():
        torch.testing.assert_close(run_block(block, x, attend_only)[0], block(x))


def test_between_the_products_of_a_plain_block_there_are_norms_alone():
    net = small_branch()
    x = torch.randn(2, 17, 32)
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as profiled:
        net.encode(x)
    found = {event.key: event.count for event in profiled.key_averages()}
    assert found["mkldnn::_linear_pointwise"] == 4 * net.depth
    assert not {"aten::add", "aten::add_", "aten::gelu", "aten::addmm", "aten::mm", "aten::copy_", "aten::cat"} & set(
        found
    )


def test_gradients_are_those_of_timm_s_blocks():
    net, x = small_branch().train(), torch.randn(2, 17, 32, requires_grad=True)
    net.encode(x)[0].square().mean().backward()
    wanted, grads = x.grad, [parameter.grad for parameter in net.vit.blocks.parameters()]
    assert all(grad is not None for grad in grads)
    net.zero_grad()
    x.grad = None
    net.encode_with(x)[0].square().mean().backward()
    torch.testing.assert_close(x.grad, wanted)
