"""DeepLab-V2 against timm's own dilated ResNets and plain arithmetic, and its test time on images of any size."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from timm.models.resnet import ResNet
from torch import nn

from crt.data.resizing import resize_scale, to_tensor
from crt.errors import InvalidCheckpoint, InvalidImage, InvalidSetting
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.deeplab import DeepLab, build_deeplab, on_pixels, segment
from crt.models.normalization import normalization_of
from crt.pseudo_labels.crf import crf_probabilities
from crt.types import Stride
from tests.helpers.narrow import instance, present
from tests.helpers.tiny import RESNET, resnet_of_stride_8

LABELS = 4


def spread(network: nn.Module) -> None:
    """Random batch norms: timm's start at zero at the end of each block, which would leave only the shortcuts."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.3, 0.7)
            nn.init.normal_(norm.bias, std=0.1)
            nn.init.normal_(present(norm.running_mean), std=0.1)
            nn.init.uniform_(present(norm.running_var), 0.5, 1.5)


def network(name: str = RESNET, stride: Stride = 8) -> DeepLab:
    """Random weights, and classifiers so wide that the probabilities of a random image differ."""
    torch.manual_seed(0)
    net = build_deeplab(name, LABELS, stride=stride).eval()
    spread(net)
    for parameter in net.aspp.parameters():
        nn.init.normal_(parameter, std=0.3)
    return net


def timm_resnet(name: str, stride: int) -> ResNet:
    """The same ResNet as timm dilates it."""
    return instance(ResNet, timm.create_model(name, num_classes=0, global_pool="", output_stride=stride).eval())


def make_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("name", [RESNET, "resnet18", "resnet10t", "resnet26", "resnet50"])
def test_the_backbone_is_that_of_timm(name: str, stride) -> None:
    net = network(name, stride)
    reference = timm_resnet(name, stride)
    reference.load_state_dict(net.resnet.state_dict())
    x = torch.randn(1, 3, 64, 81)
    with torch.no_grad():
        assert net(x).shape == (1, LABELS, 64 // stride, -(-81 // stride))
        torch.testing.assert_close(net.resnet.forward_features(x), reference.forward_features(x))


@pytest.mark.parametrize("name", ["resnet18d", "resnet26"])
def test_whatever_strides_a_resnet_had_before(name: str) -> None:
    torch.manual_seed(0)
    taken = CnnBranch(build_resnet(name), 3).eval().requires_grad_(False).resnet
    spread(taken)
    x = torch.randn(1, 3, 65, 65)
    for stride in (8, 16, 8):
        net = DeepLab(taken, LABELS, stride=stride).eval()
        reference = timm_resnet(name, stride)
        reference.load_state_dict(taken.state_dict())
        with torch.no_grad():
            torch.testing.assert_close(net.resnet.forward_features(x), reference.forward_features(x))
        assert any(parameter.requires_grad for parameter in net.resnet.parameters())


@pytest.mark.parametrize(("stride", "rates"), [(8, (6, 12, 18, 24)), (16, (3, 6, 9, 12))])
def test_the_pyramid_is_the_sum_of_four_convolutions(stride, rates: tuple[int, ...]) -> None:
    net, x = network(stride=stride), torch.randn(2, 3, 72, 100)
    with torch.no_grad():
        features = net.resnet.forward_features(x)
        branches = [instance(nn.Conv2d, branch) for branch in net.aspp.branches]
        wanted = sum(
            F.conv2d(features, branch.weight, branch.bias, padding=rate, dilation=rate)
            for branch, rate in zip(branches, rates, strict=True)
        )
        torch.testing.assert_close(net(x), wanted)


def test_the_classifiers_start_small() -> None:
    torch.manual_seed(0)
    weights = torch.cat([p.flatten() for p in build_deeplab("resnet18", 21).aspp.parameters() if p.ndim == 4])
    assert weights.std().item() == pytest.approx(0.01, rel=0.02)
    assert abs(weights.mean().item()) < 1e-4


def test_what_is_trained() -> None:
    net = network().train()
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    before = [present(norm.running_mean).clone() for norm in norms]
    net(3 + 2 * torch.randn(2, 3, 65, 65)).square().mean().backward()
    assert all(torch.equal(present(norm.running_mean), mean) for norm, mean in zip(norms, before, strict=True))
    of_norms = {id(p) for norm in norms for p in norm.parameters()}
    for name, parameter in net.named_parameters():
        learns = id(parameter) not in of_norms and not name.startswith(("resnet.conv1", "resnet.bn1"))
        assert parameter.requires_grad == (parameter.grad is not None) == learns, name


def test_training_separates_two_halves() -> None:
    net = network().train()
    image, labels = make_image(64, 97) // 8, torch.zeros(1, 64, 97, dtype=torch.long)
    image[:, 40:] += 160
    labels[..., 40:] = 2
    labels[..., 30:50] = 255
    # with its mirror image, or the place of the halves would be learned, which dilated zeros at the edges tell
    crops, cells = to_tensor(image, *normalization_of(net)), labels[:, ::8, ::8]
    crops, cells = torch.cat([crops, crops.flip(-1)]), torch.cat([cells, cells.flip(-1)])
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], 0.003)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(net(crops), cells, ignore_index=255).backward()
        optimizer.step()
    found = segment(net.eval(), image, scales=(1.0,)).argmax(0)
    known = labels[0] != 255
    assert (torch.from_numpy(found)[known] == labels[0][known]).float().mean() > 0.95


