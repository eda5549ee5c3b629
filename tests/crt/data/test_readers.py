"""`crt.data`: the readers on tiny trees made here, and once on real data where there is some."""

import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from crt.data import (
    VOC_ANIMALS,
    VOC_CLASSES,
    ImageDataset,
    Sample,
    check_images,
    read_folders,
    read_voc,
    voc_palette,
)
from crt.errors import InvalidDataset, InvalidSetting
from tests.helpers.narrow import present
from tests.helpers.voc_files import SIZE, add_image, write_split


def test_voc_constants():
    assert len(VOC_CLASSES) == 20 and VOC_CLASSES[0] == "aeroplane" and VOC_CLASSES[-1] == "tvmonitor"
    assert set(VOC_ANIMALS) < set(VOC_CLASSES)
    palette = voc_palette()
    assert palette.shape == (256, 3) and palette.dtype == np.uint8
    assert palette[[0, 1, 2, 8, 15, 20, 255]].tolist() == [
        [0, 0, 0], [128, 0, 0], [0, 128, 0], [64, 0, 0], [192, 128, 128], [0, 64, 128], [224, 224, 192],
    ]  # fmt: skip
    assert len(np.unique(palette, axis=0)) == 256


@pytest.mark.parametrize("up", [0, 1, 2], ids=["VOC2012", "VOCdevkit", "its parent"])
def test_read_voc(voc, up):
    image_set = read_voc([voc, *voc.parents][up], "train")
    assert image_set.classes == VOC_CLASSES and len(image_set) == 3 and not image_set.single_label
    assert [sample.labels for sample in image_set.samples] == [(7, 14), (11,), (0,)]
    assert image_set.samples[0] == Sample("2007_000001", voc / "JPEGImages" / "2007_000001.jpg", (7, 14))
    targets = image_set.targets()
    assert targets.shape == (3, 20) and targets.dtype == np.float32
    assert np.argwhere(targets).tolist() == [[0, 7], [0, 14], [1, 11], [2, 0]]


def test_voc_masks(voc):
    names = ["SegmentationClass", "SegmentationClassAug", None]
    masks = [sample.mask and sample.mask.parent.name for sample in read_voc(voc, "train", masks="optional").samples]
    assert masks == names
    first = read_voc(voc, "train", masks="optional", mask_folder="SegmentationClassAug").samples
    assert [sample.mask is not None for sample in first] == [False, True, False]
    assert all(sample.mask is None for sample in read_voc(voc, "train").samples)
    with pytest.raises(InvalidDataset, match=r"no mask in .* SegmentationClassAug \(1\): 2007_000003"):
        read_voc(voc, "train", masks="required")
    with pytest.raises(InvalidSetting, match="masks is 'all'"):
        read_voc(voc, "train", masks=cast("Any", "all"))


def test_voc_classes_are_reindexed_and_other_images_stay_as_negatives(voc):
    Image.new("L", SIZE).save(voc / "SegmentationClass" / "2007_000003.png")
    image_set = read_voc(voc, "train", classes=("dog", "Cat"), masks="required")
    assert image_set.classes == ("dog", "cat")
    assert [sample.id for sample in image_set.samples] == ["2007_000001", "2007_000002", "2007_000003"]
    assert [sample.labels for sample in image_set.samples] == [(1,), (0,), ()]
    table = image_set.samples[0].mask_labels
    assert table is not None and [table[VOC_CLASSES.index(name) + 1] for name in ("dog", "cat", "person")] == [1, 2, 0]
    assert ("labels of aeroplane, which was not chosen", "2007_000003") in image_set.left_out
    assert read_voc(voc, "train", classes="person").classes == ("person",)
    with pytest.raises(InvalidDataset, match="no image with any of the classes"):
        read_voc(voc, "train", classes=("sofa",))
    for wrong in (("unicorn",), ("cat", "cat"), ()):
        with pytest.raises(InvalidSetting):
            read_voc(voc, "train", classes=wrong)


def test_voc_split_files(voc):
    write_split(voc, "cats", ["2007_000001 -1", "", "2007_000002  1"], kind="Main")
    assert [sample.id for sample in read_voc(voc, "cats").samples] == ["2007_000001", "2007_000002"]
    write_split(voc, "paths", ["/JPEGImages/2007_000003.jpg /SegmentationClassAug/2007_000003.png"])
    assert read_voc(voc, "paths").samples[0].id == "2007_000003"
    with pytest.raises(InvalidDataset, match=r"no such split.*there are: cats, paths, train"):
        read_voc(voc, "test")
    write_split(voc, "empty", [])
    with pytest.raises(InvalidDataset, match="empty split file"):
        read_voc(voc, "empty")


