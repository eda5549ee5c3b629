"""The transformer branch: any timm ViT, its patch tokens after each pass, and the class token's attention.

Under autocast (bfloat16) these stay float32: the patch embedding, the residual stream and its norms, the first
`FLOAT32_PASSES` passes of a run that enters the encoder again, what a run keeps of every attention, and the CAM head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, cast

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from crt.errors import InvalidSetting
from crt.models.attention import AttentionSummary, attend, attend_only
from crt.models.block import run_block
from crt.models.cam_head import CamHead
from crt.models.loop import Encoder, Step, unroll
from crt.models.tiles import TileGrid
from crt.models.vit_backbone import checked_vit
from crt.precision import float32

FLOAT32_PASSES = 2
"""Passes that run in float32 under autocast where several run: an error of x₀ or x₁ grows in every later pass."""


class TransformerBranch(nn.Module):
    """A timm ViT with the head that turns patch tokens into class maps (METHOD section 3).

    Args:
        vit: built with `build_vit`.
        classes: C, number of class maps.
        deconvolution: whether the head makes a finer map with a learned transposed convolution (Table 2).

    Raises:
        InvalidCheckpoint: the ViT does not fit the method.
    """

    def __init__(self, vit: VisionTransformer, classes: int, *, deconvolution: bool = False) -> None:
        super().__init__()
        self.vit = checked_vit(vit)
        self.head = CamHead(vit.embed_dim, classes, deconvolution=deconvolution)

    @property
    def tile(self) -> int:
        """Pixels of the side of a tile."""
        return self.vit.patch_embed.img_size[0]

    @property
    def patch(self) -> int:
        """Pixels of the side of a patch."""
        return self.vit.patch_embed.patch_size[0]

    @property
    def side(self) -> int:
        """Patches along the side of a tile."""
        return self.vit.patch_embed.grid_size[0]

    @property
    def blocks(self) -> list[Block]:
        """The encoder's blocks, in order."""
        return cast("list[Block]", list(self.vit.blocks))

    @property
    def attentions(self) -> list[Attention]:
        """The attention of each block."""
        return [cast("Attention", block.attn) for block in self.blocks]

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return len(self.vit.blocks)

    @property
    def heads(self) -> int:
        """Attention heads of a block."""
        return self.attentions[0].num_heads

    @property
    def num_prefix_tokens(self) -> int:
        """Tokens before the patches: the class token and any registers or distillation token."""
        return self.vit.num_prefix_tokens

    def embed(self, tiles: Tensor) -> Tensor:
        """Embed tiles: x₀ of Eq. 3.

        Args:
            tiles: (n, 3, tile, tile) normalised.

        Returns:
            (n, prefix + patches, D), position embedding added.
        """
        return self.vit.norm_pre(self.vit._pos_embed(self.vit.patch_embed(tiles)))

    def encode(self, x: Tensor) -> tuple[Tensor, None]:
        """F(x): all blocks without the final norm; outside of inference mode through timm's own blocks.

        Args:
            x: (n, N, D) tokens.

        Returns:
            F(x) (n, N, D), and None for the attention.
        """
        if not torch.is_inference_mode_enabled():
            return self.vit.blocks(x), None
        for block in self.blocks:
            x, _ = run_block(block, x, attend_only)
        return x, None

    def encode_with(self, x: Tensor, summary: AttentionSummary | None = None) -> tuple[Tensor, Tensor]:
        """F(x), and what is kept of each block's attention.

        Args:
            x: (n, N, D) tokens.
            summary: as in `attend`.

        Returns:
            F(x) (n, N, D), and what `summary` keeps, stacked along a first axis of blocks.
        """
        summaries = []
        for block in self.blocks:
            x, kept = run_block(block, x, partial(attend, summary=summary))
            summaries.append(kept)
        return x, torch.stack(summaries)

    def encode_with_cls_attn(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """F(x), and the class token's attention to the patches.

        Args:
            x: (n, N, D) tokens.

        Returns:
            F(x) (n, N, D), and (blocks, n, heads, patches) float32.
        """
        x, cls_attn = self.encode_with(x)
        return x, cls_attn[..., self.num_prefix_tokens :]

    def unroll(
        self, encode: Encoder, tiles: Tensor, loops: int, *, float32_passes: int = FLOAT32_PASSES
    ) -> Iterator[Step]:
        """Run the loop from tiles with any `encode` of this branch: what inference runs.

        Under autocast the embedding is float32, and where the encoder is entered more than once so are the first
        `float32_passes` passes.

        Args:
            encode: one pass, such as `encode_with_cls_attn`.
            tiles: (n, 3, tile, tile) normalised.
            loops: the largest loop count.
            float32_passes: that stay float32 where several run.

        Yields:
            A `Step` for every loop count 0 … `loops`.
        """
        device, started = tiles.device.type, 0

        def encoded(x: Tensor) -> tuple[Tensor, Tensor | None]:
            nonlocal started
            started += 1
            with float32(device) if loops > 1 and started <= float32_passes else nullcontext():
                return encode(x)

        with float32(device):
            x0 = self.embed(tiles)
        yield from unroll(encoded, x0, loops, self.num_prefix_tokens)

    def steps(
        self, tiles: Tensor, loops: int, *, cls_attn: bool = True, float32_passes: int = FLOAT32_PASSES
    ) -> Iterator[Step]:
        """One run through the encoder (METHOD section 3).

        Args:
            tiles: (n, 3, tile, tile) normalised.
            loops: the largest loop count.
            cls_attn: whether the class token's attention is kept.
            float32_passes: as in `unroll`.

        Yields:
            A `Step` for every loop count 0 … `loops`, whose tokens are the patches' after the final norm.
        """
        encode = self.encode_with_cls_attn if cls_attn else self.encode
        for step in self.unroll(encode, tiles, loops, float32_passes=float32_passes):
            yield step._replace(tokens=self.patch_tokens(step.tokens))

    def raw_cams(self, tokens: Tensor, grid: TileGrid) -> Tensor:
        """Make raw maps, in float32 under autocast too.

        Args:
            tokens: (n, patches, D) patch tokens of tiles, after the final norm.
            grid: the tiles.

        Returns:
            (n, C, s, s) float32.
        """
        with float32(tokens.device.type):
            return self.head(tokens.float(), grid)

    def patch_tokens(self, x: Tensor) -> Tensor:
        """The patch tokens after the final norm.

        Args:
            x: (n, prefix + patches, D) as they leave the loop.

        Returns:
            (n, patches, D).
        """
        return self.vit.norm(x)[:, self.num_prefix_tokens :]

    def forward(self, images: Tensor, loops: int, grid: TileGrid) -> Tensor:
        """Make the raw maps of one loop count. For training.

        Args:
            images: (B, 3, height, width) normalised.
            loops: the loop count.
            grid: the tiles of images of this size.

        Returns:
            (B, C, h, w) raw maps, merged.
        """
        x0 = self.embed(grid.cut(grid.pad(images)))
        (last,) = unroll(self.encode, x0, loops, self.num_prefix_tokens, every=False)
        return grid.merge(self.head(self.patch_tokens(last.tokens), grid))


def transformer_of(networks: Mapping[Any, nn.Module], method: str) -> TransformerBranch:
    """The transformer of a name.

    Args:
        networks: by method.
        method: the name.

    Returns:
        The network.

    Raises:
        InvalidSetting: it is a CNN, or none of these networks.
    """
    network = networks.get(method)
    if not isinstance(network, TransformerBranch):
        have = [name for name, other in networks.items() if isinstance(other, TransformerBranch)]
        choice = " or ".join(have) or "another checkpoint"
        raise InvalidSetting(f"{method} is not a transformer of this checkpoint: choose {choice}.")
    return network
