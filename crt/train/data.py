"""Training crops. Every random choice is a function of (seed, epoch, place), so a resumed run sees the same crops."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from crt.data import ImageDataset
from crt.data.images import load_image
from crt.errors import InvalidSetting
from crt.train.crops import random_crop
from crt.train.run_config import TrainConfig
from crt.types import IMAGENET, Normalization

AHEAD = 4
"""Batches that each worker reads ahead."""


class BatchPlan(Dataset):
    """All items of a run in their order: position = step · batch + place in the batch, each epoch shuffled anew.

    `item(index, epoch, rng)` gives image `index`; `rng` depends on the seed, the epoch and the place in it only.

    Args:
        images: N of them.
        batch: images of a step over all processes.
        epochs: of the run.
        seed: of order and draws.
        workers: processes that read images; 0 reads in the training process.

    Raises:
        InvalidSetting: there are fewer images than a batch has.
    """

    def __init__(self, images: ImageDataset, *, batch: int, epochs: int, seed: int, workers: int) -> None:
        self.images = images
        self.batch, self.epochs, self.seed, self.workers = batch, epochs, seed, workers
        self._orders: dict[int, np.ndarray] = {}
        self.steps_per_epoch = len(images) // batch
        if self.steps_per_epoch == 0:
            raise InvalidSetting(f"{len(images)} images do not fill one batch of {batch}: lower the batch.")

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.steps_per_epoch * self.epochs

    def item(self, index: int, epoch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Make one training item.

        Args:
            index: of the image.
            epoch: from 0.
            rng: of the draws.

        Returns:
            What the loss takes.

        Raises:
            NotImplementedError: a plan of its own makes its items.
        """
        raise NotImplementedError

    def __len__(self) -> int:
        return self.steps * self.batch

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        epoch, offset = divmod(position, self.steps_per_epoch * self.batch)
        if epoch not in self._orders:  # of the last epoch and this one: batches are read ahead
            before = {other: order for other, order in self._orders.items() if other == epoch - 1}
            self._orders = before | {epoch: self.order(np.random.default_rng([self.seed, epoch]))}
        index = int(self._orders[epoch][offset])
        return self.item(index, epoch, np.random.default_rng([self.seed, epoch, offset]))

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """The images of an epoch in their order, each of them once.

        Args:
            rng: depends on seed and epoch only.

        Returns:
            (N,) int64.
        """
        return rng.permutation(len(self.images))

    def loader(self, start: int, *, rank: int = 0, processes: int = 1) -> DataLoader:
        """Batches of this process; the processes share each global batch evenly.

        Args:
            start: the first step.
            rank: number of this process.
            processes: number of all.

        Returns:
            The loader.

        Raises:
            InvalidSetting: the batch cannot be shared evenly.
        """
        batch = self.batch
        if batch % processes:
            raise InvalidSetting(f"A batch of {batch} cannot be shared by {processes} processes: choose a multiple.")
        share = batch // processes
        batches = [
            list(range(step * batch + rank * share, step * batch + (rank + 1) * share))
            for step in range(start, self.steps)
        ]
        return DataLoader(
            self,
            batch_sampler=batches,
            num_workers=self.workers,
            prefetch_factor=AHEAD if self.workers else None,
            pin_memory=torch.cuda.is_available(),
        )


class CropPlan(BatchPlan):
    """The crops of a training of the pair. Items are (crop, image labels).

    Args:
        images: with labels.
        config: crops, seed, batch.
        normalizations: those of the networks, each once; an item has its crop by each of them.
    """

    def __init__(
        self, images: ImageDataset, config: TrainConfig, normalizations: Sequence[Normalization] = (IMAGENET,)
    ) -> None:
        super().__init__(
            images, batch=config.batch, epochs=config.epochs, seed=config.seed, workers=config.data.workers
        )
        self.config, self.normalizations = config, tuple(normalizations)
        self.targets = torch.from_numpy(images.targets())
        below = config.data.repeat_below
        self.repeats = None if below is None else repeat_factors(images.targets(), below)

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """The images of an epoch; with repeat factors those of rare classes come more often and others are left out by
        chance.

        Args:
            rng: depends on seed and epoch only.

        Returns:
            (N,) int64.
        """
        if self.repeats is None:
            return super().order(rng)
        counts = np.floor(self.repeats + rng.random(len(self.repeats))).astype(int)
        return rng.permutation(np.repeat(np.arange(len(counts)), counts))[: len(counts)]

    def item(self, index: int, epoch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Crop one image.

        Args:
            index: of the image.
            epoch: from 0.
            rng: of the draws.

        Returns:
            (normalizations, 3, crop, crop) float32, and (C,) float32 of 0 and 1.
        """
        phase = self.config.phase_of(epoch)
        image = load_image(self.images.samples[index].image)
        crops = [
            random_crop(image, phase.crop, phase.resize, deepcopy(rng), phase.side, normalization)
            for normalization in self.normalizations
        ]
        return torch.stack(crops), self.targets[index]

    def loops(self, step: int) -> int:
        """The loop count of a step.

        Args:
            step: from 0.

        Returns:
            One of the counts of its phase.
        """
        phase = self.config.phase_of(step // self.steps_per_epoch)
        return int(np.random.default_rng([self.config.seed, step, 1]).choice(phase.loops))


def repeat_factors(targets: np.ndarray, below: float) -> np.ndarray:
    """How often an epoch shows each image, before it is cut to N images.

    Of a class with a share f of the images √(below / f), at least 1; of an image the largest of its classes. This is
    the repeat factor sampling of LVIS (Gupta, Dollár, Girshick 2019, section 4).

    Args:
        targets: (N, C) of 0 and 1.
        below: classes rarer than this share of the images come more often, above 0 and at most 1.

    Returns:
        (N,) float64, 1 and above.

    Raises:
        InvalidSetting: `below` is out of range.
    """
    if not 0 < below <= 1:
        raise InvalidSetting(f"The share below which classes are repeated is {below}: give one above 0 and at most 1.")
    share = np.maximum(targets.mean(0), 1 / len(targets))
    factors = np.sqrt(np.maximum(1.0, below / share))
    return np.where(targets > 0, factors, 1.0).max(1, initial=1.0)
