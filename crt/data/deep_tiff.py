"""TIFFs whose samples Pillow does not read, such as 32-bit floats in three channels, by OpenCV's libtiff."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

import cv2
import numpy as np
from PIL import TiffImagePlugin

from crt.data.formats import unreadable
from crt.errors import InvalidImage

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _CHANNELS, _PLANAR = 254, 256, 257, 277, 284  # TIFF 6.0, section 8
_COPY_OR_MASK = 0b101  # of the type of a page: a smaller copy of another page, a transparency mask


def decode_tiff(file: IO[bytes], check_size: Callable[[int, int], None]) -> np.ndarray:
    """Decode a TIFF with more than 8 bits a channel.

    Args:
        file: open, at its beginning.
        check_size: called with width and height before anything is decoded; it raises InvalidImage for too many pixels.

    Returns:
        Upright samples (H, W), (H, W, 3) RGB or (H, W, 4) RGBA in their own depth.

    Raises:
        InvalidImage: OpenCV does not read it either.
    """
    try:
        tags = _first_page(file)
        width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
        channels, planar = int(tags.get(_CHANNELS, 1)), int(tags.get(_PLANAR, 1)) != 1
    except Exception as error:
        raise InvalidImage(unreadable("TIFF")) from error
    check_size(width, height)
    if channels not in (1, 3, 4):
        raise InvalidImage(f"This TIFF file has {channels} channels; save it with 1 (grey), 3 (RGB) or 4 (RGBA).")
    if planar and channels > 1:  # OpenCV reads the planes as if they were interleaved
        raise InvalidImage("This TIFF file holds its channels one after another; save it with interleaved channels.")
    file.seek(0)
    try:  # it turns the image upright itself
        values = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InvalidImage(unreadable("TIFF")) from error
    if values is None or sorted(values.shape[:2]) != sorted((height, width)):
        raise InvalidImage(unreadable("TIFF"))
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]  # OpenCV gives blue first
    return values


def has_second_page(file: IO[bytes]) -> bool:
    """Whether a TIFF has a page after its first one. Smaller copies of a page and masks are none.

    Args:
        file: open, at its beginning.

    Returns:
        Whether it has.

    Raises:
        Exception: of nearly any type, where the file is damaged.
    """
    tags = _first_page(file)
    if _WIDTH not in tags or not tags.next:
        return False
    file.seek(tags.next)
    tags.load(file)
    return _WIDTH in tags and not int(tags.get(_SUBFILE_TYPE, 0)) & _COPY_OR_MASK


def _first_page(file: IO[bytes]) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags of the first page of an open TIFF; those of a damaged file raise nearly any type."""
    header = file.read(8)
    header += file.read(8) if b"+" in header[2:4] else b""  # BigTIFF
    tags = TiffImagePlugin.ImageFileDirectory_v2(header)
    file.seek(tags.next)
    tags.load(file)
    return tags
