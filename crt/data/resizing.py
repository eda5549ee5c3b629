"""From an image to what a network takes: resized, bicubic, and normalised (METHOD section 1)."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from crt.errors import InvalidImage, InvalidSetting
from crt.types import IMAGENET_MEAN, IMAGENET_STD


def resize_long_side(image: np.ndarray, size: int) -> np.ndarray:
    """Resize an image so that its longer side has a size, bicubic.

    Args:
        image: (H, W, 3) uint8.
        size: pixels of the longer side.

    Returns:
        (h, w, 3) uint8, both sides at least 1; the image itself if it has this size.

    Raises:
        InvalidSetting: the size is below 1.
    """
    _check_rgb(image)
    return _resize_side(image, size, max(image.shape[:2]))


def resize_short_side(image: np.ndarray, size: int) -> np.ndarray:
    """Resize an image so that its shorter side has a size, bicubic.

    Args:
        image: (H, W, 3) uint8.
        size: pixels of the shorter side.

    Returns:
        (h, w, 3) uint8; the image itself if it has this size.

    Raises:
        InvalidSetting: the size is below 1.
    """
    _check_rgb(image)
    return _resize_side(image, size, min(image.shape[:2]))


def resize_square(image: np.ndarray, size: int) -> np.ndarray:
    """Resize an image to a square, bicubic, its proportions lost.

    Args:
        image: (H, W, 3) uint8.
        size: pixels of the side.

    Returns:
        (size, size, 3) uint8.

    Raises:
        InvalidSetting: the size is below 1.
    """
    _check_rgb(image)
    if size < 1:
        raise InvalidSetting(f"The size is {size} pixels; give 1 or more.")
    return _resize(image, size, size)


def resize_scale(image: np.ndarray, factor: float) -> np.ndarray:
    """Resize an image by a factor, bicubic.

    Args:
        image: (H, W, 3) uint8.
        factor: of both sides, above 0.

    Returns:
        (round(H * factor), round(W * factor), 3) uint8, both sides at least 1; the image itself if its size does not
        change.

    Raises:
        InvalidSetting: the factor is not above 0 and finite.
    """
    _check_rgb(image)
    if not 0 < factor < float("inf"):
        raise InvalidSetting(f"The scale is {factor}; give a number above 0.")
    height, width = image.shape[:2]
    return _resize(image, max(1, round(height * factor)), max(1, round(width * factor)))


def to_tensor(
    image: np.ndarray,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
) -> torch.Tensor:
    """Normalise an image for a network (METHOD section 1).

    Args:
        image: (H, W, 3) uint8 RGB.
        mean: of red, green and blue in 0 … 1, ImageNet's by default; that of a network comes from
            `crt.models.normalization.normalization_of`.
        std: their deviation.

    Returns:
        (1, 3, H, W) float32: divided by 255, minus `mean`, divided by `std`.

    Raises:
        InvalidImage: another kind of array.
    """
    _check_rgb(image)
    scaled = image.astype(np.float32) / np.float32(255)
    scaled -= np.asarray(mean, dtype=np.float32)
    scaled /= np.asarray(std, dtype=np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))[None]


def _check_rgb(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InvalidImage(f"A uint8 array (H, W, 3) is needed, not {got}; read the image with load_image first.")


def _resize_side(image: np.ndarray, size: int, side: int) -> np.ndarray:
    if size < 1:
        raise InvalidSetting(f"The side is {size}; give at least 1 pixel.")
    height, width = image.shape[:2]
    factor = size / side
    return _resize(image, max(1, round(height * factor)), max(1, round(width * factor)))


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
