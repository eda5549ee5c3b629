"""From pixels to what a network leaves of one image: its tiles in bounded batches, all loop counts side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from crt.models.cam_head import class_scores
from crt.models.cnn import CnnBranch
from crt.models.loop import Step, passes
from crt.models.outputs import CnnOutputs, VitOutputs
from crt.models.tiles import TileGrid
from crt.models.vit import FLOAT32_PASSES, TransformerBranch

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
    float32_passes: int = FLOAT32_PASSES,
    advance: Callable[[float], None],
    partial_loops: int | None = None,
    partial: Callable[[VitOutputs], None] | None = None,
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
        float32_passes: that stay float32 under autocast where several run.
        advance: called with the share that is done, 0 … 1.
        partial_loops: the loop count at which `partial` is called; None for never.
        partial: called with the outputs for loops 0 … `partial_loops`, as soon as all tiles have them. Not called if
            that is all of them.

    Returns:
        Raw CAMs, attention and scores for loops 0 … `loops`.
    """
    padded = grid.pad(pixels)
    batches: list[_Batch] = []
    for start in range(0, len(grid), tile_batch):
        tiles = grid.cut(padded, start, start + tile_batch)
        batch, is_last = _Batch(), start + tile_batch >= len(grid)
        batches.append(batch)
        with autocast():
            for step in network.steps(tiles, loops, float32_passes=float32_passes):
                batch.keep(step, network.raw_cams(step.tokens, grid), heads=heads)
                advance((start + len(tiles) * (step.loops + 1) / (loops + 1)) / len(grid))
                if partial is not None and is_last and step.loops == partial_loops and step.loops < loops:
                    partial(_outputs(batches, step.loops, grid, heads=heads))
    return _outputs(batches, loops, grid, heads=heads)


@dataclass
class _Batch:
    """What the steps of some tiles leave, each list in the order of the steps or passes."""

    cams: list[Tensor] = field(default_factory=list)
    cls_attn: list[Tensor] = field(default_factory=list)
    similarity: list[Tensor] = field(default_factory=list)
    residual: list[Tensor] = field(default_factory=list)

    def keep(self, step: Step, cams: Tensor, *, heads: bool) -> None:
        self.cams.append(cams)
        self.similarity.append(step.similarity)
        if (attention := step.pass_cls_attn) is not None:
            self.cls_attn.append(attention if heads else attention.mean(2))
            self.residual.append(step.residual)


def _outputs(batches: Sequence[_Batch], loops: int, grid: TileGrid, *, heads: bool) -> VitOutputs:
    """The outputs for loops 0 … `loops` of all tiles."""
    counts, runs = loops + 1, passes(loops)
    cams = torch.cat([torch.stack(batch.cams[:counts]) for batch in batches], dim=1)  # (L + 1, n, C, s, s)
    cls_attn = torch.cat([torch.stack(batch.cls_attn[:runs]) for batch in batches], dim=2)
    if heads:  # (passes, blocks, n, heads, P)
        cls_attn = cls_attn.transpose(2, 3)
    scores = torch.stack([class_scores(grid.merge(counted))[0] for counted in cams])
    return VitOutputs(
        cams=cams.cpu().numpy(),
        cls_attn=cls_attn.contiguous().cpu().numpy(),
        similarity=torch.cat([torch.stack(batch.similarity[:counts]) for batch in batches], dim=1)
        .mean(1)
        .cpu()
        .numpy(),
        residual=torch.cat([torch.stack(batch.residual[:runs]) for batch in batches], dim=1).mean(1).cpu().numpy(),
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
