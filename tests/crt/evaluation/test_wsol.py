"""Localization of a single-label data set: what is seen of an image, the way back of its boxes, and the measures."""

import csv
import json
import re
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from crt.cam_spec import CamSpec
from crt.checkpoint import Defaults, load_checkpoint
from crt.data import ImageDataset, Sample
from crt.errors import InvalidDataset, InvalidSetting
from crt.evaluation import wsol, wsol_samples
from crt.evaluation.wsol import BoxPrediction, WsolScore, choose_thresholds, evaluate_wsol
from crt.evaluation.wsol_samples import WsolSample
from crt.evaluation.wsol_transform import WsolTransform
from crt.metrics.boxes import Box
from crt.models.vit import TransformerBranch
from crt.multiscale import MethodSpec
from crt.predictor import InferenceConfig, Predictor
from crt.sheets.box_sheet import box_sheet
from crt.train.machine import describe_machine
from scripts.evaluate_wsol import Wsol, read_boxes
from scripts.evaluate_wsol import wsol as run
from scripts.report.localization import localization_section
from scripts.tune_localization import THRESHOLDS, Choice, choose
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

CLASSES = ("Albatross", "Ani", "Auklet")
FOLDERS = ("001.Albatross", "004.Ani", "007.Auklet")


def blob(box: tuple[int, int, int, int], value: float = 1.0) -> np.ndarray:
    cam = np.zeros((64, 64), dtype=np.float32)
    x0, y0, x1, y1 = box
    cam[y0:y1, x0:x1] = value
    return cam


@pytest.mark.parametrize("view", [WsolTransform(), WsolTransform("centre"), WsolTransform("whole", size=100)])
def test_a_box_that_is_seen_comes_back_to_where_it_was(view):
    image = np.zeros((300, 500, 3), dtype=np.uint8)
    image[120:200, 190:330] = 255
    seen, to_image = view.of(image)
    assert seen.shape == ((60, 100, 3) if view.kind == "whole" else (224, 224, 3))
    rows, columns = np.nonzero(seen[..., 0] > 127)
    box = to_image([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])[0]
    assert np.abs(box - [190, 120, 330, 200]).max() <= (4 if view.kind == "whole" else 1.5)


def test_the_measures_by_hand(monkeypatch):
    """Four images: found and right, found and second, missed and right, a part of it at the low threshold only."""
    truth = (8.0, 8.0, 40.0, 40.0)
    part = blob((4, 4, 20, 20), 0.3) + blob((4, 4, 10, 10), 0.7)
    cams = [blob((4, 4, 20, 20)), blob((4, 4, 20, 20)), blob((40, 40, 60, 60)), part]
    scores = [[3.0, 1, 0], [1.0, 2, 0], [3.0, 1, 0], [3.0, 1, 0]]
    samples = tuple(Sample(f"{i}", Path(f"{i}.png"), (0,), boxes=(truth, (50.0, 50.0, 52.0, 52.0))) for i in range(4))
    images = ImageDataset(CLASSES, samples, single_label=True)

    def run_samples(*_):
        for sample, cam, score in zip(samples, cams, scores, strict=True):
            logits = {"crt": np.array(score)}
            yield WsolSample(sample, {"crt": cam}, logits, lambda boxes: 2.0 * np.asarray(boxes), (128, 128))

    monkeypatch.setattr(wsol, "run_samples", run_samples)
    requests = {"crt": MethodSpec("crt", CamSpec(0))}
    low = evaluate_wsol(cast("Predictor", None), images, requests, WsolTransform(), {"crt": 0.1})["crt"].to_json()
    assert (low["top1"], low["top5"], low["gt_known"]) == (50.0, 75.0, 75.0)
    assert (low["classification_top1"], low["classification_top5"]) == (75.0, 100.0)
    high = evaluate_wsol(cast("Predictor", None), images, requests, WsolTransform(), {"crt": 0.5})["crt"]
    assert high.to_json()["gt_known"] == 50.0 and high.to_json()["max_box_acc"] == 75.0
    assert [found.box for found in high.found][:2] == [(8, 8, 40, 40)] * 2
    assert high.found[0].iou == 1.0 and high.found[2].iou < 0.1
    assert len(low["curve"]) == 100 and low["curve"][0] == 75.0 and low["curve"][60] == 50.0
    assert choose_thresholds(cast("Predictor", None), images, requests, WsolTransform()) == {"crt": 0.0}


@pytest.fixture
def birds(tmp_path) -> Path:
    """Nine images of three classes in the layout of CUB, each a bright box."""
    root, rng = tmp_path / "birds", np.random.default_rng(0)
    rows: dict[str, list[str]] = {name: [] for name in ("images", "image_class_labels", "train_test_split")}
    rows["bounding_boxes"] = []
    for i in range(9):
        name = f"{FOLDERS[i % 3]}/{i}.png"
        image = rng.integers(0, 90, (80 + 10 * (i % 2), 100, 3)).astype(np.uint8)
        image[20:60, 30:70] = (250, 240, 30 * i)
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        mask = np.zeros(image.shape[:2], dtype=np.uint8)
        mask[20:60, 30:70] = 204
        (root / "segmentations" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / "segmentations" / name)
        rows["images"].append(f"{i + 1} {name}")
        rows["image_class_labels"].append(f"{i + 1} {(1, 4, 7)[i % 3]}")
        rows["train_test_split"].append(f"{i + 1} {int(i < 6)}")
        rows["bounding_boxes"].append(f"{i + 1} 30 20 40 40")
    rows["classes"] = [f"{name[:3].lstrip('0')} {name}" for name in FOLDERS]
    for name, lines in rows.items():
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    return tiny_checkpoint(tmp_path / "tiny", classes=CLASSES, single_label=True)


