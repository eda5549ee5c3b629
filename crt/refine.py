"""Attention refinement: class maps times the class token's attention (Eq. 1, METHOD section 4).

The paper averages the attention over blocks. Over the passes of the loop the released code sums it; `combine` also
offers the mean, which differs by a constant, and the first or the last pass alone. `evened` is our own: the first pass
alone, each tile's attention divided by its largest value, and the square root of that. A tile's softmax row has the
same sum whatever the tile shows; divided by its maximum, a tile that is all object is not held down. docs/results.md
says what each of them measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import torch.nn.functional as F
from torch import Tensor

from crt.errors import InvalidSetting, count_of
from crt.models.loop import passes
from crt.types import Attention, Combine, blocks_between

__all__ = ["TINY", "Attention", "Combine", "attention_map", "blocks_between", "refine"]

TINY = 1e-12
"""The least that a tile's largest attention counts as, so that a tile without any gives zeros."""


def attention_map(rows: Tensor, loops: int, *, blocks: Sequence[int] | None = None, combine: Combine = "sum") -> Tensor:
    """(passes, blocks, n, patches) class-token rows, mean over heads -> (n, 1, s, s) attention of each tile.

    `loops`: the loop count whose passes enter. `blocks`: 0-based blocks that enter, all by default. Raises
    InvalidSetting for blocks or loop counts that `rows` does not hold.
    """
    if combine not in get_args(Combine):
        raise InvalidSetting(f"Unknown combination {combine!r}: choose {', '.join(get_args(Combine))}.")
    if not 1 <= passes(loops) <= rows.shape[0]:
        need = count_of(passes(loops), "pass", "passes")
        have = f"{rows.shape[0]} {'was' if rows.shape[0] == 1 else 'were'}"
        raise InvalidSetting(f"The loop count {loops} needs {need}, only {have} run: run more loops.")
    used = rows[: passes(loops)]
    if blocks is not None:
        chosen = sorted(set(blocks))
        if not chosen or chosen[0] < 0 or chosen[-1] >= rows.shape[1]:
            raise InvalidSetting(f"Choose at least one block between 1 and {rows.shape[1]} for the refinement.")
        used = used[:, chosen]
    used = used.mean(1)
    if combine == "evened":
        row = (used[0] / used[0].amax(-1, keepdim=True).clamp(min=TINY)).sqrt()
    else:
        row = {"sum": used.sum(0), "mean": used.mean(0), "first": used[0], "last": used[-1]}[combine]
    side = round(row.shape[-1] ** 0.5)
    return row.reshape(-1, 1, side, side)


def refine(maps: Tensor, attention: Tensor) -> Tensor:
    """(n, C, s, s) raw maps of tiles × (n, 1, p, p) attention -> (n, C, s, s); the attention follows the maps' grid."""
    if attention.shape[-2:] != maps.shape[-2:]:
        attention = F.interpolate(attention, maps.shape[-2:], mode="bilinear", align_corners=False)
    return maps * attention
