"""What the start of the page imports: seconds of the processor, and the packages that take most of them."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from typing import Any

from crt.errors import InvalidSetting
from scripts.provenance import ROOT

START_PAGE = "app.page"
IMPORTED = ("torch", "gradio", "timm", START_PAGE)
TOP = 12  # packages in the result
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([^.\s]+)")


def start(runs: int) -> dict[str, Any]:
    """Seconds of the processor for each import in a process of its own, and shares of packages in that of the page."""
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTED}
    for _ in range(runs):
        for name, times in seconds.items():
            times.append(_import_seconds(name))
    spent = _package_times(START_PAGE)
    total = sum(spent.values())
    return {
        "cpu_s": {name: round(statistics.median(times), 2) for name, times in seconds.items()},
        "share": {name: round(own / total, 3) for name, own in spent.most_common(TOP)},
    }


def _import_seconds(module: str) -> float:
    process = subprocess.Popen([sys.executable, "-c", f"import {module}"], cwd=ROOT)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InvalidSetting(f"{module} cannot be imported: see the message above.")
    return usage.ru_utime + usage.ru_stime


def _package_times(module: str) -> Counter[str]:
    """Microseconds of each package's own modules."""
    words = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    spent: Counter[str] = Counter()
    for own, package in _LINE.findall(ran.stderr):
        spent[package] += int(own)
    return spent
