"""What is on the screen as files: they hold what they say, for hostile names too, and nothing unchecked gets in."""

import base64
import io
import json
import re
import shutil
import subprocess
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.core.examples import Example
from app.features import export_answer
from app.requests.export_request import ExportRequest
from app.requests.export_view import ExportView
from app.requests.ground_truth import GroundTruth
from crt.checkpoint import load_checkpoint
from crt.data import voc_palette
from crt.errors import CrtError, InvalidSetting
from crt.metrics.pixels import overlap
from crt.postprocess import cam_to_labels, max_normalize
from crt.predictor import InferenceConfig, Predictor
from crt.pseudo_labels.label_png import indexed_png, labels_of_image
from crt.resample import upsample_cam
from crt.threshold import above_threshold
from crt.viz.colours import SIGNED
from crt.viz.contours import difference, outlines
from crt.viz.plots import Plot, Style, plot, render
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]
CLASSES = ("cat", "$\\frac{x$ <b>&", "a\nb\x00\ud800 \u202e" + "W" * 300)
RING = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.7], [0.2, 0.7]]
SVG = "{http://www.w3.org/2000/svg}"
BASE = {
    "maps": [{"method": method, "letter": ""} for method in ("resnet", "tscam", "crt")],
    "classes": [0], "image": False, "difference": False, "difference_unit": "share", "loops": 2, "refined": True,
    "blocks": None,
    "pass_reduction": "sum", "threshold": 0.2, "opacity": 0.6, "colormap": "viridis", "scale": "map",
    "absolute": {"cam": None, "product": None}, "outline": True, "boxes": False, "cells": False, "overlay": "heat",
    "rows": 240, "columns": 320, "ground_truth": None, "added_panel": None,
}  # fmt: skip


def bits(mask: np.ndarray) -> str:
    return base64.b64encode(np.packbits(mask.ravel()).tobytes()).decode()


def inside() -> np.ndarray:
    mask = np.zeros((240, 320), bool)
    mask[48:168, 64:256] = True
    return mask


def added_panel(**changes) -> dict:
    values = base64.b64encode(np.arange(12, dtype="<f4").tobytes()).decode()
    told = {"title": "Attention", "note": "pass 1", "unit": "attention", "h": 3, "w": 4, "down": 3, "across": 4}
    return told | {"values": values} | changes


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("export") / "tiny", classes=CLASSES)


@pytest.fixture(scope="module")
def analysis(folder, tmp_path_factory) -> Analysis:
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("image") / "a.png"
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    example = {"a": Example("a", "A", path, credit="${x} <i>somebody</i>")}
    return Explorer(Engine(str(folder)), PredictionCache(10**8), example).analyze(str(path), "224", "overlap", "s")


def screen(analysis: Analysis, **changes) -> ExportView:
    return ExportView.of(analysis, ExportRequest.of(analysis, BASE | changes), present(analysis.model).config)


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name) for name in zipped.namelist()}


def words(svg: bytes) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_archive_is_whole_and_the_same_each_time(analysis):
    kind, name, data = export_answer.made(screen(analysis), "zip")
    files = unzipped(data)
    figures = {"figure.png", "figure.pdf", "figure.svg"}
    masks = {"mask_resnet.png", "mask_tscam.png", "mask_crt.png"}
    assert set(files) == figures | masks | {"maps.npz", "settings.json", "README.txt"}
    assert kind == "zip" and re.fullmatch(r"crt-cat-[0-9a-f]{8}\.zip", name)
    assert export_answer.made(screen(analysis), "zip")[2] == data
    assert files["README.txt"].decode().count("\n") == 1


