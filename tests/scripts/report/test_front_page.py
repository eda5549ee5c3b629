"""The table of the README is made of the results, with the paper's numbers beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crt.checkpoint import Defaults, read_config
from crt.data import VOC_CLASSES
from crt.errors import InvalidDataset
from scripts.report.base import Table
from scripts.report.front_page import TABLE_BEGIN, TABLE_END, headline_table, write_front_page
from scripts.report.overview import Setup, overview
from scripts.report.sections import KINDS, Measured, read_measured

ROOT = Path(__file__).resolve().parents[3]


def committed_table() -> Table:
    configs = {path.parent.name: read_config(path.parent) for path in (ROOT / "checkpoints").glob("*/config.json")}
    defaults = configs["voc"].defaults
    found = read_measured(ROOT / "results", defaults)
    return headline_table(found, overview(found, defaults, configs).setups, defaults)


def test_the_readme_has_the_table_of_the_results(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    copy = tmp_path / "README.md"
    copy.write_text(text, encoding="utf-8")
    write_front_page(copy, committed_table())
    assert copy.read_text(encoding="utf-8") == text, "run python -m scripts.report"


def test_each_row_is_a_measure_of_the_paper() -> None:
    rows = {name: (ours, paper, images) for name, ours, paper, images, *_ in committed_table().rows}
    stages = json.loads((ROOT / "results/pipeline.json").read_text(encoding="utf-8"))["stages"]
    miou = {row["stage"]: row["miou"] for row in stages if row["measure"] == "VOC-21"}
    boxes = json.loads((ROOT / "results/cub_test.json").read_text(encoding="utf-8"))
    assert rows["VOC 2012, seeds, mIoU"][1] == "57.7"
    for name, stage, paper in (
        ("pseudo masks", "masks", "71.8"),
        ("DeepLab-V2 trained on them", "predicted_masks", "71.2"),
    ):
        row = rows.get(f"VOC 2012, {name}, mIoU")
        assert (row and row[:2]) == ((f"{miou[stage]:.1f}", paper) if stage in miou else None)
    for name, key, paper in (("Top-1", "top1", "72.9"), ("Top-5", "top5", "86.4"), ("GT-known", "gt_known", "90.1")):
        images = f"{boxes['images']} of test, {boxes['classes']} classes"
        assert rows[f"CUB, {name}"] == (f"{boxes['methods']['crt'][key]:.1f}", paper, images)


def test_a_result_without_a_setup_has_no_row() -> None:
    found = read_measured(ROOT / "results", read_config(ROOT / "checkpoints/voc").defaults)
    assert headline_table(found, [Setup("another", "x", "y", "z")], Defaults()).rows == ()


def evaluation(split: str, scales: int, miou: float, classes: tuple[str, ...] = VOC_CLASSES) -> Measured:
    """A result over those classes and background, with a row of the default settings alone."""
    row = {"miou_at_0.15": 1.0, "miou_best": miou, "threshold_best": 0.2,
           "per_class": dict.fromkeys(("background", *classes), miou)}  # fmt: skip
    protocol = {"split": split, "classes": "all", "scales": [1.0] * scales, "flip": True, "stride": 1,
                "mode": "overlap", "precision": "float32", "command": "x", "checkpoint_sha256": "ab"}  # fmt: skip
    result = {"protocol": protocol, "images": 7, "methods": {"crt_loops_3": row}, "classification_map": {}}
    return Measured("methods", result, KINDS["methods"](result, Defaults()))


def test_the_seeds_are_those_of_val_over_all_classes_at_most_scales() -> None:
    results = [evaluation("val", 1, 50.0), evaluation("val", 7, 55.0), evaluation("train_animals", 7, 60.0)]
    results.append(evaluation("val", 9, 70.0, VOC_CLASSES[:3]))
    setups = overview(results, Defaults(), {}).setups
    (row,) = headline_table(results, setups, Defaults()).rows
    assert row == (
        "VOC 2012, seeds, mIoU",
        "55.0",
        "57.7",
        "7 of val, 7 scales",
        "all of train",
        "weights ab, not recorded",
    )
    assert results[0].section.title == "Seeds on val, VOC-21, 1 scale and flips"
    assert results[-1].section.title == "Seeds on val, 3 classes, 9 scales and flips"
    assert headline_table(results[2:], setups, Defaults()).rows == ()


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
    write_front_page(page, Table(("a", "b"), ()))
    assert page.read_text(encoding="utf-8") == f"x\n{TABLE_BEGIN}\n{TABLE_END}\ny\n"
    page.write_text(f"{TABLE_BEGIN}\n", encoding="utf-8")
    with pytest.raises(InvalidDataset, match="has no"):
        write_front_page(page, table)
