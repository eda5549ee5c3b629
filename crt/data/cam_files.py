"""CAMs of other methods, one file an image: `.npy`, `.npz`, or greyscale PNG.

A file is recognized by its content, read whole, and never unpickled. The page reads the same files by the same rules,
with the same sentences: `app/viewer/explore/cam_file.mjs`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crt.data.cam_formats import DAMAGED_CAM, PICKLED_CAM, npy_array, png_values
from crt.data.class_names import class_finder
from crt.errors import InvalidCam, reason_of

CAM_MAX_BYTES = 64 * 2**20
"""Bytes that a file may have, and that the arrays of an `.npz` may unpack to."""
UNNAMED = ""
"""The name of a map that belongs to no class in particular."""

_NPY, _ZIP, _PNG = b"\x93NUMPY", b"PK", b"\x89PNG\r\n\x1a\n"
_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_NAMED = 4  # names of arrays that a message lists

_EMPTY = "This file is empty: choose another one."
_NO_FILE = "This is not a file: choose a file with a map."
_UNKNOWN = "This file is not .npy, .npz or PNG: save the map in one of these formats."
_NO_ARRAY = "This file holds no array: save the maps with numpy.savez."
_COMPRESSION = (
    "This .npz is encrypted or compressed in a way that is not read: save it with numpy.savez or "
    "numpy.savez_compressed."
)
_NOT_FINITE = "This file holds NaN or infinite values: replace them by numbers."


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
        return png_values(data)
    if data.startswith(_NPY):
        return _one_map(npy_array(data))
    with _opened(data) as archive:
        members = _members(archive)
        if len(members) > 1:
            raise InvalidCam(f"This file holds {len(members)} arrays, and one map is needed: save one (height, width).")
        return _one_map(npy_array(_member(archive, members[0])))


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
        return {UNNAMED: png_values(data)}
    if data.startswith(_NPY):
        return _by_order(npy_array(data), class_names)
    find = class_finder(class_names)
    with _opened(data) as archive:
        members = _members(archive)
        found = [find(_name(member)) for member in members]
        if len(members) == 1 and found[0] is None:
            return _by_order(npy_array(_member(archive, members[0])), class_names)
        cams: dict[str, np.ndarray] = {}
        for member, index in zip(members, found, strict=True):
            if index is None:
                continue
            name = class_names[index]
            if name in cams:
                raise InvalidCam(f"This file holds two arrays for the class {name}: keep one of them.")
            cams[name] = _one_map(npy_array(_member(archive, member)))
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
        raise InvalidCam(PICKLED_CAM)
    if not data.startswith((_NPY, _ZIP, _PNG)):
        raise InvalidCam(_UNKNOWN)
    return data


def _mib(count: int) -> int:
    return -(-count // 2**20)


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:  # damaged directories raise several types beside BadZipFile
        raise InvalidCam(DAMAGED_CAM) from error


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
        raise InvalidCam(DAMAGED_CAM) from error
    if len(data) != member.file_size:
        raise InvalidCam(DAMAGED_CAM)
    return data


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