@pytest.mark.parametrize("stride", [8, 16])
def test_cells_lie_on_multiples_of_the_stride(stride) -> None:
    net = network("resnet18", stride)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):  # a network that sees left as it sees right
                module.weight.copy_((module.weight + module.weight.flip(-1)) / 2)
        x = torch.randn(1, 3, 65, 6 * stride + 1)
        torch.testing.assert_close(net(x.flip(-1)), net(x).flip(-1))
        x = torch.randn(1, 3, 65, 6 * stride)
        assert (net(x.flip(-1)) - net(x).flip(-1)).abs().max() > 0.1


def test_on_pixels_is_bilinear_with_aligned_corners() -> None:
    cells = torch.randn(2, 3, 6, 9)
    whole = F.interpolate(cells, (41, 65), mode="bilinear", align_corners=True)
    torch.testing.assert_close(on_pixels(cells, 8, (41, 65)), whole)
    torch.testing.assert_close(on_pixels(cells, 8, (39, 60)), whole[..., :39, :60])
    torch.testing.assert_close(on_pixels(cells, 8, (41, 65))[..., ::8, ::8], cells)
    # seen at another size: a ramp over the cells is a ramp over the pixels, each at its middle
    ramp = torch.arange(9.0).expand(1, 1, 6, 9)
    middles = (torch.arange(100) + 0.5) * 60 / 100 - 0.5
    wanted = (middles / 8).clamp(min=0).expand(1, 1, 50, 100)
    torch.testing.assert_close(on_pixels(ramp, 8, (50, 100), (39, 60)), wanted)
    assert on_pixels(cells.bfloat16(), 8, (41, 65)).dtype == torch.float32


