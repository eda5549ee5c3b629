"""Files that hold more than the image that is read."""

import cv2
import numpy as np
import pytest
from PIL import Image

from crt.data.further_images import further_images
from crt.data.images import load_image

FRAMES = [Image.new("RGB", (8, 6), colour) for colour in ("black", "white", "red")]


@pytest.mark.parametrize(
    ("format", "further"), [("TIFF", "pages"), ("GIF", "frames"), ("PNG", "frames"), ("WEBP", "frames"), ("MPO", None)]
)
def test_pages_and_frames_are_found(tmp_path, format, further):
    FRAMES[0].save(tmp_path / "several", format, save_all=True, append_images=FRAMES[1:])
    assert further_images(tmp_path / "several") == further
    assert load_image(tmp_path / "several").max() <= 2  # the first
    FRAMES[0].save(tmp_path / "one", "JPEG" if format == "MPO" else format)
    assert further_images(str(tmp_path / "one")) is None


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_pages_of_tiffs_that_pillow_does_not_read(tmp_path, dtype):
    pages = [np.full((6, 8, 3), value, dtype) for value in (1, 0)]
    done, data = cv2.imencodemulti(".tiff", pages)
    assert done
    path = tmp_path / "deep.tif"
    path.write_bytes(data.tobytes())
    assert further_images(path) == "pages"
    path.write_bytes(cv2.imencode(".tiff", pages[0])[1].tobytes())
    assert further_images(path) is None


@pytest.mark.parametrize(("kind", "further"), [(1, None), (2, "pages"), (4, None)])
def test_a_smaller_copy_or_a_mask_is_no_page(tmp_path, kind, further):
    second = FRAMES[1].copy()
    second.encoderinfo = {"tiffinfo": {254: kind}}
    FRAMES[0].save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert further_images(tmp_path / "a.tif") == further


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"GIF89a", b"hello", bytes(100)])
def test_what_is_no_image_has_none(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert further_images(tmp_path / "x") is None
