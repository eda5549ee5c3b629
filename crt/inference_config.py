"""What decides a Prediction. Torch-free, so that options and checks need not wait for the networks."""

from __future__ import annotations

from dataclasses import dataclass

from crt.errors import InvalidSetting
from crt.types import MAX_LOOPS, MAX_SIZE, MIN_SIZE, Method, Mode, Padding


@dataclass(frozen=True)
class InferenceConfig:
    """What decides a Prediction; everything else is arithmetic on it.

    Attributes:
        size: pixels of the long side that the networks see; None for the image's own, up to `MAX_SIZE`.
        mode: how a larger image goes through the transformer (METHOD section 2).
        loops: the largest loop count to record.
        methods: which networks run, all by default.
        heads: whether the attention of each head is kept.
        padding: `released` follows the authors' program.

    Raises:
        InvalidSetting: size or loops are out of range.
    """

    size: int | None = 336
    mode: Mode = "overlap"
    loops: int = 4
    methods: tuple[Method, ...] | None = None
    heads: bool = False
    padding: Padding = "minimal"

    def __post_init__(self) -> None:
        if self.size is not None and not MIN_SIZE <= self.size <= MAX_SIZE:
            raise InvalidSetting(f"The input size is {self.size}: choose {MIN_SIZE} to {MAX_SIZE} pixels, or native.")
        if not 0 <= self.loops <= MAX_LOOPS:
            raise InvalidSetting(f"The loop count is {self.loops}: choose 0 to {MAX_LOOPS}.")