def test_maps_and_masks_are_those_of_the_library(analysis):
    chosen = [2, 0]
    files = unzipped(
        export_answer.archive(screen(analysis, classes=chosen, blocks=[1, 99], pass_reduction="mean", threshold=0.3))
    )
    prediction = analysis.prediction
    with np.load(io.BytesIO(files["maps.npz"])) as arrays:
        assert arrays["indices"].tolist() == chosen
        assert tuple(arrays["source"]) == (120, 160)
        for method, loops in (("resnet", 0), ("tscam", 0), ("crt", 2)):
            maps = prediction.cams(method, loops=loops, classes=chosen, blocks=range(1, 6), pass_reduction="mean")
            np.testing.assert_array_equal(arrays[method], maps)
            np.testing.assert_array_equal(arrays[f"{method}.content_size"], prediction.content_size(method))
            np.testing.assert_array_equal(arrays[f"{method}.scores"], prediction.scores(method, loops)[chosen])
            seeds = max_normalize(upsample_cam(maps, prediction.content_size(method), prediction.source))
            with Image.open(io.BytesIO(files[f"mask_{method}.png"])) as mask:
                assert mask.mode == "P"
                assert present(mask.getpalette())[:63] == voc_palette()[:21].ravel().tolist()
                np.testing.assert_array_equal(np.asarray(mask), cam_to_labels(seeds, chosen, 0.3))
                assert len(np.unique(np.asarray(mask))) > 1


def test_the_settings_are_enough_to_make_the_maps_again(analysis, folder):
    changes = {"classes": [1, 2], "loops": 3, "blocks": [0, 2], "maps": [{"method": "crt", "letter": "A", "loops": 1}]}
    files = unzipped(export_answer.archive(screen(analysis, **changes)))
    told = json.loads(files["settings.json"])
    assert told["provenance"]["checkpoint_sha256"] == load_checkpoint(folder).sha256
    again = Predictor(load_checkpoint(folder)).predict(
        analysis.image, InferenceConfig(**told["provenance"]["settings"])
    )
    made = told["maps"]["crt"]
    options = {name: made[name] for name in ("loops", "refined", "blocks", "pass_reduction")}
    maps = again.cams(made["method"], classes=[entry["index"] for entry in told["classes"]], **options)
    assert options["loops"] == 1
    assert [entry["name"] for entry in told["classes"]] == list(CLASSES[1:])
    with np.load(io.BytesIO(files["maps.npz"])) as arrays:
        np.testing.assert_allclose(arrays["crt"], maps, rtol=1e-6)


def test_the_figure_is_a_raster_at_300_dpi_and_real_vectors(analysis):
    truth = {"polygons": [RING], "inside": bits(inside()), "ignore": None}
    shown = screen(analysis, image=True, ground_truth=truth, boxes=True)
    files = shown.figures(export_answer.FIGURES)
    with Image.open(io.BytesIO(files["png"])) as image:
        assert image.mode == "RGB"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert image.width > 4 * 2.3 * 300
        assert json.loads(image.info["Description"])["shown"]["threshold"] == 0.2
        assert image.info["Title"].endswith("cat")
    tree = ElementTree.fromstring(files["svg"])
    assert len(list(tree.iter(f"{SVG}image"))) == 4 + 3  # images and colour bars
    assert len(list(tree.iter(f"{SVG}path"))) > 4 * 2 + 3 * 4  # truth; outline, box and tick
    said = words(files["svg"])
    for part in ("cat", "ResNet", "CRT", "2 loops, refined", "raw CAM × attention", "raw CAM", "0"):
        assert part in said
    assert any(f"IoU {shown.shots['crt'].iou:.0%}" in line for line in said if line.startswith("p "))
    shot = shown.shots["crt"]
    assert shot.iou == overlap(above_threshold(shot.upsampled, 0.2 * shot.max_value), inside()).iou > 0
    foot = " ".join(said)
    for part in (analysis.prediction.provenance["checkpoint_sha256"], "input 224 × 168 px", "20% of a map", "somebody"):
        assert part in foot
    pdf = files["pdf"]
    assert pdf.startswith(b"%PDF-")
    assert b"/TrueType" in pdf or b"/CIDFontType2" in pdf
    assert b"/Type3" not in pdf
    assert pdf.count(b"/Subtype /Image") == 4 + 3
    drawn = b"".join(zlib.decompress(part) for part in re.findall(rb"stream\r?\n(x.*?)endstream", pdf, re.DOTALL)[:1])
    assert drawn.count(b"Tj") + drawn.count(b"TJ") > 10
    assert drawn.count(b" l\n") > 100  # outlines


def test_the_cutoff_of_a_mask_with_soft_edges_is_in_the_record(analysis):
    truth = {"polygons": [RING], "inside": bits(inside()), "ignore": None, "cutoffs": {"cat": 0.4}}
    shown = screen(analysis, ground_truth=truth)
    assert shown.settings()["mask_cutoffs"] == {"cat": 0.4}
    assert "Ground truth of cat: a mask with soft edges, cut off at 40%." in shown.notes()
    assert screen(analysis).settings()["mask_cutoffs"] == {}


