"""Maps: the whole ablation of an image, and one map, against METHOD written out plainly; where the time goes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from crt.checkpoint import Checkpoint, CheckpointConfig, Method, NetworkSpec
from crt.data.resizing import resize_long_side, to_tensor
from crt.models.cam_head import class_scores
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.normalization import normalization_of
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from crt.precision import resolve
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from scripts.bench.reference import cnn_maps, transformer_maps
from scripts.bench.timing import compared, in_milliseconds, in_turns
from scripts.report.speed import FAST

RANDOM_CLASSES = 20
MAP_LOOPS = 4
PANELS: tuple[Method, ...] = ("resnet", "tscam", "crt")
"""The networks whose maps the page draws first."""
PRODUCT_SIDE = 1024
"""Rows and columns of the matrices whose product has the rate that others are measured by."""
PRODUCTS = (
    "aten::mm",
    "aten::bmm",
    "aten::addmm",
    "aten::mkldnn_convolution",
    "mkldnn::_convolution_pointwise",
    "mkldnn::_linear_pointwise",
    "aten::_scaled_dot_product_flash_attention_for_cpu",
)
"""Operators that multiply matrices, as torch's profiler names them."""


def random_predictor(vit: str, cnn: str) -> Predictor:
    """CRT, TS-CAM and a ResNet of these sizes with random weights."""
    torch.manual_seed(0)
    networks: dict[Method, TransformerBranch | CnnBranch] = {
        "resnet": CnnBranch(build_resnet(cnn), RANDOM_CLASSES),
        "tscam": TransformerBranch(build_vit(vit), RANDOM_CLASSES),
        "crt": TransformerBranch(build_vit(vit), RANDOM_CLASSES),
    }
    for network in networks.values():
        network.eval().requires_grad_(False)
    specs: dict[Method, NetworkSpec] = {
        name: NetworkSpec("resnet" if name == "resnet" else "vit", "", "") for name in networks
    }
    names = tuple(f"class {i}" for i in range(RANDOM_CLASSES))
    return Predictor(Checkpoint(CheckpointConfig("random", names, specs), networks, ""))


