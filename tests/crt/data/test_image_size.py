"""The size of an image without decoding it: that of what `load_image` gives."""

from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from crt.data.image_size import upright_size
from crt.data.images import load_image
from crt.errors import InvalidImage

PIXELS = np.zeros((20, 30, 3), np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp", "heic"])
def test_it_is_the_size_of_the_upright_image(kind: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{kind}"
    if kind == "heic":
        pillow_heif.from_pillow(Image.fromarray(PIXELS)).save(path, exif=exif.tobytes())
    else:
        Image.fromarray(PIXELS).save(path, exif=exif)
    assert upright_size(path) == load_image(path).shape[1::-1]


def test_a_tiff_that_pillow_does_not_know(tmp_path: Path) -> None:
    done, data = cv2.imencode(".tiff", PIXELS.astype(np.float32))
    (tmp_path / "a.tif").write_bytes(data.tobytes())
    assert done and upright_size(tmp_path / "a.tif") == (30, 20)


def test_a_usual_image_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crt.data.images.load_image", None)
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg")
    assert upright_size(tmp_path / "a.jpg") == (30, 20)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_file_is_refused_in_the_words_of_the_reader(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InvalidImage):
        upright_size(tmp_path / "a.png")
