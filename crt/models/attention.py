"""One self-attention of a timm ViT, and what is kept of it.

Refinement needs one row of each attention matrix, the class token's. Only that row is computed beside the fused
attention: N numbers instead of N × N, for each head, block and pass (METHOD sections 3 and 4). Other rows, or more, are
kept by a function that the caller passes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from timm.layers.attention import Attention
from torch import Tensor, nn

from crt.models.linear import linear
from crt.precision import float32

AttentionSummary = Callable[[Tensor, Tensor], Tensor]
"""What is kept of one attention: scaled queries and keys, each (n, heads, N, d) float32 -> any tensor."""


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


def attend(
    attention: Attention, x: Tensor, summary: AttentionSummary | None = None, *, residual: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One self-attention, by the arithmetic of timm's `Attention.forward` at inference; a test holds the two together.

    Args:
        attention: timm's module.
        x: (n, N, D) normalised tokens.
        summary: what is kept; by default the class token's row. It is computed in float32 from float32 queries and
            keys, under autocast too.
        residual: (n, N, D) that is added to the output.

    Returns:
        The output (n, N, D), and what `summary` keeps.
    """
    out, q, k = _attention(attention, x, residual)
    if summary is None and isinstance(attention.k_norm, nn.Identity):
        return out, _class_row(attention, x)
    summary = summary or token_row
    if torch.is_autocast_enabled(x.device.type):
        return out, _summary_in_float32(attention, x, summary)
    return out, summary(q * attention.scale, k)


def attend_only(attention: Attention, x: Tensor, *, residual: Tensor | None = None) -> tuple[Tensor, None]:
    """One self-attention as `attend` computes it, of which nothing is kept.

    Args:
        attention: timm's module.
        x: (n, N, D) normalised tokens.
        residual: (n, N, D) that is added to the output.

    Returns:
        The output (n, N, D), and None.
    """
    return _attention(attention, x, residual)[0], None


def _attention(attention: Attention, x: Tensor, residual: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The output (n, N, D) and its queries and keys, each (n, heads, N, d)."""
    n, length, _ = x.shape
    qkv = linear(attention.qkv, x).reshape(n, length, 3, attention.num_heads, attention.head_dim)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (n, heads, N, d)
    q, k = attention.q_norm(q), attention.k_norm(k)
    out = F.scaled_dot_product_attention(q, k, v)
    out = attention.norm(out.transpose(1, 2).reshape(n, length, attention.attn_dim))
    if attention.gate is not None:
        out = out * attention.gate(x).sigmoid()
    return linear(attention.proj, out, add=residual), q, k


def _class_row(attention: Attention, x: Tensor) -> Tensor:
    """The class token's row in float32 of (n, N, D) tokens as they enter the attention, where keys have no norm.

    q·k_j = (W_kᵀ q)·x_j + q·b, and a softmax is invariant to a constant: no key has to be projected or copied.
    """
    (n, _, dim), heads, d = x.shape, attention.num_heads, attention.head_dim
    with float32(x.device.type):
        x = x.float()
        bias = None if attention.qkv.bias is None else attention.qkv.bias[: heads * d]
        query = attention.q_norm(F.linear(x[:, 0], attention.qkv.weight[: heads * d], bias).reshape(n, heads, d))
        keys = attention.qkv.weight[heads * d : 2 * heads * d].reshape(heads, d, dim)
        query = torch.einsum("nhd,hdc->nhc", query * attention.scale, keys)
        return torch.softmax(query @ x.transpose(-2, -1), dim=-1)


def _summary_in_float32(attention: Attention, x: Tensor, summary: AttentionSummary) -> Tensor:
    """What `attend` keeps, without the autocast around it: (n, N, D) as they enter the attention."""
    (n, length, _), heads, d = x.shape, attention.num_heads, attention.head_dim
    with float32(x.device.type):
        bias = None if attention.qkv.bias is None else attention.qkv.bias[: 2 * heads * d]
        both = F.linear(x.float(), attention.qkv.weight[: 2 * heads * d], bias).reshape(n, length, 2, heads, d)
        q, k = both.permute(2, 0, 3, 1, 4).unbind(0)
        return summary(attention.q_norm(q) * attention.scale, attention.k_norm(k))
