"""The export of the Ablate, Layers and Results tabs: what they show, with data that other programs read."""

import csv
import io
import json
import re
import zipfile
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.features import export_answer, export_layers
from app.features.export_results import ResultsView, signed
from app.page import results
from app.viewer.viewer import NO_RESULTS
from crt.errors import InvalidSetting
from crt.models.outputs import merge_patches
from tests.app.features.test_export import BASE, RING, bits, inside, words
from tests.helpers.tiny import tiny_checkpoint

EMPTY = {"maps": [], "ground_truth": None}
CELL = {"title": "1 loop", "note": "set now", "method": "crt", "loops": 1, "refined": True}
ROW = {"title": "224 px", "size": "224", "mode": "overlap", "trouble": "", "cells": [CELL, CELL | {"loops": 0}]}
OTHER = {"title": "336 px", "size": "336", "mode": "overlap", "trouble": "Not run yet", "cells": []}
CHART = {
    "title": "Which loop count <b>", "caption": "None.", "x": {"label": "loops", "ticks": [0, 1]},
    "y": {"label": "IoU", "low": 0, "percent": True},
    "series": [{"name": "refined", "tone": "crt", "line": "solid", "points": [[0, 0.5], [1, 0.25]]},
               {"name": "336 px", "tone": 0.5, "line": "dashed", "points": [[0, 0.1]]}],
    "marks": [{"x": 0, "y": 0.5, "tone": "crt", "text": "50 %"}], "guides": [{"x": 1, "text": "set"}],
}  # fmt: skip
SIZES = {"show": "sizes", "readings": ["One.", ""], "rows": [ROW, OTHER], "charts": []}
CURVES = {"show": "curves", "readings": [], "rows": [], "charts": [CHART]}
LAYERS = {"method": "crt", "head": None, "scale": "cell", "deep": False}


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Any:
    engine = Engine(str(tiny_checkpoint(tmp_path_factory.mktemp("tabs") / "tiny")))
    return SimpleNamespace(explorer=Explorer(engine, PredictionCache(10**8), {}))


@pytest.fixture(scope="module")
def analysis(page, tmp_path_factory):
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("image") / "a.png"
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return page.explorer.analyze(str(path), "224", "overlap", "s")


def files_of(analysis, page, **details) -> dict[str, bytes]:
    return unpacked(export_answer.shown_by(analysis, BASE | EMPTY | details, page), details["tab"])


def unpacked(shown: export_answer.Exported, tab: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(export_answer.archive(shown))) as zipped:
        files = {name: zipped.read(name) for name in zipped.namelist()}
    with Image.open(io.BytesIO(files["figure.png"])) as figure:
        assert json.loads(figure.info["Description"])["tab"] == tab
    assert files["figure.pdf"].startswith(b"%PDF-")
    return files


def test_a_grid_of_the_ablation_holds_its_maps(analysis, page):
    truth = {"polygons": [RING], "inside": bits(inside()), "ignore": None}
    files = files_of(analysis, page, tab="ablate", ablate=SIZES, ground_truth=truth)
    with np.load(io.BytesIO(files["maps.npz"])) as arrays:
        for name, loops in (("row1_cell1", 1), ("row1_cell2", 0)):
            np.testing.assert_array_equal(
                arrays[name], analysis.prediction.cams("crt", loops=loops, classes=[0], refined=True)
            )
    told = json.loads(files["settings.json"])["maps"]["row1_cell1"]
    assert (told["size"], told["loops"], told["method"]) == ("224", 1, "crt")
    assert told["best"]["iou"] >= told["iou"] > 0
    said = words(files["figure.svg"])
    assert {"224 px, 1 loop", "set now", "One."} <= set(said)
    assert "336 px: Not run yet" in said
    assert files["maps.csv"].decode().splitlines()[1].startswith("row1_cell1,224 px,1 loop,224,overlap,crt,1,True")


def test_the_ladder_and_the_curves(analysis, page):
    ladder = {"show": "ladder", "readings": [], "rows": [ROW | {"cells": [CELL]}], "charts": []}
    assert "1 loop" in words(files_of(analysis, page, tab="ablate", ablate=ladder)["figure.svg"])
    files = files_of(analysis, page, tab="ablate", ablate=CURVES)
    said = words(files["figure.svg"])
    assert {"Which loop count <b>", "None.", "refined", "336 px", "50 %", "set", "0 %"} <= set(said)
    assert files["chart-1.csv"].decode().splitlines() == [
        "line,loops,IoU",
        "refined,0.0,0.5",
        "refined,1.0,0.25",
        "336 px,0.0,0.1",
    ]
    assert set(files) == {"figure.png", "figure.pdf", "figure.svg", "chart-1.csv", "settings.json", "README.txt"}


