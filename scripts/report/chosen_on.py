"""Whether the images of a result contain those on which the defaults of its checkpoint were chosen."""

from __future__ import annotations

import re
from pathlib import Path

from crt.checkpoint import CheckpointConfig
from scripts.pack_checkpoint import CHOICE
from scripts.provenance import ROOT
from scripts.report.base import NOT_RECORDED
from scripts.report.sections import Measured

FACT = "defaults chosen on"
"""Name of the row of the set-up."""
SPLITS = ROOT / "results/splits"
"""Lists of image ids, a file for each data set and split."""
KINDS_WITH_MAPS = ("methods", "stages", "definitions", "pointing")
"""Kinds of result in which the defaults matter."""


def chosen_on(one: Measured, checkpoint: CheckpointConfig) -> str | None:
    """What the set-up says of it: the images that chose, `NOT_RECORDED`, or None where they are none of those measured.

    Args:
        one: a result about the checkpoint.
        checkpoint: its record of the choice begins with the names of the data set and of the split.
    """
    if one.kind not in KINDS_WITH_MAPS:
        return None
    text = checkpoint.training.get(CHOICE, {}).get("chosen_on")
    if not text:
        return NOT_RECORDED
    data, split, *_ = [*re.findall(r"[\w-]+", text), "", ""]
    if _data(one) != data:
        return None
    chosen = _ids(data, split)
    names = [name for name in _splits(one) if name == split or (chosen and chosen <= _ids(data, name))]
    if not names:
        return None
    return text if names == [split] else f"{text}, which are among those of {' and '.join(names)}"


def _splits(one: Measured) -> list[str]:
    """The splits that were measured."""
    rows = one.result["stages"] if one.kind == "stages" else [one.result["protocol"]]
    return sorted({row["split"] for row in rows if row.get("split")})


def _data(one: Measured) -> str:
    """The name of the data set's folder in the command."""
    found = re.search(r"--root (\S+)", one.section.command)
    return Path(found[1]).name if found else ""


def _ids(data: str, split: str) -> set[str]:
    """The images of a split; none where there is no list."""
    file = SPLITS / f"{data.lower()}_{split}.txt"
    return set(file.read_text(encoding="utf-8").split()) if file.is_file() else set()