def paths(svg: bytes, style: str) -> list[str]:
    """The lines of a figure whose style has these words."""
    return [
        node.get("d", "") for node in ElementTree.fromstring(svg).iter(f"{SVG}path") if style in node.get("style", "")
    ]


def test_a_drawn_polygon_is_closed(analysis):
    svg = screen(analysis, ground_truth={"polygons": [RING], "inside": None, "ignore": None}).figures(["svg"])["svg"]
    dashed = paths(svg, "stroke: #ffd166")
    assert len(dashed) == 3
    for line in dashed:
        points = re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", line)
        assert len(points) == 5 and points[0] == points[-1]


def test_an_outline_does_not_run_along_the_frame(analysis):
    whole = added_panel(values=base64.b64encode(np.ones(12, "<f4").tobytes()).decode())
    svg = screen(analysis, maps=[], added_panel=whole).figures(["svg"])["svg"]
    assert paths(svg, "stroke: #ffffff; stroke-width: 0.7") == []


def test_hostile_class_names_are_only_text(analysis):
    for index in (1, 2):
        files = unzipped(export_answer.archive(screen(analysis, classes=[index])))
        said = words(files["figure.svg"])
        if index == 1:
            assert said[0] == CLASSES[1]
        else:
            assert "".join(said[:9]).replace(" ", "").startswith("ab\ufffd\ufffd")
            assert any("W" * 10 in line for line in said)
        assert Image.open(io.BytesIO(files["figure.png"])).width > 1000
    assert export_answer.made(screen(analysis, classes=[1]), "svg")[1].startswith("crt-frac-x-b-")


def test_scales_end_where_those_of_the_page_do(analysis):
    maxima = {name: shot.max_value for name, shot in screen(analysis).shots.items()}
    vmax = lambda **changes: {name: shot.vmax for name, shot in screen(analysis, **changes).shots.items()}  # noqa: E731
    assert vmax() == maxima
    shared = vmax(scale="shared")
    assert shared["tscam"] == shared["crt"] == max(maxima["tscam"], maxima["crt"])
    assert shared["resnet"] == maxima["resnet"]
    fixed = vmax(scale="absolute", absolute={"cam": 7, "product": 9}, added_panel=added_panel())
    assert fixed == {"resnet": 7, "tscam": 9, "crt": 9, "added_panel": 11}


def test_two_maps_compared_and_one_more(analysis):
    maps = [{"method": "crt", "letter": "A", "loops": 0}, {"method": "crt", "letter": "B", "refined": False}]
    shown = screen(analysis, maps=maps, difference=True, cells=True)
    assert [shot.title for shot in shown.shots.values()] == ["A: CRT", "B: CRT"]
    assert [shot.note for shot in shown.shots.values()] == ["0 loops, refined", "2 loops, not refined"]
    files = unzipped(export_answer.archive(shown))
    assert {"mask_crt.png", "mask_crt_2.png"} <= set(files)
    assert "A − B, share of own maximum" in words(files["figure.svg"])
    plain = [one | {"refined": False} for one in maps]
    for changes, title in (
        ({"maps": maps, "difference_unit": "raw"}, "A − B, share of own maximum"),  # they have no unit in common
        ({"maps": plain}, "A − B, share of own maximum"),
        ({"maps": plain, "difference_unit": "raw"}, "A − B, raw CAM"),
    ):
        made = screen(analysis, difference=True, **changes)
        assert title in words(made.figures(["svg"])["svg"])
        assert made.settings()["shown"]["difference_unit"] == changes.get("difference_unit", "share")
    with np.load(io.BytesIO(files["maps.npz"])) as arrays:
        np.testing.assert_array_equal(
            arrays["crt_2"], analysis.prediction.cams("crt", loops=2, refined=False, classes=[0])
        )
    more = screen(analysis, maps=[], added_panel=added_panel(), overlay="mask")
    assert "share of attention" in words(more.figures(["svg"])["svg"])
    with np.load(io.BytesIO(more.files()["maps.npz"])) as arrays:
        assert arrays["added_panel"].shape == (3, 4) and tuple(arrays["added_panel.content_size"]) == (3, 4)


