"""Waiting for what another thread or the server does."""

import time
from collections.abc import Callable

LONGEST = 600
"""Seconds; far more than any machine needs."""


def until(condition: Callable[[], object]) -> None:
    """Wait until the condition is true; fails if it never is."""
    end = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < end, "what the test waits for has not come true"
        time.sleep(0.001)
