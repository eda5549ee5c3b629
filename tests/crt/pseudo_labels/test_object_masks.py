"""Masks of one object, cut off at a share where a cut-off is given."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crt.data import VOC_CLASSES, ImageDataset, Sample, read_voc
from crt.errors import InvalidDataset, InvalidSetting
from crt.evaluation.pipeline_stage import write_manifest
from crt.evaluation.stored import measure_masks
from crt.pseudo_labels.label_png import read_labels, read_mask, require_class_values, save_labels
from crt.pseudo_labels.object_masks import has_soft_edges, object_of, with_mask_cutoff
from scripts.evaluate import MeasureMasks, stored
from tests.helpers.voc_files import SIZE, add_image, write_split

ROWS, COLUMNS = np.mgrid[:40, :60]
SHARES = np.clip(0.5 + (12 - np.hypot(ROWS - 20, COLUMNS - 30)) / 4, 0, 1)
GREY = np.rint(255 * SHARES).astype(np.uint8)
CAT = VOC_CLASSES.index("cat")


def saved(folder: Path, image: np.ndarray | Image.Image) -> Path:
    path = folder / "m.png"
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path)
    return path


def layered(mode: str) -> Image.Image:
    """White, as opaque as the object."""
    layer = Image.new(mode, GREY.shape[::-1], "white")
    layer.putalpha(Image.fromarray(GREY))
    return layer


FILES = {
    "grey": GREY,
    "16 bits": np.rint(65535 * SHARES).astype(np.uint16),
    "few values": (85 * np.rint(3 * SHARES)).astype(np.uint8),
    "not up to white": np.rint(180 * SHARES).astype(np.uint8),
    "grey with alpha": layered("LA"),
    "colours": Image.fromarray(GREY).convert("RGB"),
    "colours with alpha": layered("RGBA"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("cutoff", [0.25, 0.5, 0.9])
def test_a_mask_of_one_object_is_cut_off(tmp_path, name, cutoff):
    found = object_of(saved(tmp_path, FILES[name]), cutoff, len(VOC_CLASSES))
    assert found is not None and found.dtype == np.bool_
    clear = np.abs(SHARES - cutoff) > (0.17 if name == "few values" else 0.01)
    np.testing.assert_array_equal(found[clear], (cutoff < SHARES)[clear])


def test_a_pixel_on_the_cutoff_is_background(tmp_path):
    values = np.zeros((4, 4), np.uint8)
    values[0], values[1, 0], values[1, 1] = 255, 51, 52
    found = object_of(saved(tmp_path, values), 0.2, 20)
    assert found is not None and found.sum() == 5


LABELS = {
    "classes": np.rint(4 * SHARES).astype(np.uint8),
    "one class": (GREY > 127).astype(np.uint8),
    "a class with a border": np.where(GREY > 200, 20, np.where(GREY > 20, 255, 0)).astype(np.uint8),
    "nothing": np.zeros_like(GREY),
    "a palette": Image.fromarray(np.rint(4 * SHARES).astype(np.uint8)).convert("P"),
    "one bit": Image.fromarray(GREY > 127),
    "a photo": np.random.default_rng(0).integers(0, 256, GREY.shape, dtype=np.uint8),
    "colours": np.stack([GREY, 255 - GREY, GREY], axis=2),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_and_photos_are_no_object(tmp_path, name):
    assert object_of(saved(tmp_path, LABELS[name]), 0.5, len(VOC_CLASSES)) is None


def test_the_object_is_the_only_class_of_its_image(tmp_path):
    path = saved(tmp_path, GREY)
    sample = Sample("m", tmp_path / "m.jpg", (CAT,), path)
    with pytest.raises(
        InvalidDataset, match=r"soft edges, .*: save it without antialiasing, or give a cut-off for masks where"
    ):
        read_mask(sample, len(VOC_CLASSES))
    (cut,) = with_mask_cutoff(ImageDataset(VOC_CLASSES, (sample,)), 0.5).samples
    labels = read_mask(cut, len(VOC_CLASSES))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.where(GREY > 127, CAT + 1, 0))
    for several in ((), (1, CAT)):
        with pytest.raises(
            InvalidDataset, match=rf"mask of m shows one object, and the image has {len(several)} class"
        ):
            read_mask(replace(cut, labels=several), len(VOC_CLASSES))
    with_labels = replace(cut, mask=saved(tmp_path, LABELS["classes"]), labels=(0, 1))
    np.testing.assert_array_equal(read_mask(with_labels, 20), LABELS["classes"])


@pytest.mark.parametrize("cutoff", [0, 1, -0.5, 2, float("nan")])
def test_the_cutoff_is_a_share(cutoff):
    with pytest.raises(InvalidSetting, match="choose a share above 0 and below 1"):
        with_mask_cutoff(ImageDataset(("cat",), ()), cutoff)


def test_without_a_cutoff_the_images_stay_as_they_are():
    images = ImageDataset(("cat",), ())
    assert with_mask_cutoff(images, None) is images
    assert not has_soft_edges(np.array([[0, 0, 255]]))


def test_the_command_takes_a_cutoff_for_black_and_white_masks(tmp_path, capsys):
    root, made = tmp_path / "VOC2012", tmp_path / "made"
    made.mkdir()
    truth = np.zeros(SIZE[::-1], np.uint8)
    truth[1:4, 2:5] = 255
    for name in ("a", "b"):
        add_image(root, name, ["cat"])
        Image.fromarray(truth).save(root / "SegmentationClass" / f"{name}.png")
        save_labels(made / f"{name}.png", np.where(truth > 0, CAT + 1, 0).astype(np.uint8))
    write_split(root, "train", ["a", "b"])
    write_manifest(made, {"stage": "test"})
    config = MeasureMasks(root, made)
    with pytest.raises(InvalidDataset, match="no values but 0 and 255"):
        stored(config)
    result = stored(replace(config, mask_cutoff=0.5, classes=("cat",), sheet=tmp_path / "sheet.png"))
    assert "--mask-cutoff 0.5" in result["protocol"]["command"] and "mIoU 100.00" in capsys.readouterr().out
    images = with_mask_cutoff(read_voc(root, "train", masks="required"), 0.5)
    require_class_values(images)
    assert measure_masks(made, images).miou == 100
    assert read_labels(made / "a.png").max() == CAT + 1  # what is measured is never cut off
