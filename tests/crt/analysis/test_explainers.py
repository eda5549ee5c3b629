import threading
from typing import Any, cast

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from crt.analysis.explainers import EXPLAINERS, base
from crt.analysis.explainers.base import scores_of, views
from crt.analysis.explainers.scorecam import ScoreCam
from crt.checkpoint import load_checkpoint
from crt.data.resizing import to_tensor
from crt.errors import InvalidSetting
from crt.models.cam_head import class_scores
from crt.models.cnn import CnnBranch
from crt.models.tiles import TileGrid
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.narrow import instance
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (72, 100, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prediction(checkpoint, image):
    return Predictor(checkpoint).predict(image, InferenceConfig(size=100, loops=0))


def targets(index: int) -> list[nn.Module]:
    """One class for grad-cam, whose annotation has modules where it takes functions."""
    return cast("list[nn.Module]", [ClassifierOutputTarget(index)])


def close(found, wanted):
    """Equal to 1e-4 up to one positive constant per map."""
    assert wanted.max((1, 2)).min() > 0
    scale = wanted.max((1, 2), keepdims=True) / found.max((1, 2), keepdims=True)
    np.testing.assert_allclose(found * scale, wanted, atol=1e-4 * wanted.max())


@pytest.mark.parametrize("name", ["gradcam", "xgradcam", "hirescam"])
@pytest.mark.parametrize("method", ["resnet", "crt_cnn"])
def test_on_a_linear_head_over_a_mean_these_are_cam(checkpoint, image, prediction, name, method):
    maps = EXPLAINERS[name].explain(checkpoint.networks[method], to_tensor(image), [0, 1, 2])
    close(maps, prediction.cams(method))


def test_gradcam_is_the_engine_s_own_but_for_its_normalisation(checkpoint, image):
    network = checkpoint.networks["resnet"]

    class Scores(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return class_scores(self.network(x))

    pixels = to_tensor(image[:64, :96])
    ours = EXPLAINERS["gradcam"].explain(network, pixels, [1])[0]
    network.requires_grad_(True)
    with GradCAM(Scores(), [network.resnet.layer4[-1]]) as cam:
        theirs = cam(pixels, targets(1))[0]
    network.requires_grad_(False)
    for parameter in network.parameters():
        parameter.grad = None
    ours = (ours - ours.min()) / (ours.max() - ours.min())
    # Cell centres of the resized map: what OpenCV's linear resize leaves nearly alone.
    assert np.corrcoef(ours.ravel(), theirs[8::16, 8::16].ravel())[0, 1] > 0.98


def test_scorecam_weights_are_the_engine_s(checkpoint, image, monkeypatch):
    network = checkpoint.networks["resnet"]

    class Scores(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return class_scores(self.network(x))

    monkeypatch.setenv("TQDM_DISABLE", "1")
    pixels = to_tensor(image[:48, :64])
    with torch.no_grad():
        activations = network.features(pixels).numpy()
    cam = ScoreCAM(Scores(), [network.resnet.layer4[-1]])
    unused = cast("Any", None)  # the layer and the gradients: Score-CAM reads neither
    raw = cam.get_cam_image(pixels, unused, targets(2), activations, unused, False)
    cam.activations_and_grads.release()
    ours = ScoreCam(channels=None).explain(network, pixels, [0, 2])[1]
    np.testing.assert_allclose(ours, np.maximum(raw[0], 0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("mode", ["overlap", "non-overlap", "bilinear"])
@pytest.mark.parametrize("name", EXPLAINERS)
@pytest.mark.parametrize("method", ["crt_cnn", "crt"])
def test_maps_lie_on_the_cells_of_the_prediction(checkpoint, image, name, method, mode):
    grid = TileGrid(image.shape[0], image.shape[1], 64, 16, mode)
    wanted = Predictor(checkpoint).predict(image, InferenceConfig(size=None, loops=0, mode=mode, methods=(method,)))
    explainer = EXPLAINERS[name]
    maps = explainer.explain(checkpoint.networks[method], to_tensor(image), [2, 0], grid)
    assert maps.shape == wanted.cams(method, classes=[2, 0]).shape
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert maps.min() >= 0
    assert maps[0].max() > 0
    assert explainer.class_wise != np.array_equal(maps[0], maps[1])


@pytest.mark.parametrize("name", ["scorecam", "gradcam", "eigencam"])
@pytest.mark.parametrize("method", ["resnet", "tscam"])
def test_another_run_between_two_of_an_explainer_changes_no_map(checkpoint, image, name, method, monkeypatch):
    monkeypatch.setattr(base, "TILE_BATCH", 2)
    network, pixels = checkpoint.networks[method], to_tensor(image)
    grid = TileGrid(image.shape[0], image.shape[1], 64, 16)
    wanted = EXPLAINERS[name].explain(network, pixels, [0, 2], grid)
    calls = []

    def between() -> None:
        with torch.inference_mode():
            calls.append(class_scores(network(pixels)) if method == "resnet" else scores_of(network, tiles, grid))

    tiles = grid.cut(grid.pad(pixels))
    np.testing.assert_array_equal(EXPLAINERS[name].explain(network, pixels, [0, 2], grid, between), wanted)
    tiles_at_once = 1 if method == "resnet" else -(-len(grid) // 2)
    masked = (1 if method == "resnet" else len(grid)) if name == "scorecam" else 0
    assert len(calls) >= tiles_at_once - 1 + masked


@pytest.mark.parametrize("method", ["resnet", "tscam"])
def test_the_split_network_is_the_network(checkpoint, image, method):
    network, pixels = checkpoint.networks[method], to_tensor(image)
    grid = TileGrid(image.shape[0], image.shape[1], 64, 16)
    with torch.enable_grad():
        scores = torch.cat([view.scores for view in views(network, pixels, grid)]).detach()
    tiles = pixels if method == "resnet" else grid.cut(grid.pad(pixels))
    torch.testing.assert_close(scores, scores_of(network, tiles, grid))
    if method == "tscam":
        with torch.no_grad():
            maps = network(pixels, 0, grid)
            apart = network.head(next(network.steps(tiles, 0)).tokens, grid)
        torch.testing.assert_close(scores, class_scores(apart))
        torch.testing.assert_close(grid.merge(apart), maps)


def test_more_tiles_than_a_batch_give_the_same(checkpoint, monkeypatch):
    image = np.random.default_rng(1).integers(0, 256, (130, 130, 3), dtype=np.uint8)
    one = EXPLAINERS["layercam"].explain(checkpoint.networks["crt"], to_tensor(image), [0, 1])
    monkeypatch.setattr("crt.analysis.explainers.base.TILE_BATCH", 4)
    four = EXPLAINERS["layercam"].explain(checkpoint.networks["crt"], to_tensor(image), [0, 1])
    np.testing.assert_allclose(one, four, rtol=1e-4, atol=1e-6 * one.max())


class Planted(nn.Module):
    """Makes layer4's output: channel 0 is lit in one corner, channel 1 in the other, the rest is faint noise."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        n, _, h, w = x.shape
        out = 0.01 * torch.rand(n, self.channels, h, w, generator=torch.Generator().manual_seed(0))
        # What the pixels hold there, so that a mask over the image takes the evidence away.
        light = x.mean(1)
        out[:, 0, : h // 2, : w // 2] += light[:, : h // 2, : w // 2]
        out[:, 1, h // 2 :, w // 2 :] += light[:, h // 2 :, w // 2 :]
        return out


@pytest.mark.parametrize("name", [n for n, e in EXPLAINERS.items() if e.class_wise])
def test_planted_evidence_is_found(tmp_path, name, monkeypatch):
    checkpoint = load_checkpoint(tiny_checkpoint(tmp_path, methods=("resnet",)))
    network = instance(CnnBranch, checkpoint.networks["resnet"])
    channels = network.resnet.num_features
    planted = Planted(channels)
    monkeypatch.setattr(network, "features", lambda images: planted(torch.nn.functional.avg_pool2d(images, 16)))
    with torch.no_grad():
        network.classifier.weight.zero_()
        network.classifier.weight[0, 0] = network.classifier.weight[1, 1] = 30
    maps = EXPLAINERS[name].explain(network, torch.ones(1, 3, 128, 128), [0, 1])
    assert np.unravel_index(maps[0].argmax(), (8, 8)) < (4, 4)
    assert maps[0, :4, :4].mean() > 5 * maps[0, 4:, 4:].mean()
    assert maps[1, 4:, 4:].mean() > 5 * maps[1, :4, :4].mean()


@pytest.mark.parametrize("method", ["resnet", "crt"])
@pytest.mark.parametrize("name", EXPLAINERS)
def test_nothing_of_the_network_changes(checkpoint, image, method, name):
    network, pixels = checkpoint.networks[method], to_tensor(image)
    before = {key: (p.requires_grad, p.grad, p.clone()) for key, p in network.named_parameters()}
    EXPLAINERS[name].explain(network, pixels, [0])
    assert not pixels.requires_grad
    assert all(not module._forward_hooks and not module._backward_hooks for module in network.modules())
    assert not network.training
    for key, parameter in network.named_parameters():
        grad, gradient, value = before[key]
        assert parameter.requires_grad == grad
        assert parameter.grad is gradient is None
        assert torch.equal(parameter, value)


def test_a_network_in_training_keeps_its_state(checkpoint, image):
    network = checkpoint.networks["resnet"].train()
    network.classifier.requires_grad_(True)
    EXPLAINERS["gradcam"].explain(network, to_tensor(image), [0])
    assert network.training
    assert network.classifier.weight.requires_grad
    assert network.classifier.weight.grad is None
    network.eval().requires_grad_(False)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_inference_mode_does_no_harm(checkpoint, image, name):
    for method in ("resnet", "crt"):
        plain = EXPLAINERS[name].explain(checkpoint.networks[method], to_tensor(image), [1])
        with torch.inference_mode():
            inside = EXPLAINERS[name].explain(checkpoint.networks[method], to_tensor(image), [1])
            assert torch.is_inference_mode_enabled()
        np.testing.assert_array_equal(plain, inside)


def test_threads_do_not_disturb_each_other_nor_a_predictor(checkpoint, image):
    predictor, wanted, errors = Predictor(checkpoint), {}, []
    settings = InferenceConfig(size=100, loops=1)
    prediction = predictor.predict(image, settings).cams("crt", loops=1)
    for name in ("gradcam", "layercam"):
        wanted[name] = EXPLAINERS[name].explain(checkpoint.networks["crt"], to_tensor(image), [0, 1])

    def work(name):
        try:
            for _ in range(4):
                if name == "trace":
                    found, want = predictor.predict(image, settings).cams("crt", loops=1), prediction
                else:
                    found = EXPLAINERS[name].explain(checkpoint.networks["crt"], to_tensor(image), [0, 1])
                    want = wanted[name]
                np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
        except Exception as error:  # noqa: BLE001 - whatever a thread raises fails the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("gradcam", "layercam", "trace", "gradcam")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


@pytest.mark.parametrize("classes", [[], [3], [-1]])
def test_unknown_classes_are_refused(checkpoint, image, classes):
    with pytest.raises(InvalidSetting, match="class between 0 and 2"):
        EXPLAINERS["gradcam"].explain(checkpoint.networks["crt"], to_tensor(image), classes)


def test_wrong_pixels_are_refused(checkpoint, image):
    with pytest.raises(InvalidSetting, match="one image"):
        EXPLAINERS["gradcam"].explain(checkpoint.networks["crt"], to_tensor(image)[0], [0])
    with pytest.raises(InvalidSetting, match="This grid is for"):
        EXPLAINERS["gradcam"].explain(checkpoint.networks["crt"], to_tensor(image), [0], TileGrid(64, 64, 64))
