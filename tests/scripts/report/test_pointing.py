"""The sections on the pointing game and on classification, from what the commands write of a tiny checkpoint."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from crt.checkpoint import Defaults, read_config, weights_sha256
from crt.evaluation.bootstrap import Bootstrap
from scripts.evaluate_pointing import Classification, Pointing, classification, pointing
from scripts.report.markdown import markdown
from scripts.report.sections import read_results
from tests.helpers.devkit import devkit
from tests.helpers.tables import as_dict
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both results, as the commands wrote them, beside the checkpoint."""
    base = tmp_path_factory.mktemp("pointing")
    tiny = str(tiny_checkpoint(base / "tiny"))
    root = devkit(
        base,
        {
            "a": [("cat", (1, 1, 40, 40), 0), ("person", (60, 10, 90, 70), 0)],
            "b": [("dog", (20, 20, 80, 70), 0)],
            "c": [("dog", (1, 1, 20, 20), 0), ("cat", (50, 30, 100, 80), 0)],
        },
    )
    shared: dict[str, Any] = {"checkpoint": tiny, "loops": 1, "precision": "fp32"}
    (base / "results").mkdir()
    pointing(Pointing(root, explainers=("gradcam",), bootstrap=Bootstrap(resamples=20),
                      json=base / "results/pointing.json", **shared))  # fmt: skip
    classification(Classification(root, stride=2, size="native", json=base / "results/scores.json", **shared))
    return base / "results"


def test_the_pointing_game_is_reported_by_method_explainer_and_interval(results: Path) -> None:
    section = read_results(results, Defaults())[0]
    reported = json.loads((results / "pointing.json").read_text())
    config = read_config(results.parent / "tiny")
    assert section.title == "Pointing game on VOC2007 val" and section.weights_sha256 == weights_sha256(config)
    assert section.command == reported["protocol"]["command"] and "evaluate pointing" in section.command
    facts = as_dict(section.tables[-1])
    assert facts["images"] == "3 of VOC2007 val" and facts["size"] == "long side 96 px, without the mirror image"
    assert f"`crt` {config.networks['crt'].backbone}" in facts["backbones"]
    assert f"`resnet` {config.networks['resnet'].backbone}" in facts["backbones"]
    assert facts["pairs of an image and a class"] == "5, of which 3 are difficult"
    assert facts["intervals"].startswith("20 draws of the images")
    table = section.tables[0]
    assert table.head == (
        "method", "explainer", "accuracy, all", "95 % interval", "accuracy, difficult", "95 % interval"
    )  # fmt: skip
    others = section.tables[1]
    rows = {row[:2]: row[2:] for row in (*table.rows, *others.rows)}
    assert len(rows) == len(reported["pointing"]["methods"]) and others.folded  # no two rows of one name
    assert len(table.rows) + len(others.rows) == len(rows)
    assert {("CRT, default settings", "CAM"), ("CRT, loops 1, unrefined", "CAM"), ("CNN alone", "gradcam"),
            ("CNN branch of the pair", "CAM"), ("centre of the image", "–")} < set(rows)  # fmt: skip
    stored = reported["pointing"]["methods"]["resnet_gradcam"]["all"]
    low, high = stored["interval"]
    assert rows["CNN alone", "gradcam"][:2] == (f"{stored['mean']:.1f}", f"{low:.1f} to {high:.1f}")
    by_class = section.tables[-2]
    assert by_class.head[:3] == ("accuracy by class, all", "images", "CRT, default settings")
    assert ("dog", "2") in [row[:2] for row in by_class.rows]
    (chart,) = section.charts
    assert chart.beside == by_class.head[0] and chart.x_labels == tuple(row[0] for row in by_class.rows)
    assert "| **CRT, default settings** | CAM |" in markdown(section)


def test_verdicts_follow_the_stored_intervals_alone(results: Path, tmp_path: Path) -> None:
    reported = json.loads((results / "pointing.json").read_text())
    gaps = reported["pointing"]["differences"]
    assert set(gaps) == {"crt - resnet", "crt - tscam", "crt - crt_cnn"}
    for name, bounds in {"crt - resnet": [1.0, 3.0], "crt - tscam": [-2.0, 0.0], "crt - crt_cnn": [-9, -1.5]}.items():
        gaps[name] = {
            "all": {"mean": sum(bounds) / 2, "interval": bounds},
            "difficult": {"mean": None, "interval": None},
        }
    (tmp_path / "a.json").write_text(json.dumps(reported))
    (section,) = read_results(tmp_path, Defaults())
    table = next(one for one in section.tables if one.head[0] == "difference")
    assert table.rows[0] == ("CRT, default settings − CNN alone", "+2.0", "+1.0 to +3.0", "–", "–", "above zero")
    assert [row[-1] for row in table.rows] == ["above zero", "around zero", "below zero"]
    assert table.caption[-1] == "No verdict: 1 seed, a verdict needs 3."


def test_a_result_without_differences_or_backbones_is_reported(results: Path, tmp_path: Path) -> None:
    reported = json.loads((results / "pointing.json").read_text())
    reported["pointing"]["differences"] = {}
    del reported["protocol"]["backbones"]
    (tmp_path / "a.json").write_text(json.dumps(reported))
    (section,) = read_results(tmp_path, Defaults())
    assert "difference" not in [table.head[0] for table in section.tables]
    assert "backbones" not in as_dict(section.tables[-1])


def test_classification_is_reported_by_method_and_class(results: Path) -> None:
    section = read_results(results, Defaults())[1]
    reported = json.loads((results / "scores.json").read_text())
    assert section.title == "Classification on VOC2007 val" and "evaluate classification" in section.command
    whole, by_class, setup = section.tables
    assert as_dict(setup)["images"] == "2 of VOC2007 val, every 2nd image"
    assert as_dict(setup)["size"].startswith("images of their own size")
    methods = reported["classification"]["methods"]
    assert whole.head == ("method", "mAP") and whole.rows[0] == ("CRT, loops 0", f"{methods['crt_loops_0']['map']:.1f}")
    assert by_class.head[1:] == tuple(name for name, _ in whole.rows)
    assert by_class.head[1:] == (
        "CRT, loops 0", "CRT, loops 1", "TS-CAM", "CNN alone", "CNN branch of the pair", "CRT, loops 2"
    )  # fmt: skip
    assert [row[0] for row in by_class.rows] == list(methods["resnet"]["per_class"])
    assert section.sentences == ("No verdict: 1 seed, a verdict needs 3.",)
    lines = ["CRT, loops 2", "TS-CAM", "CNN alone", "CNN branch of the pair"]
    assert [line.name for line in section.charts[0].lines] == lines


def test_a_class_that_nothing_shows_has_a_dash(results: Path, tmp_path: Path) -> None:
    reported = copy.deepcopy(json.loads((results / "scores.json").read_text()))
    for row in reported["classification"]["methods"].values():
        row["per_class"]["dog"] = None
    (tmp_path / "a.json").write_text(json.dumps(reported))
    (section,) = read_results(tmp_path, Defaults())
    row = next(row for row in section.tables[1].rows if row[0] == "dog")
    assert set(row[1:]) == {"–"}
    dog = [row[0] for row in section.tables[1].rows].index("dog")
    assert all(dog not in line.x for line in section.charts[0].lines)
