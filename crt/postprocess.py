"""From class maps to seeds: maps on the pixel grid are normalised and labelled (METHOD section 7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from crt.errors import InvalidSetting, count_of
from crt.models.resize import resize_bilinear
from crt.resample import strided_size
from crt.threshold import above_threshold

EPS = 1e-5
THRESHOLD = 0.15
LABELS = 254
"""Classes that a mask of 8 bits can tell apart beside the background 0 and 255, which means to ignore a pixel."""


def max_normalize(maps: np.ndarray, eps: float = EPS) -> np.ndarray:
    """(K, H, W) non-negative -> each map divided by its own maximum + eps. An empty map stays zero."""
    return maps / (maps.max((-2, -1), keepdims=True, initial=0) + eps)


def check_class_ids(class_ids: Sequence[int]) -> None:
    """Raise InvalidSetting for a 0-based class without a label of 8 bits: its number + 1 must be below 255, ignore."""
    if any(not 0 <= index < LABELS for index in class_ids):
        raise InvalidSetting(f"An indexed mask can hold the first {LABELS} classes only: choose among them.")


def cam_to_labels(seeds: np.ndarray, class_ids: Sequence[int], threshold: float = THRESHOLD) -> np.ndarray:
    """(K, H, W) normalised maps of the classes `class_ids` (0-based) -> (H, W) uint8: 0 background, class id + 1.

    Background is the constant `threshold` put before the maps; on a tie the earlier wins. Raises InvalidSetting for a
    class that has no label.
    """
    if len(class_ids) != len(seeds):
        raise InvalidSetting(
            f"{count_of(len(seeds), 'map')} for {count_of(len(class_ids), 'class', 'classes')}: give one for each."
        )
    check_class_ids(class_ids)
    if not len(seeds):
        return np.zeros(seeds.shape[1:], np.uint8)
    labels = np.array([index + 1 for index in class_ids], np.uint8)
    return np.where(above_threshold(seeds.max(0), threshold), labels[seeds.argmax(0)], np.uint8(0))


def sum_scales_released(
    maps: Sequence[Tensor], size: tuple[int, int], *, stride: int = 4, cell: int = 16
) -> tuple[Tensor, Tensor]:
    """The released program's sum over scales: cell maps (C, ·, ·) -> `strided` and `high_res` (C, H, W).

    It resizes each map as a whole, padding included, so an image whose side is no multiple of 16 is stretched by up to
    one cell. Kept for parity; `upsample_cam` is what this project uses.
    """
    height, width = size
    whole = (-(-height // cell) * cell, -(-width // cell) * cell)

    def resized(target: tuple[int, int]) -> Tensor:
        return torch.stack([resize_bilinear(cells[None], target)[0] for cells in maps]).sum(0)

    return resized(strided_size(size, stride)), resized(whole)[:, :height, :width]
