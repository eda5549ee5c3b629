"""The whole way from a checkpoint to a segmentation table on a devkit so small that a test can afford it."""

import dataclasses
import errno
import inspect
import json
import math
import os
import shlex
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crt.checkpoint import load_checkpoint
from crt.data import VOC_ANIMALS, VOC_CLASSES, read_voc, voc_palette
from crt.errors import CrtError, InvalidCheckpoint, InvalidDataset, InvalidSetting
from crt.evaluation import pipeline_stage as stage
from crt.evaluation.stored import measure_masks, measure_seeds
from crt.models.irn import predict_edges
from crt.postprocess import cam_to_labels
from crt.pseudo_labels.cam_io import SeedMaps
from crt.pseudo_labels.label_png import read_labels, save_labels
from crt.pseudo_labels.random_walk import random_walk, walk_scores
from crt.train.irn import train_relation
from crt.train.mask_configs import DeepLabConfig, RelationConfig
from crt.train.masks_data import with_masks
from scripts.evaluate import MeasureMasks, MeasureSeeds, MeasureStored, expand_classes, stored
from scripts.make_cams import Seeds
from scripts.make_irn_labels import Labels
from scripts.make_pseudo_masks import Masks
from scripts.predict_masks import Segment
from scripts.random_walk import Walk
from scripts.run_pipeline import Pipeline, run_pipeline
from scripts.train_deeplab import Segmentation
from scripts.train_irn import Irn
from tests.crt.data.test_readers import add_image, write_split
from tests.helpers.narrow import present
from tests.helpers.tiny import RESNET, tiny_checkpoint

IDS = [f"2007_00000{number}" for number in range(1, 7)]
LABELS = (["cat", "person"], ["dog"], ["bus"], ["horse"], ["sheep", "dog"], ["cow"])
STAGES = ("seeds", "labels", "random_walk", "masks", "predicted_masks")


