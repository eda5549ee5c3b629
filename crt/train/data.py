"""Training crops. Every random choice is a function of (seed, epoch, picture), so a resumed run sees the same crops."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from crt.datasets import ImageSet
from crt.errors import InvalidSetting
from crt.images import load_image, resize_long_side, to_tensor
from crt.train.config import TrainConfig


def random_crop(image: np.ndarray, crop: int, resize: tuple[int, int], rng: np.random.Generator) -> Tensor:
    """(H, W, 3) uint8 -> (3, crop, crop) normalised float32: resized, flipped at random, cropped, zero-filled."""
    image = resize_long_side(image, int(rng.integers(resize[0], resize[1] + 1)))
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
    height, width = image.shape[:2]
    # Where the picture is larger a window is taken out; where it is smaller it lies at a random place.
    top, left = (int(rng.integers(min(0, side - crop), max(0, side - crop) + 1)) for side in (height, width))
    window = image[max(0, top) : max(0, top) + crop, max(0, left) : max(0, left) + crop]
    out = torch.zeros(3, crop, crop)
    y, x = max(0, -top), max(0, -left)
    out[:, y : y + window.shape[0], x : x + window.shape[1]] = to_tensor(window)[0]
    return out


class CropPlan(Dataset):
    """All crops of a run in their order: position = step · batch + place in the batch. Items are (crop, labels)."""

    def __init__(self, images: ImageSet, config: TrainConfig) -> None:
        self.images = images
        self.config = config
        self.targets = torch.from_numpy(images.targets())
        self.steps_per_epoch = len(images) // config.batch
        if self.steps_per_epoch == 0:
            raise InvalidSetting(f"{len(images)} pictures do not fill one batch of {config.batch}: lower the batch.")

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.steps_per_epoch * self.config.epochs

    def __len__(self) -> int:
        return self.steps * self.config.batch

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        epoch, offset = divmod(position, self.steps_per_epoch * self.config.batch)
        index = int(_order(len(self.images), self.config.seed, epoch)[offset])
        phase = self.config.phase_of(epoch)
        rng = np.random.default_rng([self.config.seed, epoch, index])
        image = load_image(self.images.samples[index].image)
        return random_crop(image, phase.crop, phase.resize, rng), self.targets[index]

    def loops(self, step: int) -> int:
        """The loop count of a step."""
        phase = self.config.phase_of(step // self.steps_per_epoch)
        return int(np.random.default_rng([self.config.seed, step, 1]).choice(phase.loops))

    def loader(self, start: int, *, rank: int = 0, processes: int = 1) -> DataLoader:
        """Batches of this process from step `start` on; the processes share each global batch evenly."""
        batch = self.config.batch
        if batch % processes:
            raise InvalidSetting(f"A batch of {batch} cannot be shared by {processes} processes: choose a multiple.")
        share = batch // processes
        batches = [
            list(range(step * batch + rank * share, step * batch + (rank + 1) * share))
            for step in range(start, self.steps)
        ]
        workers = self.config.data.workers
        return DataLoader(
            self,
            batch_sampler=batches,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            pin_memory=torch.cuda.is_available(),
        )


@lru_cache(maxsize=2)
def _order(length: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(length)
