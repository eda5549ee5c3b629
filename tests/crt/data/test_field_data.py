"""Inputs that people have and that failed once: each is read right, or refused by a sentence that names the fault."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crt.data import (
    VOC_CLASSES,
    DatasetReport,
    ImageDataset,
    Sample,
    check_images,
    has_wsol_labels,
    is_cub,
    read_cub,
    read_folders,
    read_voc,
    read_wsol,
    require_negatives,
    with_boxes,
)
from crt.data.images import load_image
from crt.errors import InvalidDataset, InvalidImage, InvalidSetting
from crt.evaluation.stored import measure_masks, truth_of
from crt.metrics.segmentation import ThresholdSweep, confusion_matrix
from crt.postprocess import cam_to_labels, check_class_ids
from crt.pseudo_labels.label_png import check_class_count, read_labels, read_mask
from crt.train.masks_data import with_masks

SIZE = (16, 12)


def save(path: Path, image: Image.Image | None = None, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or Image.new("RGB", SIZE, "teal")).save(path, **options)


def annotate(voc: Path, name: str, objects: list[str], encoding: str = "", image: str | None = None) -> None:
    """An annotation in a declared encoding, and the image beside it."""
    items = "".join(f"<object><name>{label}</name></object>" for label in objects)
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else ""
    file = voc / "Annotations" / f"{name}.xml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(f"{declared}<annotation>{items}</annotation>".encode(encoding or "utf-8"))
    save(voc / "JPEGImages" / (image or f"{name}.jpg"))


def split(voc: Path, text: str | bytes, name: str = "train") -> None:
    file = voc / "ImageSets" / "Main" / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


def shown(images: ImageDataset) -> dict[str, list[str]]:
    return {sample.id: [images.classes[label] for label in sample.labels] for sample in images.samples}


@pytest.fixture
def voc(tmp_path) -> Path:
    """A devkit of a cat and a person."""
    voc = tmp_path / "VOC2012"
    annotate(voc, "c0", ["cat"])
    annotate(voc, "p0", ["person", "person"])
    split(voc, "c0\np0\n")
    return voc


# --- VOC layout ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image", ["c0.JPG", "c0.png", "c0.Tif", "c0.webp", "c0.jfif", "c0.BMP", "c0.gif", "c0.ppm", "c0.JPE", "c0.avif"]
)
def test_an_image_of_any_format_and_case(voc, image):
    (voc / "JPEGImages" / "c0.jpg").unlink()
    save(voc / "JPEGImages" / image)
    images = read_voc(voc, "train")
    assert shown(images) == {"c0": ["cat"], "p0": ["person"]} and images.samples[0].image.name == image
    check_images(images)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("c 0 (1)", "c 0 (1)"),
        ("c 0 (1) -1", "c 0 (1)"),
        ("c 0 (1)  1", "c 0 (1)"),
        ("c 0 (1).jpg", "c 0 (1)"),
        (r"JPEGImages\c 0 (1).jpg SegmentationClass\c 0 (1).png", "c 0 (1)"),
        ("/JPEGImages/c 0 (1).jpg /SegmentationClassAug/c 0 (1).png", "c 0 (1)"),
        (r"C:\data\VOC2012\JPEGImages\c 0 (1).jpg", "c 0 (1)"),
        ("./JPEGImages/c 0 (1).jpg 1", "c 0 (1)"),
        ("C 0 (1)", "C 0 (1)"),
        ("day 1/c1", "day 1/c1"),
        (r"day 1\c1.jpg", "day 1/c1"),
        (r"JPEGImages\day 1\c1.jpg", "day 1/c1"),
    ],
)
def test_a_line_of_a_split_is_an_id_of_any_form(voc, line, name):
    annotate(voc, "c 0 (1)", ["cat"])
    (voc / "JPEGImages" / "day 1").mkdir()
    (voc / "Annotations" / "day 1").mkdir()
    annotate(voc, "day 1/c1", ["cat"])
    split(voc, f"{line}\np0 -1\n")
    assert shown(read_voc(voc, "train")) == {name: ["cat"], "p0": ["person"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_split_file_of_any_unicode_encoding(voc, encoding):
    annotate(voc, "кошка 猫", ["cat"])
    split(voc, "кошка 猫\r\np0\r\n".encode(encoding))
    assert shown(read_voc(voc, "train")) == {"кошка 猫": ["cat"], "p0": ["person"]}


def test_a_split_file_in_another_encoding_is_refused(voc):
    split(voc, "ко".encode("cp1251"))
    with pytest.raises(InvalidDataset, match=r"is not text in UTF-8 or UTF-16: save it as UTF-8\.$"):
        read_voc(voc, "train")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "gbk", "shift_jis", "big5"])
def test_an_annotation_in_its_declared_encoding(voc, encoding):
    own = {"gbk": "安全帽", "shift_jis": "自転車", "big5": "腳踏車"}.get(encoding, "vélo")
    annotate(voc, "c0", [own], encoding)
    annotate(voc, "p0", ["casque"])
    images = read_voc(voc, "train")
    assert set(images.classes) == {own, "casque"} and shown(images)["c0"] == [own]


@pytest.mark.parametrize(
    "text",
    [
        '<annotation xmlns="http://example.org/voc"><object><name>cat</name></object></annotation>',
        '<v:annotation xmlns:v="urn:voc"><v:object><v:name> cat </v:name></v:object></v:annotation>',
        "<Annotation><Object><Name>cat</Name></Object></Annotation>",
        "<annotation><object><name><![CDATA[cat]]></name><part><name>head</name></part></object></annotation>",
        '<!DOCTYPE annotation><!-- by hand --><annotation verified="1"><object><name>cat</name></object></annotation>',
    ],
)
def test_objects_are_found_in_any_xml_of_the_layout(voc, text):
    (voc / "Annotations" / "c0.xml").write_text(text)
    assert shown(read_voc(voc, "train")) == {"c0": ["cat"], "p0": ["person"]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html><body>Not found</body></html>", "its root is <html>, not <annotation>"),
        (b"<annotation><object><name>cat</name></object>", "cannot be read as XML"),
        (b"", "cannot be read as XML"),
        (b"\xff\xfe\x00", "cannot be read as XML"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "cannot be read as XML"),
        (b"<annotation>&cat;</annotation>", "cannot be read as XML"),
    ],
)
def test_xml_of_another_kind_is_no_image_without_objects(voc, data, reason):
    (voc / "Annotations" / "c0.xml").write_bytes(data)
    with pytest.raises(InvalidDataset) as caught:
        read_voc(voc, "train")
    assert "unreadable annotation (1): c0 (" in str(caught.value) and reason in str(caught.value)
    assert " .)" not in str(caught.value)


def test_own_class_names_are_found_or_given(voc):
    annotate(voc, "c0", ["helmet"])
    annotate(voc, "p0", ["no_helmet", "Helmet"])
    annotate(voc, "elsewhere", ["visor"])  # of another split: the classes are those of the data set
    images = read_voc(voc, "train")
    assert [name.lower() for name in images.classes] == ["helmet", "no_helmet", "visor"]
    assert [sample.labels for sample in images.samples] == [(0,), (0, 1)]
    images = read_voc(voc, "train", class_names=["visor", "no_helmet", "helmet"])
    assert images.classes == ("visor", "no_helmet", "helmet") and images.samples[0].labels == (2,)
    with pytest.raises(
        InvalidDataset, match=r"unknown class in an annotation \(\d\)[\s\S]*no_helmet[\s\S]*give all class"
    ):
        read_voc(voc, "train", class_names=["helmet"])
    assert read_voc(voc, "train", classes=["helmet"]).samples[1].labels == (0,)


def test_names_are_compared_without_case_and_a_set_of_both_kinds_needs_its_names(voc):
    annotate(voc, "c0", ["Cat", "TVmonitor"])
    assert shown(read_voc(voc, "train"))["c0"] == ["cat", "tvmonitor"]
    annotate(voc, "c0", ["cat", "helmet"])
    with pytest.raises(InvalidDataset, match=r"unknown class in an annotation \(1\): c0 \(helmet\)"):
        read_voc(voc, "train")
    assert read_voc(voc, "train", class_names=["cat", "helmet", "person"]).samples[0].labels == (0, 1)
    with pytest.raises(InvalidSetting, match="class_names is empty or repeats"):
        read_voc(voc, "train", class_names=["cat", "CAT"])


def test_images_without_objects_are_negatives(voc):
    annotate(voc, "n0", [])
    split(voc, "c0\np0\nn0\n")
    images = read_voc(voc, "train")
    assert shown(images)["n0"] == [] and images.targets()[2].sum() == 0
    assert DatasetReport.of(images).unlabelled == 1


def test_one_class_keeps_the_others_as_negatives(voc):
    images = read_voc(voc, "train", classes=["cat"])
    assert shown(images) == {"c0": ["cat"], "p0": []}
    require_negatives(images)
    assert "labels of person, which was not chosen (1): p0" in str(DatasetReport.of(images))


def test_a_devkit_of_another_year(tmp_path):
    voc = tmp_path / "VOCdevkit" / "VOC2007"
    annotate(voc, "c0", ["cat"])
    split(voc, "c0\n")
    assert len(read_voc(tmp_path, "train")) == 1


# --- class folders ---------------------------------------------------------------------------------------------------

EXTENSIONS = ["tif", "TIFF", "gif", "ppm", "jfif", "avif", "JPE", "bmp", "WEBP", "png", "JPEG"]


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_folders_take_every_format_that_is_read(tmp_path, extension):
    save(tmp_path / "cat" / f"x.{extension}")
    save(tmp_path / "bike" / "deep er" / f"y.{extension}")
    images = read_folders(tmp_path)
    assert shown(images) == {f"bike/deep er/y.{extension}": ["bike"], f"cat/x.{extension}": ["cat"]}
    check_images(images)


def test_folders_tell_what_they_leave_out(tmp_path):
    save(tmp_path / "cat" / "c0.jpg")
    save(tmp_path / "bike" / "m0.jpg")
    save(tmp_path / "cat" / "no extension", format="PNG")
    (tmp_path / "cat" / "IMG_0001.JXL").write_bytes(JXL)
    (tmp_path / "cat" / "phone.img").write_bytes(JXL)
    (tmp_path / "cat" / "notes.txt").write_text("hello")
    (tmp_path / "cat" / "._c0.jpg").write_bytes(b"\0\5\x16\7")
    (tmp_path / "__MACOSX" / "cat").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "cat" / "._c0.jpg").write_bytes(b"\0\5\x16\7")
    save(tmp_path / "loose.png")
    images = read_folders(tmp_path)
    assert images.classes == ("bike", "cat")
    assert [sample.id for sample in images.samples] == ["bike/m0.jpg", "cat/c0.jpg", "cat/no extension"]
    told = str(DatasetReport.of(images))
    for line in (
        "bike 1, cat 2",
        "Left out, JPEG XL is not supported, save as JPEG or PNG (2): cat/IMG_0001.JXL, cat/phone.img",
        "Left out, not an image (1): cat/notes.txt",
        "Left out, a file of the system, not an image (2): __MACOSX, cat/._c0.jpg",
        "Left out, an image outside the class folders (1): loose.png",
    ):
        assert line in told
    assert ("a class that was not chosen", "bike") in read_folders(tmp_path, classes=["Cat"]).left_out


def test_folders_of_splits_are_no_classes(tmp_path):
    for name in ("Train/cat/a.jpg", "Train/dog/b.jpg", "val/cat/c.jpg"):
        save(tmp_path / name)
    with pytest.raises(InvalidDataset, match=r"are splits and no classes \(Train, val\): give one of them"):
        read_folders(tmp_path)
    assert read_folders(tmp_path / "Train").classes == ("cat", "dog")
    assert read_folders(tmp_path, classes=["val", "train"]).classes == ("val", "Train")
    save(tmp_path / "bus" / "d.jpg")
    assert read_folders(tmp_path).classes == ("Train", "bus", "val")


def test_links_to_folders_are_followed_once(tmp_path):
    save(tmp_path / "set" / "cat" / "a.jpg")
    save(tmp_path / "set" / "dog" / "b.jpg")
    save(tmp_path / "elsewhere" / "x.jpg")
    save(tmp_path / "elsewhere" / "deep" / "y.jpg")
    (tmp_path / "elsewhere" / "deep" / "up").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "cat" / "day").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "cat" / "again").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "set" / "dog" / "loop").symlink_to(tmp_path / "set" / "dog")
    (tmp_path / "set" / "bird").symlink_to(tmp_path / "elsewhere" / "deep")
    images = read_folders(tmp_path / "set")
    files = [(sample.id.partition("/")[0], sample.image.name) for sample in images.samples]
    # Whatever the order of two links, each image comes once in a class.
    assert sorted(files) == [
        ("bird", "x.jpg"), ("bird", "y.jpg"), ("cat", "a.jpg"), ("cat", "x.jpg"), ("cat", "y.jpg"), ("dog", "b.jpg")
    ]  # fmt: skip


def test_a_class_folder_without_readable_images_is_refused_with_the_reason(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "IMG_0001.JXL").write_bytes(JXL)
    with pytest.raises(InvalidDataset, match=r"no image that can be read .*cat \(JPEG XL is not supported"):
        read_folders(tmp_path)


def test_one_class_without_negatives_is_refused(tmp_path, voc):
    save(tmp_path / "folders" / "cat" / "c0.jpg")
    with pytest.raises(InvalidDataset, match=r"cat is in every image \(1\): add a second class"):
        require_negatives(read_folders(tmp_path / "folders"))
    split(voc, "c0\n")
    with pytest.raises(InvalidDataset, match=r"cat is in every image \(1\): add images without it"):
        require_negatives(read_voc(voc, "train"))


@pytest.mark.parametrize("name", ["自行车", "кошка", "κάτα"])
def test_class_folders_in_any_script(tmp_path, name):
    save(tmp_path / name / "图 1.PNG")
    assert read_folders(tmp_path, classes=[name]).classes == (name,)


# --- masks -----------------------------------------------------------------------------------------------------------


def mask_file(path: Path, values: np.ndarray, palette: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if palette:
        image.putpalette(bytes(768))
    image.save(path)
    return path


LABELS = np.zeros((12, 16), np.uint8)
LABELS[2:9, 3:12], LABELS[9] = 8, 255


@pytest.mark.parametrize(
    "make",
    [
        lambda path: mask_file(path, LABELS),
        lambda path: mask_file(path, LABELS, palette=True),
        lambda path: mask_file(path, LABELS.astype(np.uint16)),
        lambda path: mask_file(path, np.where(LABELS == 255, 65535, LABELS).astype(np.uint16)),
    ],
    ids=["grey", "palette", "16 bits", "16 bits, white ignored"],
)
def test_masks_of_any_depth(tmp_path, make: Callable[[Path], Path]):
    read = read_labels(make(tmp_path / "m.png"), classes=20)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, LABELS)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_masks_of_few_bits_keep_their_values(tmp_path, bits):
    import struct
    import zlib

    rows = np.arange(16, dtype=np.uint8) % 2**bits
    packed = np.packbits((rows[:, None] >> np.arange(bits - 1, -1, -1)) & 1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 16, 1, bits, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + packed.tobytes())) + chunk(b"IEND", b"")
    (tmp_path / "m.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    assert read_labels(tmp_path / "m.png").tolist() == [rows.tolist()]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_value_beyond_the_classes_is_named_with_its_image(voc, dtype):
    big = np.where(LABELS == 8, 200, LABELS).astype(dtype)
    mask_file(voc / "SegmentationClass" / "c0.png", big)
    mask_file(voc / "SegmentationClass" / "p0.png", LABELS)
    images = read_voc(voc, "train", masks="required")
    wanted = "The mask of c0 has a label 200, but there are 20 classes"
    with pytest.raises(InvalidDataset, match=wanted):
        truth_of(images.samples[0], classes=20)
    with pytest.raises(InvalidDataset, match=wanted):
        measure_masks(voc / "SegmentationClass", images)
    with pytest.raises(InvalidDataset, match="holds label 200, there are 21"):
        ThresholdSweep(np.array([0.2]), 21).add(big, np.ones((1, 12, 16), np.float32), np.array([7]))


def test_masks_follow_the_chosen_classes(voc):
    mask_file(voc / "SegmentationClass" / "c0.png", LABELS)
    mask_file(voc / "SegmentationClass" / "p0.png", np.where(LABELS == 8, 15, LABELS))
    images = read_voc(voc, "train", classes=["person", "cat"], masks="required")
    cat, person = (read_mask(sample, 2) for sample in images.samples)
    np.testing.assert_array_equal(cat, np.where(LABELS == 8, 2, LABELS))
    np.testing.assert_array_equal(person, np.where(LABELS == 8, 1, LABELS))
    only = read_voc(voc, "train", classes=["cat"], masks="required")
    np.testing.assert_array_equal(truth_of(only.samples[1]), np.where(LABELS == 8, 0, LABELS))
    back = images.remap_classes(VOC_CLASSES)
    np.testing.assert_array_equal(read_mask(back.samples[0], 20), LABELS)
    plain = read_voc(voc, "train", masks="required").remap_classes(["person", "cat", "cow"])
    np.testing.assert_array_equal(read_mask(plain.samples[0], 3), cat)
    assert with_masks(images, voc / "SegmentationClass").samples[0].mask_labels is None  # made for these classes


def test_masks_of_own_classes_need_the_order_of_their_values(voc):
    annotate(voc, "c0", ["helmet"])
    annotate(voc, "p0", ["cap"])
    for name, value in (("c0", 1), ("p0", 2)):
        mask_file(voc / "SegmentationClass" / f"{name}.png", np.full(SIZE[::-1], value, np.uint8))
    for masks in ("required", "optional"):
        with pytest.raises(InvalidDataset, match="which of the classes cap, helmet they mean: give all class names"):
            read_voc(voc, "train", masks=masks)
    images = read_voc(voc, "train", class_names=["helmet", "cap"], masks="required").remap_classes(["cap", "helmet"])
    assert [np.unique(read_mask(sample, 2)).tolist() for sample in images.samples] == [[2], [1]]
    assert [sample.labels for sample in images.samples] == [(1,), (0,)]
    annotate(voc, "p0", [])
    assert read_voc(voc, "train", masks="required").classes == ("helmet",)


@settings(deadline=None, max_examples=30)
@given(values=st.lists(st.integers(0, 255), min_size=1, max_size=12), table=st.lists(st.integers(0, 254), max_size=200))
def test_a_mask_is_taken_through_its_table_or_refused(tmp_path_factory, values, table):
    file = mask_file(tmp_path_factory.mktemp("m") / "m.png", np.array([values], np.uint8))
    sample = Sample("m", file, (), file, mask_labels=(0, *table))
    known = [value for value in values if value != 255]
    if max(known, default=0) > len(table):
        with pytest.raises(InvalidDataset, match=f"The mask of m has a label {max(known)}"):
            read_mask(sample)
    else:
        wanted = [255 if value == 255 else (0, *table)[value] for value in values]
        assert read_mask(sample).tolist() == [wanted]


@given(count=st.integers(0, 600))
def test_so_many_classes_fit_as_have_a_label_below_255(count):
    keys = range(count)
    if count <= 254:
        check_class_count(count)
        check_class_ids(keys)
        return
    for check in (lambda: check_class_count(count), lambda: check_class_ids(keys), lambda: check_class_ids([-1])):
        with pytest.raises(InvalidSetting):
            check()


def test_soft_edges_of_a_mask_are_named(tmp_path):
    hard = np.zeros((40, 60), np.uint8)
    hard[10:30, 15:45] = 255
    Image.fromarray(hard).resize((480, 320), Image.Resampling.BICUBIC).rotate(12, Image.Resampling.BICUBIC).save(
        tmp_path / "m.png"
    )
    with pytest.raises(InvalidDataset, match=r"The mask of m has soft edges, .* save it without antialiasing"):
        read_labels(tmp_path / "m.png", classes=20)


def test_class_254_is_refused_and_never_ignored(tmp_path):
    many = tuple(f"c{index}" for index in range(255))
    assert cam_to_labels(np.ones((1, 2, 2)), [253]).max() == 254
    with pytest.raises(InvalidSetting, match="first 254 classes only"):
        cam_to_labels(np.ones((1, 2, 2)), [254])
    with pytest.raises(InvalidSetting, match="254 classes, and there are 255"):
        read_labels(mask_file(tmp_path / "m.png", LABELS), classes=255)
    with pytest.raises(InvalidSetting, match="254 classes, and there are 255"):
        with_masks(ImageDataset(many, (Sample("a", tmp_path / "a.png", (0,)),)), tmp_path)
    for measure in (lambda: confusion_matrix(LABELS, LABELS, 256), lambda: ThresholdSweep(np.array([0.1]), 256)):
        with pytest.raises(InvalidDataset, match="hold 254 classes"):
            measure()


def test_an_image_without_classes_is_background_in_the_sweep():
    sweep = ThresholdSweep(np.array([0.1, 0.5]), 21)
    sweep.add(LABELS, np.zeros((0, *LABELS.shape), np.float32), np.zeros(0, np.int64))
    assert (sweep.confusions()[:, :, 1:] == 0).all() and sweep.confusions()[0].sum() == (LABELS != 255).sum()


# --- CUB and boxes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cub(tmp_path) -> Path:
    """Four images of two classes, without bounding_boxes.txt."""
    root = tmp_path / "CUB_200_2011"
    names = ["001.Cat/c 0.jpg", "001.Cat/c1.jpg", "002.Bike/m0.jpg", "002.Bike/m1.jpg"]
    for name in names:
        save(root / "images" / name)
    (root / "images.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(names, 1)), encoding="utf-16")
    (root / "classes.txt").write_text("1 001.Cat\n2 002.Bike\n")
    (root / "image_class_labels.txt").write_text("1 1\n2 1\n3 2\n4 2\n")
    (root / "train_test_split.txt").write_text("1 1\n2 0\n3 1\n4 0\n")
    return root


@pytest.mark.parametrize("boxes", [None, "1 0 0 0 0\n2 1 1 5 5\n", "x"])
def test_training_on_cub_needs_no_boxes(cub, boxes):
    if boxes is not None:
        (cub / "bounding_boxes.txt").write_text(boxes)
    images = read_cub(cub, "train", boxes="none")
    assert shown(images) == {"001.Cat/c 0": ["Cat"], "002.Bike/m0": ["Bike"]}
    with pytest.raises(InvalidDataset, match=r"bounding_boxes\.txt"):
        read_cub(cub, "train")
    with pytest.raises(InvalidSetting, match="none or required"):
        read_cub(cub, "train", boxes=cast("Any", "some"))


@pytest.mark.parametrize("where", ["CUB_200_2011/segmentations", "segmentations"])
def test_segmentations_lie_where_their_archive_unpacks(cub, where):
    mask = cub.parent / where / "001.Cat" / "c 0.png"
    save(mask, Image.new("L", SIZE))
    for root in (cub, cub.parent):
        assert read_cub(root, "train", boxes="none").samples[0].mask == mask


ROWS = "cat/c 0.jpg,1,2,9,10\ncat/c 0.jpg,3,3,7,8\nbike/m0,0,0,5,6\n"
BOX_FILES = {
    "header": "id,x0,y0,x1,y1\n" + ROWS,
    "blanks": "id, x0, y0 , x1, y1\n" + ROWS.replace(",", " , "),
    "no header": ROWS,
    "semicolons": "id;x0;y0;x1;y1\n" + ROWS.replace(",", ";"),
    "decimal commas": "id;x0;y0;x1;y1\n" + ROWS.replace(",", ";").replace("1;2", "1,0;2,0"),
    "tabs, no header": ROWS.replace(",", "\t"),
    "other names": "YMIN,XMIN,ymax,xmax,FileName\n2,1,10,9,cat/c 0.jpg\n3,3,8,7,cat/c 0.jpg\n0,0,6,5,bike/m0\n",
    "width and height": "path,x,y,w,h\ncat/c 0.jpg,1,2,8,8\ncat/c 0.jpg,3,3,4,5\nbike/m0,0,0,5,6\n",
    "backslashes, case, a folder before": ROWS.replace("cat/c 0.jpg", "images\\cat\\C 0.JPG"),
}


@pytest.mark.parametrize("form", BOX_FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_boxes_in_every_form(tmp_path, form, encoding):
    images = ImageDataset(
        ("bike", "cat"),
        (Sample("cat/c 0.jpg", tmp_path / "c 0.jpg", (1,)), Sample("bike/m0.jpg", tmp_path / "m0.jpg", (0,))),
        True,
    )
    (tmp_path / "boxes.csv").write_text(BOX_FILES[form], encoding=encoding)
    found = with_boxes(images, tmp_path / "boxes.csv")
    assert [sample.boxes for sample in found.samples] == [((1, 2, 9, 10), (3, 3, 7, 8)), ((0, 0, 5, 6),)]


def test_a_metadata_folder_of_wsolevaluation(tmp_path):
    save(tmp_path / "cat" / "c0.jpg")  # 16 x 12
    folder = tmp_path / "metadata" / "test"
    folder.mkdir(parents=True)
    (folder / "localization.txt").write_text("cat/c0.jpg,10,0,160,60\ncat/c0.jpg,0,0,40,120\n")
    images = ImageDataset(("cat",), (Sample("cat/c0.jpg", tmp_path / "cat" / "c0.jpg", (0,)),), True)
    assert with_boxes(images, folder).samples[0].boxes == ((10, 0, 160, 60), (0, 0, 40, 120))
    (folder / "image_sizes.txt").write_text("cat/c0.jpg,160,120\n")
    for file in (folder, folder / "localization.txt"):
        assert with_boxes(images, file).samples[0].boxes == ((1, 0, 16, 6), (0, 0, 4, 12))
    (folder / "image_sizes.txt").write_text("cat/c0.jpg,0,120\n")
    with pytest.raises(InvalidDataset, match=r"not a width and a height in image_sizes\.txt"):
        with_boxes(images, folder)


def test_a_flat_folder_with_labels_of_wsolevaluation(tmp_path):
    for name in ("a", "b", "c"):
        save(tmp_path / "val" / f"{name}.JPEG")  # 16 x 12
    folder = tmp_path / "metadata" / "test"
    folder.mkdir(parents=True)
    (folder / "class_labels.txt").write_text("val/a.JPEG,2\nval/b.JPEG,0\nval/c.JPEG,2\n")
    (folder / "localization.txt").write_text("".join(f"val/{name}.JPEG,1,2,9,10\n" for name in "abc"))
    names = ("ant", "bee", "cat")
    assert not has_wsol_labels(folder / "localization.txt") and has_wsol_labels(folder)
    found = read_wsol(tmp_path, folder, names)
    assert found.classes == names and found.single_label
    assert [(one.id, one.labels, one.boxes) for one in found.samples] == [
        (f"val/{name}.JPEG", (label,), ((1, 2, 9, 10),)) for name, label in (("a", 2), ("b", 0), ("c", 2))
    ]
    with pytest.raises(InvalidDataset, match=r"not one of the numbers 0 to 1.*val/a\.JPEG"):
        read_wsol(tmp_path, folder, names[:2])
    (folder / "image_ids.txt").write_text("val/c.JPEG\n")
    assert [one.id for one in read_wsol(tmp_path, folder, names).samples] == ["val/c.JPEG"]
    (folder / "image_ids.txt").write_text("val/d.JPEG\n")
    with pytest.raises(InvalidDataset, match=r"without a label.*val/d\.JPEG"):
        read_wsol(tmp_path, folder, names)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is empty"), ("id,x0,y0\n", "lacks the columns x1, y1"), ("a,b\n", "lacks the columns")],
)
def test_boxes_that_lack_something(tmp_path, text, message):
    (tmp_path / "b.csv").write_text(text)
    with pytest.raises(InvalidDataset, match=message):
        with_boxes(ImageDataset(("a",), ()), tmp_path / "b.csv")


# --- images ----------------------------------------------------------------------------------------------------------

JXL = b"\xff\x0aX\t\x84\x0f\0\x13\x88\x02\0X\x13^\x83" + bytes(40)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (JXL, "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "JPEG 2000"),
        (b"8BPS\0\1" + bytes(30), "Photoshop"),
        (b"%PDF-1.7\n", "PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"PK\3\4" + bytes(30), "ZIP"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + bytes(20), "MP4 video"),
        (bytes(128) + b"DICM" + bytes(20), "DICOM"),
    ],
)
@pytest.mark.parametrize("as_path", [True, False])
def test_a_format_that_is_not_read_is_named_by_its_content(tmp_path, data, name, as_path):
    (tmp_path / "x.jpg").write_bytes(data)
    with pytest.raises(InvalidImage, match=f"This {name} file is not an image this program can read; save it as JPEG"):
        load_image(tmp_path / "x.jpg" if as_path else data)


COLOURS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)


def tiff(values: np.ndarray) -> bytes:
    """As OpenCV writes it, which takes blue first."""
    done, data = cv2.imencode(".tiff", values[..., ::-1] if values.ndim == 3 else values)
    assert done
    return data.tobytes()


@pytest.mark.parametrize("scale", [1 / 255, 1, 257], ids=["0 to 1", "0 to 255", "0 to 65535"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_colour_tiffs_of_floats_are_read_by_their_range(scale, dtype):
    np.testing.assert_array_equal(load_image(tiff((COLOURS * float(scale)).astype(dtype))), COLOURS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (COLOURS.astype(np.float32) - 9, "has values from -9 to 246; save it with 8 or 16 bits"),
        (COLOURS * np.float32("nan"), "has values from nan to nan; save it with 8 or 16 bits"),
        (COLOURS * np.float32(1e6), "save it with 8 or 16 bits"),
    ],
)
def test_tiffs_of_other_values_are_refused_without_advice_to_save_a_tiff(values, message):
    with pytest.raises(InvalidImage, match=message) as caught:
        load_image(tiff(values))
    assert "or TIFF" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("cut", [8, 60, 400])
def test_a_deep_tiff_that_is_cut_off(cut):
    data = tiff(COLOURS.astype(np.float32) / 255)
    with pytest.raises(InvalidImage, match="damaged") as caught:
        load_image(data[:cut])
    assert "or TIFF" not in str(caught.value)


def test_a_deep_tiff_is_measured_before_it_is_decoded(monkeypatch):
    data = tiff(COLOURS.astype(np.float32) / 255)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(InvalidImage, match="more than the 100 allowed"):
        load_image(data, max_pixels=100)


def test_deep_tiffs_of_separate_planes_are_refused():
    tifffile = pytest.importorskip("tifffile")
    stream = io.BytesIO()
    planes = np.moveaxis(COLOURS.astype(np.float32), 2, 0)
    tifffile.imwrite(stream, planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(InvalidImage, match="save it with interleaved channels"):
        load_image(stream.getvalue())


# --- CUB's layout ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["CUB_200_2011/CUB_200_2011", "cub", "download/CUB_200_2011"])
def test_cub_is_found_where_it_is_unpacked(cub, tmp_path_factory, inside):
    root = tmp_path_factory.mktemp("root")
    (root / inside).parent.mkdir(parents=True, exist_ok=True)
    cub.rename(root / inside)
    assert is_cub(root) and len(read_cub(root, "train", boxes="none")) == 2
    (root / "other").mkdir()
    for name in ("images.txt", "classes.txt"):
        (root / "other" / name).write_text("1 x\n")
    if not inside.startswith("CUB"):
        with pytest.raises(InvalidDataset, match=r"There are several data sets in .*: give one of them"):
            read_cub(root, "train")


def test_an_image_without_a_segmentation_is_reported(cub):
    save(cub / "segmentations" / "segmentations" / "001.Cat" / "c 0.png", Image.new("L", SIZE))
    sets = [read_cub(cub, split, boxes="none") for split in ("train", "test")]
    assert [sample.mask is not None for images in sets for sample in images.samples] == [True, False, False, False]
    assert [len(images.left_out) for images in sets] == [1, 2]
    assert sets[0].left_out == (("no mask in segmentations", "002.Bike/m0.jpg"),)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("train_test_split.txt", "1 1\n2 2\n", r"neither 0 nor 1 in train_test_split\.txt \(1\): 2 \(2\)"),
        ("classes.txt", "1 001.Cat\n2 002.cat\n", r"a class name twice in classes\.txt \(2\): 1 001\.Cat, 2 002\.cat"),
    ],
)
def test_files_of_cub_that_would_be_read_wrong(cub, file, text, message):
    (cub / file).write_text(text)
    with pytest.raises(InvalidDataset, match=message):
        read_cub(cub, "train", boxes="none")


# --- boxes -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def boxed(tmp_path) -> ImageDataset:
    """Two images of 100 x 50 pixels in class folders."""
    for name in ("cat/a.jpg", "dog/b.jpg"):
        save(tmp_path / "set" / name, Image.new("RGB", (100, 50)))
    return read_folders(tmp_path / "set")


@pytest.mark.parametrize(
    "text",
    [
        "ImageID,XMin,XMax,YMin,YMax\ncat/a,0.1,0.5,0.2,0.6\ndog/b,0.1,0.5,0.2,0.6\n",
        "path,x1,y1,x2,y2,class\n/data/cat/a.jpg,10,10,50,30,cat\n/data/dog/b.jpg,10,10,50,30,dog\n",
        "id,x0,y0,x1,y1\na.jpg,10,10,50,30\nB.JPG,10,10,50,30\n",
        "id x0 y0 x1 y1\na 10 10 50 30\nb 10 10 50 30\n",
    ],
)
def test_boxes_of_other_programs(boxed, tmp_path, text):
    (tmp_path / "boxes.csv").write_text(text)
    for sample in with_boxes(boxed, tmp_path / "boxes.csv").samples:
        np.testing.assert_allclose(sample.boxes, [(10, 10, 50, 30)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat/a,10,10,50,30\ndog/b,100,10,150,30\n", r"a box beside the image.*: dog/b\.jpg \(100x50\)"),
        ('cat/a,10,10,50,30\n"dog/b,1,1,9,9\n', "cannot be read as CSV: unexpected end of data"),
        ("a,10,10,50,30\nc,1,1,9,9\n", r"of no image \(1\): c"),
    ],
)
def test_boxes_that_would_be_read_wrong(boxed, tmp_path, text, message):
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(InvalidDataset, match=message):
        with_boxes(boxed, tmp_path / "boxes.csv")


def test_a_metadata_folder_without_boxes_is_refused(boxed, tmp_path):
    with pytest.raises(InvalidDataset, match=r"localization\.txt cannot be read, since it is no file: give a table"):
        with_boxes(boxed, tmp_path)


def test_the_name_of_a_file_is_enough_where_one_image_has_it(boxed, tmp_path):
    save(tmp_path / "set" / "dog" / "a.jpg", Image.new("RGB", (100, 50)))
    (tmp_path / "boxes.csv").write_text("a.jpg,1,1,9,9\nb.jpg,1,1,9,9\n")
    with pytest.raises(InvalidDataset, match=r"of no image \(1\): a\.jpg"):
        with_boxes(read_folders(tmp_path / "set"), tmp_path / "boxes.csv")