def test_voc_reports_every_problem_at_once(voc):
    for number in range(4, 9):
        add_image(voc, f"2007_00000{number}", ["cat"])
    (voc / "Annotations" / "2007_000004.xml").unlink()
    (voc / "Annotations" / "2007_000005.xml").write_text("<annotation><obj")
    (voc / "JPEGImages" / "2007_000006.jpg").unlink()
    add_image(voc, "2007_000007", [])
    add_image(voc, "2007_000008", ["cat", "unicorn"])
    write_split(voc, "train", [f"2007_00000{number}" for number in range(1, 9)] + ["2007_000001"])
    with pytest.raises(InvalidDataset) as caught:
        read_voc(voc, "train", masks="required")
    message = str(caught.value)
    assert "has 6 problems" in message.splitlines()[0]
    for line in (
        "- listed twice in train.txt (1): 2007_000001",
        "- no annotation in Annotations (1): 2007_000004",
        "- unreadable annotation (1): 2007_000005 (",
        "- no image in JPEGImages (1): 2007_000006",
        "- unknown class in an annotation (1): 2007_000008 (unicorn)",
        "- no mask in SegmentationClass or SegmentationClassAug (1): 2007_000003",
    ):
        assert line in message
    assert "2007_000007" not in message  # without objects it is a negative of every class


def test_no_devkit(tmp_path):
    for root in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InvalidDataset, match="There is no VOC 2012 devkit in"):
            read_voc(root, "train")


@pytest.fixture
def folders(tmp_path) -> Path:
    for name in ("b/2.JPG", "b/1.png", "a/x.webp", ".hidden/x.png", "b/.y.png", "b/notes.txt", "b/deeper/x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_read_folders(folders):
    image_set = read_folders(folders)
    assert image_set.classes == ("a", "b") and image_set.single_label
    assert [(sample.id, sample.labels) for sample in image_set.samples] == [
        ("a/x.webp", (0,)), ("b/1.png", (1,)), ("b/2.JPG", (1,)), ("b/deeper/x.png", (1,)),
    ]  # fmt: skip
    assert image_set.samples[1].image == folders / "b" / "1.png"
    system = "a file of the system, not an image"
    assert sorted(image_set.left_out) == [(system, ".hidden"), (system, "b/.y.png"), ("not an image", "b/notes.txt")]
    assert read_folders(folders, classes=["b"]).classes == ("b",)
    assert read_folders(str(folders), classes=["b", "a"]).samples[0].id == "b/1.png"


def test_read_folders_reports_every_problem_at_once(folders, tmp_path_factory):
    (folders / "c").mkdir()
    with pytest.raises(InvalidDataset) as caught:
        read_folders(folders, classes=["a", "c", "d", "a"])
    message = str(caught.value)
    assert "has 3 problems" in message and "in a class folder (1): c" in message
    assert "no folder for a requested class (1): d" in message and "class requested twice (1): a" in message
    with pytest.raises(InvalidDataset, match="no class requested"):
        read_folders(folders, classes=[])
    with pytest.raises(InvalidDataset, match="no class folders"):
        read_folders(tmp_path_factory.mktemp("empty"))
    with pytest.raises(InvalidDataset, match="There is no folder"):
        read_folders(folders / "missing")


def test_real_voc():
    if "CRT_VOC_ROOT" not in os.environ:
        pytest.skip("set CRT_VOC_ROOT to a VOC 2012 devkit to run this test")
    root = os.environ["CRT_VOC_ROOT"]
    train = read_voc(root, "train", masks="required")
    val = read_voc(root, "val", masks="required")
    assert not {sample.id for sample in train.samples} & {sample.id for sample in val.samples}
    assert (val.targets().sum(axis=0) > 0).all() and (train.targets().sum(axis=1) > 0).all()
    head = ImageDataset(val.classes, val.samples[:20])
    check_images(head)
    for sample in head.samples:  # what the mask shows, the annotation names
        shown = set(np.unique(np.asarray(Image.open(present(sample.mask)))).tolist()) - {0, 255}
        assert {value - 1 for value in shown} <= set(sample.labels)
