"""Which files of a folder are images of a gallery, what their own files are called, and which mask is theirs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.gallery.images import SourceImage, beside, find_images
from crt.data.files import FileIndex
from crt.errors import InvalidDataset


def save(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(path)
    return path


def named(name: str) -> SourceImage:
    return SourceImage(Path(name), name)


def test_images_of_subfolders_count_and_other_files_do_not(tmp_path):
    for name in ("b.png", "a/one.jpg", "a/.hidden.jpg", "site/thumbs/x.jpg", "masks/b.png"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "photo.JXL").write_bytes(b"\xff\x0a" + bytes(20))
    images, unread = find_images(tmp_path, [tmp_path / "site", tmp_path / "a" / ".." / "masks"])
    assert [image.name for image in images] == ["a/one.jpg", "b.png"]
    assert unread == [("photo.JXL", "JPEG XL is not supported, save as JPEG or PNG.")]


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(InvalidDataset, match="There is no folder"):
        find_images(tmp_path / "nothing")
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InvalidDataset, match="There is no image"):
        find_images(tmp_path)


def test_ids_are_safe_names_and_different_for_each_image():
    names = ["a.jpg", "A.jpg", "a.png", "b/a.jpg", "ä ö/${x}.jpg", "..jpg", "x" * 300 + ".jpg", "猫.jpg", "\udcff.jpg"]
    ids = [named(name).id for name in names]
    assert len({one.lower() for one in ids}) == len(names)
    assert all(set(one) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(one) <= 60 for one in ids)
    assert named("b/My photo (2).jpg").id.startswith("my-photo-2-")
    assert named("a.jpg").id == named("a.jpg").id
    assert named("\udcff.jpg").shown_name == "\ufffd.jpg"


def test_a_mask_has_the_name_of_its_image_or_the_end_of_its_path(tmp_path):
    for name in ("val/a.png", "b.v2.png"):
        save(tmp_path / name)
    index = FileIndex(tmp_path, (".png",), first=".png")
    found = {name: beside(index, named(name)) for name in ("val/a.jpg", "train/b.v2.jpg", "x/val/a.bmp", "d.jpg")}
    assert found == {
        "val/a.jpg": tmp_path / "val/a.png",
        "train/b.v2.jpg": tmp_path / "b.v2.png",
        "x/val/a.bmp": tmp_path / "val/a.png",
        "d.jpg": None,
    }
