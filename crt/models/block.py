"""One block of a timm ViT, with the operations between its products as parts of them at inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from timm.layers.mlp import Mlp
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from crt.models.linear import linear

Kept = TypeVar("Kept")


def run_block(block: Block, x: Tensor, attended: Callable[..., tuple[Tensor, Kept]]) -> tuple[Tensor, Kept]:
    """Run one block by the arithmetic of timm's `Block.forward`; a test holds the two together.

    Args:
        block: timm's module.
        x: (n, N, D) tokens.
        attended: `attend` or `attend_only`: called with the block's attention, the normalised tokens, and `residual`.

    Returns:
        (n, N, D) tokens, and what `attended` keeps.
    """
    plain = all(
        isinstance(module, nn.Identity) for module in (block.ls1, block.drop_path1, block.ls2, block.drop_path2)
    )
    if plain:
        x, kept = attended(block.attn, block.norm1(x), residual=x)
        return _run_mlp(block.mlp, block.norm2(x), x), kept
    out, kept = attended(block.attn, block.norm1(x), residual=None)
    x = x + block.drop_path1(block.ls1(out))
    return x + block.drop_path2(block.ls2(_run_mlp(block.mlp, block.norm2(x), None))), kept


def _run_mlp(mlp: nn.Module, x: Tensor, residual: Tensor | None) -> Tensor:
    """(n, N, D) normalised tokens -> the MLP of them, added to `residual` where there is one."""
    if type(mlp) is Mlp and _is_plain(mlp):
        return linear(mlp.fc2, linear(mlp.fc1, x, gelu=True), add=residual)
    x = mlp(x)
    return x if residual is None else residual + x


def _is_plain(mlp: Mlp) -> bool:
    """Whether it is two linear layers with a GELU between them."""
    exact = type(mlp.act) is nn.GELU and mlp.act.approximate == "none"
    return exact and isinstance(mlp.norm, nn.Identity) and not mlp.training
