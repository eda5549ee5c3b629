"""The size of an image from the header of its file."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from crt.data.formats import FORMATS, HEAD_BYTES, format_name
from crt.data.heif import heif_size

_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_ORIENTATION = 0x0112


def upright_size(path: Path) -> tuple[int, int]:
    """Read the size of an image that `load_image` reads. Only what the header leaves open is decoded: a TIFF of floats
    in three channels, which Pillow does not know, and one on its side, whose header newer versions of Pillow turn.

    Args:
        path: the file.

    Returns:
        Width and height of the upright image in pixels.

    Raises:
        InvalidImage: the file is not there, no image, or damaged.
    """
    try:
        found = _header_size(path)
    except Exception:  # noqa: BLE001 - Pillow's readers raise nearly any type at damaged headers
        found = None
    if found is None:
        from crt.data.images import load_image  # noqa: PLC0415 - torch, which --help does without

        height, width = load_image(path).shape[:2]
        return width, height
    return found


def _header_size(path: Path) -> tuple[int, int] | None:
    with path.open("rb") as file:
        if format_name(file.read(HEAD_BYTES)) == "HEIC":
            file.seek(0)
            return heif_size(file)
        file.seek(0)
        with Image.open(file, formats=FORMATS) as image:
            width, height = image.size
            if image.getexif().get(_ORIENTATION) not in _TURNED:
                return width, height
            return (height, width) if image.format != "TIFF" else None
