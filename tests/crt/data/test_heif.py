"""HEIC photos: read as any other image, or refused in one sentence that names the format."""

import contextlib
import io

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crt.data.base import ImageDataset, Sample
from crt.data.box_csv import with_boxes
from crt.data.check import check_images
from crt.data.folders import read_folders
from crt.data.images import load_image
from crt.errors import InvalidImage

ROWS, COLUMNS = np.mgrid[0:160:4, 0:240:4]
SMOOTH = np.stack([COLUMNS, ROWS, np.full_like(ROWS, 90)], axis=2).astype(np.uint8)
LOSS = 8  # of one channel, by the codec
TURNED = {
    1: SMOOTH,
    2: SMOOTH[:, ::-1],
    3: SMOOTH[::-1, ::-1],
    4: SMOOTH[::-1],
    5: SMOOTH.transpose(1, 0, 2),
    6: np.rot90(SMOOTH, -1),
    7: np.rot90(SMOOTH, 2).transpose(1, 0, 2),
    8: np.rot90(SMOOTH),
}


def heic(image: Image.Image | np.ndarray, **options) -> bytes:
    """The file of an image."""
    stream = io.BytesIO()
    whole = image if isinstance(image, Image.Image) else Image.fromarray(image)
    pillow_heif.from_pillow(whole).save(stream, quality=95, **options)
    return stream.getvalue()


def apart(a: np.ndarray, b: np.ndarray) -> int:
    """The largest difference of two images."""
    return int(np.abs(a.astype(int) - b).max())


def test_a_photo_is_read_from_a_path_and_from_bytes(tmp_path):
    data = heic(SMOOTH)
    path = tmp_path / "image.jpg"  # the content decides
    path.write_bytes(data)
    for source in (path, data, data.replace(b"ftypheic", b"ftypmif1", 1)):
        image = load_image(source)
        assert image.dtype == np.uint8 and image.shape == SMOOTH.shape
        assert image.flags.c_contiguous and image.flags.writeable
        assert apart(image, SMOOTH) <= LOSS


@pytest.mark.parametrize("orientation", TURNED)
def test_it_is_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = load_image(heic(SMOOTH, exif=exif.tobytes()))
    assert image.shape == TURNED[orientation].shape
    assert apart(image, TURNED[orientation]) <= LOSS


def test_transparency_is_laid_over_white_and_grey_is_read():
    layer = Image.fromarray(SMOOTH).convert("RGBA")
    layer.putalpha(Image.fromarray(np.where(COLUMNS < 120, 0, 255).astype(np.uint8)))
    image = load_image(heic(layer))
    assert apart(image[:, :28], np.full((40, 28, 3), 255)) <= LOSS
    assert apart(image[:, 32:], SMOOTH[:, 32:]) <= LOSS
    grey = load_image(heic(Image.fromarray(SMOOTH).convert("L")))
    assert apart(grey, np.asarray(Image.fromarray(SMOOTH).convert("L").convert("RGB"))) <= LOSS


def test_of_several_images_the_primary_one_counts():
    stream = io.BytesIO()
    several = pillow_heif.from_pillow(Image.new("RGB", (30, 20)))
    several.add_from_pillow(Image.fromarray(SMOOTH))
    several.save(stream, quality=95, primary_index=1)
    assert apart(load_image(stream.getvalue()), SMOOTH) <= LOSS


def test_its_size_is_checked_before_it_is_decoded():
    with pytest.raises(InvalidImage, match="60 x 40 pixels, more than the 2,399 allowed"):
        load_image(heic(SMOOTH), max_pixels=2399)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.02])
def test_a_damaged_file_is_named(share):
    data = heic(SMOOTH)
    with pytest.raises(InvalidImage, match=r"This HEIC file is damaged or of a kind .*; save it as JPEG\.$"):
        load_image(data[: int(len(data) * share)])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_damaged_files_never_raise_anything_else(position, value):
    data = bytearray(heic(SMOOTH))
    data[position % len(data)] = value
    with contextlib.suppress(InvalidImage):
        assert load_image(bytes(data), max_pixels=1_000_000).ndim == 3


def test_an_image_that_pillow_heif_has_opened_is_taken():
    image = Image.fromarray(SMOOTH)
    image.format = "HEIF"
    np.testing.assert_array_equal(load_image(image), SMOOTH)


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "x.heif", "y.hif", "no extension"])
def test_folders_take_it(tmp_path, name):
    for folder in ("cat", "bike"):
        path = tmp_path / folder / name
        path.parent.mkdir()
        path.write_bytes(heic(SMOOTH))
    images = read_folders(tmp_path)
    assert [sample.id for sample in images.samples] == [f"bike/{name}", f"cat/{name}"]
    check_images(images)


def test_boxes_are_scaled_to_the_upright_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.heic"
    path.write_bytes(heic(SMOOTH, exif=exif.tobytes()))
    (tmp_path / "boxes.csv").write_text("id,x0,y0,x1,y1\na,0,0.5,0.25,1\n")
    images = ImageDataset(("cat",), (Sample("a", path, (0,)),))
    assert with_boxes(images, tmp_path / "boxes.csv").samples[0].boxes == ((0, 30, 10, 60),)
