"""Attention refinement: CAMs times the class token's attention (Eq. 1, METHOD section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crt.errors import InvalidSetting, count_of
from crt.models.loop import passes
from crt.models.resize import resize_bilinear
from crt.pass_reductions import DEFAULT_REDUCTION, PASS_REDUCTIONS, PassReduction, check_reduction

TINY = 1e-12
"""The least that a tile's largest attention counts as, so that a tile without any gives zeros."""


def attention_map(
    cls_attn: Tensor,
    loops: int,
    *,
    blocks: Sequence[int] | None = None,
    pass_reduction: PassReduction = DEFAULT_REDUCTION,
) -> Tensor:
    """Reduce class-token attention to what multiplies the CAMs (Eq. 1, METHOD section 4).

    Args:
        cls_attn: (passes, blocks, n, patches) class-token attention, mean over heads.
        loops: the loop count whose passes enter.
        blocks: indices from 0 of the blocks that enter, all by default.
        pass_reduction: how the passes become one.

    Returns:
        (n, 1, s, s) attention of each tile, s² = patches.

    Raises:
        InvalidSetting: blocks or a loop count that `cls_attn` does not hold, or an unknown reduction.
    """
    check_reduction(pass_reduction)
    if not 1 <= passes(loops) <= cls_attn.shape[0]:
        need = count_of(passes(loops), "pass", "passes")
        have = f"{cls_attn.shape[0]} {'was' if cls_attn.shape[0] == 1 else 'were'}"
        raise InvalidSetting(f"The loop count {loops} needs {need}, only {have} run: run more loops.")
    used = cls_attn[: passes(loops)]
    if blocks is not None:
        chosen = sorted(set(blocks))
        if not chosen or chosen[0] < 0 or chosen[-1] >= cls_attn.shape[1]:
            last = cls_attn.shape[1] - 1
            raise InvalidSetting(f"Choose at least one block for the refinement, by its index from 0 to {last}.")
        used = used[:, chosen]
    used = used.mean(1)
    reduction = PASS_REDUCTIONS[pass_reduction]
    row = (used * torch.tensor(reduction.weights(len(used)), dtype=used.dtype)[:, None, None]).sum(0)
    if reduction.tile_normalized:
        row = (row / row.amax(-1, keepdim=True).clamp(min=TINY)).sqrt()
    side = round(row.shape[-1] ** 0.5)
    return row.reshape(-1, 1, side, side)


def refine(maps: Tensor, attention: Tensor) -> Tensor:
    """Multiply raw maps by attention (Eq. 1, METHOD section 4).

    Args:
        maps: (n, C, s, s) raw maps of tiles.
        attention: (n, 1, p, p); it is resized to the maps' cells, bilinear.

    Returns:
        (n, C, s, s).
    """
    if attention.shape[-2:] != maps.shape[-2:]:
        attention = resize_bilinear(attention, (maps.shape[-2], maps.shape[-1]))
    return maps * attention
