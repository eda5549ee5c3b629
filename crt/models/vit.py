"""The transformer branch: any timm ViT, its patch tokens after each pass, and the class token's attention.

Refinement needs one row of each attention matrix, the class token's. Only that row is computed beside the fused
attention: N numbers instead of N × N, for each head, block and pass (METHOD sections 3 and 4). Whoever wants another
token's row, or more, hands in a function of its own.

Under autocast (bfloat16) these stay float32: the patch embedding, the residual stream and its norms, the first
`FLOAT32_PASSES` passes of a run that enters the encoder again, what a run keeps of every attention, and the CAM head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any, cast

import timm
import torch
import torch.nn.functional as F
from timm.layers.attention import Attention
from timm.layers.patch_embed import PatchEmbed
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn

from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.models.backbones import create_backbone
from crt.models.cam_head import ClassMapHead
from crt.models.loop import Encoder, Step, unroll
from crt.models.tiles import TileGrid
from crt.precision import float32
from crt.types import MAX_SIZE

Look = Callable[[Tensor, Tensor], Tensor]
"""What is kept of one attention: scaled queries and keys, each (n, heads, N, d) float32 -> any tensor."""

FLOAT32_PASSES = 2
"""Passes that run in float32 under autocast where more follow: an error of x₀ or x₁ grows in every later pass."""


def token_row(q: Tensor, k: Tensor, query: int = 0) -> Tensor:
    """The attention of one token, the class token by default.

    Args:
        q: (n, heads, N, d) scaled queries.
        k: (n, heads, N, d) keys.
        query: index of the token.

    Returns:
        (n, heads, N) float32: its row of softmax(QKᵀ/√d).
    """
    return torch.softmax((q[:, :, query : query + 1] @ k.transpose(-2, -1)).float(), dim=-1)[:, :, 0]


def attend(attention: Attention, x: Tensor, look: Look | None = None) -> tuple[Tensor, Tensor]:
    """One self-attention, by the arithmetic of timm's `Attention.forward` at inference; a test holds the two together.

    Args:
        attention: timm's module.
        x: (n, N, D) normalised tokens.
        look: what is kept; by default the class token's row. It is computed in float32 from float32 queries and keys,
            under autocast too.

    Returns:
        The output (n, N, D), and what `look` keeps.
    """
    n, length, _ = x.shape
    qkv = attention.qkv(x).reshape(n, length, 3, attention.num_heads, attention.head_dim)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (n, heads, N, d)
    q, k = attention.q_norm(q), attention.k_norm(k)
    out = F.scaled_dot_product_attention(q, k, v)
    if torch.is_autocast_enabled(x.device.type):
        seen = _seen_in_float32(attention, x, look)
    else:
        seen = (look or token_row)(q * attention.scale, k)
    out = attention.norm(out.transpose(1, 2).reshape(n, length, attention.attn_dim))
    if attention.gate is not None:
        out = out * attention.gate(x).sigmoid()
    return attention.proj(out), seen


def _seen_in_float32(attention: Attention, x: Tensor, look: Look | None) -> Tensor:
    """What `attend` keeps, without the autocast around it: (n, N, D) as they enter the attention."""
    (n, length, dim), heads, d = x.shape, attention.num_heads, attention.head_dim
    with float32(x.device.type):
        x = x.float()
        if look is None and isinstance(attention.k_norm, nn.Identity):
            # q·k_j = (W_kᵀ q)·x_j + q·b, and a softmax does not see the constant: no key has to be projected.
            bias = None if attention.qkv.bias is None else attention.qkv.bias[: heads * d]
            query = attention.q_norm(F.linear(x[:, 0], attention.qkv.weight[: heads * d], bias).reshape(n, heads, d))
            keys = attention.qkv.weight[heads * d : 2 * heads * d].reshape(heads, d, dim)
            query = torch.einsum("nhd,hdc->nhc", query * attention.scale, keys)
            return torch.softmax(query @ x.transpose(-2, -1), dim=-1)
        bias = None if attention.qkv.bias is None else attention.qkv.bias[: 2 * heads * d]
        both = F.linear(x, attention.qkv.weight[: 2 * heads * d], bias).reshape(n, length, 2, heads, d)
        q, k = both.permute(2, 0, 3, 1, 4).unbind(0)
        return (look or token_row)(attention.q_norm(q) * attention.scale, attention.k_norm(k))


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
        self.vit = _checked(vit)
        self.head = ClassMapHead(vit.embed_dim, classes, deconvolution=deconvolution)

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
        """F(x): all blocks without the final norm, through timm's own blocks. For training.

        Args:
            x: (n, N, D) tokens.

        Returns:
            F(x) (n, N, D), and None for the attention.
        """
        return self.vit.blocks(x), None

    def encode_with(self, x: Tensor, look: Look | None = None) -> tuple[Tensor, Tensor]:
        """F(x), and what is kept of each block's attention.

        Args:
            x: (n, N, D) tokens.
            look: as in `attend`.

        Returns:
            F(x) (n, N, D), and what `look` keeps, stacked along a first axis of blocks.
        """
        seen = []
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            attended, kept = attend(attention, block.norm1(x), look)
            x = x + block.drop_path1(block.ls1(attended))
            x = x + block.drop_path2(block.ls2(block.mlp(block.norm2(x))))
            seen.append(kept)
        return x, torch.stack(seen)

    def encode_with_cls_attn(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """F(x), and the class token's attention to the patches.

        Args:
            x: (n, N, D) tokens.

        Returns:
            F(x) (n, N, D), and (blocks, n, heads, patches) float32.
        """
        x, cls_attn = self.encode_with(x)
        return x, cls_attn[..., self.num_prefix_tokens :]

    def unroll(self, encode: Encoder, tiles: Tensor, loops: int) -> Iterator[Step]:
        """Run the loop from tiles with any `encode` of this branch: what inference runs.

        Under autocast the embedding is float32, and where the encoder is entered more than once so are the first
        `FLOAT32_PASSES` passes.

        Args:
            encode: one pass, such as `encode_with_cls_attn`.
            tiles: (n, 3, tile, tile) normalised.
            loops: the largest loop count.

        Yields:
            A `Step` for every loop count 0 … `loops`.
        """
        device, started = tiles.device.type, 0

        def encoded(x: Tensor) -> tuple[Tensor, Tensor | None]:
            nonlocal started
            started += 1
            with float32(device) if loops > 1 and started <= FLOAT32_PASSES else nullcontext():
                return encode(x)

        with float32(device):
            x0 = self.embed(tiles)
        yield from unroll(encoded, x0, loops, self.num_prefix_tokens)

    def steps(self, tiles: Tensor, loops: int, *, cls_attn: bool = True) -> Iterator[Step]:
        """One run through the encoder (METHOD section 3).

        Args:
            tiles: (n, 3, tile, tile) normalised.
            loops: the largest loop count.
            cls_attn: whether the class token's attention is kept.

        Yields:
            A `Step` for every loop count 0 … `loops`, whose tokens are the patches' after the final norm.
        """
        encode = self.encode_with_cls_attn if cls_attn else self.encode
        for step in self.unroll(encode, tiles, loops):
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


def build_vit(name: str, *, tile: int = 224, pretrained: bool = False) -> VisionTransformer:
    """Build a timm ViT by name, without classifier, for tiles of any size whatever it was trained for.

    Args:
        name: with any of timm's tags (`vit_small_patch16_224.augreg_in21k`), or without for the default one.
        tile: pixels of a tile's side.
        pretrained: whether timm's weights are fetched; else they are random.

    Returns:
        The model with timm's `pretrained_cfg`, whose `mean` and `std` are those of the name, also where its weights
        come from elsewhere.

    Raises:
        InvalidSetting: timm does not know the name or tag, or the pretrained weights cannot be had.
        InvalidCheckpoint: the name is of a model that is not a plain ViT.
    """
    distilled = "distilled" in name.partition(".")[0]
    pool = "token" if distilled else ""  # timm's distilled DeiT knows no other
    vit = create_backbone(
        name,
        _check_pretrained if pretrained else _checked,
        pretrained=pretrained,
        refusal=f"{name} is not a vision transformer with square tiles of {tile} px: choose a deit_* or vit_* model.",
        options={"num_classes": 0, "global_pool": pool, "img_size": tile},
    )
    return _checked(vit, name)


def _check_pretrained(vit: nn.Module, name: str) -> None:
    """Raise InvalidCheckpoint for what `_checked` refuses, and for a ViT whose weights have no norm for the tokens."""
    _checked(vit, name)
    with torch.device("meta"):
        own = timm.create_model(name, num_classes=0)
    if isinstance(own.norm, nn.Identity) and not isinstance(own.fc_norm, nn.Identity):
        raise InvalidCheckpoint(
            f"{name} has its last norm behind the pooling, so its patch tokens have none: choose another ViT."
        )


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


def _checked(vit: nn.Module, name: str = "This model") -> VisionTransformer:
    """The model, or one sentence that says why it cannot be the transformer of this method."""
    if not isinstance(vit, VisionTransformer):
        raise InvalidCheckpoint(f"{name} is not a plain timm VisionTransformer: choose a deit_* or vit_* model.")
    if vit.cls_token is None:
        raise InvalidCheckpoint(f"{name} has no class token, whose attention refines the maps: choose one that has.")
    if any(type(block) is not Block or type(block.attn) is not Attention for block in vit.blocks):
        raise InvalidCheckpoint(f"{name} has blocks of its own kind: choose a ViT with standard attention blocks.")
    if vit.patch_embed.__class__ is not PatchEmbed:
        raise InvalidCheckpoint(f"{name} has a stem before its patches: choose a ViT that cuts the image itself.")
    patch, size = vit.patch_embed.patch_size, vit.patch_embed.img_size
    if patch[0] != patch[1] or size[0] != size[1]:
        raise InvalidCheckpoint(f"{name} has patches of {patch} on {size}: choose square patches and tiles.")
    if size[0] > MAX_SIZE:
        raise InvalidCheckpoint(f"{name}: a tile of {size[0]} pixels is too large: choose one of at most {MAX_SIZE}.")
    if size[0] % (2 * patch[0]):
        raise InvalidCheckpoint(
            f"{name}: a tile of {size[0]} pixels must hold an even number of {patch[0]}-px patches."
        )
    return vit
