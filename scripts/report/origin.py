"""With which version and weights a result was measured, as its file records it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scripts.report.base import Table
from scripts.report.sections import Measured

FIRST_RECORDED = "0.2.0"
"""Results without a version are older than this one."""
BENCHES_OF_WEIGHTS = {"first", "growth", "masks", "needed"}
"""Parts of `scripts.bench` that run a checkpoint; the others take random weights."""
KINDS_OF_WEIGHTS = ("latency", "redraws", "fuzz", "load")
"""Kinds of result that run the app on the checkpoint that it starts with."""


def origins(found: Iterable[Measured]) -> Table:
    """A row for each results file, in the order of their sections."""
    rows = dict.fromkeys((f"`results/{one.file}`", _origin(one)) for one in found)
    return Table(("results file", "measured"), tuple(rows))


def _origin(one: Measured) -> str:
    version, commit = one.result.get("version"), one.result.get("commit")
    if version is None:
        weights = ", with earlier weights of `voc`" if _has_weights(one.kind, one.result) else ""
        return f"before version {FIRST_RECORDED}{weights}"
    return f"with version {version}, commit {_short(commit)}" if commit else f"with version {version}"


def _short(commit: str) -> str:
    """A commit with as many digits as Git shows, and the mark of changed files."""
    digits, plus, changes = commit.partition("+")
    return f"`{digits[:7]}{plus}{changes}`"


def _has_weights(kind: str, result: dict[str, Any]) -> bool:
    return kind in KINDS_OF_WEIGHTS or (kind == "bench" and bool(BENCHES_OF_WEIGHTS & result["bench"].keys()))
