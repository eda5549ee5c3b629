"""Timing several functions side by side, in turns, so that a busy moment of the machine slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def in_turns(ways: Mapping[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Seconds of every run of every way: one of each, `runs` times over, after one of each that does not count."""
    for way in ways.values():
        way()
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            spent[name].append(time.perf_counter() - began)
    return spent


def in_milliseconds(seconds: list[float]) -> dict[str, float]:
    """Median, least and most, in milliseconds."""
    return {
        name: round(1000 * value, 2)
        for name, value in (("median", statistics.median(seconds)), ("min", min(seconds)), ("max", max(seconds)))
    }


def compared(spent: Mapping[str, list[float]], base: str) -> dict[str, Any]:
    """Every way's times in milliseconds, and how many times `base` each other takes: run by run, then the median."""
    ratios = {
        name: [other / own for other, own in zip(times, spent[base], strict=True)]
        for name, times in spent.items()
        if name != base
    }
    return {
        "ms": {name: in_milliseconds(times) for name, times in spent.items()},
        "ratio": {
            name: {
                "median": round(statistics.median(values), 2),
                "min": round(min(values), 2),
                "max": round(max(values), 2),
            }
            for name, values in ratios.items()
        },
    }
