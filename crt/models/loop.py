"""The residual-like correction: the same encoder is entered again and again (Eq. 3, METHOD section 3).

loops = 0: F(x₀), the plain transformer. loops = k ≥ 1: x_j = x_{j-1} + F(x_{j-1}) for j = 1 … k. The pass that
computes F(x₀) serves loops 0 and loops 1, so k passes give the tokens of every count from 0 to k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from crt.errors import InvalidSetting

Encoder = Callable[[Tensor], tuple[Tensor, Tensor | None]]


class Step(NamedTuple):
    """The outputs of the loop at one loop count.

    Attributes:
        loops: the count.
        tokens: (n, N, D) before the final norm.
        cls_attn: (blocks, n, heads, patches) class-token attention of the pass that led here, or what else the encoder
            gives beside F(x); loops 0 and 1 carry the same pass.
        similarity: (n,) mean over patch tokens of cos(x_{k-1}, x_k); for loops 0 of cos(x₀, F(x₀)) (Fig. 6).
        residual: (n,) mean over patch tokens of ‖F(x)‖ / ‖x‖ of that same pass, the size of Eq. 3's correction of x.
    """

    loops: int
    tokens: Tensor
    cls_attn: Tensor | None
    similarity: Tensor
    residual: Tensor

    @property
    def pass_cls_attn(self) -> Tensor | None:
        """`cls_attn`, each pass once: None for loops 1, which shares the first pass with loops 0."""
        return None if self.loops == 1 else self.cls_attn


def passes(loops: int) -> int:
    """Passes through the encoder that a loop count costs.

    Args:
        loops: the count, 0 or more.

    Returns:
        1 or more: loops 0 and 1 cost the same.
    """
    return max(1, loops)


def unroll(encode: Encoder, x0: Tensor, loops: int, num_prefix_tokens: int, *, every: bool = True) -> Iterator[Step]:
    """Run the loop of Eq. 3 (METHOD section 3).

    Args:
        encode: one pass, (n, N, D) tokens -> F(x) and what is kept beside it.
        x0: (n, N, D) embedded tokens.
        loops: the largest loop count.
        num_prefix_tokens: tokens before the patches, left out of both means.
        every: whether each count from 0 on gives a `Step`; else the last alone.

    Yields:
        The steps in the order of their counts.

    Raises:
        InvalidSetting: the count is negative.
    """
    if loops < 0:
        raise InvalidSetting(f"The loop count is {loops}: it must be 0 or more.")
    patches = slice(num_prefix_tokens, None)
    x = x0
    encoded, cls_attn = encode(x)
    if every or loops == 0:
        yield Step(0, encoded, cls_attn, _similarity(x, encoded, patches), _residual(x, encoded, patches))
    for count in range(1, loops + 1):
        if count > 1:
            encoded, cls_attn = encode(x)
        previous, x = x, x + encoded
        if every or count == loops:
            yield Step(count, x, cls_attn, _similarity(previous, x, patches), _residual(previous, encoded, patches))


@torch.no_grad()
def _similarity(before: Tensor, after: Tensor, patches: slice) -> Tensor:
    return F.cosine_similarity(before[:, patches].float(), after[:, patches].float(), dim=-1).mean(1)


@torch.no_grad()
def _residual(x: Tensor, encoded: Tensor, patches: slice) -> Tensor:
    before, correction = (tokens[:, patches].float().norm(dim=-1) for tokens in (x, encoded))
    return (correction / before.clamp_min(1e-8)).mean(1)  # the same floor as that of torch's cosine
