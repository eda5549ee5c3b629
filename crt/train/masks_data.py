"""Training crops of pictures with label masks, for the networks that learn from seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from crt.datasets import ImageSet
from crt.datasets.base import Problems
from crt.errors import InvalidDataset
from crt.images import load_image, to_tensor
from crt.indexed import read_labels
from crt.masks.labels import UNSURE
from crt.train.data import StepPlan, place_crop


def with_masks(images: ImageSet, folder: Path) -> ImageSet:
    """The same pictures with the masks `folder/<id>.png`, which are learned from.

    Raises InvalidDataset that lists every mask that is missing, unreadable or of another size than its picture.
    """
    problems = Problems(f"The masks in {folder}")
    samples = []
    for sample in images.samples:
        path = folder / f"{sample.id}.png"
        samples.append(replace(sample, mask=path))
        if not path.is_file():
            problems.add("no mask", sample.id)
            continue
        try:
            with Image.open(path, formats=("PNG",)) as mask, Image.open(sample.image) as image:
                if mask.size != image.size:
                    problems.add("mask of another size", f"{sample.id} (picture {image.size}, mask {mask.size})")
        except (OSError, SyntaxError):
            problems.add("unreadable", sample.id)
    problems.raise_if_any()
    return replace(images, samples=tuple(samples))


def mask_crop(
    image: np.ndarray, labels: np.ndarray, crop: int, rescale: tuple[float, float], rng: np.random.Generator
) -> tuple[Tensor, np.ndarray]:
    """(H, W, 3) and (H, W) uint8 -> (3, crop, crop) normalised float32 and (crop, crop) uint8 labels.

    Both are resized by a factor drawn from `rescale` (bicubic, nearest), flipped at random and cropped alike. Beyond
    the picture there are zeros, labelled 255.
    """
    factor = rng.uniform(*rescale)
    height, width = (max(1, round(side * factor)) for side in labels.shape)
    image = np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    labels = np.array(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))
    if rng.random() < 0.5:
        image, labels = np.ascontiguousarray(image[:, ::-1]), labels[:, ::-1]
    (from_y, from_x), (to_y, to_x), (rows, cols) = place_crop((height, width), crop, rng)
    pixels, marked = torch.zeros(3, crop, crop), np.full((crop, crop), UNSURE, np.uint8)
    window = np.s_[from_y : from_y + rows, from_x : from_x + cols]
    pixels[:, to_y : to_y + rows, to_x : to_x + cols] = to_tensor(image[window])[0]
    marked[to_y : to_y + rows, to_x : to_x + cols] = labels[window]
    return pixels, marked


class MaskCrops(StepPlan):
    """The crops of a training from masks. Items are ((3, crop, crop) float32, int64 labels, after `reduce`)."""

    def __init__(
        self,
        images: ImageSet,
        *,
        crop: int,
        rescale: tuple[float, float],
        reduce: Callable[[np.ndarray], np.ndarray] | None = None,
        batch: int,
        epochs: int,
        seed: int,
        workers: int,
    ) -> None:
        super().__init__(images, batch=batch, epochs=epochs, seed=seed, workers=workers)
        self.crop, self.rescale, self.reduce = crop, rescale, reduce

    def item(self, index: int, epoch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """One picture and its labels."""
        sample = self.images.samples[index]
        if sample.mask is None:
            raise InvalidDataset(f"{sample.id} has no mask to learn from.")
        image, labels = load_image(sample.image), read_labels(sample.mask)
        if labels.shape != image.shape[:2]:
            raise InvalidDataset(f"The mask of {sample.id} has {labels.shape} pixels, its picture {image.shape[:2]}.")
        pixels, marked = mask_crop(image, labels, self.crop, self.rescale, rng)
        if self.reduce is not None:
            marked = self.reduce(marked)
        return pixels, torch.from_numpy(marked.astype(np.int64))
