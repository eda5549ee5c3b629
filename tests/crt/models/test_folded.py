"""Folded convolutions give what the layers give one after the other."""

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from crt.models.cnn import CnnBranch, build_resnet
from crt.models.folded import run_folded, run_layers
from crt.models.frozen_bn import batch_norms, fold_batch_norm

PLAIN = ("test_resnet", "resnet18", "resnet18d", "resnet26t", "resnet50", "resnext50_32x4d")
OTHER = ("seresnet50", "resnetblur18", "resnet50_gn")
STAGES = ("conv1", "bn1", "act1", "maxpool", "layer1", "layer2", "layer3", "layer4")


def stages(name: str) -> list[nn.Module]:
    """The stages of a seeded ResNet whose norms are not neutral."""
    torch.manual_seed(0)
    resnet = build_resnet(name)
    for norm in batch_norms(resnet):
        for value in norm.state_dict().values():
            if value.is_floating_point():
                value.add_(0.1 * torch.rand_like(value))
    return [resnet.get_submodule(stage) for stage in STAGES]


def one_by_one(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def operators(run) -> set[str]:
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        run()
    return {event.key for event in profiled.key_averages()}


@pytest.mark.parametrize("name", PLAIN + OTHER)
def test_folded_layers_give_what_the_layers_give(name):
    layers, x = stages(name), torch.randn(2, 3, 65, 48)
    with torch.inference_mode():
        wanted = one_by_one(layers, x)
        torch.testing.assert_close(run_folded(layers, x), wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_resnet_has_no_norm_sum_or_relu_left(name):
    layers, x = stages(name), torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        found = operators(lambda: run_folded(layers, x))
    assert not {"aten::native_batch_norm", "aten::relu_", "aten::relu", "aten::clamp_min_", "aten::add_"} & found
    assert "mkldnn::_convolution_pointwise" in found


def test_layers_are_folded_in_float32_inference_alone():
    layers, x = stages("test_resnet"), torch.randn(1, 3, 32, 32)
    folded = "mkldnn::_convolution_pointwise"
    with torch.inference_mode():
        assert folded in operators(lambda: run_layers(layers, x))
        with torch.autocast("cpu", torch.bfloat16):
            assert folded not in operators(lambda: run_layers(layers, x))
    with torch.no_grad():  # where explainers may have hooks, and captured operations must stay torch's own
        assert folded not in operators(lambda: run_layers(layers, x))
        torch.testing.assert_close(run_layers(layers, x), one_by_one(layers, x))


def test_gradients_pass_outside_of_inference():
    x = torch.randn(1, 3, 32, 32, requires_grad=True)
    run_layers(stages("test_resnet"), x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_the_weights_stay_as_they_are():
    layers = stages("test_resnet")
    before = [parameter.clone() for layer in layers for parameter in layer.parameters()]
    with torch.inference_mode():
        run_folded(layers, torch.randn(1, 3, 32, 32))
    after = [parameter for layer in layers for parameter in layer.parameters()]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("where", [0, 4, 7, "conv2", "bn1", "act2"])
def test_layers_with_hooks_run_by_themselves(where):
    layers, x, seen = stages("resnet18"), torch.randn(1, 3, 32, 32), []
    part = layers[where] if isinstance(where, int) else layers[5].get_submodule(f"0.{where}")
    with torch.inference_mode():
        wanted = run_folded(layers, x)
        handle = part.register_forward_hook(lambda *given: seen.append(given))
        torch.testing.assert_close(run_folded(layers, x), wanted, rtol=1e-4, atol=1e-4)
        handle.remove()
    assert len(seen) == 1


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("normed", [False, True])
def test_a_folded_weight_does_the_work_of_the_norm(bias, normed):
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(4, 6, 3, bias=bias), nn.BatchNorm2d(6).eval() if normed else None
    if norm is not None:
        for value in norm.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.rand_like(value))
    x = torch.randn(2, 4, 7, 5)
    weight, offset = fold_batch_norm(conv, norm)
    wanted = conv(x) if norm is None else norm(conv(x))
    torch.testing.assert_close(torch.conv2d(x, weight, offset), wanted, rtol=1e-5, atol=1e-6)


def test_a_norm_in_training_mode_is_not_folded():
    torch.manual_seed(0)
    layers, x = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)], torch.randn(2, 3, 9, 9)
    with torch.inference_mode():
        found = run_folded(layers, x)
        torch.testing.assert_close(found.mean((0, 2, 3)), torch.zeros(4), atol=1e-6, rtol=0)


def test_a_branch_gives_the_same_maps_in_inference_mode():
    torch.manual_seed(0)
    net, x = CnnBranch(build_resnet("resnet18"), 3), torch.randn(2, 3, 70, 61)
    with torch.no_grad():
        wanted = net(x)
    with torch.inference_mode():
        torch.testing.assert_close(net(x), wanted, rtol=1e-4, atol=1e-5)
