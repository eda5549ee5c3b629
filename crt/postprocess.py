"""From CAMs and scores to normalized CAMs, labels and probabilities (METHOD section 7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from crt.errors import InvalidSetting, count_of
from crt.models.resize import resize_bilinear
from crt.resample import strided_size
from crt.threshold import above_threshold

NORMALIZATION_EPS = 1e-5
CAM_THRESHOLD = 0.15
MAX_CLASSES = 254
"""Classes that a mask of 8 bits can hold beside the background 0 and 255, which means to ignore a pixel."""


def max_normalize(maps: np.ndarray, eps: float = NORMALIZATION_EPS) -> np.ndarray:
    """Divide each map by its own maximum (METHOD section 7).

    Args:
        maps: (K, H, W), 0 and above.
        eps: added to the maximum, so that an empty map stays zero.

    Returns:
        (K, H, W) of the same type, 0 to below 1.
    """
    return maps / (maps.max((-2, -1), keepdims=True, initial=0) + eps)


def class_probabilities(scores: np.ndarray, *, single_label: bool = False) -> np.ndarray:
    """Turn logits into probabilities.

    Args:
        scores: (…, C) logits.
        single_label: whether one label is right, so that a softmax is taken; else a sigmoid of each.

    Returns:
        (…, C) float64, 0 … 1.
    """
    scores = scores.astype(np.float64)
    if single_label:
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        return weights / weights.sum(-1, keepdims=True)
    return 0.5 * (1 + np.tanh(scores / 2))  # a sigmoid that cannot overflow


def check_class_ids(class_ids: Sequence[int], maps: int | None = None) -> None:
    """Refuse classes without a label of 8 bits: class id + 1 must be below 255, which means to ignore a pixel.

    Args:
        class_ids: from 0.
        maps: the number of maps, one for each class; None where there are no maps.

    Raises:
        InvalidSetting: maps and classes differ in number, or a class has no label.
    """
    if maps is not None and maps != len(class_ids):
        raise InvalidSetting(
            f"{count_of(maps, 'map')} for {count_of(len(class_ids), 'class', 'classes')}: give one for each."
        )
    if any(not 0 <= index < MAX_CLASSES for index in class_ids):
        raise InvalidSetting(f"An indexed mask can hold the first {MAX_CLASSES} classes only: choose among them.")


def cam_to_labels(seeds: np.ndarray, class_ids: Sequence[int], threshold: float = CAM_THRESHOLD) -> np.ndarray:
    """Label each pixel with its strongest class, or as background (METHOD section 7).

    Args:
        seeds: (K, H, W) normalised maps. Of equal ones the earlier wins.
        class_ids: the K classes, from 0.
        threshold: the background constant: a pixel without a map above it is background (`crt.threshold`).

    Returns:
        (H, W) uint8: 0 background, class id + 1.

    Raises:
        InvalidSetting: maps and classes differ in number, or a class has no label.
    """
    check_class_ids(class_ids, len(seeds))
    if not len(seeds):
        return np.zeros(seeds.shape[1:], np.uint8)
    labels = np.array([index + 1 for index in class_ids], np.uint8)
    return np.where(above_threshold(seeds.max(0), threshold), labels[seeds.argmax(0)], np.uint8(0))


def sum_scales_released(
    maps: Sequence[Tensor], size: tuple[int, int], *, stride: int = 4, cell: int = 16
) -> tuple[Tensor, Tensor]:
    """Sum the maps of several scales as the released program does.

    It resizes each map as a whole, padding included, so an image whose side is no multiple of 16 is stretched by up to
    one cell. Kept for parity; `crt.resample.upsample_cam` is what this project uses.

    Args:
        maps: (C, ·, ·) cell maps, one per scale.
        size: height and width of the image in pixels.
        stride: pixels per cell of the smaller result.
        cell: pixels per cell of the maps.

    Returns:
        The sums (C, h, w) at `stride` and (C, H, W) on the pixels.
    """
    height, width = size
    whole = (-(-height // cell) * cell, -(-width // cell) * cell)

    def resized(target: tuple[int, int]) -> Tensor:
        return torch.stack([resize_bilinear(cells[None], target)[0] for cells in maps]).sum(0)

    return resized(strided_size(size, stride)), resized(whole)[:, :height, :width]
