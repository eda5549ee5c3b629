"""The ranges that the numbers of a training config must lie in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from crt.errors import InvalidSetting

Range = tuple[Callable[[Any], object], str]
"""What must be true of a value, and the range in words."""
COUNT: Range = (lambda value: value >= 1, "1 or more")
NOT_NEGATIVE: Range = (lambda value: 0 <= value < math.inf, "a number of 0 or more")
ABOVE_ZERO: Range = (lambda value: 0 < value < math.inf, "a number above 0")
SHARE: Range = (lambda value: 0 <= value < 1, "0 or more and less than 1")


def check_fields(config: Any, **wanted: Range) -> None:
    """Hold fields against their ranges; None stands for a field that is not in use.

    Args:
        config: with these fields.
        **wanted: the range of each field, by its name.

    Raises:
        InvalidSetting: a field is outside its range; the message names the first.
    """
    for name, (holds, range_) in wanted.items():
        value = getattr(config, name)
        if value is not None and not holds(value):
            raise InvalidSetting(f"{name} is {value}: give {range_}.")
