import pytest
import torch
from torch import nn

from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.deeplab import DeepLab
from crt.models.irn import IRN
from tests.helpers.narrow import present
from tests.helpers.tiny import resnet_of_stride_8


def branch(name="test_resnet", classes=3):
    torch.manual_seed(0)
    return CnnBranch(build_resnet(name), classes).eval()


@pytest.mark.parametrize("name", ["test_resnet", "resnet18", "resnet18d", "resnet26t", "resnet50"])
def test_stride_16_without_dilation(name):
    net = branch(name)
    with torch.no_grad():
        assert net(torch.randn(1, 3, 64, 96)).shape == (1, 3, 4, 6)
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert {conv.dilation for conv in convolutions} == {(1, 1)}
    last = net.resnet.get_submodule("layer4").modules()
    assert all(m.stride in (1, (1, 1)) for m in last if isinstance(m, (nn.Conv2d, nn.AvgPool2d)))
    assert net.classifier.bias is None


@pytest.mark.parametrize(("size", "cells"), [((1, 1), (1, 1)), ((16, 17), (1, 2)), ((33, 100), (3, 7))])
def test_any_size_gives_the_cells_that_it_touches(size, cells):
    with torch.no_grad():
        assert branch()(torch.randn(2, 3, *size)).shape == (2, 3, *cells)


def test_the_classifier_is_linear_on_the_features():
    net, x = branch(), torch.randn(2, 3, 48, 48)
    with torch.no_grad():
        wanted = torch.einsum("cf,nfhw->nchw", net.classifier.weight[:, :, 0, 0], net.features(x))
        torch.testing.assert_close(net(x), wanted)


def test_batch_norm_stays_frozen_in_training():
    net = branch().train()
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms
    assert net.training
    assert not any(norm.training for norm in norms)
    before = [present(norm.running_mean).clone() for norm in norms]
    net(5 + 3 * torch.randn(4, 3, 64, 64))
    assert all(torch.equal(present(norm.running_mean), mean) for norm, mean in zip(norms, before, strict=True))
    assert not net.eval().training


@pytest.mark.parametrize("wrap", [lambda net: CnnBranch(net, 3), lambda net: DeepLab(net, 4)])
def test_wrapping_a_resnet_leaves_its_tensors_as_they_are(wrap):
    resnet = build_resnet("test_resnet").train()
    wanted = _spread_statistics(resnet)
    _same_tensors(wrap(resnet).resnet, wanted)


def test_a_relation_network_leaves_the_branch_that_it_reads_as_it_is():
    net = CnnBranch(build_resnet("test_resnet"), 3).train()
    wanted, trained = _spread_statistics(net), [p.requires_grad for p in net.parameters()]
    relation = IRN(net.resnet)
    _same_tensors(net, wanted)
    relation.train()(5 + 3 * torch.randn(2, 3, 64, 64))
    _same_tensors(net, wanted)
    assert [p.requires_grad for p in net.parameters()] == trained


def _spread_statistics(network):
    """Random running statistics, which a forward pass in training mode would move -> all tensors of the state."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            present(module.running_mean).normal_()
            present(module.running_var).uniform_(0.5, 2)
    return {name: tensor.clone() for name, tensor in network.state_dict().items() if "fc." not in name}


def _same_tensors(network, wanted):
    state = network.state_dict()
    assert [name for name, tensor in wanted.items() if not torch.equal(state[name], tensor)] == []


def test_no_gradient_below_layer3():
    net = branch().train()
    net(torch.randn(2, 3, 64, 64)).square().mean().backward()
    for name, parameter in net.named_parameters():
        trained = name.startswith(("resnet.layer3", "resnet.layer4", "classifier"))
        assert parameter.requires_grad == trained
        assert (parameter.grad is not None) == trained, name


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "mobilenetv3_small_050", "test_convnext"])
def test_other_models_get_a_sentence(name):
    with torch.device("meta"), pytest.raises(InvalidCheckpoint, match=f"{name} is not a timm ResNet"):
        build_resnet(name)


def test_a_resnet_of_another_stride_is_refused():
    with pytest.raises(InvalidCheckpoint, match="8 cells of 64 pixels, not 4"):
        CnnBranch(resnet_of_stride_8(), 2)


def test_unknown_names_are_a_setting():
    with pytest.raises(InvalidSetting, match=r"timm\.list_models"):
        build_resnet("resnet_of_none")
