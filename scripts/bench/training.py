"""Training: images a second of the pair, against METHOD written out plainly, and of the reading of its crops."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from crt.data import read_folders
from crt.device import choose_device
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.dual import DualBranch, DualMaps
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from crt.precision import resolve
from crt.train.config import CNN_SGD, VIT_ADAMW, DataConfig, Phase
from crt.train.cuda_graph import CudaGraphStep, Terms, Work
from crt.train.data import AHEAD, CropPlan
from crt.train.fast_layers import compile_layers, write_attention_out
from crt.train.losses import dual_loss
from crt.train.optim import build_optimizer
from crt.train.run_config import TrainConfig
from scripts.bench.reference import class_maps
from scripts.bench.timing import in_milliseconds, in_turns

VIT, CNN = "deit_tiny_patch16_224", "resnet50"
"""Those of the embedded checkpoint."""
CLASSES, CROP, LOOPS, LAMBDA_CAM = 20, 336, 3, 0.1
BATCH = {"cpu": 4, "cuda": 16}
IMAGES, EPOCHS = 64, 3
CURVE_STEPS = 16
"""Steps on the same images, of which the losses are kept."""

Step = Callable[[], Tensor]
"""One step; its loss."""


def training(runs: int) -> dict[str, Any]:
    """Images a second of each way of doing a step, on a GPU if there is one, and of reading crops."""
    device = choose_device("auto")
    batch = BATCH[device.type]
    steps = ways(device, batch)
    losses: dict[str, list[float]] = {name: [] for name in steps}

    def noted(name: str) -> None:
        losses[name].append(float(steps[name]()))

    timed = {name: partial(noted, name) for name in steps}
    spent = in_turns(timed, runs)
    for name in steps:
        while len(losses[name]) < CURVE_STEPS:
            noted(name)
    rates = {name: batch / float(np.median(times)) for name, times in spent.items()}
    workers = max(1, len(os.sched_getaffinity(0)) - 1)
    read = loading(batch, workers)
    return {
        "vit": VIT,
        "cnn": CNN,
        "crop": CROP,
        "batch": batch,
        "loops": LOOPS,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "step_ms": {name: in_milliseconds(times) for name, times in spent.items()},
        "losses": {name: [round(loss, 4) for loss in found[:CURVE_STEPS]] for name, found in losses.items()},
        "images_per_second": {name: round(rate, 2) for name, rate in rates.items()},
        "workers": workers,
        "loader_images_per_second": round(read, 1),
        "loader_over_fastest_step": round(read / max(rates.values()), 1),
    }


def ways(device: torch.device, batch: int) -> dict[str, Step]:
    """A step of `batch` images by each way that this machine is made for."""
    fast = resolve("auto", device.type) == "bf16"
    steps = {"ours, float32": our_step(device, batch)}
    if fast:
        steps["ours, bfloat16"] = our_step(device, batch, bfloat16=True)
    if device.type == "cuda":
        steps["ours, bfloat16, compiled"] = compiled_step(device, batch)
    steps["plain, float32"] = plain_step(device, batch)
    if fast and device.type == "cuda":
        steps["plain, bfloat16"] = plain_step(device, batch, bfloat16=True)
    return steps


def pair(device: torch.device) -> DualBranch:
    """The networks with random weights."""
    torch.manual_seed(0)
    cnn, vit = CnnBranch(build_resnet(CNN), CLASSES), TransformerBranch(build_vit(VIT), CLASSES)
    return DualBranch(cnn, vit).train().to(device)


def our_step(device: torch.device, batch: int, *, bfloat16: bool = False) -> Step:
    """A step as `crt.train` does it."""
    work, model = _ours(device, bfloat16=bfloat16)
    crops, labels = examples(device, batch)
    return stepping(model, lambda: cast("Tensor", work([crops, labels], 0)["total"]))


def compiled_step(device: torch.device, batch: int) -> Step:
    """The same with `compiled`."""
    work, model = _ours(device, bfloat16=True)
    compile_layers(model)
    recorded = CudaGraphStep(work, lambda _: None, model.parameters())
    crops, labels = examples(device, batch)
    return stepping(model, lambda: cast("Tensor", recorded([crops, labels], 0)["total"]))


def _ours(device: torch.device, *, bfloat16: bool) -> tuple[Work, DualBranch]:
    model = pair(device)
    cnn, vit = cast("CnnBranch", model.cnn), cast("TransformerBranch", model.vit)
    cnn.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if bfloat16 and device.type == "cpu":
        write_attention_out(model)
    grid = TileGrid(CROP, CROP, vit.tile, vit.patch)

    def work(batch: list[Tensor], step: int) -> Terms:  # noqa: ARG001
        crops, labels = batch
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            maps = model(crops.contiguous(memory_format=torch.channels_last), crops, LOOPS, grid)
        losses = dual_loss(maps, labels, LAMBDA_CAM, CROP)
        losses.total.backward()
        return losses._asdict()

    return work, model


def plain_step(device: torch.device, batch: int, *, bfloat16: bool = False) -> Step:
    """The same step with whole attention matrices and the padding of the authors' program."""
    model = pair(device)
    cnn, vit = cast("CnnBranch", model.cnn), cast("TransformerBranch", model.vit)
    crops, labels = examples(device, batch)

    def work() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            maps = DualMaps(cnn(crops), class_maps(vit, crops, loops=LOOPS, refined=False))
        loss = dual_loss(maps, labels, LAMBDA_CAM, CROP).total
        loss.backward()
        return loss

    return stepping(model, work)