def compared(analysis: Analysis, **changes) -> list[dict]:
    """CRT's maps of the first and the second class, each with its own ground truth."""
    truth = {"polygons": [RING], "inside": bits(inside()), "ignore": None}
    one = {"method": "crt", "classes": [0], "ground_truth": None} | changes
    return [one | {"letter": "A"}, one | {"letter": "B", "classes": [1], "ground_truth": truth}]


def test_maps_of_two_classes_have_their_own_words_numbers_and_ground_truth(analysis):
    shown = screen(analysis, maps=compared(analysis, refined=False), difference=True, difference_unit="raw")
    a, b = shown.shots.values()
    assert list(shown.shots) == ["crt_cat", "crt_frac-x-b"]
    assert [a.title, b.title] == ["A: cat by CRT", f"B: {CLASSES[1]} by CRT"]
    assert (list(a.scores), list(b.scores)) == ([CLASSES[0]], [CLASSES[1]])
    assert a.iou is None and len(a.outlines) == 0
    assert b.iou == overlap(above_threshold(b.upsampled, 0.2 * b.max_value), inside()).iou and len(b.outlines) == 1
    prediction = analysis.prediction
    made = [prediction.cams("crt", loops=2, refined=False, classes=[index]) for index in (0, 1)]
    files = unzipped(export_answer.archive(shown))
    assert {"mask_crt_cat.png", "mask_crt_frac-x-b.png"} <= set(files)
    with np.load(io.BytesIO(files["maps.npz"])) as arrays:
        assert arrays["indices"].tolist() == [0, 1]
        for key, cams, index in zip(shown.shots, made, (0, 1), strict=True):
            np.testing.assert_array_equal(arrays[key], cams)
            assert arrays[f"{key}.indices"].tolist() == [index]
            assert arrays[f"{key}.scores"] == prediction.scores("crt", 2)[[index]]
    for index, key in enumerate(shown.shots):
        with Image.open(io.BytesIO(files[f"mask_{key}.png"])) as mask:
            assert set(np.unique(np.asarray(mask))) == {0, index + 1}
    told = json.loads(files["settings.json"])["maps"]
    assert [one["classes"] for one in told.values()] == [["cat"], [CLASSES[1]]]
    assert "NETWORK_CLASS.indices" in files["README.txt"].decode()
    assert len(paths(files["figure.svg"], "stroke: #ffd166")) == 2  # of B alone, and of the difference
    assert export_answer.made(shown, "svg")[1].startswith("crt-cat-frac-x-b-")


def test_a_difference_of_two_classes_names_both_and_the_unit(analysis):
    for unit, words_of_unit in (("raw", "raw CAM"), ("share", "share of own maximum")):
        shown = screen(analysis, maps=compared(analysis, refined=False), difference=True, difference_unit=unit)
        said = words(shown.figures(["svg"])["svg"])
        assert any(line.startswith("cat − ") for line in said)
        assert f"A − B, {words_of_unit}" in said  # whatever the length of the names
    short = replace(analysis, prediction=replace(analysis.prediction, classes=("cat", "dog", "person")))
    said = words(screen(short, maps=compared(short), difference=True).figures(["svg"])["svg"])
    assert any(line.startswith("cat − dog, share of own") for line in said) and "A − B, share of own maximum" in said
    assert any(line.endswith("more dog") for line in said) and any(line.startswith("more cat") for line in said)


def test_a_grid_of_classes_has_a_row_for_each_and_a_column_for_each_network(analysis):
    grid = [
        {"method": method, "letter": "", "classes": [index], "ground_truth": None}
        for index in (0, 1)
        for method in ("resnet", "crt")
    ]
    shown = screen(analysis, maps=grid)
    titles = [f"{CLASSES[index]} by {name}" for index in (0, 1) for name in ("ResNet", "CRT")]
    assert [shot.title for shot in shown.shots.values()] == titles
    svg = ElementTree.fromstring(shown.figures(["svg"])["svg"])
    images = [re.findall(r"-?[\d.]+", node.get("transform", ""))[-2:] for node in svg.iter(f"{SVG}image")]
    maps = images[::2]  # each has its colour bar after it
    assert len(maps) == 4
    assert maps[0][0] == maps[2][0] != maps[1][0] == maps[3][0], "two columns"
    assert maps[0][1] == maps[1][1] != maps[2][1] == maps[3][1], "two rows"
    many = [{"method": "crt", "letter": "", "classes": [0], "ground_truth": None}] * 17
    with pytest.raises(InvalidSetting, match="too many"):
        screen(analysis, maps=many)
    assert len(screen(analysis, maps=many[:16]).shots) == 16


