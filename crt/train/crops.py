"""Random crops of images (METHOD section 6)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from crt.data.resizing import resize_long_side, resize_short_side, resize_square, to_tensor
from crt.train.config import Side
from crt.types import IMAGENET, Normalization

_RESIZE = {"long": resize_long_side, "short": resize_short_side, "both": resize_square}


def random_crop(
    image: np.ndarray,
    crop: int,
    resize: tuple[int, int],
    rng: np.random.Generator,
    side: Side = "long",
    normalization: Normalization = IMAGENET,
) -> Tensor:
    """Resize an image at random, flip it at random, crop it, and fill with zeros (METHOD section 6).

    Args:
        image: (H, W, 3) uint8.
        crop: pixels of the square crop.
        resize: the `side` becomes a uniform integer between these two, both included.
        rng: of the draws.
        side: which side is resized.
        normalization: of the network.

    Returns:
        (3, crop, crop) normalised float32.
    """
    image = _RESIZE[side](image, int(rng.integers(resize[0], resize[1] + 1)))
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
    (from_y, from_x), (to_y, to_x), (rows, cols) = place_crop((image.shape[0], image.shape[1]), crop, rng)
    out = torch.zeros(3, crop, crop)
    window = image[from_y : from_y + rows, from_x : from_x + cols]
    out[:, to_y : to_y + rows, to_x : to_x + cols] = to_tensor(window, *normalization)[0]
    return out


def place_crop(size: tuple[int, int], crop: int, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """Place a crop on an image: where the image is larger a window is taken out, where it is smaller it lies at a
    random place.

    Args:
        size: height and width of the image.
        crop: pixels of the square crop.
        rng: of the draws.

    Returns:
        (y, x) in the image and in the crop, and the (rows, columns) of pixels that they share.
    """
    top, left = (int(rng.integers(min(0, side - crop), max(0, side - crop) + 1)) for side in size)
    shared = (min(crop, size[0]), min(crop, size[1]))
    return (max(0, top), max(0, left)), (max(0, -top), max(0, -left)), shared
