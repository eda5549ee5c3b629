"""How far a run of the networks is, for those who wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from crt.types import METHOD_TITLES

STAGE_TITLES: dict[str, str] = {**METHOD_TITLES, "done": "Maps"}
REPORT_EVERY_S = 0.25
"""Seconds between two reports: the page redraws at each of them, and a short run ends before the first."""
Progress = Callable[[float, str], object]
"""Called with the share that is done, 0 … 1, and the title of the stage."""


@dataclass(frozen=True)
class RunStage:
    """Where a run is.

    Attributes:
        share: that is done, 0 … 1.
        name: of the stage, a network or `done`.
    """

    share: float
    name: str


def throttle(report: Progress | None) -> Progress:
    """Report progress at most once in `REPORT_EVERY_S`, with the titles of the stages.

    Args:
        report: called with the share that is done, 0 … 1, and the title; None for no reports.

    Returns:
        What a run calls with the share and the stage.
    """
    reported = time.monotonic()

    def perhaps(part: float, stage: str) -> None:
        nonlocal reported
        if report is not None and time.monotonic() - reported >= REPORT_EVERY_S:
            reported = time.monotonic()
            report(part, STAGE_TITLES.get(stage, stage))

    return perhaps