def photo(height: int = 375, width: int = 500) -> np.ndarray:
    """(H, W, 3) uint8: smooth noise, for the time does not depend on what is seen."""
    small = np.random.default_rng(0).integers(0, 256, (8, 10, 3)).astype(np.uint8)
    whole = np.kron(small, np.ones((-(-height // 8), -(-width // 10), 1), dtype=np.uint8))
    return np.ascontiguousarray(whole[:height, :width])


def whole_ablation(predictor: Predictor, size: int, runs: int) -> dict[str, Any]:
    """All loop counts 0 … 4 × refined or not × three methods, of one image."""
    image, networks = photo(), predictor.checkpoint.networks

    def ours(predictor: Predictor) -> None:
        prediction = predictor.predict(image, InferenceConfig(size=size, loops=MAP_LOOPS))
        for refined in (False, True):
            for loops in range(MAP_LOOPS + 1):
                prediction.cams("crt", loops=loops, refined=refined)
            prediction.cams("tscam", refined=refined)
        prediction.cams("resnet")

    @torch.no_grad()
    def plain(refinements: tuple[bool, ...]) -> None:
        for refined in refinements:
            for loops in range(MAP_LOOPS + 1):
                transformer_maps(networks["crt"], image, size=size, loops=loops, refined=refined)
            transformer_maps(networks["tscam"], image, size=size, loops=0, refined=refined)
        cnn_maps(networks["resnet"], image, size=size)

    ways = {
        **_precisions(predictor, ours),
        "plain, each map a run of its own": partial(plain, (False, True)),
        "plain, refined and unrefined from one run": partial(plain, (True,)),
    }
    return compared(in_turns(ways, runs), "ours")


def one_map(predictor: Predictor, size: int, runs: int) -> dict[str, Any]:
    """CRT's map of the paper's settings: three loops, refined by the sum over passes."""
    image, network = photo(), predictor.checkpoint.networks["crt"]
    settings = InferenceConfig(size=size, loops=3, methods=("crt",))

    @torch.no_grad()
    def plain() -> None:
        transformer_maps(network, image, size=size, loops=3, refined=True)

    def ours(predictor: Predictor) -> None:
        predictor.predict(image, settings).cams("crt", loops=3, refined=True)

    ways = {**_precisions(predictor, ours), "plain": plain}
    return compared(in_turns(ways, runs), "ours")


def _precisions(predictor: Predictor, ours: Callable[[Predictor], None]) -> dict[str, Callable[[], None]]:
    """Ours in float32, and in bfloat16 where the page would take that."""
    ways = {"ours": partial(ours, predictor)}
    if resolve("auto", "cpu") == "bf16":
        ways[FAST] = partial(ours, Predictor(predictor.checkpoint, bfloat16=True))
    return ways


def flops_of(network: TransformerBranch | CnnBranch, pixels: Tensor, loops: int = MAP_LOOPS) -> int:
    """Floating-point operations of the products in a transformer's passes over tiles (n, 3, side, side), or of a CNN
    over an image (1, 3, h, w).
    """
    # Outside inference mode no layer is fused with what follows it: the counter does not know those operators.
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        if isinstance(network, CnnBranch):
            network(pixels)
        else:
            for _ in network.steps(pixels, loops, cls_attn=False):
                pass
    return counter.get_total_flops()


def _products() -> Callable[[], None]:
    """A way to time: ten products of two matrices."""
    a, b = torch.randn(PRODUCT_SIDE, PRODUCT_SIDE), torch.randn(PRODUCT_SIDE, PRODUCT_SIDE)

    def run() -> None:
        for _ in range(10):
            torch.mm(a, b)

    return run


def _rate(spent: list[float]) -> float:
    """Floating-point operations of a matrix product in a second, of the times of `_products`."""
    return 10 * 2 * PRODUCT_SIDE**3 / statistics.median(spent)


def utilization(predictor: Predictor, size: int, runs: int) -> dict[str, Any]:
    """GFLOP/s of CRT's transformer over those of a matrix product in the same minute, and the stages' times."""
    image = photo()
    network = cast("TransformerBranch", predictor.checkpoint.networks["crt"])
    grid = predictor.grid(image.shape[0], image.shape[1], InferenceConfig(size=size))
    pixels = to_tensor(resize_long_side(image, size), *normalization_of(network))
    tiles = grid.cut(grid.pad(pixels))
    flops = flops_of(network, tiles)
    whole = InferenceConfig(size=size, loops=MAP_LOOPS)
    stages: dict[str, list[float]] = {}

    def run() -> None:
        for name, spent in predictor.predict(image, whole).timings.items():
            stages.setdefault(name, []).append(spent / 1000)

    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in network.steps(tiles, MAP_LOOPS):
            pass
    cpu_times = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    products = sum(value for name, value in cpu_times.items() if name in PRODUCTS) / sum(cpu_times.values())
    spent = in_turns({"product": _products(), "run": run}, runs)
    peak = _rate(spent["product"]) / 1e9
    reached = flops / statistics.median(stages["crt"]) / 1e9
    return {
        "gflop": round(flops / 1e9, 1),
        "gflops_product": round(peak, 1),
        "gflops_transformer": round(reached, 1),
        "utilization": round(reached / peak, 3),
        "products_share": round(products, 3),
        "stages_ms": {name: in_milliseconds(times[1:]) for name, times in stages.items()},
    }


def peers(predictor: Predictor, size: int, runs: int) -> dict[str, Any]:
    """The CNN's map of one class: ours, and pytorch-grad-cam's GradCAM; torchcam's CAM where that is installed."""
    image = photo()
    branch = cast("CnnBranch", predictor.checkpoint.networks["resnet"])
    pixels = to_tensor(resize_long_side(image, size), *normalization_of(branch))
    pooled = _Pooled(branch)
    for parameter in pooled.parameters():
        parameter.requires_grad_(True)
    cam = GradCAM(model=pooled, target_layers=[cast("nn.Sequential", branch.resnet.layer4)[-1]])
    target = cast("list[Any]", [ClassifierOutputTarget(3)])
    settings = InferenceConfig(size=size, methods=("resnet",))
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: predictor.predict(image, settings).cams("resnet", classes=[3]),
        "pytorch-grad-cam, GradCAM": lambda: cam(input_tensor=pixels, targets=target),
    }
    if find_spec("torchcam"):
        ways["torchcam, CAM"] = torchcam_cam(pooled, branch, pixels)
    result = compared(in_turns(ways, runs), "ours")
    cam.activations_and_grads.release()
    branch.requires_grad_(False)
    return result


def torchcam_cam(pooled: nn.Module, branch: CnnBranch, pixels: Tensor) -> Callable[[], object]:
    """The same map by torchcam, without gradients, which CAM does not need."""
    from torchcam.methods import CAM  # pyright: ignore[reportMissingImports] - where it is installed

    def run() -> object:
        with torch.inference_mode(), CAM(pooled, cast("nn.Module", branch.resnet.layer4), branch.classifier) as cam:
            pooled(pixels)
            return cam(class_idx=3)

    return run


class _Pooled(nn.Module):
    """The CNN branch as a classifier, as other programs take it."""

    def __init__(self, branch: CnnBranch) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, images: Tensor) -> Tensor:
        return class_scores(self.branch(images))


def waited(predictor: Predictor, size: int, runs: int) -> dict[str, Any]:
    """From pixels to the first map, to those of the three networks that the page shows, and to everything; and the
    time that the products of these three take at the rate of one large product in the same run.
    """
    image, checkpoint = photo(), predictor.checkpoint
    networks = {name: checkpoint.networks[name] for name in PANELS if name in checkpoint.networks}
    resized = resize_long_side(image, size)
    grid = predictor.grid(image.shape[0], image.shape[1], InferenceConfig(size=size))
    flops = 0
    for name, network in networks.items():
        pixels = to_tensor(resized, *normalization_of(network))
        tiles = pixels if isinstance(network, CnnBranch) else grid.cut(grid.pad(pixels))
        flops += flops_of(network, tiles, checkpoint.config.defaults.loops if name == "crt" else 0)
    spent: dict[str, list[float]] = {}

    def run() -> None:
        began, met = time.perf_counter(), {}

        def note(prediction: Prediction) -> None:
            for method in prediction.methods:
                prediction.cams(method, loops=prediction.clamp(method, 3), refined=True)
            met.setdefault("first", time.perf_counter() - began)
            if set(networks) <= set(prediction.methods):
                met.setdefault("panels", time.perf_counter() - began)

        note(predictor.predict(image, InferenceConfig(size=size, loops=MAP_LOOPS), partial=note))
        for name, seconds in {**met, "all": time.perf_counter() - began}.items():
            spent.setdefault(name, []).append(seconds)

    rate = _rate(in_turns({"product": _products(), "run": run}, runs)["product"])
    return {
        "ms": {name: in_milliseconds(seconds[1:]) for name, seconds in spent.items()},
        "products_ms": round(1000 * flops / rate, 1),
    }
