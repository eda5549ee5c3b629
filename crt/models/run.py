"""From pixels to what a network leaves of one image: its tiles in bounded batches, all loop counts side by side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from crt.models.cam_head import class_scores
from crt.models.cnn import CnnBranch
from crt.models.outputs import CnnOutputs, VitOutputs
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch

Autocast = Callable[[], AbstractContextManager[object]]
"""Makes the context that the networks run in."""


def run_cnn(network: CnnBranch, pixels: Tensor, autocast: Autocast) -> CnnOutputs:
    """Run a CNN on one image.

    Args:
        network: in eval form.
        pixels: (1, 3, height, width) normalised.
        autocast: makes the context that it runs in.

    Returns:
        Raw CAMs and scores.
    """
    with autocast():
        maps = network(pixels.contiguous(memory_format=torch.channels_last)).float()
    return CnnOutputs(maps[0].contiguous().cpu().numpy(), class_scores(maps)[0].cpu().numpy())


def run_transformer(
    network: TransformerBranch,
    pixels: Tensor,
    grid: TileGrid,
    loops: int,
    *,
    heads: bool,
    tile_batch: int,
    autocast: Autocast,
    advance: Callable[[float], None],
) -> VitOutputs:
    """Run a transformer on the tiles of one image (METHOD sections 2 and 3).

    Args:
        network: in eval form.
        pixels: (1, 3, height, width) normalised.
        grid: the tiles.
        loops: the largest loop count.
        heads: whether the attention of each head is kept.
        tile_batch: tiles in one pass.
        autocast: makes the context that it runs in.
        advance: called with the share that is done, 0 … 1.

    Returns:
        Raw CAMs, attention and scores for loops 0 … `loops`.
    """
    padded = grid.pad(pixels)
    maps: list[Tensor] = []
    cls_attn: list[Tensor] = []
    similarity: list[Tensor] = []
    residual: list[Tensor] = []
    for start in range(0, len(grid), tile_batch):
        tiles = grid.cut(padded, start, start + tile_batch)
        cams, attentions, similarities, residuals = [], [], [], []
        with autocast():
            for step in network.steps(tiles, loops):
                cams.append(network.raw_cams(step.tokens, grid))
                similarities.append(step.similarity)
                if (attention := step.pass_cls_attn) is not None:
                    attentions.append(attention if heads else attention.mean(2))
                    residuals.append(step.residual)
                advance((start + len(tiles) * (step.loops + 1) / (loops + 1)) / len(grid))
        maps.append(torch.stack(cams))
        cls_attn.append(torch.stack(attentions))
        similarity.append(torch.stack(similarities))
        residual.append(torch.stack(residuals))
    merged_cams = torch.cat(maps, dim=1)  # (L + 1, n, C, s, s)
    merged_attn = torch.cat(cls_attn, dim=2)  # (passes, blocks, n, [heads,] P)
    if heads:
        merged_attn = merged_attn.transpose(2, 3)
    scores = torch.stack([class_scores(grid.merge(counted))[0] for counted in merged_cams])
    return VitOutputs(
        cams=merged_cams.cpu().numpy(),
        cls_attn=merged_attn.contiguous().cpu().numpy(),
        similarity=torch.cat(similarity, dim=1).mean(1).cpu().numpy(),
        residual=torch.cat(residual, dim=1).mean(1).cpu().numpy(),
        scores=scores.cpu().numpy(),
    )


def run_logits(
    network: CnnBranch | TransformerBranch, images: Tensor, grid: TileGrid, loops: int, *, tile_batch: int
) -> Tensor:
    """The logits of several images of one size.

    Args:
        network: in eval form.
        images: (B, 3, height, width) normalised, on the network's device.
        grid: the tiles of images of this size.
        loops: the loop count of a transformer.
        tile_batch: tiles of all images in one pass.

    Returns:
        (B, C) float32 on the CPU.
    """
    if isinstance(network, CnnBranch):
        return class_scores(network(images.contiguous(memory_format=torch.channels_last)).float()).cpu()
    padded, cams, step = grid.pad(images), [], max(1, tile_batch // len(images))
    for start in range(0, len(grid), step):
        *_, last = network.steps(grid.cut(padded, start, start + step), loops, cls_attn=False)
        cams.append(network.raw_cams(last.tokens, grid))
    return class_scores(grid.merge(torch.cat(cams))).cpu()
