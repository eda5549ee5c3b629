"""Each network sees images normalised by its own mean and std, stored in the checkpoint, on every path."""

import ast
import dataclasses
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from app.features.explainers import explained
from crt.checkpoint import NetworkSpec, build_network, load_checkpoint, read_config, write_config
from crt.data.resizing import to_tensor
from crt.evaluation.pointing_cams import PointingRow, PointingView, _maps
from crt.metrics.scored_class import scored_class
from crt.models.cam_head import class_scores
from crt.models.deeplab import segment
from crt.models.irn import predict_edges
from crt.models.normalization import NormalizedImage, normalization_of, set_normalization
from crt.models.vit import TransformerBranch
from crt.predictor import InferenceConfig, Predictor
from crt.types import IMAGENET, IMAGENET_MEAN, IMAGENET_STD, Normalization
from scripts.explain import Explain, run_explainers
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[3]
HALF = (0.5, 0.5, 0.5)
OWN = Normalization((0.4, 0.5, 0.6), (0.3, 0.25, 0.2))
NATIVE = InferenceConfig(size=None, loops=2)
IMAGE = np.random.default_rng(0).integers(0, 256, (80, 112, 3), dtype=np.uint8)
IMAGE[20:60, 30:80] //= 4


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("plain") / "tiny", masks=True)


@pytest.fixture(scope="module")
def changed(plain, tmp_path_factory) -> Path:
    """The same weights; the transformers want 0.5, `crt_cnn` and the segmentation network values of their own."""
    folder = tmp_path_factory.mktemp("changed")
    for path in plain.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = read_config(folder)
    networks = {
        name: dataclasses.replace(spec, mean=HALF, std=HALF)
        if spec.type == "vit"
        else dataclasses.replace(spec, mean=OWN.mean, std=OWN.std)
        if name == "crt_cnn"
        else spec
        for name, spec in config.networks.items()
    }
    segmentation = dataclasses.replace(present(config.segmentation), mean=HALF, std=HALF)
    write_config(folder, dataclasses.replace(config, networks=networks, segmentation=segmentation))
    return folder


def by_hand(mean, std) -> torch.Tensor:
    """(1, 3, H, W) of the image, pixel by pixel."""
    pixels = torch.from_numpy(IMAGE).double() / 255
    return ((pixels - torch.tensor(mean)) / torch.tensor(std)).permute(2, 0, 1)[None].float()


def wanted_of(method: str) -> torch.Tensor:
    if method == "crt_cnn":
        return by_hand(*OWN)
    return by_hand(IMAGENET_MEAN, IMAGENET_STD) if method == "resnet" else by_hand(HALF, HALF)


@torch.no_grad()
def test_maps_and_scores_are_those_of_an_image_normalized_by_hand(plain, changed):
    before, after = Predictor(load_checkpoint(plain)), Predictor(load_checkpoint(changed))
    old, new = before.predict(IMAGE, NATIVE), after.predict(IMAGE, NATIVE)
    for method, network in after.checkpoint.networks.items():
        if isinstance(network, TransformerBranch):
            loops = 2 if method == "crt" else 0
            raw = network(wanted_of(method), loops, new.grid)[0]
            found = new.grid.merge(torch.from_numpy(new.records[method].cams[loops]))[0]
            np.testing.assert_allclose(new.scores(method, loops=loops), class_scores(raw[None])[0], atol=1e-5)
        else:
            raw = network(wanted_of(method))[0]
            found = torch.from_numpy(new.records[method].cams)
        torch.testing.assert_close(found, raw, atol=1e-4, rtol=1e-4)
        same = np.allclose(old.cams(method), new.cams(method), rtol=1e-3, atol=1e-4)
        assert same == (method == "resnet"), method  # the only one whose mean and std are still ImageNet's


def test_padding_is_zero_after_normalizing(changed):
    predictor = Predictor(load_checkpoint(changed))
    inputs, grid = predictor._resized(IMAGE, NATIVE)
    padded = grid.pad(inputs.of(predictor.checkpoint.networks["crt"]))
    assert not padded[..., IMAGE.shape[0] :, :].any() and not padded[..., IMAGE.shape[1] :].any()
    torch.testing.assert_close(padded[..., : IMAGE.shape[0], : IMAGE.shape[1]], by_hand(HALF, HALF))


def seen_by(network: torch.nn.Module, run) -> list[torch.Tensor]:
    """What enters the first layer of a network while `run` runs."""
    entered: list[torch.Tensor] = []
    part = network.get_submodule("vit.patch_embed" if isinstance(network, TransformerBranch) else "resnet.conv1")
    handle = part.register_forward_pre_hook(lambda module, given: entered.append(given[0].detach().clone()))
    try:
        run()
    finally:
        handle.remove()
    return entered


def holds(image: torch.Tensor, tile: torch.Tensor) -> bool:
    """Whether a tile or a padded image shows the top left of the image as it is."""
    rows, cols = min(image.shape[-2], tile.shape[-2]), min(image.shape[-1], tile.shape[-1])
    return torch.allclose(image[0, :, :rows, :cols], tile[0, :, :rows, :cols].float(), atol=1e-5)