def test_what_is_no_longer_kept_has_to_be_run_again(analysis, page):
    gone = SIZES | {"rows": [ROW, OTHER | {"cells": [CELL]}]}
    with pytest.raises(InvalidSetting, match="336 px are no longer kept here: run them again"):
        files_of(analysis, page, tab="ablate", ablate=gone)


@pytest.mark.parametrize("method", ["crt", "tscam"])
def test_the_layers_hold_the_attention_of_every_block_and_pass(analysis, page, method):
    grid, record = analysis.prediction.grid, analysis.prediction.record(method)
    files = files_of(analysis, page, tab="layers", layers=LAYERS | {"method": method})
    with np.load(io.BytesIO(files["attention.npz"])) as arrays:
        np.testing.assert_array_equal(arrays["attention"], merge_patches(grid, record.mean_cls_attn))
        assert set(arrays) == {"attention", "content_size"}
    said = words(files["figure.svg"])
    passes, blocks = record.mean_cls_attn.shape[:2]
    assert sum(bool(re.fullmatch(r"Block \d+", line)) for line in said) == passes * blocks
    assert ("Cosine of the tokens before and after the loop" in said) == (method == "crt")
    deep = files_of(
        analysis, page, tab="layers", layers=LAYERS | {"method": method, "deep": True, "head": 1, "scale": "all"}
    )
    seen = analysis.model.predictor().layers(analysis.image, analysis.settings, method=method)
    with np.load(io.BytesIO(deep["attention.npz"])) as arrays:
        np.testing.assert_allclose(arrays["attention"], merge_patches(grid, seen.heads[:, :, 1]), rtol=1e-5)
        np.testing.assert_allclose(arrays["rollout"], merge_patches(grid, seen.rollout), rtol=1e-5)


def test_attention_lies_on_patches_where_maps_have_more_cells(analysis, page, tmp_path, monkeypatch):
    Image.fromarray(analysis.image).save(tmp_path / "a.png")
    shrunk = page.explorer.analyze(str(tmp_path / "a.png"), "224", "bilinear", "s")
    assert shrunk.prediction.content_size("crt") == (10.5, 14)
    spans = []
    upsample = export_layers.upsample_cam
    monkeypatch.setattr(export_layers, "upsample_cam", lambda *args: spans.append(args[1]) or upsample(*args))
    with np.load(io.BytesIO(files_of(shrunk, page, tab="layers", layers=LAYERS)["attention.npz"])) as arrays:
        assert tuple(arrays["content_size"]) == (3, 4) == arrays["attention"].shape[-2:]
    assert set(spans) == {(3, 4)}


def test_the_layers_hold_the_enlarged_cell_and_its_heads(analysis, page):
    chosen = LAYERS | {"block": 2, "pass": 1}
    files = files_of(analysis, page, tab="layers", layers=chosen)
    said = words(files["figure.svg"])
    assert "Block 3, pass 2" in said and "Heads of block 3, pass 2" not in said
    told = json.loads(files["settings.json"])
    assert (told["block"], told["pass"]) == (2, 1)
    deep = files_of(analysis, page, tab="layers", layers=chosen | {"deep": True})
    said = words(deep["figure.svg"])
    assert {"Block 3, pass 2", "Heads of block 3, pass 2", "Head 1", "Head 2"} <= set(said)
    seen = analysis.model.predictor().layers(analysis.image, analysis.settings, method="crt")
    with np.load(io.BytesIO(deep["attention.npz"])) as arrays:
        wanted = merge_patches(analysis.prediction.grid, seen.heads[1, 2])
        np.testing.assert_allclose(arrays["heads"], wanted, rtol=1e-5)
        assert set(arrays) == {"attention", "content_size", "rollout", "heads"}


