"""The pages of speed and of faults say with which version each of their files was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crt.checkpoint import read_config
from scripts.report.base import Section
from scripts.report.origin import BENCHES_OF_WEIGHTS, KINDS_OF_WEIGHTS, origins
from scripts.report.pages import OTHERS
from scripts.report.sections import KINDS, Measured, read_measured

ROOT = Path(__file__).resolve().parents[3]
BEFORE = "before version 0.2.0"
EARLIER = f"{BEFORE}, with earlier weights of `voc`"


def measured(kind: str, result: dict[str, Any], file: str = "a.json") -> Measured:
    return Measured(kind, result, Section("x"), file)


@pytest.mark.parametrize(
    ("kind", "result", "words"),
    [
        ("latency", {}, EARLIER),
        ("sparse_seconds", {}, BEFORE),
        ("bench", {"bench": {"training": {}}}, BEFORE),
        ("bench", {"bench": {"training": {}, "growth": {}}}, EARLIER),
        ("latency", {"version": "0.3.0", "commit": "0123456789ab"}, "with version 0.3.0, commit `0123456`"),
        ("load", {"version": "0.3.0", "commit": "01234567+changes"}, "with version 0.3.0, commit `0123456+changes`"),
        ("fuzz", {"version": "0.3.0", "commit": None}, "with version 0.3.0"),
    ],
)  # fmt: skip
def test_a_file_says_what_it_records(kind: str, result: dict[str, Any], words: str) -> None:
    assert origins([measured(kind, result)]).rows == (("`results/a.json`", words),)


def test_a_file_of_several_sections_has_one_row() -> None:
    found = [measured("load", {}, "a.json"), measured("load", {}, "b.json"), measured("load", {}, "a.json")]
    assert [row[0] for row in origins(found).rows] == ["`results/a.json`", "`results/b.json`"]


def test_the_pages_name_each_of_their_files() -> None:
    found = read_measured(ROOT / "results", read_config(ROOT / "checkpoints/voc").defaults)
    for page in OTHERS:
        intro = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8").partition("\n## ")[0]
        files = {one.file for one in found if one.section.page == page}
        assert files and all(f"`results/{file}`" in intro for file in files)
    benches = {name for one in found if one.kind == "bench" for name in one.result["bench"]}
    assert set(KINDS_OF_WEIGHTS) <= set(KINDS) and benches & BENCHES_OF_WEIGHTS
