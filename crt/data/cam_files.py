"""CAMs of other methods, one file an image: `.npy`, `.npz`, or greyscale PNG.

A file is recognized by its content, read whole, and never unpickled. The page reads the same files by the same rules,
with the same sentences: `app/viewer/explore/cam_file.mjs`.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from crt.data.class_names import class_finder
from crt.errors import InvalidCam, reason_of

CAM_MAX_BYTES = 64 * 2**20
"""Bytes that a file may have, and that the arrays of an `.npz` may unpack to."""
CAM_MIN_SIDE, CAM_MAX_SIDE = 2, 4096
"""Values along a side of a map."""
UNNAMED = ""
"""The name of a map that belongs to no class in particular."""

_NPY, _ZIP, _PNG = b"\x93NUMPY", b"PK", b"\x89PNG\r\n\x1a\n"
_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_TYPES = ("float16", "float32", "float64", "uint8", "uint16")
_HEADERS = {  # versions 2 and 3 differ in the encoding of the names of records alone
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,
}
_NAMED = 4  # names of arrays that a message lists
_SAMPLE_BITS = (8, 16)

_EMPTY = "This file is empty: choose another one."
_NO_FILE = "This is not a file: choose a file with a map."
_UNKNOWN = "This file is not .npy, .npz or PNG: save the map in one of these formats."
_PICKLED = "This file holds pickled Python objects, which are not read: save plain arrays of numbers."
_DAMAGED = "This file is damaged or cut off: save or copy it again."
_NO_ARRAY = "This file holds no array: save the maps with numpy.savez."
_COMPRESSION = (
    "This .npz is encrypted or compressed in a way that is not read: save it with numpy.savez or "
    "numpy.savez_compressed."
)
_NO_NUMBERS = f"This file holds values that are not numbers: save {', '.join(_TYPES[:-1])} or {_TYPES[-1]}."
_NOT_FINITE = "This file holds NaN or infinite values: replace them by numbers."
_GREY_ONLY = "This PNG is not greyscale with 8 or 16 bits: save it so, or save the map as .npy."
_INTERLACED = "This PNG is interlaced: save it without interlacing."


def read_cam(path: Path) -> np.ndarray:
    """Read a file with the map of one class.

    Args:
        path: `.npy` with (h, w) or (1, h, w), `.npz` with one such array, or a greyscale PNG of 8 or 16 bits. Arrays
            are float16, float32, float64, uint8 or uint16 in any byte order, with 2 to 4096 values along a side.

    Returns:
        (h, w) float32, the values of the file.

    Raises:
        InvalidCam: any other file, one of more than `CAM_MAX_BYTES`, or values that are not finite; a ValueError with
            one sentence that does not name the file.
    """
    data = _bytes_of(path)
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(_NPY):
        return _one_map(_npy(data))
    with _opened(data) as archive:
        members = _members(archive)
        if len(members) > 1:
            raise InvalidCam(f"This file holds {len(members)} arrays, and one map is needed: save one (height, width).")
        return _one_map(_npy(_member(archive, members[0])))


def read_cams(path: Path, class_names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read a file with the maps of one or more classes.

    Args:
        path: as for `read_cam`; also `.npy` with (C, h, w), one map for each class in the order of `class_names`, and
            `.npz` with one array for each class, named by it. Names are compared as `class_finder` does; arrays of an
            `.npz` that are named otherwise are left out if others are named by classes.
        class_names: all C classes, of the checkpoint.

    Returns:
        (h, w) float32 by class name, the values of the file; a single map under `UNNAMED` if nothing in the file names
        its class.

    Raises:
        InvalidCam: any other file, one of more than `CAM_MAX_BYTES`, or values that are not finite; a ValueError with
            one sentence that does not name the file.
    """
    data = _bytes_of(path)
    if data.startswith(_PNG):
        return {UNNAMED: _png(data)}
    if data.startswith(_NPY):
        return _by_order(_npy(data), class_names)
    find = class_finder(class_names)
    with _opened(data) as archive:
        members = _members(archive)
        found = [find(_name(member)) for member in members]
        if len(members) == 1 and found[0] is None:
            return _by_order(_npy(_member(archive, members[0])), class_names)
        cams: dict[str, np.ndarray] = {}
        for member, index in zip(members, found, strict=True):
            if index is None:
                continue
            name = class_names[index]
            if name in cams:
                raise InvalidCam(f"This file holds two arrays for the class {name}: keep one of them.")
            cams[name] = _one_map(_npy(_member(archive, member)))
    if not cams:
        more = ", …" if len(members) > _NAMED else ""
        names = ", ".join(map(_name, members[:_NAMED])) + more
        raise InvalidCam(
            f"No array of this file ({names}) is named by a class of the checkpoint: name each by its class."
        )
    return cams


def check_aspect(cam_size: tuple[int, int], image_size: tuple[int, int]) -> None:
    """Raise if a map cannot cover an image: its shape may differ from that of the image by one cell at most.

    Args:
        cam_size: height and width of the map in cells.
        image_size: height and width of the image in pixels.

    Raises:
        InvalidCam: it cannot; the sentence has both shapes.
    """
    (h, w), (height, width) = cam_size, image_size
    # One side follows from the other: h from w * height / width, or w from h * width / height.
    if abs(h * width - w * height) > max(height, width):
        raise InvalidCam(
            f"This map has the shape ({h}, {w}), which does not fit the image of ({height}, {width}): resize it to the "
            "shape of the image."
        )


