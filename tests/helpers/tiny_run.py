"""A training run small enough for tests: in several processes by `python -m tests.helpers.tiny_run OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from crt.data import ImageDataset, Sample
from crt.train.config import ModelConfig, Phase
from crt.train.crt import Trained, train
from crt.train.run_config import TrainConfig
from tests.helpers.tiny import RESNET, TILE, VIT


def tiny_images(folder: Path, count: int = 16) -> ImageDataset:
    """Images with a red square, a green disc, or both."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for i in range(count):
        rng = np.random.default_rng(i)
        image = rng.integers(60, 120, (70, 90, 3)).astype(np.uint8)
        labels = ((0,), (1,), (0, 1))[i % 3]
        y, x = rng.integers(5, 40, 2)
        if 0 in labels:
            image[y : y + 25, x : x + 25] = (220, 30, 30)
        if 1 in labels:
            rows, cols = np.ogrid[:70, :90]
            image[(rows - 50) ** 2 + (cols - 70 + y) ** 2 < 150] = (30, 220, 30)
        path = folder / f"{i:02d}.png"
        if not path.exists():
            Image.fromarray(image).save(path)
        samples.append(Sample(path.stem, path, labels))
    return ImageDataset(("square", "disc"), tuple(samples))


def tiny_config(out: Path, **changes: object) -> TrainConfig:
    """Two epochs of four steps, two image sizes, loops drawn from two counts."""
    values: dict = {
        "out": out,
        "model": ModelConfig(vit=VIT, cnn=RESNET, vit_weights="random", cnn_weights="random", tile=TILE),
        "schedule": (Phase(1, 64, (48, 80), loops=(0, 1)), Phase(1, 96, (64, 112), loops=(0, 2), cnn_size=64)),
        "batch": 4,
        "precision": "fp32",
        "checkpoint_minutes": 0.0,
        "consistency_size": 32,
    }
    return TrainConfig(**{**values, **changes})


def run(out: Path, **changes: object) -> Trained:
    """Train the tiny pair into `out`."""
    torch.set_num_threads(1)
    return train(tiny_config(out, **changes), tiny_images(out.parent / "images"))


if __name__ == "__main__":
    run(Path(sys.argv[1]))
