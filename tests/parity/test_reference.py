"""The library gives what METHOD written out plainly gives, on networks of full size with random weights."""

import numpy as np
import pytest
import torch

from crt.cam_spec import CamSpec
from crt.checkpoint import Checkpoint, CheckpointConfig, Method, NetworkSpec
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from crt.predictor import InferenceConfig, Predictor
from scripts.bench.reference import class_maps, cnn_maps, transformer_maps


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    torch.manual_seed(0)
    vit = TransformerBranch(build_vit("deit_tiny_patch16_224"), 3)
    cnn = CnnBranch(build_resnet("resnet18"), 3)
    for network in (vit, cnn):
        network.eval().requires_grad_(False)
    specs: dict[Method, NetworkSpec] = {"crt": NetworkSpec("vit", "", ""), "resnet": NetworkSpec("resnet", "", "")}
    return Predictor(Checkpoint(CheckpointConfig("random", ("a", "b", "c"), specs), {"crt": vit, "resnet": cnn}, ""))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    small = np.random.default_rng(3).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.kron(small, np.ones((25, 30, 1), dtype=np.uint8))


@pytest.mark.parametrize("padding", ["minimal", "released"])
def test_every_map_is_the_reference_s(predictor, image, padding):
    prediction = predictor.predict(image, InferenceConfig(size=240, loops=3, padding=padding))
    with torch.no_grad():
        for loops in range(4):
            for refined in (False, True):
                wanted = transformer_maps(
                    predictor.checkpoint.networks["crt"],
                    image,
                    size=240,
                    loops=loops,
                    refined=refined,
                    padding=padding,
                ).numpy()
                found = prediction.cams("crt", spec=CamSpec(loops, refined, "sum", None))
                np.testing.assert_allclose(found, wanted, atol=2e-4 * wanted.max(), err_msg=f"{loops} {refined}")


def test_the_cnn_s_maps_are_the_reference_s(predictor, image):
    prediction = predictor.predict(image, InferenceConfig(size=240))
    with torch.no_grad():
        wanted = cnn_maps(predictor.checkpoint.networks["resnet"], image, size=240).numpy()
    np.testing.assert_allclose(prediction.cams("resnet"), wanted, atol=1e-4 * wanted.max())


def test_the_maps_and_gradients_of_training_are_the_reference_s(predictor):
    network = predictor.checkpoint.networks["crt"]
    pixels = torch.randn(2, 3, 224, 336, generator=torch.Generator().manual_seed(0))
    grid = TileGrid(224, 336, 224, 16, "overlap")
    weight = network.vit.patch_embed.proj.weight.requires_grad_(True)
    found = []
    for maps in (network(pixels, 2, grid), class_maps(network, pixels, loops=2, refined=False, padding="minimal")):
        (gradient,) = torch.autograd.grad(maps.square().mean(), weight)
        found.append((maps.detach(), gradient))
    weight.requires_grad_(False)
    for ours, wanted in zip(*found, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-3 * float(wanted.abs().max()))
