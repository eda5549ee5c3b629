"""CUB-200-2011 and boxes from a CSV file: what is read, and that every problem is reported at once."""

import os
from pathlib import Path

import pytest
from PIL import Image

from crt.data import ImageDataset, Sample, check_images, read_cub, with_boxes
from crt.errors import InvalidDataset, InvalidSetting

PICTURES = ("001.Albatross/a_1.jpg", "001.Albatross/a_2.jpg", "004.Ani/b_9.jpg", "007.Auklet/c_3.jpg")


@pytest.fixture
def cub(tmp_path) -> Path:
    """Four images of three classes; ids of images and classes have gaps."""
    root = tmp_path / "CUB_200_2011"
    for index, name in enumerate(PICTURES):
        (root / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L" if index == 1 else "RGB", (60, 40)).save(root / "images" / name)
    write(root, "images", [f"{key} {name}" for key, name in zip((3, 5, 90, 91), PICTURES, strict=True)])
    write(root, "image_class_labels", ["3 1", "5 1", "90 4", "91 7"])
    write(root, "train_test_split", ["3 1", "5 0", "90 1", "91 0"])
    write(root, "classes", ["1 001.Black_footed_Albatross", "4 004.Ani", "7 007.Auklet"])
    write(root, "bounding_boxes", ["3 10 5 20 30", "5 0.5 1.5 70 20", "90 1 2 3 4", "91 2 2 10 10"])
    return root


def write(root: Path, name: str, lines: list[str]) -> None:
    (root / f"{name}.txt").write_text("\n".join(lines) + "\n")


def test_a_split_with_classes_boxes_and_masks_where_there_are_some(cub):
    mask = cub / "segmentations" / "001.Albatross" / "a_1.png"
    mask.parent.mkdir(parents=True)
    Image.new("L", (60, 40)).save(mask)
    train, test = read_cub(cub, "train"), read_cub(cub.parent, "test")
    assert train.classes == test.classes == ("Black footed Albatross", "Ani", "Auklet")
    assert train.single_label and [s.id for s in train.samples] == ["001.Albatross/a_1", "004.Ani/b_9"]
    assert [s.labels for s in test.samples] == [(0,), (2,)]
    assert train.samples[0].boxes == ((10, 5, 30, 35),) and train.samples[0].mask == mask
    assert test.samples[0].boxes == ((0.5, 1.5, 70.5, 21.5),)  # over the edge, as the file has it
    assert train.samples[1].mask is None
    check_images(test)  # a greyscale image is one like others


def test_some_classes_by_name_in_their_own_order(cub):
    for written in ("001.Black_footed_Albatross", "Black_footed_Albatross", "Black footed Albatross"):
        images = read_cub(cub, "test", classes=["Auklet", written])
        assert images.classes == ("Auklet", "Black footed Albatross")
    assert [(s.id, s.labels) for s in images.samples] == [("001.Albatross/a_2", (1,)), ("007.Auklet/c_3", (0,))]


def test_every_problem_is_reported_at_once(cub):
    (cub / "images" / PICTURES[0]).unlink()
    write(cub, "image_class_labels", ["3 1", "5 1", "91 8"])
    write(cub, "bounding_boxes", ["3 10 5 0 30", "5 1 1 2 2", "90 1 2 3 4", "5 1 1 2 2"])
    with pytest.raises(InvalidDataset) as caught:
        read_cub(cub, "train")
    text = str(caught.value)
    for expected in (
        "no image (1): 001.Albatross/a_1.jpg",
        "not in image_class_labels.txt (1): 90",
        "does not have (1): 91 (8)",
        "not in bounding_boxes.txt (1): 91",
        "an area in bounding_boxes.txt (1): 3",
        "an id twice, in bounding_boxes.txt (1): 5",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: (root / "classes.txt").unlink(), r"unreadable file.*classes\.txt"),
        (lambda root: (root / "images.txt").unlink(), "There is no CUB"),
        (lambda root: write(root, "train_test_split", ["3 1", "5 1", "90 1", "91 1"]), "no image of the classes"),
    ],
)
def test_what_is_missing_is_named(cub, change, message):
    change(cub)
    with pytest.raises(InvalidDataset, match=message):
        read_cub(cub, "test")


def test_unknown_classes_and_splits_are_refused(cub):
    with pytest.raises(InvalidSetting, match="train or test"):
        read_cub(cub, "val")
    with pytest.raises(InvalidDataset, match="Robin"):
        read_cub(cub, "train", classes=["Robin"])
    with pytest.raises(InvalidDataset, match="no class requested"):
        read_cub(cub, "train", classes=[])


def test_boxes_of_a_csv_join_their_images(tmp_path):
    images = ImageDataset(("a",), (Sample("a/x.jpg", tmp_path, (0,)), Sample("a/y.v2.jpg", tmp_path, (0,))), True)
    (tmp_path / "boxes.csv").write_text("x1,y1,id,x0,y0,who\n9,8,a/x,1,2,me\n5,5,a/y.v2.jpg,0,0,\n7,7,a/x.jpg,3,3,\n")
    found = with_boxes(images, tmp_path / "boxes.csv")
    assert [s.boxes for s in found.samples] == [((1, 2, 9, 8), (3, 3, 7, 7)), ((0, 0, 5, 5),)]
    (tmp_path / "boxes.csv").write_text("id,x0,y0,x1,y1\na/x,5,2,5,8\na/z,0,0,1,1\na/x,1,nan,2,2\na/x,1,2\n")
    with pytest.raises(InvalidDataset) as caught:
        with_boxes(images, tmp_path / "boxes.csv")
    for expected in ("line 2 (a/x)", "line 4 (a/x)", "line 5 (a/x)", "of no image (1): a/z", "a/y.v2.jpg"):
        assert expected in str(caught.value)
    (tmp_path / "boxes.csv").write_text("id,x0,y0\n")
    with pytest.raises(InvalidDataset, match="lacks the columns x1, y1"):
        with_boxes(images, tmp_path / "boxes.csv")
    with pytest.raises(InvalidDataset, match="cannot be read"):
        with_boxes(images, tmp_path / "none.csv")


@pytest.mark.skipif("CRT_CUB_ROOT" not in os.environ, reason="set CRT_CUB_ROOT to CUB_200_2011 to run this test")
def test_the_first_fifty_classes_of_the_real_data_have_their_published_counts():
    root = os.environ["CRT_CUB_ROOT"]
    train, test = ([one for one in read_cub(root, split).samples if one.labels[0] < 50] for split in ("train", "test"))
    assert (len(train), len(test)) == (1500, 1142)
    assert all(len(one.boxes) == 1 for one in (*train, *test))
