"""The view from one patch token of a transformer, which a user points at.

Of a patch token: what it attends to (its own row of every attention) and what it resembles (the cosine of its feature
with those of the whole image, for every loop count). Numbers of tiles become numbers of the image here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from crt.errors import InvalidSetting
from crt.models.attention import token_row
from crt.models.outputs import merge_patches
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch


class TokenPlace(NamedTuple):
    """One patch token.

    Attributes:
        tile: index in the order of the grid.
        patch: row and column in that tile.
        cell: row and column on the merged map of patches.
    """

    tile: int
    patch: tuple[int, int]
    cell: tuple[int, int]


@dataclass(frozen=True, eq=False)
class TokenView:
    """The attention and the similarity of one patch token.

    L is the largest loop count, P the patches of a tile, (h, w) `grid.patch_cells`.

    Attributes:
        attention: (passes, blocks, heads, P) float32, its row of softmax(QKᵀ/√d) over the patches of its own tile.
        prefix_attention: (passes, blocks, heads) float32, the share of that row that goes to the class token and the
            other tokens before the patches; with the sum of `attention` it makes 1.
        similarity: (L + 1, h, w) float32, cosine of this token's feature after the final norm with those of all
            patches, for loops 0 … L, averaged where tiles overlap, so at the token's own cell it is below 1 where
            another tile gives that cell another feature.
        tile: as in `TokenPlace`.
        patch: as in `TokenPlace`.
        cell: as in `TokenPlace`.
        grid: the tiles.
    """

    attention: np.ndarray
    prefix_attention: np.ndarray
    similarity: np.ndarray
    tile: int
    patch: tuple[int, int]
    cell: tuple[int, int]
    grid: TileGrid

    @property
    def placed_attention(self) -> np.ndarray:
        """(passes, blocks, heads, h, w) float32: the attention on the whole image, NaN outside the token's tile."""
        return place_tile(self.grid, self.tile, self.attention)


def locate_token(grid: TileGrid, at: tuple[float, float]) -> TokenPlace:
    """The patch under a point, in the tile that has it nearest to its centre; of equally near tiles the first.

    Args:
        grid: the tiles.
        at: (y, x), 0 … 1 of the image; a point on the far edge belongs to the last patch.

    Returns:
        The tile, the patch in it, and the cell.

    Raises:
        InvalidSetting: the point is outside the image.
    """
    y, x = at
    if not (0 <= y <= 1 and 0 <= x <= 1):  # NaN fails too
        raise InvalidSetting(f"The point ({y}, {x}) is outside the image: choose y and x between 0 and 1.")
    (rows, cols), (height, width) = grid.patch_cells, grid.content
    cell = min(int(y * height / grid.patch), rows - 1), min(int(x * width / grid.patch), cols - 1)
    side = grid.tile // grid.patch
    corners = [(top // grid.patch, left // grid.patch) for top, left in grid.origins]
    inside = [(cell[0] - top, cell[1] - left) for top, left in corners]

    def distance(tile: int) -> int:
        """Four times the squared distance, in patches, of the patch's centre from the tile's: whole, so ties are."""
        return sum((2 * index + 1 - side) ** 2 for index in inside[tile])

    covering = [i for i, (row, col) in enumerate(inside) if 0 <= row < side and 0 <= col < side]
    tile = min(covering, key=distance)
    return TokenPlace(tile, inside[tile], cell)


def place_tile(grid: TileGrid, tile: int, rows: np.ndarray) -> np.ndarray:
    """Put numbers of one tile's patches on the image.

    Args:
        grid: the tiles.
        tile: index in the order of the grid.
        rows: (…, P) a number for every patch.

    Returns:
        (…, h, w) float32 on `grid.patch_cells`, NaN outside the tile, where nothing was measured.
    """
    side = grid.tile // grid.patch
    top, left = (start // grid.patch for start in grid.origins[tile])
    lead, (height, width) = rows.shape[:-1], grid.patch_cells
    placed = np.full((*lead, height, width), np.nan, dtype=np.float32)
    here = placed[..., top : top + side, left : left + side]
    here[:] = rows.reshape(*lead, side, side)[..., : here.shape[-2], : here.shape[-1]]
    return placed


def inspect_token(
    network: TransformerBranch, grid: TileGrid, padded: Tensor, at: tuple[float, float], loops: int, tile_batch: int
) -> TokenView:
    """Run the tiles of one image once and keep what one token attends to and resembles.

    The batch of the token's own tile goes first, because the features of all others are compared with its.

    Args:
        network: that is run.
        grid: the tiles.
        padded: (1, 3, *padded) normalised.
        at: (y, x), 0 … 1 of the image: the patch under this point.
        loops: loop count.
        tile_batch: tiles in one pass.

    Returns:
        Attention and similarity.

    Raises:
        InvalidSetting: the point is outside the image.
    """
    token = locate_token(grid, at)
    patch = token.patch[0] * network.side + token.patch[1]
    summary = partial(token_row, query=network.num_prefix_tokens + patch)
    own = token.tile // tile_batch * tile_batch
    similarity = torch.empty(loops + 1, len(grid), network.side**2)
    features: list[Tensor] = []  # of the token, for each loop count
    rows: list[Tensor] = []
    for start in sorted(range(0, len(grid), tile_batch), key=lambda start: start != own):
        tiles = grid.cut(padded, start, start + tile_batch)
        encode = partial(network.encode_with, summary=summary) if start == own else network.encode
        for step in network.unroll(encode, tiles, loops):
            tokens = network.patch_tokens(step.tokens).float()
            if start == own:
                features.append(tokens[token.tile - start, patch].clone())
            if (attention := step.pass_cls_attn) is not None:
                rows.append(attention[:, token.tile - start].clone())
            cosine = F.cosine_similarity(tokens, features[step.loops], dim=-1)
            similarity[step.loops, start : start + len(tiles)] = cosine.cpu()
    row = torch.stack(rows).cpu()  # (passes, blocks, heads, N)
    return TokenView(
        attention=np.ascontiguousarray(row[..., network.num_prefix_tokens :].numpy()),
        prefix_attention=row[..., : network.num_prefix_tokens].sum(-1).numpy(),
        similarity=merge_patches(grid, similarity.numpy()),
        **token._asdict(),
        grid=grid,
    )
