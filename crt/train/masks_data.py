"""Training crops of images with label masks, for the networks that learn from seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from crt.data import ImageDataset
from crt.data.error_collector import ErrorCollector
from crt.data.image_size import upright_size
from crt.data.images import load_image
from crt.data.resizing import resize_scale, to_tensor
from crt.errors import InvalidDataset, InvalidSetting, reason_of
from crt.pseudo_labels.label_png import check_class_count, read_mask
from crt.train.crops import place_crop
from crt.train.data import BatchPlan
from crt.train.run_config import MaskRunConfig
from crt.types import IGNORE, IMAGENET, Normalization


def with_masks(images: ImageDataset, folder: Path) -> ImageDataset:
    """The same images with the masks `folder/<id>.png`, which are learned from. Only headers are read.

    Args:
        images: the set.
        folder: of the masks.

    Returns:
        The images with masks.

    Raises:
        InvalidDataset: masks are missing, unreadable, not indexed or of another size than their image; the message
            lists them.
        InvalidSetting: more classes than masks hold.
    """
    check_class_count(len(images.classes))
    problems = ErrorCollector(f"The masks in {folder}")
    samples = tuple(replace(sample, mask=folder / f"{sample.id}.png", mask_labels=None) for sample in images.samples)
    for sample in samples:
        if (problem := _problem(sample.image, folder / f"{sample.id}.png")) is not None:
            kind, detail = problem
            problems.add(kind, f"{sample.id} ({detail})" if detail else sample.id)
    problems.raise_if_any()
    return replace(images, samples=samples)


def _problem(file: Path, mask: Path) -> tuple[str, str] | None:
    """(kind, detail) of what the headers show to be wrong with a mask, or None."""
    if not mask.is_file():
        return "no mask", ""
    try:
        with Image.open(mask, formats=("PNG",)) as image:
            mode, wanted = image.mode, image.size
        size = upright_size(file)
    except Exception as error:  # noqa: BLE001 - Pillow's readers raise nearly any type at damaged headers
        return "unreadable image or mask", reason_of(error)
    if mode not in ("P", "L", "1", "I", "I;16", "I;16B"):
        return "mask in colours", f"mode {mode}"
    if size != wanted:
        return "mask of another size", "image {}x{}, mask {}x{}".format(*size, *wanted)
    return None


def mask_crop(
    image: np.ndarray,
    labels: np.ndarray,
    crop: int,
    rescale: tuple[float, float],
    rng: np.random.Generator,
    normalization: Normalization = IMAGENET,
) -> tuple[Tensor, np.ndarray]:
    """Crop an image and its labels alike: resized by a random factor (bicubic, nearest), flipped at random and cropped.
    Beyond the image there are zeros, labelled 255.

    Args:
        image: (H, W, 3) uint8.
        labels: (H, W) uint8.
        crop: pixels of the square crop.
        rescale: least and largest factor.
        rng: of the draws.
        normalization: of the network.

    Returns:
        (3, crop, crop) normalised float32 and (crop, crop) uint8 labels.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: the labels do not fit it.
    """
    if labels.dtype != np.uint8 or labels.shape != image.shape[:2]:
        raise InvalidSetting(f"Labels {labels.dtype} {labels.shape} do not fit an image of {image.shape[:2]} pixels.")
    image = resize_scale(image, rng.uniform(*rescale))
    height, width = image.shape[:2]
    labels = np.array(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))
    if rng.random() < 0.5:
        image, labels = np.ascontiguousarray(image[:, ::-1]), labels[:, ::-1]
    (from_y, from_x), (to_y, to_x), (rows, cols) = place_crop((height, width), crop, rng)
    pixels, marked = torch.zeros(3, crop, crop), np.full((crop, crop), IGNORE, np.uint8)
    window = np.s_[from_y : from_y + rows, from_x : from_x + cols]
    pixels[:, to_y : to_y + rows, to_x : to_x + cols] = to_tensor(image[window], *normalization)[0]
    marked[to_y : to_y + rows, to_x : to_x + cols] = labels[window]
    return pixels, marked


class MaskCrops(BatchPlan):
    """The crops of a training from masks. Items are ((3, crop, crop) normalised float32, int64 labels).

    Args:
        images: with masks.
        config: crops, seed, batch.
        reduce: what makes the (crop, crop) uint8 labels smaller, if the network answers on a coarser grid.
        normalization: the network's.
    """

    def __init__(
        self,
        images: ImageDataset,
        config: MaskRunConfig,
        reduce: Callable[[np.ndarray], np.ndarray] | None = None,
        normalization: Normalization = IMAGENET,
    ) -> None:
        super().__init__(images, batch=config.batch, epochs=config.epochs, seed=config.seed, workers=config.workers)
        self.crop, self.rescale, self.reduce = config.crop, config.rescale, reduce
        self.normalization = normalization

    def item(self, index: int, epoch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Crop one image and its labels.

        Args:
            index: of the image.
            epoch: from 0.
            rng: of the draws.

        Returns:
            (3, crop, crop) normalised float32 and int64 labels.

        Raises:
            InvalidDataset: the mask has another size or labels beyond the classes; the message has the id.
        """
        sample = self.images.samples[index]
        if sample.mask is None:
            raise InvalidDataset(f"{sample.id} has no mask to learn from.")
        image, labels = load_image(sample.image), read_mask(sample, len(self.images.classes))
        if labels.shape != image.shape[:2]:
            raise InvalidDataset(f"The mask of {sample.id} has {labels.shape} pixels, its image {image.shape[:2]}.")
        pixels, marked = mask_crop(image, labels, self.crop, self.rescale, rng, self.normalization)
        if self.reduce is not None:
            marked = self.reduce(marked)
        return pixels, torch.from_numpy(marked.astype(np.int64))
