"""Constants and settings of the way from CAMs to masks, which options read without torch and scipy."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from crt.errors import InvalidSetting

FOREGROUND, BACKGROUND = 0.35, 0.15
"""The background constants of confident labels: the high one and the low one."""
WALK_THRESHOLD = 0.25
"""The background constant against random-walk pseudo labels."""


def check_constants(foreground: float, background: float) -> None:
    """Refuse background constants of confident labels that cannot be.

    Args:
        foreground: the high constant.
        background: the low constant.

    Raises:
        InvalidSetting: they are in the wrong order, or not above 0 and at most 1.
    """
    if not 0 < background <= foreground <= 1:  # NaN fails too
        raise InvalidSetting(
            f"The constants are {foreground} for foreground and {background} for background: "
            "give the larger for foreground, both above 0 and at most 1."
        )


@dataclass(frozen=True)
class WalkSettings:
    """How seeds walk (IRNet; METHOD section 8).

    Attributes:
        radius: Cells that are joined lie less than this apart.
        beta: Power of the affinity.
        exp_times: The walk makes 2 to this power steps.

    Raises:
        InvalidSetting: a number is out of range.
    """

    radius: int = 5
    beta: float = 10
    exp_times: int = 8

    def __post_init__(self) -> None:
        if not 2 <= self.radius <= 20:
            raise InvalidSetting(f"The radius of the walk is {self.radius}: give 2 to 20 cells.")
        if not (isfinite(self.beta) and self.beta > 0):
            raise InvalidSetting(f"The power of the affinity is {self.beta}: give a number above 0.")
        if not 0 <= self.exp_times <= 16:
            raise InvalidSetting(f"The walk cannot make 2 ** {self.exp_times} steps: give an exponent from 0 to 16.")


IRN_WALK = WalkSettings()
