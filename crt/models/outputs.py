"""What the two kinds of networks leave of one image: raw CAMs, scores, and the attention that refines them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from crt.models.tiles import TileGrid

STRIDE = 16
"""Pixels of the image per cell of a CNN's map."""


@dataclass(frozen=True, eq=False)
class VitOutputs:
    """What a transformer leaves of an image of n tiles, with C classes, s cells per tile side and P patches per tile.

    Attributes:
        cams: (L + 1, n, C, s, s) float32, raw CAMs of each tile for loops 0 … L.
        cls_attn: (passes, blocks, n, P) float32, class-token attention to the patches, mean over heads; with heads kept
            (passes, blocks, heads, n, P).
        similarity: (L + 1,) float32, mean cosine of the tokens before and after the step to each loop count (Fig. 6;
            for loops 0, of x₀ and F(x₀)).
        residual: (passes,) float32, mean of ‖F(x)‖ / ‖x‖ over tiles and patch tokens, x as it enters the pass (Eq. 3).
        scores: (L + 1, C) float32 logits.
    """

    cams: np.ndarray
    cls_attn: np.ndarray
    similarity: np.ndarray
    residual: np.ndarray
    scores: np.ndarray

    @property
    def loops(self) -> int:
        """The largest loop count recorded."""
        return self.cams.shape[0] - 1

    @property
    def mean_cls_attn(self) -> np.ndarray:
        """(passes, blocks, n, P): the attention averaged over heads."""
        return self.cls_attn.mean(2) if self.cls_attn.ndim == 5 else self.cls_attn


@dataclass(frozen=True, eq=False)
class CnnOutputs:
    """What a CNN leaves of an image.

    Attributes:
        cams: (C, h, w) float32 raw CAMs, 16 pixels a cell.
        scores: (C,) float32 logits.
    """

    cams: np.ndarray
    scores: np.ndarray


def merge_patches(grid: TileGrid, values: np.ndarray) -> np.ndarray:
    """Merge numbers of the tiles' patches into one map.

    Args:
        grid: the tiles.
        values: (…, n, P) a number for every patch of every tile.

    Returns:
        (…, h, w) float32 on `grid.patch_cells`, averaged where tiles overlap, without the cells that hold only padding.
    """
    *lead, n, patches = values.shape
    side = grid.tile // grid.patch
    tiles = torch.from_numpy(np.ascontiguousarray(values.reshape(-1, n, patches).swapaxes(0, 1)))
    merged = grid.merge(tiles.reshape(n, -1, side, side))[0].numpy()
    height, width = grid.patch_cells
    return np.ascontiguousarray(merged[:, :height, :width]).reshape(*lead, height, width)