def test_the_added_panel_is_compared(analysis):
    crt = {"method": "crt", "letter": "B"}
    shown = screen(analysis, maps=[crt], difference=True, added_panel=added_panel(letters="A", unit="explainer"))
    assert [shot.title for shot in shown.shots.values()] == ["A: Attention", "B: CRT"]
    said = words(shown.figures(["svg"])["svg"])
    assert "A − B, share of own maximum" in said and "arbitrary units" in said
    assert list(shown.settings()["maps"]) == ["added_panel_a", "crt"]
    assert "added_panel (h, w) is the map of the panel Attention." in shown.readme()
    with np.load(io.BytesIO(shown.files()["maps.npz"])) as arrays:
        np.testing.assert_array_equal(arrays["added_panel"], np.arange(12, dtype=np.float32).reshape(3, 4))
    second = screen(analysis, maps=[crt | {"letter": "A"}], difference=True, added_panel=added_panel(letters="B"))
    assert [shot.title for shot in second.shots.values()] == ["A: CRT", "B: Attention"]
    both = screen(analysis, maps=[], difference=True, added_panel=added_panel(letters="AB"))
    assert list(both.shots) == ["added_panel_a", "added_panel_b"]
    assert any("A − B" in line for line in words(both.figures(["svg"])["svg"]))
    assert not screen(analysis, maps=[crt], difference=True, added_panel=added_panel()).shown.difference


def test_each_side_has_the_added_panel_of_its_own_class(analysis):
    sides = [
        added_panel(letters="A", classes=[0], unit="explainer"),
        added_panel(letters="B", classes=[1], ground_truth={"polygons": [RING], "inside": bits(inside())}),
    ]
    shown = screen(analysis, maps=[], difference=True, added_panel=sides)
    assert list(shown.shots) == ["added_panel_1_a", "added_panel_2_b"]
    a, b = shown.shots.values()
    assert a.title == "A: cat by Attention" and b.title.endswith("by Attention")
    assert a.iou is None and b.iou is not None
    assert shown.class_ids == (0, 1) and shown.shown.difference
    assert any(line.startswith("cat − ") for line in words(shown.figures(["svg"])["svg"]))
    assert [one["classes"] for one in shown.settings()["maps"].values()] == [[name] for name in CLASSES[:2]]
    with np.load(io.BytesIO(shown.files()["maps.npz"])) as arrays:
        assert arrays["added_panel_2"].shape == (3, 4) and arrays["added_panel_2.indices"].tolist() == [1]
    crt = {"method": "crt", "letter": "A", "classes": [0], "ground_truth": None}
    mixed = screen(analysis, maps=[crt], difference=True, added_panel=[added_panel(letters="B", classes=[2])])
    assert [shot.title.split(" ")[0] for shot in mixed.shots.values()] == ["A:", "B:"]


def test_a_grid_of_classes_has_a_column_of_the_added_panel(analysis):
    maps = [
        {"method": method, "letter": "", "classes": [index], "ground_truth": None}
        for index in (1, 0)
        for method in ("resnet", "crt")
    ]
    shown = screen(analysis, maps=maps, added_panel=[added_panel(classes=[index]) for index in (1, 0)])
    titles = [shot.title for shot in shown.shots.values()]
    assert titles[2:6:3] == ["".join(CLASSES[1:2]) + " by Attention", "cat by Attention"]
    assert [len(row) for row in shown.sheet().rows] == [3, 3]
    with pytest.raises(InvalidSetting, match="too many"):
        screen(analysis, maps=maps, added_panel=[added_panel(classes=[0])] * 5)


def test_a_map_as_large_as_the_page_shows_is_exported(analysis):
    values = base64.b64encode(np.ones((512, 384), "<f4").tobytes()).decode()
    large = added_panel(values=values, h=512, w=384, down=512, across=384)
    assert screen(analysis, maps=[], added_panel=large).shots["added_panel"].cells.shape == (512, 384)