def test_the_results_are_their_tables_and_charts():
    summary = results()
    sections = summary["sections"]
    files = unpacked(ResultsView.of(summary, {"unfolded": [0, 1, 2]}), "results")
    assert json.loads(files["results.json"]) == summary
    assert sum(name.endswith(".csv") for name in files) == sum(len(one["tables"]) for one in sections) + 3
    said = set(words(files["figure.svg"]))
    for name, rows in (("set-up", summary["setups"]), ("iou-by-class", summary["per_class"]["classes"])):
        assert len(files[f"{name}.csv"].decode().splitlines()) == len(rows) + 1
    claims = list(csv.DictReader(io.StringIO(files["claims.csv"].decode())))
    assert [(one["claim"], one["verdict"]) for one in claims] == [
        (claim["sentence"], claim["verdict"]) for claim in summary["claims"] for _ in claim["rows"]
    ]
    texts = [*(one["name"] for one in summary["setups"]), *(one["sentence"] for one in summary["claims"])]
    assert set(" ".join(texts).split()) <= set(" ".join(said).split())
    assert {one["title"] for one in sections[:3]} <= said
    text = " ".join(words(files["figure.svg"]))  # the lines of a long title follow one another
    assert not [chart["title"] for one in sections[:3] for chart in one["charts"] if chart["title"] not in text], text
    assert sections[0]["tables"][0]["rows"][0][1] in said


def test_the_figure_of_the_results_has_the_sections_in_sight_and_the_data_all():
    summary = results()
    files = unpacked(ResultsView.of(summary, {"unfolded": [1]}), "results")
    text = " ".join(words(files["figure.svg"]))
    commands = [section["command"] in text for section in summary["sections"]]
    assert [index for index, there in enumerate(commands) if there] == [1]
    assert sum(name.endswith(".csv") for name in files) > len(summary["sections"])


def test_results_that_were_left_out_make_a_figure_too():
    files = unpacked(ResultsView(NO_RESULTS), "results")
    assert "No section is unfolded." in words(files["figure.svg"])
    assert [name for name in files if name.endswith(".csv")] == []


@pytest.mark.parametrize("unfolded", [None, 0, [99], [-1], ["0"], [True], [0.0], [[0]]])
def test_wrong_sections_are_refused(unfolded):
    with pytest.raises(InvalidSetting, match="reload the page"):
        ResultsView.of(results(), {"unfolded": unfolded})


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.04, "+0.0"), (-0.04, "+0.0"), (1.25, "+1.3"), (-3.0, "−3.0")]
)
def test_a_difference_is_written_as_on_the_page(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(
    ("tab", "part"),
    [
        *(("layers", LAYERS | change) for change in (
            {"method": "resnet"}, {"scale": None}, {"head": "1"}, {"head": 99, "deep": True}, {"head": -1},
            {"block": 6, "pass": 0}, {"block": 0, "pass": 99}, {"block": -1, "pass": 0}, {"block": 0, "pass": "1"},
        )),
        ("layers", None), ("ablate", None), ("ablate", SIZES | {"rows": []}), ("ablate", SIZES | {"rows": [ROW] * 13}),
        *(("ablate", SIZES | {"rows": [ROW | change]}) for change in (
            {"cells": [CELL] * 13}, {"size": "7"}, {"size": 224}, {"mode": "<"}, {"title": None}, {"cells": [3]},
            {"cells": [CELL | {"method": "vgg"}]}, {"cells": [CELL | {"loops": -1}]}, {"cells": [CELL | {"note": 3}]},
        )),
        ("ablate", SIZES | {"show": "else"}), ("ablate", SIZES | {"readings": [3]}),
        ("ablate", CURVES | {"charts": [CHART] * 9}),
        *(("ablate", CURVES | {"charts": [CHART | change]}) for change in (
            {"series": []}, {"x": None}, {"x": {"label": 3}}, {"x": {"label": "a", "ticks": [None]}},
            {"y": {"label": "a", "low": 1, "high": 1}}, {"y": {"label": "a", "low": 1e300}},
            *({"series": [CHART["series"][0] | one]} for one in (
                {"tone": "url(x)"}, {"tone": 2}, {"line": "wavy"}, {"points": []}, {"points": [[0]]},
                {"points": [[0, float("nan")]]}, {"points": [[0, 0]] * 500}, {"points": [["0", 0]]},
            )),
        )),
    ],
)  # fmt: skip
def test_what_the_browser_sends_is_checked(analysis, page, tab, part):
    with pytest.raises(InvalidSetting) as error:
        export_answer.shown_by(analysis, BASE | EMPTY | {"tab": tab, tab: part}, page)
    assert re.fullmatch(r"[A-Za-z][^\n]+\.", str(error.value))
