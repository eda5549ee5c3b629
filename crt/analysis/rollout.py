"""Deeper into the layers: the class token's attention head by head, and its rollout through the blocks of a pass.

Rollout (Abnar & Zuidema 2020, arXiv 2005.00928) follows attention down to the embedded patches: every block passes on
half of what it gets (the residual branch) and mixes the other half by its attention averaged over heads, and the
blocks' matrices are multiplied. It needs whole N × N matrices; they live for one block of one batch of tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch
from crt.precision import float32


@dataclass(frozen=True, eq=False)
class LayersView:
    """The class token's attention to the P patches of each of n tiles; `merge_patches` puts either array on the image.

    What goes to the class token itself and to other tokens before the patches is left out of both, and neither is
    renormalised, so each sums to less than 1 over the patches of a tile.

    Attributes:
        heads: (passes, blocks, heads, n, P) float32, its row of softmax(QKᵀ/√d).
        rollout: (passes, n, P) float32, its row of the product over the pass's blocks.
        grid: the tiles.
    """

    heads: np.ndarray
    rollout: np.ndarray
    grid: TileGrid


class Rollout:
    """Reads the blocks of one pass: gives class-token attention and multiplies the rollout up in `matrix` (n, N, N).

    Args:
        x: (n, N, D) as it enters the pass.
    """

    def __init__(self, x: Tensor) -> None:
        self.matrix = torch.eye(x.shape[1], device=x.device).expand(len(x), -1, -1)

    def add(self, q: Tensor, k: Tensor) -> Tensor:
        """Multiply the next block's attention into the rollout.

        Args:
            q: (n, heads, N, d) scaled queries.
            k: (n, heads, N, d) keys.

        Returns:
            `cls_attn` (n, heads, N) float32.
        """
        cls_attn = []
        mean = torch.zeros_like(self.matrix)
        for one_q, one_k in zip(q.unbind(1), k.unbind(1), strict=True):  # a head at a time: memory of one matrix each
            attention = torch.softmax((one_q @ one_k.transpose(-2, -1)).float(), dim=-1)
            cls_attn.append(attention[:, 0].clone())  # a view would keep the matrix alive
            mean += attention / q.shape[1]
        self.matrix = roll(self.matrix, mean)
        return torch.stack(cls_attn, dim=1)


def roll(matrix: Tensor, attention: Tensor) -> Tensor:
    """Rollout after one more block: (0.5 A + 0.5 I) R (Abnar & Zuidema 2020).

    Args:
        matrix: R so far, (n, N, N) float32.
        attention: A averaged over heads, (n, N, N) float32.

    Returns:
        (n, N, N) float32.
    """
    with float32(attention.device.type):  # a product of shares in bfloat16 would lose the small
        return 0.5 * (attention @ matrix) + 0.5 * matrix


def inspect_layers(
    network: TransformerBranch, grid: TileGrid, padded: Tensor, loops: int, tile_batch: int
) -> LayersView:
    """Run the tiles of one image once and keep every head's row.

    Args:
        network: that is run.
        grid: the tiles.
        padded: (1, 3, *padded) normalised.
        loops: loop count.
        tile_batch: tiles in one pass.

    Returns:
        The attention and its rollout.
    """
    heads: list[Tensor] = []
    rollouts: list[Tensor] = []
    for start in range(0, len(grid), tile_batch):
        rolled: list[Tensor] = []

        def encode(x: Tensor, rolled: list[Tensor] = rolled) -> tuple[Tensor, Tensor]:
            rollout = Rollout(x)
            x, cls_attn = network.encode_with(x, rollout.add)
            rolled.append(rollout.matrix[:, 0, network.num_prefix_tokens :].clone())
            return x, cls_attn[..., network.num_prefix_tokens :]

        steps = network.unroll(encode, grid.cut(padded, start, start + tile_batch), loops)
        cls_attn = [attention for step in steps if (attention := step.pass_cls_attn) is not None]
        heads.append(torch.stack(cls_attn).transpose(2, 3).cpu())  # (passes, blocks, heads, n, P)
        rollouts.append(torch.stack(rolled).cpu())
    return LayersView(torch.cat(heads, dim=3).contiguous().numpy(), torch.cat(rollouts, dim=1).numpy(), grid)
