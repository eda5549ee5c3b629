"""Masks of 0 and 255, as many tools write them: 255 means to ignore, so a whole data set of these is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crt.checkpoint import load_checkpoint
from crt.data import VOC_CLASSES, ImageDataset, read_voc
from crt.errors import InvalidDataset
from crt.evaluation.cams import evaluate_seeds
from crt.evaluation.stored import measure_masks, measure_seeds
from crt.multiscale import TTAConfig
from crt.predictor import Predictor
from crt.pseudo_labels.label_png import require_class_values, save_labels
from scripts.train_deeplab import Segmentation, main
from tests.crt.data.test_readers import add_image, write_split
from tests.helpers.tiny import tiny_checkpoint

IDS = ("a", "b", "c")
TOLD = (
    r"^The masks hold no values but 0 and 255, and 255 means to ignore a pixel: write 1 for the first class, [^.]*\.$"
)


@pytest.fixture
def binary(tmp_path: Path) -> ImageDataset:
    """Three images of a cat; two masks have the object at 255, one is empty."""
    root = tmp_path / "VOC2012"
    for name in IDS:
        add_image(root, name, ["cat"])
        path = root / "SegmentationClass" / f"{name}.png"
        with Image.open(path) as mask:
            values = np.zeros(mask.size[::-1], np.uint8)
        values[1:3, 1:4] = 0 if name == "a" else 255
        Image.fromarray(values).save(path)
    write_split(root, "train", list(IDS))
    return read_voc(root, "train", masks="required")


def measured_cams(images: ImageDataset, folder: Path) -> None:
    checkpoint = load_checkpoint(tiny_checkpoint(folder / "tiny", classes=VOC_CLASSES))
    evaluate_seeds(Predictor(checkpoint), images, views=TTAConfig((1.0,), flip=False))


def measured_seeds(images: ImageDataset, folder: Path) -> None:
    for name in IDS:
        (folder / f"{name}.npz").touch()
    measure_seeds(folder, images)


def measured_masks(images: ImageDataset, folder: Path) -> None:
    for sample in images.samples:
        save_labels(folder / f"{sample.id}.png", np.ones((4, 4), np.uint8))
    measure_masks(folder, images)


def learned_from(images: ImageDataset, folder: Path) -> None:
    root = images.samples[0].image.parents[1]
    main(Segmentation(root, masks=root / "SegmentationClass"))


@pytest.mark.parametrize("use", [measured_cams, measured_seeds, measured_masks, learned_from])
def test_a_data_set_of_binary_masks_is_refused_in_one_sentence(
    binary: ImageDataset, tmp_path: Path, use: Callable[[ImageDataset, Path], None]
) -> None:
    with pytest.raises(InvalidDataset, match=TOLD):
        use(binary, tmp_path)


def test_measured_masks_may_not_be_binary_either(binary: ImageDataset, tmp_path: Path) -> None:
    truth = []
    for sample in binary.samples:
        save_labels(path := tmp_path / f"truth_{sample.id}.png", np.full((4, 4), 8, np.uint8))
        save_labels(tmp_path / f"{sample.id}.png", np.full((4, 4), 255, np.uint8))
        truth.append(dataclasses.replace(sample, mask=path))
    images = dataclasses.replace(binary, samples=tuple(truth))
    with pytest.raises(InvalidDataset, match=TOLD):
        measure_masks(tmp_path, images)
    for sample in images.samples:  # a network may find nothing
        save_labels(tmp_path / f"{sample.id}.png", np.zeros((4, 4), np.uint8))
    assert measure_masks(tmp_path, images).per_class["cat"] == 0


def test_one_mask_with_a_class_shows_that_255_is_meant(binary: ImageDataset) -> None:
    mask = binary.samples[-1].mask
    assert mask is not None
    save_labels(mask, np.full((4, 4), 8, np.uint8))
    require_class_values(binary)
    require_class_values(dataclasses.replace(binary, samples=binary.samples[:1]))  # empty masks are no binary ones
