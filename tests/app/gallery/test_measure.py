"""What the index holds of an image is what the library gives for it."""

import io

import numpy as np
import pytest
from PIL import Image

from app.gallery.measure import GALLERY_THUMB_SIDE, LIKELY, scored_classes, thumbnail
from crt.checkpoint import load_checkpoint
from crt.postprocess import class_probabilities
from crt.prediction import Prediction
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.tiny import tiny_checkpoint

IMAGE = np.random.default_rng(5).integers(0, 256, (60, 400, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prediction(tmp_path_factory) -> Prediction:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("measure") / "tiny")
    return Predictor(load_checkpoint(folder)).predict(IMAGE, InferenceConfig(size=96, loops=2))


@pytest.mark.parametrize("single_label", [False, True])
def test_classes_are_those_above_one_half_and_at_least_the_likeliest(prediction, single_label):
    shares = class_probabilities(prediction.scores("crt"), single_label=single_label)
    found = scored_classes(prediction, single_label=single_label)
    wanted = {int(i) for i in np.flatnonzero(shares > LIKELY)} | {int(shares.argmax())}
    assert {index for index, _, _ in found} == wanted
    assert [share for _, share, _ in found] == sorted((round(float(shares[i]), 4) for i in wanted), reverse=True)
    assert all(iou is None for _, _, iou in found)


def test_the_iou_is_that_of_the_mask_without_what_it_ignores(prediction):
    labels = np.zeros(IMAGE.shape[:2], np.uint8)
    labels[:, :200], labels[:30, 250:] = 2, 255
    found = {index: iou for index, _, iou in scored_classes(prediction, labels)}
    assert 1 in found, "a class of the mask is listed, however unlikely it is"
    cam = prediction.mask(1)
    known = labels != 255
    hits, union = (cam & known & (labels == 2)).sum(), ((cam | (labels == 2)) & known).sum()
    assert found[1] == round(float(hits / union), 4)
    assert all(iou is None for index, iou in found.items() if index != 1)


def test_a_thumbnail_is_a_small_jpeg_with_the_cam_over_the_image(prediction):
    data, (width, height) = thumbnail(prediction, IMAGE, 0)
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        assert image.size == (width, height) == (GALLERY_THUMB_SIDE, 54)
        drawn = np.asarray(image).astype(int)
    other, _ = thumbnail(prediction, IMAGE, 1)
    assert data != other
    plain = np.asarray(Image.fromarray(IMAGE).resize((width, height))).astype(int)
    cam = prediction.cam(0)[:, ::10][::10]
    strong = np.kron(cam > 0.8, np.ones((9, 9), bool))[:height, :width]
    assert strong.any()
    assert np.abs(drawn - plain)[: strong.shape[0], : strong.shape[1]][strong].mean() > 20


def test_a_small_image_is_not_enlarged(tmp_path):
    small = IMAGE[:30, :40]
    folder = tiny_checkpoint(tmp_path / "tiny")
    prediction = Predictor(load_checkpoint(folder)).predict(small, InferenceConfig(size=96, loops=2))
    assert thumbnail(prediction, small, 0)[1] == (40, 30)
