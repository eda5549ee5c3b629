"""Training: pictures a second of the pair, against METHOD written out plainly, and of the reading of its crops."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from crt.cnn import CnnBranch, build_resnet
from crt.datasets import read_folders
from crt.dual import DualBranch, DualMaps
from crt.precision import resolve
from crt.tiles import TileGrid
from crt.train.config import CNN_SGD, VIT_ADAMW, DataConfig, Phase, TrainConfig
from crt.train.data import CropPlan
from crt.train.loss import dual_loss
from crt.train.optim import build_optimizer
from crt.transformer import TransformerBranch, build_vit
from scripts.bench.timing import in_turns, summary
from tests.reference import class_maps

VIT, CNN = "deit_tiny_patch16_224", "resnet50"
"""Those of the embedded checkpoint."""
CLASSES, BATCH, CROP, LOOPS, COUPLING = 20, 4, 336, 3, 0.1
PICTURES, EPOCHS = 64, 3

Step = Callable[[Tensor, Tensor], None]


def training(runs: int) -> dict[str, Any]:
    """Pictures a second of each way of doing a step, and of the loader alone with one worker."""
    crops = torch.randn(BATCH, 3, CROP, CROP)
    labels = torch.zeros(BATCH, CLASSES)
    labels[:, 3] = 1
    steps: dict[str, Step] = {"ours, float32": ours(bfloat16=False)}
    if resolve("auto", "cpu") == "bf16":
        steps["ours, bfloat16"] = ours(bfloat16=True)
    steps["plain, float32"] = plain()
    spent = in_turns({name: partial(step, crops, labels) for name, step in steps.items()}, runs)
    read = loading()
    fastest = max(BATCH / min(times) for times in spent.values())
    return {
        "vit": VIT,
        "cnn": CNN,
        "crop": CROP,
        "batch": BATCH,
        "loops": LOOPS,
        "step_ms": {name: summary(times) for name, times in spent.items()},
        "images_per_second": {name: round(BATCH / float(np.median(times)), 2) for name, times in spent.items()},
        "loader_images_per_second": round(read, 1),
        "loader_over_fastest_step": round(read / fastest, 1),
    }


def pair() -> tuple[CnnBranch, TransformerBranch]:
    """The networks with random weights."""
    torch.manual_seed(0)
    cnn, vit = CnnBranch(build_resnet(CNN), CLASSES), TransformerBranch(build_vit(VIT), CLASSES)
    return cnn.train(), vit.train()


def ours(*, bfloat16: bool) -> Step:
    """A step as `crt.train` does it."""
    cnn, vit = pair()
    cnn.to(memory_format=torch.channels_last)
    model, grid = DualBranch(cnn, vit), TileGrid(CROP, CROP, vit.tile, vit.patch)

    def maps(crops: Tensor) -> DualMaps:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            return model(crops.contiguous(memory_format=torch.channels_last), crops, LOOPS, grid)

    return stepping(cnn, vit, maps)


def plain() -> Step:
    """The same step with whole attention matrices and the padding of the authors' program."""
    cnn, vit = pair()

    def maps(crops: Tensor) -> DualMaps:
        return DualMaps(cnn(crops), class_maps(vit, crops, loops=LOOPS, refined=False))

    return stepping(cnn, vit, maps)


def stepping(cnn: CnnBranch, vit: TransformerBranch, maps: Callable[[Tensor], DualMaps]) -> Step:
    """Forward, losses, backward and both optimizers."""
    optimizers = [
        build_optimizer(tuple(cnn.resnet.parameters()), tuple(cnn.classifier.parameters()), CNN_SGD),
        build_optimizer(tuple(vit.vit.parameters()), tuple(vit.head.parameters()), VIT_ADAMW),
    ]

    def step(crops: Tensor, labels: Tensor) -> None:
        dual_loss(maps(crops), labels, COUPLING, CROP).total.backward()
        torch.nn.utils.clip_grad_norm_(vit.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return step


def loading() -> float:
    """Crops a second that one worker reads from JPEG files of 500 × 375 pixels, after those it reads ahead."""
    with tempfile.TemporaryDirectory() as folder:
        for path, pixels in photos(Path(folder)):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path, quality=90)
        config = TrainConfig(
            out=Path(folder) / "out",
            batch=BATCH,
            data=DataConfig(roots=(Path(folder),), workers=1),
            schedule=(Phase(EPOCHS, CROP, (210, 420), (LOOPS,)),),
        )
        batches = iter(CropPlan(read_folders(Path(folder)), config).loader(0))
        for _ in range(PICTURES // BATCH):  # the worker starts and reads ahead meanwhile
            next(batches)
        began = time.perf_counter()
        rest = sum(len(crops) for crops, _ in batches)
        return rest / (time.perf_counter() - began)


def photos(folder: Path) -> Iterator[tuple[Path, np.ndarray]]:
    """(375, 500, 3) uint8 pictures of noise at many scales, which cost a decoder what photographs do."""
    rng = np.random.default_rng(0)
    for index in range(PICTURES):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((500, 375), 3)
        pixels = np.asarray(coarse, dtype=np.int16) + rng.integers(-12, 13, (375, 500, 3))
        yield folder / f"class{index % 2}" / f"{index}.jpg", pixels.clip(0, 255).astype(np.uint8)
