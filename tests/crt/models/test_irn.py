"""The IRN on timm's tiny ResNet: sizes, training, mirror images, and from seeds to masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crt.data.resizing import to_tensor
from crt.errors import InvalidCheckpoint, InvalidImage, InvalidSetting
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.irn import IRN, edge_map, predict_edges
from crt.models.normalization import normalization_of
from crt.pseudo_labels.affinity import find_pairs, irn_losses
from crt.pseudo_labels.random_walk import random_walk, walk_labels
from crt.resample import strided_size
from tests.helpers.tiny import RESNET, resnet_of_stride_8


def network(name: str = RESNET) -> IRN:
    torch.manual_seed(0)
    return IRN(CnnBranch(build_resnet(name), 2).resnet)


def make_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", [RESNET, "resnet18d", "resnet50"])
def test_any_resnet_answers_at_stride_4(name) -> None:
    net = network(name)
    with torch.no_grad():
        edge, displacement = net(torch.randn(2, 3, 70, 61))
    assert edge.shape == (2, 1, 18, 16)
    assert displacement.shape == (2, 2, 18, 16)


@pytest.mark.parametrize("size", [(1, 1), (3, 17), (33, 64), (65, 100)])
def test_relations_of_any_image(size) -> None:
    edge, displacement = predict_edges(network(), make_image(*size), crop=64)
    cells = strided_size(size)
    assert edge.shape == (1, *cells) and displacement.shape == (2, *cells)
    assert edge.dtype == displacement.dtype == np.float32
    assert (edge > 0).all() and (edge < 1).all() and np.isfinite(displacement).all()


@pytest.mark.parametrize("size", [(3, 17), (65, 100)])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_the_edges_alone_are_those_beside_displacements(size, bfloat16) -> None:
    net, image = network("resnet18"), make_image(*size)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        edge = edge_map(net, image, crop=64)
        np.testing.assert_array_equal(edge, predict_edges(net, image, crop=64)[0])
    assert edge.shape == (1, *strided_size(size)) and edge.dtype == np.float32


def test_the_edges_alone_need_no_displacement_branch() -> None:
    net, ran = network(), []
    net.displacement.register_forward_hook(lambda *given: ran.append(given))
    edge_map(net, make_image(20, 30), crop=32)
    assert ran == []


def test_features_are_those_of_the_cnn_branch() -> None:
    torch.manual_seed(0)
    cnn, x = CnnBranch(build_resnet(RESNET), 2).eval(), torch.randn(1, 3, 64, 64)
    net = network()
    net.resnet.load_state_dict(cnn.resnet.state_dict())
    torch.testing.assert_close(net.features(x)[-1], cnn.features(x))


def test_only_the_branches_are_trained() -> None:
    net = network().train()
    before = {name: value.clone() for name, value in net.resnet.state_dict().items()}
    assert not any(module.training for module in net.resnet.modules())
    edge, displacement = net(3 + 2 * torch.randn(2, 3, 64, 64))
    (edge.square().mean() + displacement.square().mean()).backward()
    for name, parameter in net.named_parameters():
        assert (parameter.grad is not None) == name.startswith(("edge.", "displacement.")), name
    for name, value in net.resnet.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_training_finds_the_edge_between_two_halves() -> None:
    net = network().train()
    image = make_image(64, 80) // 8
    image[:, 40:] += 160
    pixels = to_tensor(image, *normalization_of(net))
    batch, labels = torch.cat([pixels, pixels.flip(-1)]), torch.zeros(2, 16, 20, dtype=torch.long)
    labels[0, :, 10:] = labels[1, :, :10] = 3
    pairs = find_pairs((16, 20), 5)
    optimizer = torch.optim.Adam([*net.edge.parameters(), *net.displacement.parameters()], 0.01)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        edge, displacement = net(batch)
        loss = irn_losses(edge, displacement, labels, pairs).total
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    edge = net.eval()(batch)[0].detach().sigmoid()[0, 0].mean(0)
    assert edge[9:11].max() > 2 * edge[3:6].max()

    seeds = np.zeros((1, 16, 20), np.float32)
    seeds[0, 8, 15] = 1
    found, _ = predict_edges(net, image, crop=64)
    assert found[0, :, 9:11].max() > 2 * found[0, :, 3:6].max()
    labels = walk_labels(random_walk(seeds, found), [3], (64, 80))
    assert (labels[:, 48:72] == 4).mean() > 0.9 and (labels[:, :32] == 4).mean() < 0.1


def test_edges_of_the_mirror_image_are_mirrored_whatever_the_width() -> None:
    net = network()
    for width in (40, 41, 43):
        image, whole = make_image(32, width), -(-width // 4) * 4
        x = torch.zeros(2, 3, 64, 64)
        x[0, :, :32, :width] = to_tensor(image, *normalization_of(net))[0]
        # the mirror image of whole cells, so that the padding of the last one comes first
        x[1, :, :32, :whole] = x[0, :, :32, :whole].flip(-1)
        with torch.no_grad():
            raw, displacement = net(x)
        cells = whole // 4
        want = ((raw[0, :, :8, :cells] + raw[1, :, :8, :cells].flip(-1)) / 2).sigmoid()
        edge, moved = predict_edges(net, image, crop=64)
        np.testing.assert_allclose(edge, want, atol=1e-6)
        np.testing.assert_allclose(moved, displacement[0, :, :8, :cells], atol=1e-5)
    even = make_image(32, 40)
    np.testing.assert_allclose(
        predict_edges(net, even[:, ::-1], crop=40)[0], predict_edges(net, even, crop=40)[0][..., ::-1], atol=1e-5
    )


def test_images_smaller_than_the_crop_are_padded_and_larger_ones_whole() -> None:
    net, image = network(), make_image(48, 64)
    small = predict_edges(net, image, crop=16)[0]
    np.testing.assert_allclose(predict_edges(net, image, crop=48)[0], small, atol=1e-6)
    assert np.abs(predict_edges(net, image, crop=128)[0] - small).max() > 1e-4  # group norm sees the padding


def test_the_mean_displacement_is_taken_off() -> None:
    net = network()
    batches = [torch.randn(2, 3, 64, 64), torch.randn(2, 3, 64, 64)]
    with torch.no_grad():
        net.mean.fill_(7)
    net.train()
    net.fit_mean(batches)
    assert not net.training
    with torch.no_grad():
        rest = torch.stack([net(batch)[1].mean((0, 2, 3)) for batch in batches]).mean(0)
        raw = net.train()(batches[0])[1]
    torch.testing.assert_close(rest, torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(raw - net.mean[:, None, None], net.eval()(batches[0])[1].detach())
    assert net.mean.abs().max() > 1e-4
    assert "mean" in net.state_dict()
    with pytest.raises(InvalidSetting, match="at least one batch"):
        net.fit_mean([])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidCheckpoint):
        IRN(resnet_of_stride_8())
    for predict in (predict_edges, edge_map):
        with pytest.raises(InvalidSetting, match=r"eval\(\)"):
            predict(network().train(), make_image(8, 8))
    with pytest.raises(InvalidImage):
        predict_edges(network(), make_image(8, 8)[..., 0])
