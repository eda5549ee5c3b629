"""What decides a Prediction. Torch-free, so that options and checks need not wait for the networks."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any

from crt.errors import InvalidSetting
from crt.types import MAX_LOOPS, MAX_SIZE, METHODS, MIN_SIZE, Method, Mode, Padding


@dataclass(frozen=True)
class InferenceConfig:
    """What decides a Prediction; everything else is arithmetic on it.

    Attributes:
        size: pixels of the long side that the networks see; None for the image's own, up to `MAX_SIZE`.
        mode: how a larger image goes through the transformer (METHOD section 2).
        loops: the largest loop count to record.
        methods: which networks run, all by default; those that a checkpoint does not have are left out.
        heads: whether the attention of each head is kept.
        padding: `released` follows the authors' program.

    Raises:
        InvalidSetting: size or loops are out of range or no whole numbers, or a method is unknown.
    """

    size: int | None = 336
    mode: Mode = "overlap"
    loops: int = 4
    methods: tuple[Method, ...] | None = None
    heads: bool = False
    padding: Padding = "minimal"

    def __post_init__(self) -> None:
        if self.methods is not None:
            named = (self.methods,) if isinstance(self.methods, str) else tuple(self.methods)
            if unknown := [name for name in named if name not in METHODS]:
                raise InvalidSetting(f"There is no {unknown[0]} network: choose among {', '.join(METHODS)}.")
            object.__setattr__(self, "methods", named)
        if self.size is not None and not (is_whole(self.size) and MIN_SIZE <= self.size <= MAX_SIZE):
            raise InvalidSetting(f"The input size is {self.size}: choose {MIN_SIZE} to {MAX_SIZE} pixels, or native.")
        if not (is_whole(self.loops) and 0 <= self.loops <= MAX_LOOPS):
            raise InvalidSetting(f"The loop count is {self.loops}: choose 0 to {MAX_LOOPS}.")
        object.__setattr__(self, "loops", index(self.loops))  # NumPy's are no JSON
        object.__setattr__(self, "size", None if self.size is None else index(self.size))

    def covers(self, other: InferenceConfig) -> bool:
        """Whether a Prediction with these settings holds all that one with others does.

        Args:
            other: of the same image and checkpoint.

        Returns:
            Whether the input is the same, and no network, loop count or head of the other is missing. Loops count
            only where CRT runs.
        """
        ours, theirs = (METHODS if one.methods is None else one.methods for one in (self, other))
        return (
            (self.size, self.mode, self.padding) == (other.size, other.mode, other.padding)
            and set(ours) >= set(theirs)
            and (self.loops >= other.loops or "crt" not in theirs)
            and (self.heads or not other.heads)
        )


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number by its type, NumPy's too.

    Args:
        value: of any type.

    Returns:
        Whether it is one.
    """
    try:
        index(value)
    except TypeError:
        return False
    return True