def _bytes_of(path: Path) -> bytes:
    """The bytes of a file that is a map by its first bytes and not too large."""
    try:
        size = path.stat().st_size
        if not path.is_file():  # a folder; or a device or a pipe, which could be read without end
            raise InvalidCam(_NO_FILE)
        if size > CAM_MAX_BYTES:
            raise InvalidCam(
                f"This file has {_mib(size)} MiB, and {_mib(CAM_MAX_BYTES)} are the most: save a smaller map."
            )
        data = path.read_bytes()
    except InvalidCam:
        raise
    except (OSError, ValueError) as error:  # no permission, a name too long, a NUL in the name
        raise InvalidCam(f"This file cannot be read ({reason_of(error)}): choose another one.") from error
    if not data:
        raise InvalidCam(_EMPTY)
    if data.startswith(_PICKLES):
        raise InvalidCam(_PICKLED)
    if not data.startswith((_NPY, _ZIP, _PNG)):
        raise InvalidCam(_UNKNOWN)
    return data


def _mib(count: int) -> int:
    return -(-count // 2**20)


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:  # damaged directories raise several types beside BadZipFile
        raise InvalidCam(_DAMAGED) from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The arrays of an npz, at least one, which unpack to no more than `CAM_MAX_BYTES` together."""
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    if not members:
        raise InvalidCam(_NO_ARRAY)
    size = sum(member.file_size for member in members)
    if size > CAM_MAX_BYTES:
        raise InvalidCam(
            f"This file would unpack to {_mib(size)} MiB, and {_mib(CAM_MAX_BYTES)} are the most: save fewer or "
            "smaller maps."
        )
    return members


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The bytes of one array: never more than its declared size, and checked by its CRC-32."""
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidCam(_COMPRESSION)
    try:
        data = archive.read(member)
    except Exception as error:  # as above: zlib.error, EOFError, struct.error, ...
        raise InvalidCam(_DAMAGED) from error
    if len(data) != member.file_size:
        raise InvalidCam(_DAMAGED)
    return data


def _npy(data: bytes) -> np.ndarray:
    """The array of an npy as it is in the file: (h, w) or (C, h, w) of one of `_TYPES`."""
    stream = io.BytesIO(data)
    try:
        read = _HEADERS[np.lib.format.read_magic(stream)]
        shape, _, dtype = read(stream)
    except Exception as error:  # the header is a literal of Python, whose parsers raise several types
        raise InvalidCam(_DAMAGED) from error
    _check_type(dtype)
    if len(shape) not in (2, 3):
        raise InvalidCam(
            f"This file holds an array of shape {_shape(shape)}: save a map (height, width) or maps (classes, height, "
            "width)."
        )
    _check_sides(shape[-2:])
    if stream.tell() + dtype.itemsize * int(np.prod(shape, dtype=object)) > len(data):
        raise InvalidCam(_DAMAGED)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _check_type(dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise InvalidCam(_PICKLED)
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


def _one_map(array: np.ndarray) -> np.ndarray:
    """(h, w) or (1, h, w) -> (h, w) float32."""
    if array.ndim == 3:
        if len(array) != 1:
            raise InvalidCam(f"This file holds {len(array)} maps, and one is needed: save one map (height, width).")
        array = array[0]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        cam = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(cam).all():
        raise InvalidCam(_NOT_FINITE)
    return cam


def _by_order(array: np.ndarray, class_names: Sequence[str]) -> dict[str, np.ndarray]:
    """(C, h, w) by the order of the classes, or (h, w) and (1, h, w) without a name."""
    if array.ndim == 3 and len(array) == len(class_names):
        return {name: _one_map(cam) for name, cam in zip(class_names, array, strict=True)}
    if array.ndim == 2 or len(array) == 1:
        return {UNNAMED: _one_map(array)}
    raise InvalidCam(
        f"This file holds {len(array)} maps, and the checkpoint has {len(class_names)} classes: save one map, one for "
        "each class in its order, or an .npz with arrays named by classes."
    )


def _png(data: bytes) -> np.ndarray:
    """The values of a greyscale PNG (https://www.w3.org/TR/png-3/): (h, w) float32, 0 … 255 or 0 … 65535."""
    if data[8:16] != b"\x00\x00\x00\rIHDR" or len(data) < 33:
        raise InvalidCam(_DAMAGED)
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        raise InvalidCam(_DAMAGED)
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    bits, colour_type, compression, filtering, interlace = data[24:29]
    if colour_type != 0 or bits not in _SAMPLE_BITS:
        raise InvalidCam(_GREY_ONLY)
    if compression or filtering:
        raise InvalidCam(_DAMAGED)
    if interlace:
        raise InvalidCam(_INTERLACED)
    _check_sides((height, width))
    try:
        # Pillow leaves black what is missing at the end of the pixels.
        size = height * (1 + width * bits // 8)
        stream = zlib.decompressobj()
        if len(stream.decompress(_pixels(data), size + 1)) != size or not stream.eof or stream.unused_data:
            raise InvalidCam(_DAMAGED)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return np.asarray(image, np.float32)
    except InvalidCam:
        raise
    except Exception as error:  # Pillow's readers raise nearly any type on damaged files
        raise InvalidCam(_DAMAGED) from error


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
    raise InvalidCam(_DAMAGED)