def examples(device: torch.device, batch: int) -> tuple[Tensor, Tensor]:
    """Crops of noise and their labels; the same in every way of doing a step, as they follow `pair`."""
    labels = torch.zeros(batch, CLASSES, device=device)
    labels[:, 3] = 1
    return torch.randn(batch, 3, CROP, CROP, device=device), labels


def stepping(model: DualBranch, work: Step) -> Step:
    """`work`, which leaves gradients, then both optimizers, to the end."""
    cnn, vit = cast("CnnBranch", model.cnn), cast("TransformerBranch", model.vit)
    optimizers = [
        build_optimizer(cnn.resnet.named_parameters(), cnn.classifier.named_parameters(), CNN_SGD),
        build_optimizer(vit.vit.named_parameters(), vit.head.named_parameters(), VIT_ADAMW),
    ]

    def step() -> Tensor:
        loss = work().detach()
        torch.nn.utils.clip_grad_norm_(vit.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return loss

    return step


def loading(batch: int, workers: int) -> float:
    """Crops a second that `workers` read from JPEG files of 500 × 375 pixels, after those they read ahead."""
    with tempfile.TemporaryDirectory() as folder:
        for path, pixels in photos(Path(folder)):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path, quality=90)
        config = TrainConfig(
            out=Path(folder) / "out",
            batch=batch,
            data=DataConfig(roots=(folder,), workers=workers),
            schedule=(Phase(EPOCHS * workers, CROP, (210, 420), (LOOPS,)),),
        )
        batches = iter(CropPlan(read_folders(Path(folder)), config).loader(0))
        for _ in range((1 + AHEAD) * workers):  # they start and read ahead meanwhile
            next(batches)
        began = time.perf_counter()
        rest = sum(len(crops) for crops, _ in batches)
        return rest / (time.perf_counter() - began)


def photos(folder: Path) -> Iterator[tuple[Path, np.ndarray]]:
    """(375, 500, 3) uint8 images of noise at many scales, which cost a decoder what photographs do."""
    rng = np.random.default_rng(0)
    for index in range(IMAGES):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((500, 375), 3)
        pixels = np.asarray(coarse, dtype=np.int16) + rng.integers(-12, 13, (375, 500, 3))
        yield folder / f"class{index % 2}" / f"{index}.jpg", pixels.clip(0, 255).astype(np.uint8)
