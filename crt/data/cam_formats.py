"""The two formats of maps in files, `.npy` and greyscale PNG, from bytes to an array; an `.npz` holds the first."""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from crt.errors import InvalidCam

CAM_MIN_SIDE, CAM_MAX_SIDE = 2, 4096
"""Values along a side of a map."""
_TYPES = ("float16", "float32", "float64", "uint8", "uint16")
_HEADERS = {  # versions 2 and 3 differ in the encoding of the names of records alone
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,
}
_SAMPLE_BITS = (8, 16)

PICKLED_CAM = "This file holds pickled Python objects, which are not read: save plain arrays of numbers."
DAMAGED_CAM = "This file is damaged or cut off: save or copy it again."
_NO_NUMBERS = f"This file holds values that are not numbers: save {', '.join(_TYPES[:-1])} or {_TYPES[-1]}."
_GREY_ONLY = "This PNG is not greyscale with 8 or 16 bits: save it so, or save the map as .npy."
_INTERLACED = "This PNG is interlaced: save it without interlacing."


def npy_array(data: bytes) -> np.ndarray:
    """The array of an npy as it is in the file.

    Args:
        data: of the file.

    Returns:
        (h, w) or (C, h, w) of one of `_TYPES`, 2 to 4096 values along a side of a map.

    Raises:
        InvalidCam: it is damaged, or holds anything else; nothing is unpickled.
    """
    stream = io.BytesIO(data)
    try:
        read = _HEADERS[np.lib.format.read_magic(stream)]
        shape, _, dtype = read(stream)
    except Exception as error:  # the header is a literal of Python, whose parsers raise several types
        raise InvalidCam(DAMAGED_CAM) from error
    _check_type(dtype)
    if len(shape) not in (2, 3):
        raise InvalidCam(
            f"This file holds an array of shape {_shape(shape)}: save a map (height, width) or maps (classes, height, "
            "width)."
        )
    _check_sides(shape[-2:])
    if stream.tell() + dtype.itemsize * int(np.prod(shape, dtype=object)) > len(data):
        raise InvalidCam(DAMAGED_CAM)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _check_type(dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise InvalidCam(PICKLED_CAM)
    if dtype.kind not in "biufc":
        raise InvalidCam(_NO_NUMBERS)
    if dtype.name not in _TYPES:
        raise InvalidCam(f"This file holds values of type {dtype.name}: save {', '.join(_TYPES[:-1])} or {_TYPES[-1]}.")


def _check_sides(size: tuple[int, ...]) -> None:
    if not all(CAM_MIN_SIDE <= side <= CAM_MAX_SIDE for side in size):
        raise InvalidCam(
            f"This file holds a map of shape {_shape(size)}, and sides of {CAM_MIN_SIDE} to {CAM_MAX_SIDE} are read: "
            "save it at another size."
        )


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def png_values(data: bytes) -> np.ndarray:
    """The values of a greyscale PNG (https://www.w3.org/TR/png-3/).

    Args:
        data: of the file.

    Returns:
        (h, w) float32, 0 … 255 or 0 … 65535.

    Raises:
        InvalidCam: it is damaged, interlaced or not greyscale of 8 or 16 bits.
    """
    if data[8:16] != b"\x00\x00\x00\rIHDR" or len(data) < 33:
        raise InvalidCam(DAMAGED_CAM)
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        raise InvalidCam(DAMAGED_CAM)
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    bits, colour_type, compression, filtering, interlace = data[24:29]
    if colour_type != 0 or bits not in _SAMPLE_BITS:
        raise InvalidCam(_GREY_ONLY)
    if compression or filtering:
        raise InvalidCam(DAMAGED_CAM)
    if interlace:
        raise InvalidCam(_INTERLACED)
    _check_sides((height, width))
    try:
        # Pillow leaves black what is missing at the end of the pixels.
        size = height * (1 + width * bits // 8)
        stream = zlib.decompressobj()
        if len(stream.decompress(_pixels(data), size + 1)) != size or not stream.eof or stream.unused_data:
            raise InvalidCam(DAMAGED_CAM)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return np.asarray(image, np.float32)
    except InvalidCam:
        raise
    except Exception as error:  # Pillow's readers raise nearly any type on damaged files
        raise InvalidCam(DAMAGED_CAM) from error


def _pixels(data: bytes) -> bytes:
    """The zlib stream of a PNG: what its IDAT chunks hold."""
    parts, at = [], 8
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"IEND":
            return b"".join(parts)
        if name == b"IDAT":
            parts.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    raise InvalidCam(DAMAGED_CAM)