def test_the_command_measures_cub(birds, checkpoint, tmp_path):
    file, sheet = tmp_path / "wsol.json", tmp_path / "sheet.png"
    config = Wsol(birds, str(checkpoint), json=file, sheet=sheet, train_stride=2, loops=2, precision="fp32")
    run(config)
    result = json.loads(file.read_text())
    assert result["images"] == 3 and {"crt", "tscam", "resnet", "crt_cnn", "crt_loops_2"} <= set(result["methods"])
    assert result["protocol"]["thresholds"] == "best on 3 training images, every 2nd"
    assert result["protocol"]["machine"] == describe_machine()
    assert str(tmp_path) not in file.read_text()
    for row in result["methods"].values():
        assert {"top1", "top5", "gt_known", "max_box_acc", "max_box_acc_v2", "threshold", "pxap"} <= set(row)
        assert row["top1"] <= row["top5"] <= row["gt_known"] <= row["max_box_acc"] <= 100
    with Image.open(sheet) as drawn:
        assert drawn.size[0] > 400
    section = localization_section(result, Defaults())
    shown, more = section.tables[:2]
    assert len(shown.rows) + len(more.rows) == len(result["methods"]) and more.folded and not shown.folded
    loops, curves = section.charts
    ours = [result["methods"][f"crt_loops_{int(k)}"]["gt_known"] for k in loops.lines[0].x]
    assert list(loops.lines[0].y) == ours and len(curves.lines) == len(shown.rows)
    assert section.sentences[-1] == "No verdict: 1 seed, a verdict needs 3."
    given = run(Wsol(birds, str(checkpoint), threshold=0.3, precision="fp32", view=WsolTransform("whole", 96)))
    assert {row["threshold"] for row in given["methods"].values()} == {0.3}


def test_folders_with_a_csv_are_the_same_data(birds, checkpoint, tmp_path):
    """The same images as class folders, with every box split from a second one far away."""
    test = read_boxes(birds, None, "test")
    root, file = tmp_path / "folders", tmp_path / "boxes.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "x0", "y0", "x1", "y1"])
        for sample in test.samples:
            target = root / f"{sample.id}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(sample.image.read_bytes())
            writer.writerow([f"{sample.id}.png", *sample.boxes[0]])
            writer.writerow([f"{sample.id}.png", 0, 0, 2, 2])
    config = Wsol(root, str(checkpoint), boxes=file, threshold=0.2, precision="fp32")
    ours = run(config)["methods"]
    theirs = run(Wsol(birds, str(checkpoint), threshold=0.2, precision="fp32"))["methods"]
    for name, row in ours.items():
        assert row["gt_known"] == theirs[name]["gt_known"] and row["top1"] == theirs[name]["top1"]
    with pytest.raises(InvalidSetting, match="--boxes"):
        run(Wsol(root, str(checkpoint), precision="fp32"))


def test_the_map_that_is_measured_is_the_prediction_s(birds, checkpoint):
    predictor = Predictor(load_checkpoint(checkpoint))
    images = read_boxes(birds, None, "test").remap_classes(predictor.checkpoint.config.classes)
    view = WsolTransform("whole", size=96)
    for item in wsol_samples.run_samples(predictor, images, {"crt": MethodSpec("crt", CamSpec(1))}, view):
        seen, _ = view.of(np.asarray(Image.open(item.sample.image)))
        prediction = predictor.predict(seen, InferenceConfig(size=None, loops=1))
        cells = prediction.cams("crt", loops=1, refined=True, classes=item.sample.labels)[0]
        assert item.maps["crt"].shape == seen.shape[:2]
        assert item.maps["crt"][8, 8] == pytest.approx(cells[0, 0], abs=0.05 * float(cells.max()))
        assert np.allclose(item.logits["crt"], prediction.scores("crt", 1), atol=1e-5)


