"""Numbers of blocks: options and tables count from 1, as the page and the cards do, and the library from 0."""

from __future__ import annotations

from crt.errors import InvalidSetting

BlockRange = tuple[int, int]
"""The first and the last block."""


def to_indices(numbers: BlockRange | None) -> BlockRange | None:
    """The range that an option names, as `CamSpec` has it; None for all. Raises InvalidSetting."""
    if numbers is None:
        return None
    first, last = numbers
    if not 1 <= first <= last:
        raise InvalidSetting(
            f"The blocks are {first} to {last}: give the first and the last, counted from 1, in this order."
        )
    return first - 1, last - 1


def to_numbers(indices: BlockRange | None) -> BlockRange | None:
    """The range of a `CamSpec` as a person reads it; None for all."""
    return None if indices is None else (indices[0] + 1, indices[1] + 1)