def plain_logits(net: DeepLab, image: np.ndarray, scale: float, *, mirrored: bool) -> torch.Tensor:
    """What `segment` should make of one view, by padding to whole cells and torch's own resizing."""
    scaled = to_tensor(resize_scale(image, scale), *normalization_of(net))
    scaled = scaled.flip(-1) if mirrored else scaled
    height, width = scaled.shape[-2:]
    down, right = -(-(height - 1) // net.stride), -(-(width - 1) // net.stride)
    padded = torch.zeros(1, 3, down * net.stride + 1, right * net.stride + 1)
    padded[..., :height, :width] = scaled
    fine = F.interpolate(net(padded), padded.shape[-2:], mode="bilinear", align_corners=True)[..., :height, :width]
    resized = F.interpolate(fine, image.shape[:2], mode="bilinear", align_corners=False)[0]
    return resized.flip(-1) if mirrored else resized


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("size", [(64, 80), (65, 81), (50, 71)])
def test_one_scale_is_the_plain_forward_resized(size: tuple[int, int], stride) -> None:
    net, image = network(stride=stride), make_image(*size)
    with torch.no_grad():
        wanted = plain_logits(net, image, 1, mirrored=False).softmax(0)
    found = segment(net, image, scales=(1.0,), flip=False)
    assert found.dtype == np.float32 and found.std() > 0.01
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_scales_are_joined_by_their_maximum_and_mirror_images_by_their_mean() -> None:
    net, image = network(), make_image(48, 66)
    with torch.no_grad():
        views = [[plain_logits(net, image, scale, mirrored=m) for m in (False, True)] for scale in (1.0, 2.0)]
    wanted = torch.stack([(a + b) / 2 for a, b in views]).amax(0).softmax(0)
    # cells are read off once here, twice above, which differs by a little between pixels
    np.testing.assert_allclose(segment(net, image, scales=(1.0, 2.0)), wanted, atol=0.01)
    assert np.abs(segment(net, image, scales=(1.0,)) - wanted.numpy()).max() > 0.05


@pytest.mark.parametrize("width", [64, 65, 75])
def test_a_mirrored_image_has_a_mirrored_answer(width: int) -> None:
    net, image = network(), make_image(40, width)
    plain, mirrored = segment(net, image), segment(net, np.ascontiguousarray(image[:, ::-1]))
    np.testing.assert_allclose(mirrored, plain[..., ::-1], atol=1e-3)
    one = segment(net, image, flip=False)
    assert np.abs(segment(net, image[:, ::-1], flip=False) - one[..., ::-1]).max() > 0.01


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (33, 2), (17, 31)])
def test_images_of_any_size(size: tuple[int, int]) -> None:
    net, image = network(), make_image(*size)
    probs = segment(net, image)
    assert probs.shape == (LABELS, *size) and probs.dtype == np.float32
    np.testing.assert_allclose(probs.sum(0), 1, atol=1e-5)


@pytest.mark.dense_crf
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (33, 2), (17, 31)])
def test_the_crf_takes_images_of_any_size(size: tuple[int, int]) -> None:
    image = make_image(*size)
    refined = crf_probabilities(image, segment(network(), image, scales=(1.0,)))
    assert refined.shape == (LABELS, *size)


def test_bfloat16_is_near_float32() -> None:
    net, image = network(), make_image(40, 40)
    half = segment(net, image, scales=(1.0,), bfloat16=True)
    whole = segment(net, image, scales=(1.0,))
    assert half.dtype == np.float32 and not np.array_equal(half, whole)
    np.testing.assert_allclose(half, whole, atol=0.1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"labels": 1}, "2 to 255 labels"),
        ({"labels": 256}, "2 to 255 labels"),
        ({"stride": 4}, "choose 8 or 16"),
        ({"rates": ()}, "atrous rates"),
        ({"rates": (0, 6)}, "atrous rates"),
        ({"stride": 16, "rates": (3, 6)}, "even ones"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        DeepLab(build_resnet(RESNET), **{"labels": 3, **settings})


def test_odd_rates_are_whole_at_stride_8() -> None:
    net = DeepLab(build_resnet(RESNET), 3, rates=(1, 3))
    assert [branch.dilation for branch in net.aspp.branches] == [(1, 1), (3, 3)]


@pytest.mark.parametrize("name", ["skresnet18", "resnetblur18", "resnetaa34d"])
def test_resnets_with_other_blocks_are_refused(name: str) -> None:
    with pytest.raises(InvalidCheckpoint, match="choose a plain resnet"):
        build_deeplab(name, LABELS)


def test_resnets_that_cannot_have_the_stride_are_refused() -> None:
    with pytest.raises(InvalidCheckpoint, match="no shortcut"):
        DeepLab(resnet_of_stride_8(), LABELS, stride=16)
    wide = build_resnet(RESNET)
    wide.maxpool = nn.Identity()
    with pytest.raises(InvalidCheckpoint, match="17 cells of 65 pixels, not 9"):
        DeepLab(wide, LABELS)


def test_what_does_not_fit_is_refused() -> None:
    net, image = network(), make_image(16, 16)
    with pytest.raises(InvalidSetting, match=r"eval\(\)"):
        segment(network().train(), image)
    with pytest.raises(InvalidSetting, match="at least one"):
        segment(net, image, scales=())
    with pytest.raises(InvalidSetting, match="The scale is 0"):
        segment(net, image, scales=(0,))
    for wrong in (image[..., 0], image.astype(np.float32), image[..., :2]):
        with pytest.raises(InvalidImage, match=r"\(H, W, 3\) is needed"):
            segment(net, wrong)
    with pytest.raises(InvalidImage):
        segment(net, np.zeros((0, 5, 3), np.uint8))