def test_a_map_of_nothing_is_exported(analysis):
    nothing = replace(
        analysis.prediction.records["resnet"], cams=np.zeros_like(analysis.prediction.records["resnet"].cams)
    )
    empty = replace(analysis, prediction=replace(analysis.prediction, records={"resnet": nothing}))
    shown = screen(empty, maps=[{"method": "resnet", "letter": ""}], boxes=True)
    assert shown.shots["resnet"].iou is None and shown.shots["resnet"].box is None
    files = unzipped(export_answer.archive(shown))
    assert any("no evidence" in line for line in words(files["figure.svg"]))
    assert not np.asarray(Image.open(io.BytesIO(files["mask_resnet.png"]))).any()


@pytest.mark.parametrize(
    "changes",
    [
        {"maps": None}, {"maps": [{"method": "vgg", "letter": ""}]}, {"maps": [{"method": ["crt"], "letter": ""}]},
        {"maps": [{"method": "crt", "letter": "<"}]}, {"maps": [{"method": "crt", "letter": "A", "loops": "2"}]},
        {"maps": [{"method": "crt", "letter": "", "classes": [3]}]},
        {"maps": [{"method": "crt", "letter": "", "classes": "0"}]},
        {"maps": [{"method": "crt", "letter": "", "classes": [0], "ground_truth": []}]},
        {"maps": [{"method": "crt", "letter": ""}] * 9}, {"maps": []}, {"classes": []}, {"classes": [3]},
        {"classes": [True]}, {"classes": "0"}, {"loops": -1}, {"loops": float("nan")}, {"blocks": [2, 1]},
        {"blocks": "all"}, {"pass_reduction": "product"}, {"threshold": 1.5}, {"threshold": None}, {"opacity": "x"},
        {"colormap": "jet"}, {"colormap": ["viridis"]}, {"scale": {}}, {"absolute": []}, {"scale": "absolute"},
        {"difference_unit": "pixels"}, {"difference_unit": None},
        {"overlay": None}, {"rows": 0}, {"columns": 10_000}, {"ground_truth": []},
        {"ground_truth": {"polygons": [[[2, 0]] * 3]}},
        {"ground_truth": {"polygons": [[["x", 0]] * 3]}}, {"ground_truth": {"polygons": [[[0, 0], [1]]]}},
        {"ground_truth": {"polygons": [[[10**400, 0]] * 3]}}, {"ground_truth": {"polygons": [RING] * 3000}},
        {"ground_truth": {"polygons": [RING * 20_000]}}, {"ground_truth": {"polygons": [RING], "inside": "AA=="}},
        {"ground_truth": {"polygons": [RING], "inside": 5}}, {"added_panel": 1},
        {"ground_truth": {"polygons": [RING], "cutoffs": 0.5}},
        {"ground_truth": {"polygons": [RING], "cutoffs": {"unknown": 0.5}}},
        {"ground_truth": {"polygons": [RING], "cutoffs": {"cat": 1.5}}},
        {"ground_truth": {"polygons": [RING], "cutoffs": {"cat": "0.5"}}},
        {"added_panel": added_panel(h=10_000)}, {"added_panel": added_panel(h=2)},
        {"added_panel": added_panel(title=3)}, {"added_panel": added_panel(unit="$")},
        {"added_panel": added_panel(across=0)}, {"added_panel": added_panel(letters="BA")},
        {"added_panel": added_panel(letters=None)}, {"added_panel": added_panel(h=513)},
        {"added_panel": [1]}, {"added_panel": [[]]}, {"added_panel": added_panel(classes=[3])},
        {"added_panel": [added_panel(classes=None)]}, {"added_panel": [added_panel(classes=[0], ground_truth=3)]},
        {"added_panel": added_panel(values=base64.b64encode(np.full(12, np.nan, "<f4").tobytes()).decode())},
    ],
)  # fmt: skip
def test_what_the_browser_sends_is_checked(analysis, changes):
    with pytest.raises(InvalidSetting) as error:
        screen(analysis, **changes)
    assert re.fullmatch(r"[A-Za-z][^\n]+\.", str(error.value))


def test_unknown_kinds_and_large_files_are_refused(analysis, monkeypatch):
    for kind in ("exe", None, ["png"]):
        with pytest.raises(InvalidSetting, match="zip, png, pdf, svg"):
            export_answer.made(screen(analysis), kind)
    monkeypatch.setattr(export_answer, "FILE_BYTES", 1000)
    with pytest.raises(InvalidSetting, match="export less"):
        export_answer.made(screen(analysis), "png")