@pytest.mark.parametrize("method", ["crt", "tscam", "crt_cnn", "resnet"])
def test_every_path_of_a_method_normalizes_for_its_network(changed, method):
    predictor = Predictor(load_checkpoint(changed))
    network, grid = predictor.checkpoint.networks[method], predictor.grid(IMAGE.shape[0], IMAGE.shape[1], NATIVE)
    subject = scored_class(predictor, IMAGE, NATIVE, method=method, index=0)
    prediction = predictor.predict(IMAGE, NATIVE)
    row = PointingRow(method, explainer="gradcam")
    paths = {
        "explain": lambda: explained(predictor, IMAGE, NATIVE, "gradcam", method, [0], grid),
        "faithfulness": lambda: subject.score(subject.pixels),
        "pointing": lambda: _maps(predictor, prediction, IMAGE, row, [0], PointingView()),
        "trace": lambda: predictor.predict(IMAGE, NATIVE),
    }
    if isinstance(network, TransformerBranch):
        paths["token"] = lambda: predictor.token(IMAGE, NATIVE, method=method, at=(0.1, 0.1))
        paths["layers"] = lambda: predictor.layers(IMAGE, NATIVE, method=method)
    for name, run in paths.items():
        entered = seen_by(network, run)
        assert entered and holds(wanted_of(method), entered[0]), name


def test_no_program_takes_the_default_mean_and_std():
    """ImageNet's are the default of `to_tensor` for arrays in the hand, not for what a network gets."""
    calls = [
        (path, node)
        for folder in ("crt", "app", "scripts")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "to_tensor"
    ]
    assert len(calls) > 8
    assert [f"{path}:{node.lineno}" for path, node in calls if len(node.args) < 2] == []


def test_networks_for_masks_have_their_own(changed):
    checkpoint = load_checkpoint(changed)
    relation, segmentation = present(checkpoint.relation), present(checkpoint.segmentation)
    assert normalization_of(relation) == normalization_of(checkpoint.networks["crt_cnn"]) == OWN
    assert holds(by_hand(*OWN), seen_by(relation, lambda: predict_edges(relation, IMAGE))[0])
    entered = seen_by(segmentation, lambda: segment(segmentation, IMAGE, scales=(1.0,)))
    assert holds(by_hand(HALF, HALF), entered[0])


def test_equal_mean_and_std_share_one_tensor(changed):
    checkpoint = load_checkpoint(changed)
    inputs = NormalizedImage(IMAGE)
    crt, tscam, cnn = (inputs.of(checkpoint.networks[name]) for name in ("crt", "tscam", "crt_cnn"))
    assert crt is tscam and crt is not cnn


def test_a_new_backbone_has_the_mean_and_std_of_its_pretrained_weights():
    from timm.models.vision_transformer import VisionTransformer

    from crt.models.cnn import CnnBranch, build_resnet
    from crt.models.vit_backbone import build_vit

    vit = TransformerBranch(build_vit("vit_tiny_patch16_224", tile=64), 2)
    assert normalization_of(vit) == normalization_of(vit.vit) == (HALF, HALF)  # those of vit_* in timm, by Google
    assert normalization_of(CnnBranch(build_resnet("resnet18"), 2)) == IMAGENET
    assert normalization_of(VisionTransformer(embed_dim=32, depth=1, num_heads=4)) == IMAGENET
    set_normalization(vit, OWN)
    assert normalization_of(vit) == OWN
    assert normalization_of(build_vit("vit_tiny_patch16_224", tile=64)) == (HALF, HALF)  # of this one alone
    spec = NetworkSpec("resnet", "test_resnet", "x.safetensors", mean=OWN.mean, std=OWN.std)
    assert normalization_of(build_network(spec, 2)) == OWN


def test_lists_from_the_json_of_a_hub_model_serve_as_well():
    network = torch.nn.Identity()
    cast("Any", network).pretrained_cfg = {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}
    assert normalization_of(network) == ((0.1, 0.2, 0.3), (1, 1, 1))
    assert NormalizedImage(IMAGE).of(network).shape == (1, 3, *IMAGE.shape[:2])


def test_to_tensor_takes_the_mean_and_std():
    torch.testing.assert_close(to_tensor(IMAGE, *OWN), by_hand(*OWN))
    torch.testing.assert_close(to_tensor(IMAGE, mean=HALF, std=HALF), by_hand(HALF, HALF))
    torch.testing.assert_close(to_tensor(IMAGE), by_hand(IMAGENET_MEAN, IMAGENET_STD))


def test_the_explainers_of_the_command_normalize_for_their_network(changed):
    predictor = Predictor(load_checkpoint(changed))
    prediction = predictor.predict(IMAGE, NATIVE)
    for method in ("crt", "crt_cnn"):
        config = Explain(Path("x"), size=None, explainers=("gradcam",), explain_network=method)
        network, run = (
            predictor.checkpoint.networks[method],
            partial(run_explainers, config, predictor, prediction, IMAGE, [0]),
        )
        entered = seen_by(network, run)
        assert holds(wanted_of(method), entered[0])
