"""The table of the README is made of the results, with the paper's numbers beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crt.checkpoint import read_config
from crt.errors import InvalidDataset
from scripts.report.base import Table
from scripts.report.front_page import TABLE_BEGIN, TABLE_END, headline_table, write_front_page
from scripts.report.overview import Setup, overview
from scripts.report.sections import read_measured

ROOT = Path(__file__).resolve().parents[3]


def committed_table() -> Table:
    configs = {path.parent.name: read_config(path.parent) for path in (ROOT / "checkpoints").glob("*/config.json")}
    defaults = configs["voc"].defaults
    found = read_measured(ROOT / "results", defaults)
    return headline_table(found, overview(found, defaults, configs).setups)


def test_the_readme_has_the_table_of_the_results(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    copy = tmp_path / "README.md"
    copy.write_text(text, encoding="utf-8")
    write_front_page(copy, committed_table())
    assert copy.read_text(encoding="utf-8") == text, "run python -m scripts.report"


def test_each_row_is_a_measure_of_the_paper() -> None:
    rows = {name: (ours, paper, images) for name, ours, paper, images, _ in committed_table().rows}
    stages = json.loads((ROOT / "results/pipeline.json").read_text(encoding="utf-8"))["stages"]
    miou = {row["stage"]: row["miou"] for row in stages if row["measure"] == "VOC-21"}
    boxes = json.loads((ROOT / "results/cub_test.json").read_text(encoding="utf-8"))
    assert rows["VOC 2012, seeds, mIoU"][:2] == (f"{miou['seeds']:.1f}", "57.7")
    assert rows["VOC 2012, pseudo masks, mIoU"][:2] == (f"{miou['random_walk']:.1f}", "71.8")
    assert rows["VOC 2012, DeepLab-V2 trained on them, mIoU"][:2] == (f"{miou['predicted_masks']:.1f}", "71.2")
    for name, key, paper in (("Top-1", "top1", "72.9"), ("Top-5", "top5", "86.4"), ("GT-known", "gt_known", "90.1")):
        images = f"{boxes['images']} of test, {boxes['classes']} classes"
        assert rows[f"CUB, {name}"] == (f"{boxes['methods']['crt'][key]:.1f}", paper, images)


def test_a_result_without_a_setup_has_no_row() -> None:
    found = read_measured(ROOT / "results", read_config(ROOT / "checkpoints/voc").defaults)
    assert headline_table(found, [Setup("another", "x", "y", "z")]).rows == ()


def test_only_what_stands_between_the_marks_changes(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    table = Table(("a", "b"), (("1", "2"),))
    write_front_page(page, table)
    assert not page.exists()
    page.write_text("# Title\n", encoding="utf-8")
    write_front_page(page, table)
    assert page.read_text(encoding="utf-8") == "# Title\n"
    page.write_text(f"x\n{TABLE_BEGIN}\nold\n{TABLE_END}\ny\n", encoding="utf-8")
    write_front_page(page, table)
    wanted = f"x\n{TABLE_BEGIN}\n| a | b |\n|---|---|\n| 1 | 2 |\n{TABLE_END}\ny\n"
    assert page.read_text(encoding="utf-8") == wanted
    page.write_text(f"{TABLE_BEGIN}\n", encoding="utf-8")
    with pytest.raises(InvalidDataset, match="has no"):
        write_front_page(page, table)
