"""How the attention of several passes becomes one: the registry of named reductions. Torch-free.

The paper averages the attention over blocks; over the passes of the loop the released code sums it. A new reduction is
an entry of `PASS_REDUCTIONS` and its name in `PassReduction`; the app, the commands and the figures take both from
here. docs/results.md has the results of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, cast

from crt.errors import InvalidSetting
from crt.types import MAX_LOOPS

PassReduction = Literal["sum", "mean", "first", "last", "tile_normalized"]
DEFAULT_REDUCTION: PassReduction = "sum"
"""The paper's (METHOD section 4)."""


@dataclass(frozen=True)
class Reduction:
    """One way to make the attention of several passes one.

    Attributes:
        label: its name on the page.
        description: what the attention is, as in "refined by the attention …".
        weights: from the number of passes to the weight of each.
        tile_normalized: whether each tile's attention is then divided by its largest value, and the square root of that
            is taken.
    """

    label: str
    description: str
    weights: Callable[[int], tuple[float, ...]]
    tile_normalized: bool = False

    def to_json(self) -> dict[str, Any]:
        """The reduction as JSON values, with the weights for 1, 2, … passes."""
        weights = [list(self.weights(count)) for count in range(1, MAX_LOOPS + 1)]
        return {
            "label": self.label,
            "description": self.description,
            "weights": weights,
            "tile_normalized": self.tile_normalized,
        }


def _first(count: int) -> tuple[float, ...]:
    return (1.0, *[0.0] * (count - 1))


PASS_REDUCTIONS: dict[PassReduction, Reduction] = {
    "sum": Reduction("Sum", "summed over the passes", lambda count: (1.0,) * count),
    "mean": Reduction("Mean", "averaged over the passes", lambda count: (1 / count,) * count),
    "first": Reduction("First only", "of the first pass", _first),
    "last": Reduction("Last only", "of the last pass", lambda count: _first(count)[::-1]),
    # A tile's softmax row has the same sum whatever the tile shows; divided by its maximum, a tile that is all object
    # is not held down.
    "tile_normalized": Reduction("First, per-tile normalized", "of the first pass, per-tile normalized", _first, True),
}


def check_reduction(name: object) -> PassReduction:
    """Check the name of a reduction.

    Args:
        name: any value.

    Returns:
        The name as it is.

    Raises:
        InvalidSetting: it is no name of a reduction.
    """
    if isinstance(name, str) and name in PASS_REDUCTIONS:
        return cast("PassReduction", name)
    raise InvalidSetting(f"Unknown pass reduction {str(name)[:40]!r}: choose {', '.join(PASS_REDUCTIONS)}.")


class Attention(TypedDict):
    """Keywords of `Prediction.cams`: whose attention refines, and how."""

    pass_reduction: PassReduction
    blocks: range | None


def attention_words(pass_reduction: PassReduction, blocks: Sequence[int] | None) -> str:
    """Whose attention refines, and how, in words.

    Args:
        pass_reduction: how the attention of the passes becomes one.
        blocks: indices from 0; None for all.

    Returns:
        A phrase that can follow "refined by".
    """
    which = "all blocks" if blocks is None else f"blocks {min(blocks) + 1} to {max(blocks) + 1}"
    return f"attention averaged over {which}, {PASS_REDUCTIONS[pass_reduction].description}"


def blocks_between(ends: tuple[int, int] | None) -> range | None:
    """The blocks from a first to a last one.

    Args:
        ends: both counted from 0 and included; None for all.

    Returns:
        Their indices; None for all.
    """
    return None if ends is None else range(ends[0], ends[1] + 1)
