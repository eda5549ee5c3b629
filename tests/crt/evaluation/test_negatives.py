"""An image without objects goes through every stage: seeds of no class, a mask of background, a row of a preview."""

import json

import numpy as np
import pytest

from crt.checkpoint import load_checkpoint
from crt.data import VOC_CLASSES, ImageDataset, Sample, read_voc
from crt.data.images import load_image
from crt.evaluation.cams import evaluate_seeds
from crt.evaluation.stored import measure_seeds
from crt.multiscale import TTAConfig, default_specs, multi_scale_maps
from crt.postprocess import cam_to_labels
from crt.predictor import Predictor
from crt.pseudo_labels.cam_io import SeedMaps, is_done, seed_path
from crt.pseudo_labels.confident import confident_labels
from crt.pseudo_labels.label_png import save_labels
from crt.pseudo_labels.random_walk import random_walk, walk_scores
from crt.train.preview import fixed_images
from scripts.evaluate import MeasureSeeds, seeds
from scripts.make_cams import Seeds
from tests.crt.data.test_readers import add_image, write_split
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture
def voc(tmp_path):
    """A cat and an image without objects, whose mask is background."""
    voc = tmp_path / "VOC2012"
    add_image(voc, "c0", ["cat"])
    add_image(voc, "n0", [])
    save_labels(voc / "SegmentationClass" / "c0.png", np.full((6, 8), 8, np.uint8))
    write_split(voc, "train", ["n0", "c0"])
    tiny_checkpoint(tmp_path / "tiny", classes=VOC_CLASSES)
    return voc


def test_seeds_of_an_image_without_objects(voc, tmp_path):
    images = read_voc(voc, "train", masks="required")
    assert [sample.labels for sample in images.samples] == [(), (7,)]
    predictor = Predictor(load_checkpoint(tmp_path / "tiny"))
    requests = default_specs(predictor, 1)
    image = load_image(images.samples[0].image)
    summed, _ = multi_scale_maps(predictor, image, (), requests, TTAConfig((1.0,)))
    assert all(maps.shape == (0, 6, 8) for maps in summed.values())
    result = evaluate_seeds(predictor, images, views=TTAConfig((1.0,)), loops=1)
    assert 0 <= result["methods"]["crt"]["miou_best"] <= 100


def test_measures_that_nothing_shows_are_null_and_not_nan(voc, tmp_path, capsys):
    file, checkpoint = tmp_path / "x.json", str(tmp_path / "tiny")
    result = seeds(MeasureSeeds(voc, checkpoint=checkpoint, loops=1, limit=1, device="cpu", json=file))
    assert json.loads(json.dumps(result, allow_nan=False)) == json.loads(file.read_text())
    assert set(result["classification_map"].values()) == {None} and "mAP" not in capsys.readouterr().out


def test_the_command_makes_them_and_the_measure_takes_them(voc, tmp_path):
    config = Seeds(root=voc, out=tmp_path / "seeds", checkpoint=str(tmp_path / "tiny"), scales=(1.0,), device="cpu")
    assert config.run().new == 2 and config.run().before == 2
    score = measure_seeds(tmp_path / "seeds", read_voc(voc, "train", masks="required"))
    assert score.confusion[0, 0] == 48  # all of the negative is background, whatever the threshold


def test_the_stages_after_the_seeds(tmp_path):
    empty = SeedMaps.of((), np.zeros((0, 9, 13), np.float32))
    empty.save(seed_path(tmp_path, "n0"))
    assert is_done(tmp_path, "n0", ())
    propagated = random_walk(empty.strided, np.full((1, 3, 4), 0.5, np.float32))
    assert walk_scores(propagated, (9, 13)).shape == (0, 9, 13)
    assert not cam_to_labels(empty.high_res, ()).any()
    image = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    assert not confident_labels(image, empty.high_res, ()).any()


def test_the_preview_shows_images_that_have_a_class(tmp_path):
    samples = tuple(Sample(f"{i}", tmp_path, (0,) if i % 3 == 1 else ()) for i in range(12))
    shown = fixed_images(ImageDataset(("a",), samples), 3)
    assert [sample.id for sample in shown.samples] == ["1", "4", "10"]
    assert len(fixed_images(ImageDataset(("a",), samples[:1]), 3)) == 0
