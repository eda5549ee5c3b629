"""Linear layers with what follows them in one operation."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.profiler import ProfilerActivity, profile

from crt.models.linear import linear

FUSED = "mkldnn::_linear_pointwise"


def operators(run) -> set[str]:
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        run()
    return {event.key for event in profiled.key_averages()}


def made(bias=True):
    torch.manual_seed(0)
    return nn.Linear(24, 40, bias=bias), torch.randn(3, 7, 24), torch.randn(3, 7, 40)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("fused", [True, False])
def test_the_operation_is_the_layer_and_what_follows(bias, fused):
    layer, x, other = made(bias)
    with torch.inference_mode(fused), torch.no_grad():
        plain = F.linear(x, layer.weight, layer.bias)
        torch.testing.assert_close(linear(layer, x), plain)
        torch.testing.assert_close(linear(layer, x, gelu=True), F.gelu(plain))
        torch.testing.assert_close(linear(layer, x, add=other), plain + other)
        assert (FUSED in operators(lambda: linear(layer, x))) == fused


def test_what_is_added_and_the_tokens_stay_as_they_are():
    layer, x, other = made()
    before = x.clone(), other.clone()
    with torch.inference_mode():
        linear(layer, x, add=other)
        linear(layer, x, gelu=True)
    assert torch.equal(x, before[0]) and torch.equal(other, before[1])


def test_a_view_that_is_not_contiguous_does_as_well():
    layer, _, other = made()
    x = torch.randn(24, 7, 3).permute(2, 1, 0)
    with torch.inference_mode():
        torch.testing.assert_close(linear(layer, x, add=other), F.linear(x, layer.weight, layer.bias) + other)


def test_under_autocast_with_hooks_and_with_gradients_the_layer_runs_by_itself():
    layer, x, other = made()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert linear(layer, x).dtype == torch.bfloat16
        assert linear(layer, x, add=other).dtype == torch.float32
    seen = []
    handle = layer.register_forward_hook(lambda *given: seen.append(given))
    with torch.inference_mode():
        linear(layer, x)
    handle.remove()
    assert len(seen) == 1
    linear(layer, x, gelu=True).sum().backward()
    assert layer.weight.grad is not None