def make_devkit(root: Path) -> Path:
    """Six noisy images with a mask each: a block of the first class on background, with a border to ignore."""
    rng = np.random.default_rng(0)
    for name, labels in zip(IDS, LABELS, strict=True):
        add_image(root, name, labels)
        pixels = rng.integers(0, 256, (9, 13, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((101, 70)).save(root / "JPEGImages" / f"{name}.jpg")
        truth = np.zeros((70, 101), np.uint8)
        truth[18:52, 28:72] = 255
        truth[20:50, 30:70] = VOC_CLASSES.index(labels[0]) + 1
        (root / "SegmentationClass").mkdir(exist_ok=True)
        save_labels(root / "SegmentationClass" / f"{name}.png", truth)
    write_split(root, "train", IDS[:4])
    write_split(root, "val", IDS[4:])
    return root


def settings(base: Path, **changes) -> Pipeline:
    irn = RelationConfig(epochs=2, batch=2, crop=64, radius=4, workers=0)
    deeplab = DeepLabConfig(cnn=RESNET, weights="crt_cnn", stride=16, crop=65, batch=2, epochs=2, workers=0)
    fixed = {"checkpoint": str(base / "tiny"), "scales": (1.0,), "irn": irn, "deeplab": deeplab}
    return Pipeline(base / "VOC2012", base / "out", **{**fixed, "device": "cpu", "precision": "fp32"} | changes)


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Iterator[None]:
    """Threads share the images where a user has processes, each of which would import torch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "ProcessPoolExecutor", lambda workers, _context: ThreadPoolExecutor(workers))
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Pipeline, dict]:
    base = tmp_path_factory.mktemp("pipeline")
    make_devkit(base / "VOC2012")
    tiny_checkpoint(base / "tiny", classes=VOC_CLASSES)
    config = settings(base)
    return config, run_pipeline(config)


@pytest.mark.dense_crf
def test_it_goes_from_a_checkpoint_to_the_table(done):
    config, result = done
    rows = {(row["stage"], row["measure"]): row for row in result["stages"]}
    assert set(rows) == {
        (s, m) for s in ("seeds", "random_walk", "masks", "predicted_masks") for m in ("VOC-21", "animals")
    }
    assert rows["seeds", "VOC-21"]["images"] == 4 and rows["seeds", "animals"]["images"] == 3
    assert rows["predicted_masks", "VOC-21"]["images"] == 2
    assert (
        rows["random_walk", "VOC-21"]["miou"] >= rows["masks", "VOC-21"]["miou"]
    )  # the best threshold against a fixed one
    assert set(rows["seeds", "animals"]["per_class"]) == {
        "background", "cat", "cow", "dog", "horse", "sheep", "person"
    }  # fmt: skip
    assert set(result["seconds"]) == {*STAGES, "irn", "deeplab"}
    assert json.loads((config.out / "pipeline.json").read_text()) == result
    assert str(config.root.parent) not in json.dumps(result)


@pytest.mark.dense_crf
def test_the_walk_is_what_the_library_makes_of_the_seeds(done):
    config, _ = done
    network = present(load_checkpoint(config.out / "irn").relation)
    for sample in read_voc(config.root, "train").samples:
        seeds = SeedMaps.load(config.out / "seeds" / f"{sample.id}.npz")
        edge, _ = predict_edges(network, np.asarray(Image.open(sample.image)))
        scores = walk_scores(random_walk(seeds.strided, edge), (70, 101))
        found = SeedMaps.load(config.out / "random_walk" / f"{sample.id}.npz")
        np.testing.assert_allclose(found.high_res, scores, atol=2e-3)
        mask = read_labels(config.out / "masks" / f"{sample.id}.png")
        np.testing.assert_array_equal(mask, cam_to_labels(found.high_res, sample.labels, config.walk_threshold))


@pytest.mark.dense_crf
def test_masks_are_indexed_in_the_colours_of_voc(done):
    config, _ = done
    with Image.open(config.out / "predicted_masks" / f"{IDS[4]}.png") as mask:
        assert mask.mode == "P" and mask.size == (101, 70)
        np.testing.assert_array_equal(np.array(mask.getpalette()).reshape(-1, 3)[:21], voc_palette()[:21])


@pytest.mark.dense_crf
def test_done_again_it_does_nothing_and_prints_the_same(done):
    config, result = done
    files = {path: path.stat().st_mtime_ns for name in STAGES for path in (config.out / name).glob("2*")}
    weights = (config.out / "deeplab" / "segmentation.safetensors").stat().st_mtime_ns
    again = run_pipeline(config)
    assert again["stages"] == result["stages"]
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert (config.out / "deeplab" / "segmentation.safetensors").stat().st_mtime_ns == weights


@pytest.mark.dense_crf
def test_it_stops_after_the_requested_stage(done, tmp_path):
    config, result = done
    short = run_pipeline(dataclasses.replace(config, out=tmp_path / "out", last="seeds", json=tmp_path / "a.json"))
    assert {row["stage"] for row in short["stages"]} == {"seeds"} and short["protocol"]["training"] == {}
    assert short["stages"] == [row for row in result["stages"] if row["stage"] == "seeds"]
    assert "--last seeds" in short["protocol"]["command"]
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["pipeline.json", "seconds.json", "seeds"]
    assert json.loads((tmp_path / "a.json").read_text()) == short


@pytest.mark.dense_crf
def test_what_was_lost_is_made_again(done):
    config, result = done
    (config.out / "random_walk" / f"{IDS[1]}.npz").unlink()
    broken = config.out / "masks" / f"{IDS[0]}.png"
    broken.write_bytes(broken.read_bytes()[:60])
    assert run_pipeline(config)["stages"] == result["stages"]


@pytest.mark.dense_crf
def test_training_interrupted_gives_the_same_network(done, tmp_path):
    config, _ = done
    images = with_masks(read_voc(config.root, "train"), config.out / "labels")
    run = RelationConfig(
        tmp_path / "irn", 2, precision="fp32", checkpoint=config.checkpoint, epochs=2, crop=64, radius=4, workers=0
    )
    assert not train_relation(dataclasses.replace(run, max_steps=1), images)
    assert not (tmp_path / "irn" / "config.json").exists()
    assert train_relation(dataclasses.replace(run, resume=True), images)
    first, second = (
        present(load_checkpoint(folder).config.relation) for folder in (config.out / "irn", tmp_path / "irn")
    )
    assert first.sha256 == second.sha256


@pytest.mark.dense_crf
def test_seeds_that_are_missing_are_named(done, tmp_path):
    config, _ = done
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name in ("stage.json", f"{IDS[0]}.npz"):
        (seeds / name).write_bytes((config.out / "seeds" / name).read_bytes())
    with pytest.raises(InvalidDataset, match=f"{IDS[1]}, {IDS[2]}, {IDS[3]}"):
        Labels(root=config.root, seeds=seeds, out=tmp_path / "labels").run()
    with pytest.raises(InvalidDataset, match=IDS[3]):
        Walk(root=config.root, seeds=seeds, out=tmp_path / "random_walk", relation=str(config.out / "irn")).run()
    with pytest.raises(InvalidDataset, match=IDS[2]):
        measure_seeds(seeds, read_voc(config.root, "train", masks="required"))
    (seeds / "stage.json").unlink()
    for name in IDS[1:4]:
        (seeds / f"{name}.npz").touch()
    with pytest.raises(InvalidSetting, match="no finished stage"):
        Masks(root=config.root, seeds=seeds, out=tmp_path / "masks", threshold=0.25).run()


@pytest.mark.dense_crf
def test_a_full_disk_names_the_image_and_leaves_nothing_half_written(done, tmp_path, monkeypatch):
    config, _ = done

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "labels"
    made = Labels(root=config.root, seeds=config.out / "seeds", out=out, workers=0)
    stage.write_manifest(
        out, {"foreground": 0.35, "background": 0.15, "seeds": stage.read_manifest(config.out / "seeds")}
    )
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CrtError, match=f"{IDS[0]}: No space left on device"):
        made.run()
    assert [path.name for path in out.iterdir()] == [stage.SETTINGS]
    monkeypatch.undo()
    assert made.run().new == 4


@pytest.mark.dense_crf
def test_an_error_in_a_worker_names_the_image(done, tmp_path, monkeypatch):
    config, _ = done
    monkeypatch.setattr(stage, "ProcessPoolExecutor", ProcessPoolExecutor)
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for path in (config.out / "seeds").iterdir():
        (seeds / path.name).write_bytes(path.read_bytes())
    small = SeedMaps.load(seeds / f"{IDS[2]}.npz")
    SeedMaps(small.class_ids, small.strided[:, :5, :5], small.high_res[:, :17, :17]).save(seeds / f"{IDS[2]}.npz")
    with pytest.raises(CrtError, match=f"{IDS[2]}: .*do not fit"):
        Labels(root=config.root, seeds=seeds, out=tmp_path / "labels", workers=2).run()


@pytest.mark.dense_crf
def test_other_settings_need_another_folder(done):
    config, _ = done
    with pytest.raises(InvalidSetting, match="made with other settings"):
        Labels(root=config.root, seeds=config.out / "seeds", out=config.out / "labels", foreground=0.4).run()
    with pytest.raises(InvalidSetting, match="threshold"):
        Masks(root=config.root, seeds=config.out / "random_walk", out=config.out / "more", threshold=0.0).run()
    with pytest.raises(InvalidCheckpoint, match="other settings"):
        run_pipeline(settings(config.root.parent, irn=RelationConfig(epochs=3, batch=2, crop=64, radius=4, workers=0)))


def test_settings_that_made_no_file_can_be_corrected(tmp_path):
    stage.write_manifest(tmp_path, {"scales": [1.0]})
    stage.write_manifest(tmp_path, {"scales": [2.0]})
    (tmp_path / f".{stage.SETTINGS}.77").touch()  # that another process is just writing
    stage.write_manifest(tmp_path, {"scales": [0.5]})
    assert stage.read_manifest(tmp_path) == {"scales": [0.5]}
    (tmp_path / "2008").mkdir()
    stage.write_manifest(tmp_path, {"scales": [0.5]})
    with pytest.raises(InvalidSetting, match="made with other settings"):
        stage.write_manifest(tmp_path, {"scales": [1.0]})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """The devkit and the checkpoint alone."""
    base = tmp_path_factory.mktemp("inputs")
    make_devkit(base / "VOC2012")
    tiny_checkpoint(base / "tiny", classes=VOC_CLASSES, masks=True)
    return base


@pytest.mark.dense_crf
@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (Labels, {"foreground": 0.1, "background": 0.3}, "the larger for foreground"),
        (Labels, {"background": math.nan}, "the larger for foreground"),
        (Segment, {"split": "train", "scales": (math.nan,)}, "The scales are nan"),
        (Seeds, {"loops": 9}, "loop count is 9"),
        (Seeds, {"mode": "deconvolution"}, "cannot do deconvolution: choose overlap or non-overlap or bilinear"),
    ],
)
def test_settings_out_of_range_are_refused_before_the_folder_is_made(inputs, tmp_path, kind, changes, words):
    own = {"seeds": tmp_path} if kind is Labels else {"checkpoint": str(inputs / "tiny"), "device": "cpu"}
    with pytest.raises(InvalidSetting, match=words):
        kind(root=inputs / "VOC2012", out=tmp_path / "out", **own, **changes).run()
    assert not (tmp_path / "out").exists()


@pytest.mark.dense_crf
@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"walk_threshold": 0.0}, InvalidSetting, "The threshold is 0"),
        ({"val": "test"}, InvalidDataset, "test"),
        ({"deeplab": DeepLabConfig(weights="none.safetensors")}, InvalidCheckpoint, "no file none.safetensors"),
        ({"deeplab": DeepLabConfig(weights="crt_cnn")}, InvalidSetting, "no crt_cnn that is a resnet101"),
    ],
)
def test_what_the_last_stages_need_is_checked_before_the_first(inputs, tmp_path, changes, error, words):
    with pytest.raises(error, match=words):
        run_pipeline(dataclasses.replace(settings(inputs, **changes), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_stages_write_ids_with_folders(tmp_path):
    save_labels(tmp_path / "2008" / "a.png", np.zeros((4, 5), np.uint8))
    SeedMaps.of((1,), np.ones((1, 4, 5), np.float32)).save(tmp_path / "2008" / "a.npz")
    assert sorted(path.name for path in (tmp_path / "2008").iterdir()) == ["a.npz", "a.png"]


def test_the_folder_and_the_options_are_checked_before_the_measurement(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("crt.evaluation.stored.measure_masks", lambda *_: pytest.fail("it was measured"))
    for name in IDS[:4]:
        save_labels(tmp_path / f"{name}.png", np.zeros((70, 101), np.uint8))
    config = MeasureMasks(inputs / "VOC2012", tmp_path)
    for changes, words in (
        ({}, "no finished stage"),
        ({"sheet": Path("worst")}, r"A figure is a \.png, \.jpg or \.webp file, not worst"),
        ({"worst": -1}, "number of the worst images is -1"),
    ):
        with pytest.raises(InvalidSetting, match=words):
            stored(dataclasses.replace(config, **changes))


def test_a_class_that_is_named_twice_counts_once_and_ignored_images_are_not_ranked(inputs, tmp_path):
    images = read_voc(inputs / "VOC2012", "train", masks="required")
    for sample in images.samples:
        save_labels(tmp_path / f"{sample.id}.png", read_labels(present(sample.mask)))
    save_labels(tmp_path / f"{IDS[1]}.png", np.zeros((70, 101), np.uint8))  # the only dog is missed
    once, twice = (measure_masks(tmp_path, images, names) for names in (("cat", "dog"), ("cat", "dog", "dog")))
    assert once.miou == twice.miou and list(twice.per_class) == ["background", "cat", "dog"]
    assert expand_classes(("animals", "person", "cat")) == [*VOC_ANIMALS, "person"]
    save_labels(ignored := tmp_path / "ignored.png", np.full((70, 101), 255, np.uint8))
    samples = (dataclasses.replace(images.samples[0], mask=ignored), *images.samples[1:])
    score = measure_masks(tmp_path, dataclasses.replace(images, samples=samples))
    assert score.per_image[0][0] == IDS[1] and len(score.per_image) == len(IDS[:4]) - 1
    json.dumps(score.to_json(), allow_nan=False)


@pytest.mark.dense_crf
def test_masks_of_another_size_and_an_empty_class_list_are_refused(done, tmp_path):
    config, _ = done
    images = read_voc(config.root, "train", masks="required")
    for name in IDS[:4]:
        save_labels(tmp_path / f"{name}.png", np.zeros((70, 100 if name == IDS[1] else 101), np.uint8))
    with pytest.raises(InvalidDataset, match=f"another size.*{IDS[1]}"):
        measure_masks(tmp_path, images)
    with pytest.raises(InvalidSetting, match="empty"):
        measure_masks(config.out / "masks", images, [])


@pytest.mark.dense_crf
def test_perfect_and_empty_masks_measure_as_such(done, tmp_path):
    config, _ = done
    images = read_voc(config.root, "train", masks="required")
    for sample in images.samples:
        truth = read_labels(present(sample.mask))
        save_labels(tmp_path / f"{sample.id}.png", np.where(truth == 255, 7, truth).astype(np.uint8))
    score = measure_masks(tmp_path, images, ["cat", "dog"])
    assert score.miou == 100 and score.accuracy == 100 and score.threshold is None
    save_labels(tmp_path / f"{IDS[0]}.png", np.zeros((70, 101), np.uint8))
    score = measure_masks(tmp_path, images, ["cat", "dog"])
    assert score.per_class["cat"] == 0 and score.per_class["dog"] == 100
    assert score.per_image[0][0] == IDS[0] and score.per_image[0][1] < 50 < score.per_image[1][1]


@pytest.mark.dense_crf
@pytest.mark.parametrize(("kind", "folder"), [(MeasureStored, "random_walk"), (MeasureMasks, "masks")])
def test_the_command_writes_json_and_a_sheet_of_the_worst(done, tmp_path, kind, folder):
    config, _ = done
    measured = kind(
        config.root, config.out / folder, classes=("animals",), json=tmp_path / "a" / "x.json",
        sheet=tmp_path / "b" / "x.png", worst=2,
    )  # fmt: skip
    result = stored(measured)
    assert json.loads((tmp_path / "a" / "x.json").read_text()) == result
    assert [name for name, _ in result["worst"]] and len(result["worst"]) == 2 and len(result["confusion"]) == 21
    assert (result["threshold"] is None) == (kind is MeasureMasks)
    with Image.open(tmp_path / "b" / "x.png") as sheet:
        assert sheet.width > 700 and sheet.height > 300


@pytest.mark.dense_crf
def test_a_checkpoint_without_these_networks_is_refused_with_advice(done, tmp_path):
    config, _ = done
    with pytest.raises(InvalidSetting, match=r"scripts\.train_irn"):
        Walk(root=config.root, seeds=config.out / "seeds", out=tmp_path, relation=config.checkpoint).run()
    assert Labels(root=config.root, seeds=config.out, out=tmp_path).workers >= 1


@pytest.mark.dense_crf
@pytest.mark.slow
def test_every_stage_reads_a_data_set_with_classes_of_its_own(tmp_path):
    names = tuple("helmet" if name == "dog" else name for name in VOC_CLASSES)
    root = make_devkit(tmp_path / "VOC2012")
    for path in (root / "Annotations").iterdir():
        path.write_text(path.read_text().replace("<name>dog</name>", "<name>helmet</name>"))
    tiny_checkpoint(tmp_path / "tiny", classes=names)
    config = settings(tmp_path)
    seeds = Seeds(root=root, out=tmp_path / "x", checkpoint=config.checkpoint)
    for run in (seeds.run, partial(run_pipeline, config)):
        with pytest.raises(InvalidDataset, match="helmet"):
            run()
    result = run_pipeline(dataclasses.replace(config, class_names=names))
    assert [(row["stage"], row["measure"]) for row in result["stages"]] == [
        (stage, "all classes") for stage in ("seeds", "random_walk", "masks", "predicted_masks")
    ]
    assert all("helmet" in row["per_class"] for row in result["stages"])
    assert f"--class-names {shlex.join(names)}" in result["protocol"]["command"]
    swapped = (names[1], names[0], *names[2:])
    with pytest.raises(InvalidSetting, match="give all names with --class-names, in its order"):
        Seeds(root=root, out=tmp_path / "x", checkpoint=config.checkpoint, class_names=swapped).run()


@pytest.mark.parametrize("options", [Seeds, Labels, Walk, Masks, Segment, Pipeline, Irn, Segmentation])
def test_class_names_are_requested_in_the_words_of_evaluate(options):
    def words(kind: type) -> str:
        (own,) = (base for base in kind.__mro__ if "class_names" in vars(base).get("__annotations__", ()))
        _, reported = inspect.getsource(own).split("    class_names: ")
        return reported.partition("VOC's if empty.")[0]

    assert words(options) == words(MeasureSeeds)