def test_figures_may_be_drawn_at_the_same_time(analysis):
    alone = screen(analysis).figures(["svg"])["svg"]
    with ThreadPoolExecutor(4) as pool:
        kinds = [["svg"], ["png"], ["pdf"], ["svg"], ["svg"], ["png"]]
        together = list(pool.map(lambda kind: screen(analysis).figures(kind), kinds))
    assert [files["svg"] for files in together if "svg" in files] == [alone] * 3


# crt.viz.plots, crt.viz.contours, crt.pseudo_labels.label_png


def test_a_figure_needs_a_panel_and_a_known_kind():
    image = np.zeros((4, 9, 3), np.uint8)
    with pytest.raises(CrtError, match="panel"):
        plot(image, [], Style())
    with pytest.raises(CrtError, match="png, pdf, svg"):
        render(plot(image, [Plot("one")], Style()), cast("Any", "gif"))
    for shape in ((1, 1), (1, 3000), (3000, 1)):
        panels = [Plot("one")] * 6
        assert len(render(plot(np.zeros((*shape, 3), np.uint8), panels, Style()), "png")) > 100


def test_outlines_close_around_what_is_inside():
    values = np.zeros((20, 40))
    values[5:10, 10:20] = 1
    (ring,) = outlines(values, 0.5)
    np.testing.assert_allclose([ring.min(0), ring.max(0)], [[0.25, 0.25], [0.5, 0.5]], atol=0.03)
    (border,) = outlines(np.ones((20, 40)), 0.5)
    np.testing.assert_allclose([border.min(0), border.max(0)], [[0, 0], [1, 1]], atol=0.03)
    np.testing.assert_array_equal(border[0], border[-1])
    assert outlines(values, 2.0) == []


def test_points_that_do_not_count_are_255_in_the_mask_of_the_truth():
    inside, ignore = np.array([[True, True, False, True]]), np.array([[True, False, True, False]])
    mask = GroundTruth(inside=inside, ignore=ignore).mask
    assert mask is not None and mask.tolist() == [[255, 1, 255, 1]]
    assert overlap(np.array([[0, 1, 2, 3]]), mask).iou == 1
    assert GroundTruth(ignore=ignore).mask is None


def test_the_difference_of_two_maps():
    values = np.array([[0.0, 1, 2, 3]])
    np.testing.assert_allclose(difference(values, 3 - values, raw=True), [[-3, -1, 1, 3]])
    np.testing.assert_allclose(difference(values, 2 * values, raw=False), 0, atol=1e-12)
    np.testing.assert_array_equal(difference(values, 0 * values, raw=False), values / 3)


def test_labels_of_a_image_are_those_of_the_seeds():
    maps = np.random.default_rng(0).random((4, 5, 6), np.float32) ** 3
    wanted = cam_to_labels(max_normalize(upsample_cam(maps, (4.5, 6), (37, 50))), [3, 0, 253, 7], 0.4)
    np.testing.assert_array_equal(labels_of_image(maps, (4.5, 6), (37, 50), [3, 0, 253, 7], 0.4), wanted)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(indexed_png(wanted)))), wanted)
    for keys in ([0, 1, 2, 254], [0, 1, 2, 255], [0, 1]):  # 254 + 1 would be read as "ignore"
        with pytest.raises(InvalidSetting):
            labels_of_image(maps, (4.5, 6), (37, 50), keys)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_page_and_the_figures_have_the_same_colours():
    script = (
        "import { colorTable } from './app/viewer/maths/colormaps.mjs';"
        "const names = ['viridis', 'magma', 'inferno', 'cividis', 'gray', 'turbo', 'signed'];"
        "console.log(JSON.stringify(Object.fromEntries(names.map((name) => [name, [...colorTable(name)]]))));"
    )
    command = ["node", "--input-type=module", "-e", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    for name, table in json.loads(done.stdout).items():
        own = (SIGNED if name == "signed" else colormaps[name])(np.arange(256), bytes=True)[:, :3]
        away = np.abs(np.array(table).reshape(256, 3) - own.astype(int))
        assert away.max() <= 6 and away.mean() < 1.2, (name, away.max(), away.mean())  # 33 anchors stand for 256