def test_the_sweep_names_the_best_range_of_blocks(birds, checkpoint, tmp_path):
    """Every candidate is there once, the best first, and the measure of one is that of the evaluation."""
    file = tmp_path / "choice.json"
    rows = choose(
        Choice(birds, str(checkpoint), stride=1, view=WsolTransform("whole", 96), precision="fp32", json=file)
    )
    reported = json.loads(file.read_text())
    assert (
        reported["images"] == 6
        and reported["view"] == "whole, long side 96"
        and len(reported["candidates"]) == len(rows)
    )
    depth = cast("TransformerBranch", load_checkpoint(checkpoint).networks["crt"]).depth
    assert {end for row in rows if row["blocks"] for end in row["blocks"]} == set(range(1, depth + 1))
    ranges = {(row["loops"], row["blocks"]) for row in rows}
    assert len(ranges) == len(rows) == 2 * (depth * (depth + 1) // 2 + 1)
    assert [row["max_box_acc"] for row in rows] == sorted((row["max_box_acc"] for row in rows), reverse=True)
    predictor = Predictor(load_checkpoint(checkpoint))
    images = read_boxes(birds, None, "train").remap_classes(CLASSES)
    one = {"it": MethodSpec("crt", CamSpec(1, blocks=(0, 1)))}
    found = wsol.box_accuracies(predictor, images, one, WsolTransform("whole", 96), thresholds=THRESHOLDS)["it"]
    row = next(row for row in rows if (row["loops"], row["blocks"]) == (1, (1, 2)))
    assert (row["max_box_acc"], row["threshold"]) == (round(100 * found.max_box_acc(), 2), found.best_threshold())
    with pytest.raises(InvalidSetting, match="no tscam"):
        choose(Choice(birds, str(tiny_checkpoint(tmp_path / "c", methods=("crt",), single_label=True)), method="tscam"))


def test_ts_cam_has_one_loop_count_in_the_sweep_and_in_the_samples(birds, checkpoint):
    rows = choose(Choice(birds, str(checkpoint), method="tscam", stride=2, view=WsolTransform("whole", 96)))
    assert {row["loops"] for row in rows} == {0} and len({row["blocks"] for row in rows}) == len(rows)
    predictor, images = Predictor(load_checkpoint(checkpoint)), read_boxes(birds, None, "test").remap_classes(CLASSES)
    requests = {"one": MethodSpec("tscam", CamSpec(1)), "none": MethodSpec("tscam", CamSpec(0))}
    item = next(wsol_samples.run_samples(predictor, images, requests, WsolTransform("whole", 96)))
    for found in (item.maps, item.logits):
        np.testing.assert_array_equal(found["one"], found["none"])


def test_a_sheet_that_is_no_image_is_refused_before_anything_is_read(birds):
    with pytest.raises(InvalidSetting, match=r"not worst\.xyz"):
        run(Wsol(birds, "none", sheet=Path("worst.xyz")))


def test_a_checkpoint_with_a_deconvolution_is_measured_in_its_own_mode(birds, tmp_path):
    fine = tiny_checkpoint(tmp_path / "fine", classes=CLASSES, methods=("crt",), deconvolution=True, single_label=True)
    rows = run(Wsol(birds, str(fine), threshold=0.3, view=WsolTransform("whole", 96), sheet=tmp_path / "sheet.png"))
    assert set(rows["methods"]) == {"crt"} and (tmp_path / "sheet.png").exists()


def test_unknown_classes_and_missing_boxes_are_named(birds, tmp_path):
    images = read_boxes(birds, None, "test")
    with pytest.raises(InvalidDataset, match=r"does not have .*Ani"):
        images.remap_classes(("Albatross", "Auklet"))
    assert images.remap_classes(("Auklet", "Ani", "Albatross")).samples[0].labels == (2,)
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path / "c", classes=CLASSES)))
    bare = ImageDataset(CLASSES, (Sample("one", images.samples[0].image, (0,)),), single_label=True)
    with pytest.raises(InvalidDataset, match="no box, one"):
        next(wsol_samples.run_samples(predictor, bare, {"crt": MethodSpec("crt", CamSpec(0))}, WsolTransform()))


@pytest.mark.parametrize("shape", [(40, 50), (200, 300), None])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_mask_that_does_not_fit_its_image_is_named(birds, checkpoint, shape, mode):
    images = read_boxes(birds, None, "test").remap_classes(CLASSES)
    (sample,) = [one for one in images.samples if one.id.endswith("/7")]
    mask = present(sample.mask)
    if shape is None:
        mask.write_bytes(mask.read_bytes()[:60])
        expected = f"The mask of {sample.id} cannot be read"
    else:
        Image.fromarray(np.ones(shape, np.uint8)).convert(mode).save(mask)
        expected = f"The mask of {sample.id} has {shape[1]} x {shape[0]} pixels and the image 100 x 90"
    with pytest.raises(InvalidDataset, match=re.escape(expected)) as refused:
        run(Wsol(birds, str(checkpoint), threshold=0.2, precision="fp32"))
    assert len(str(refused.value).splitlines()) == 1


def test_a_box_smaller_than_a_pixel_of_the_sheet_is_drawn_as_a_point(birds, checkpoint):
    predictor = Predictor(load_checkpoint(checkpoint))
    images = read_boxes(birds, None, "test").remap_classes(CLASSES)
    score = WsolScore(0.1, found=[BoxPrediction(sample.id, Box(0.0, 0.0, 1.0, 1.0), 0.0) for sample in images.samples])
    sheet = box_sheet(
        predictor, images, MethodSpec("crt", CamSpec(0)), WsolTransform("whole", 96), score, title="Boxes"
    )
    assert sheet.width > 400
