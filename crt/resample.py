"""From cells to pixels, bilinear: the one definition of where each cell lies. Torch-free."""

from __future__ import annotations

import numpy as np

WALK_STRIDE = 4
"""Pixels of the image per cell of the edges, the displacements and the random walk."""


def upsample_cam(
    maps: np.ndarray, content_size: tuple[float, float], size: tuple[int, int], *, flipped: bool = False
) -> np.ndarray:
    """Put maps on the pixel grid of an image, bilinear. For whole numbers this is torch's resize without aligned
    corners.

    Args:
        maps: (K, h, w) on cells.
        content_size: height and width of the image in cells (`Prediction.content_size`); cells beyond it hold padding.
        size: height and width of the image in pixels.
        flipped: whether the maps are of the image's mirror image, and are turned back here. The mirror image has its
            padding on the other side, so turning the map of cells instead, as the released program does, shifts it by
            up to 15 pixels.

    Returns:
        (K, H, W) float32, between the least and the largest value of each map.
    """
    rows = bilinear_weights(_centres(size[0]) * content_size[0] / size[0] - 0.5, maps.shape[-2])
    cols = bilinear_weights(_centres(size[1]) * content_size[1] / size[1] - 0.5, maps.shape[-1])
    if flipped:
        cols = cols[::-1]
    maps = maps.astype(np.float32)
    # A mean lies between its terms. Rounding may leave that range by a digit, which min-max would make a pattern of.
    low, high = maps.min((-2, -1), keepdims=True), maps.max((-2, -1), keepdims=True)
    return np.clip(np.ascontiguousarray(rows @ maps @ cols.T), low, high)


def resize_map(cam: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """One map on another grid over the same image, bilinear and without a filter against aliasing.

    Args:
        cam: (h, w), whose points are spread evenly over the image.
        size: height and width of the result.

    Returns:
        (height, width) float32.
    """
    return upsample_cam(cam[None], (cam.shape[0], cam.shape[1]), size)[0]


def bilinear_weights(at: np.ndarray, cells: int) -> np.ndarray:
    """What each cell gives to each pixel.

    Args:
        at: (pixels,) the position of each pixel in cells, where cell i has its centre at i; beyond the first and the
            last centre the nearest cell counts alone.
        cells: number of cells.

    Returns:
        (pixels, cells) float32, rows sum to 1.
    """
    at = np.clip(at, 0, cells - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells)[None, :])).astype(np.float32)


def strided_size(size: tuple[int, int], stride: int = WALK_STRIDE) -> tuple[int, int]:
    """The grid that the random walk works on: `(h - 1) // stride + 1`.

    Args:
        size: height and width of the image in pixels.
        stride: pixels per cell.

    Returns:
        Height and width in cells.
    """
    return (size[0] - 1) // stride + 1, (size[1] - 1) // stride + 1


def _centres(pixels: int) -> np.ndarray:
    return np.arange(pixels) + 0.5
