"""Boxes of a VOC devkit: what counts as a box, the scale of a scaled copy, and problems reported all at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crt.data.voc_boxes import read_voc_boxes
from crt.errors import InvalidDataset, InvalidSetting
from tests.helpers.devkit import annotation, devkit

CLASSES = ("person", "cat", "dog")


def test_boxes_are_half_open_and_classes_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    objects = [("dog", (1, 1, 100, 80), 0), ("cat", (11, 21, 11, 21), 1), ("dog", (5, 5, 9, 9), 1)]
    (image,) = read_voc_boxes(devkit(tmp_path, {"a": objects}), "val", CLASSES)
    assert [item.box for item in image.objects] == [(0, 0, 100, 80), (10, 20, 11, 21), (4, 4, 9, 9)]
    assert [item.class_id for item in image.objects] == [2, 1, 2]
    assert image.size == (80, 100) and image.scale == 100 / 500
    # A class with one object that is not difficult is tested, with the boxes of all its objects.
    assert image.class_ids == (2,) and image.difficult_only == (1,)
    assert image.boxes(2) == [(0, 0, 100, 80), (4, 4, 9, 9)] and image.boxes(0) == []


@pytest.mark.parametrize(("size", "full"), [((50, 40), (100, 80)), ((67, 53), (500, 397)), ((99, 79), (50, 40))])
def test_a_copy_scaled_after_annotation_scales_its_boxes_and_has_its_scale(
    tmp_path: Path, size: tuple[int, int], full: tuple[int, int]
) -> None:
    width, height = full
    root = devkit(tmp_path, {"a": [("cat", (1, 1, width, height), 0)]}, size=size, noted=full)
    (image,) = read_voc_boxes(root, "val", CLASSES)
    assert image.objects[0].box == pytest.approx((0, 0, *size))
    assert image.scale == pytest.approx(min(1, size[0] / width))


def test_an_image_of_full_size_or_larger_has_scale_one(tmp_path: Path) -> None:
    root = devkit(tmp_path, {"a": [("cat", (1, 1, 9, 9), 0)]}, size=(600, 300))
    assert read_voc_boxes(root, "val", CLASSES)[0].scale == 1
    assert read_voc_boxes(root, "val", CLASSES, full_side=1200)[0].scale == 0.5


def test_every_bad_box_is_reported_at_once(tmp_path: Path) -> None:
    good = [("cat", (1, 1, 9, 9), 0)]
    root = devkit(tmp_path, dict.fromkeys("abcdefg", good))
    bad = {"a": ("x", 1, 9, 9), "b": (9, 1, 5, 9), "c": (200, 1, 300, 9), "d": ("nan", 1, 9, 9), "e": ("inf", 1, 9, 9)}
    for name, corners in bad.items():
        (root / "Annotations" / f"{name}.xml").write_text(annotation(name, [("cat", corners, 0)], (100, 80)))
    file = root / "Annotations" / "f.xml"
    file.write_text(file.read_text().replace("<xmin>1</xmin>", ""))
    Image.fromarray(np.zeros((100, 80, 3), np.uint8)).save(root / "JPEGImages" / "g.jpg")  # turned after annotation
    with pytest.raises(InvalidDataset) as caught:
        read_voc_boxes(root, "val", CLASSES)
    assert "no box with an area inside the image (6): a, b, c, d, e, f" in str(caught.value)
    assert "annotation of another size (1): g (100x80, image 80x100)" in str(caught.value)


def test_the_list_for_detection_counts_and_a_stride_takes_every_nth(tmp_path: Path) -> None:
    """A full devkit has a shorter list of the same name in Segmentation."""
    root = devkit(tmp_path, {name: [("cat", (1, 1, 9, 9), 0)] for name in "abcde"})
    (root / "ImageSets" / "Segmentation").mkdir()
    (root / "ImageSets" / "Segmentation" / "val.txt").write_text("b\n")
    assert [image.id for image in read_voc_boxes(root, "val", CLASSES)] == list("abcde")
    assert [image.id for image in read_voc_boxes(root, "val", CLASSES, stride=2)] == ["a", "c", "e"]
    with pytest.raises(InvalidSetting, match="stride is 0"):
        read_voc_boxes(root, "val", CLASSES, stride=0)
    with pytest.raises(InvalidDataset, match="ImageSets/Main/test"):
        read_voc_boxes(root, "test", CLASSES)


def test_a_class_that_the_checkpoint_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match=r"does not have.*sheep"):
        read_voc_boxes(devkit(tmp_path, {"a": [("sheep", (1, 1, 9, 9), 0)]}), "val", CLASSES)


def test_own_classes_beside_those_of_voc_are_named(tmp_path: Path) -> None:
    root = devkit(tmp_path, {"a": [("leaf", (1, 1, 9, 9), 0), ("cat", (1, 1, 9, 9), 0)]})
    with pytest.raises(InvalidDataset, match="give all class names"):
        read_voc_boxes(root, "val", ("cat", "leaf"))
    (image,) = read_voc_boxes(root, "val", ("cat", "leaf"), class_names=("leaf", "cat"))
    assert [item.class_id for item in image.objects] == [1, 0]


@pytest.mark.parametrize("place", ["XML", "folder", "case"])
def test_annotations_are_found_and_read_as_for_labels(tmp_path: Path, place: str) -> None:
    """Subfolders, upper-case extensions, encodings that expat does not have, and name spaces."""
    root = devkit(tmp_path, {"a": [("cat", (1, 1, 9, 9), 0)]})
    image, file = root / "JPEGImages" / "a.jpg", root / "Annotations" / "a.xml"
    text = file.read_text().replace("<annotation>", '<annotation xmlns="http://example.org/voc">')
    text = text.replace("<filename>a.jpg</filename>", "<folder>画像</folder>").replace("<name>cat", "<name> Cat ")
    file.write_bytes(f'<?xml version="1.0" encoding="shift_jis"?>{text}'.encode("shift_jis"))
    if place == "XML":
        file.rename(file.with_suffix(".XML"))
    elif place == "case":
        image.rename(image.with_name("A.JPG"))
    else:
        for path in (image, file):
            (path.parent / "day 1").mkdir()
            path.rename(path.parent / "day 1" / path.name)
        (root / "ImageSets" / "Main" / "val.txt").write_text("day 1/a\n")
    (found,) = read_voc_boxes(root, "val", CLASSES)
    assert [(item.class_id, item.box) for item in found.objects] == [(1, (0, 0, 9, 9))]


def test_a_damaged_image_is_reported_with_the_others(tmp_path: Path) -> None:
    root = devkit(tmp_path, {"a": [("cat", (1, 1, 9, 9), 0)], "b": [("cat", (5, 5, 1, 1), 0)]})
    (root / "JPEGImages" / "a.jpg").write_bytes(b"no image")
    with pytest.raises(InvalidDataset, match=r"(?s)unusable image \(1\): a \(.*area inside the image \(1\): b"):
        read_voc_boxes(root, "val", CLASSES)
