"""Files with CAMs of other methods, usable and hostile, which the library and the page have to read alike."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from typing import Any, cast

import numpy as np
from PIL import Image

CLASSES = ("cat", "dining_table", "dog")
MIB = 2**20
CAM = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
STACK = np.stack([CAM, 2 * CAM, 3 * CAM])
HALVES = np.array([[6e-8, 3e-5], [65504, -0.5]], "<f2")
NOISE = np.random.default_rng(0).integers(0, 65536, (40, 30), np.uint16)
DAMAGED = "This file is damaged or cut off: save or copy it again."
NOT_FINITE = "This file holds NaN or infinite values: replace them by numbers."
PICKLED = "This file holds pickled Python objects, which are not read: save plain arrays of numbers."
UNKNOWN = "This file is not .npy, .npz or PNG: save the map in one of these formats."
GREY_ONLY = "This PNG is not greyscale with 8 or 16 bits: save it so, or save the map as .npy."
TWO_MAPS = "This file holds 2 maps, and one is needed: save one map (height, width)."
COMPRESSION = (
    "This .npz is encrypted or compressed in a way that is not read: save it with numpy.savez or "
    "numpy.savez_compressed."
)


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    """The bytes of an npy."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def header(text: str, data: bytes = b"") -> bytes:
    """An npy of version 1 with this header."""
    line = text.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + data


def described(kind: str, shape: str) -> bytes:
    """An npy of version 1 with this type and shape and 16 bytes of values."""
    return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}", bytes(16))


def npz(*, compression: int = zipfile.ZIP_DEFLATED, **members: Any) -> bytes:
    """A zip of arrays, or of bytes in their stead, by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, value in members.items():
            archive.writestr(f"{name}.npy", value if isinstance(value, bytes) else npy(value))
    return stream.getvalue()


def savez(save: Any, **arrays: np.ndarray) -> bytes:
    """What NumPy writes itself."""
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


def png(array: np.ndarray, mode: str | None = None) -> bytes:
    """A PNG by Pillow."""
    stream = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(stream, "PNG")
    return stream.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def raw_png(width: int, height: int, pixels: bytes = b"", *, compression: int = 0, interlace: int = 0) -> bytes:
    """A greyscale PNG of 8 bits with this header and these bytes before they are deflated."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, compression, 0, interlace)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def flagged(data: bytes, flag: int) -> bytes:
    """A zip whose first member has a general purpose flag in its directory."""
    at = data.rindex(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", flag) + data[at + 2 :]


def claiming(data: bytes, size: int) -> bytes:
    """A zip of one member with another unpacked size in its directory."""
    at = data.rindex(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def flipped(data: bytes, at: int) -> bytes:
    """Bytes of which one is another."""
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
DEEP = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
_STORED = npz(compression=zipfile.ZIP_STORED, map=CAM)

READABLE: dict[str, tuple[bytes, dict[str, np.ndarray]]] = {
    **{
        f"{kind}.npy": (npy((100 * CAM).astype(kind)), {"": (100 * CAM).astype(kind)})
        for kind in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "|u1", "<u2", ">u2")
    },
    **{f"version {major}.npy": (npy(CAM, (major, 0)), {"": CAM}) for major in (1, 2, 3)},
    "tiny halves.npy": (npy(HALVES), {"": HALVES}),
    "columns first.npy": (npy(np.asfortranarray(CAM)), {"": CAM}),
    "columns first, all classes.npy": (npy(np.asfortranarray(STACK)), dict(zip(CLASSES, STACK, strict=True))),
    "all classes.npy": (npy(STACK), dict(zip(CLASSES, STACK, strict=True))),
    "one class, three dimensions.npy": (npy(CAM[None]), {"": CAM}),
    "more bytes behind.npy": (npy(CAM) + b"more", {"": CAM}),
    "negative.npy": (npy(CAM - 2), {"": CAM - 2}),
    "double quotes.npy": (
        header('{"shape":(2,2),"fortran_order":False,"descr":"<f4"}', b"\0" * 16), {"": np.zeros((2, 2))}
    ),
    "smallest.npy": (npy(np.ones((2, 2), np.uint8)), {"": np.ones((2, 2))}),
    "longest.npy": (npy(np.ones((2, 4096), np.uint8)), {"": np.ones((2, 4096))}),
    "savez.npz": (savez(np.savez, arr_0=CAM), {"": CAM}),
    "savez_compressed.npz": (savez(np.savez_compressed, cam=CAM), {"": CAM}),
    "stack.npz": (savez(np.savez, cams=STACK), dict(zip(CLASSES, STACK, strict=True))),
    "named.npz": (savez(np.savez_compressed, dog=CAM, cat=STACK[1:2]), {"dog": CAM, "cat": STACK[1]}),
    "named by one class.npz": (npz(dog=CAM), {"dog": CAM}),
    "other case.npz": (npz(**cast("Any", {"Dining table": CAM, "DOG": CAM})), {"dining_table": CAM, "dog": CAM}),
    "other arrays.npz": (npz(dog=CAM, meta=np.array(["x"]), objects=b"no array"), {"dog": CAM}),
    "8 bits.png": (png(GREY), {"": GREY}),
    "16 bits.png": (png(DEEP), {"": DEEP}),
    "noise.png": (png(NOISE), {"": NOISE}),
}  # fmt: skip
"""Name -> bytes, and (h, w) by class name as `read_cams` gives it for `CLASSES`."""

_TYPE = "This file holds values of type {}: save float16, float32, float64, uint8 or uint16."
_NO_NUMBERS = "This file holds values that are not numbers: save float16, float32, float64, uint8 or uint16."
_DIMENSIONS = "This file holds an array of shape {}: save a map (height, width) or maps (classes, height, width)."
_SIDES = "This file holds a map of shape {}, and sides of 2 to 4096 are read: save it at another size."
_COUNT = (
    "This file holds {} maps, and the checkpoint has 3 classes: save one map, one for each class in its order, or an "
    ".npz with arrays named by classes."
)
_NAMES = "No array of this file ({}) is named by a class of the checkpoint: name each by its class."
_UNPACKED = "This file would unpack to {} MiB, and 64 are the most: save fewer or smaller maps."

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.npy": (b"", "This file is empty: choose another one."),
    "text.npy": (b"0.1 0.2\n0.3 0.4\n", UNKNOWN),
    "jpeg.npy": (b"\xff\xd8\xff\xe0" + bytes(40), UNKNOWN),
    "pickle.npy": (pickle.dumps({0: CAM}), PICKLED),
    "objects.npy": (savez(lambda file, **given: np.save(file, cast("Any", given)), cam=CAM), PICKLED),
    "records with objects.npy": (npy(np.array([[(1, 2)]], "i4,O")), PICKLED),
    "objects.npz": (npz(cat=npy(np.array([[None]], object))), PICKLED),
    "bool.npy": (npy(CAM > 0.5), _TYPE.format("bool")),
    "int64.npy": (npy(CAM.astype(np.int64)), _TYPE.format("int64")),
    "big int.npy": (npy(CAM.astype(">i4")), _TYPE.format("int32")),
    "complex.npy": (npy(CAM.astype(np.complex64)), _TYPE.format("complex64")),
    "text type.npy": (npy(CAM.astype("U5")), _NO_NUMBERS),
    "times.npy": (npy(CAM.astype("<M8[s]")), _NO_NUMBERS),
    "records.npy": (npy(np.zeros((3, 4), "f4,f4")), _NO_NUMBERS),
    "no dimension.npy": (npy(np.array(1, np.float32)), _DIMENSIONS.format("()")),
    "one dimension.npy": (npy(CAM.ravel()), _DIMENSIONS.format("(12)")),
    "four dimensions.npy": (npy(CAM[None, None]), _DIMENSIONS.format("(1, 1, 3, 4)")),
    "no row.npy": (npy(CAM[:0]), _SIDES.format("(0, 4)")),
    "one row.npy": (npy(CAM[:1]), _SIDES.format("(1, 4)")),
    "too long.npy": (npy(np.zeros((2, 4097), np.uint8)), _SIDES.format("(2, 4097)")),
    "claims much.npy": (described("<f4", "(9999, 9999)"), _SIDES.format("(9999, 9999)")),
    "claims many.npy": (described("<f4", "(99999999, 4096, 4096)"), DAMAGED),
    "negative side.npy": (described("<f4", "(-3, 4)"), _SIDES.format("(-3, 4)")),
    "no class.npy": (npy(STACK[:0]), _COUNT.format(0)),
    "two classes.npy": (npy(STACK[:2]), _COUNT.format(2)),
    "NaN.npy": (npy(np.where(CAM > 0.5, np.nan, CAM)), NOT_FINITE),
    "infinite.npy": (npy(np.where(CAM > 0.5, -np.inf, CAM)), NOT_FINITE),
    "half infinite.npy": (npy(np.where(CAM > 0.5, np.inf, CAM).astype(np.float16)), NOT_FINITE),
    "too large for float32.npy": (npy(CAM.astype(np.float64) * 1e300), NOT_FINITE),
    "NaN of one class.npy": (npy(np.stack([CAM, CAM, np.full_like(CAM, np.nan)])), NOT_FINITE),
    "cut in its magic.npy": (b"\x93NUMPY", DAMAGED),
    "cut in its header.npy": (npy(CAM)[:40], DAMAGED),
    "cut in its values.npy": (npy(CAM)[:-1], DAMAGED),
    "version 9.npy": (b"\x93NUMPY\x09\x00" + npy(CAM)[8:], DAMAGED),
    "no header.npy": (header("import os"), DAMAGED),
    "call in the header.npy": (described("<f4", "(print(1), 2)"), DAMAGED),
    "no shape.npy": (header("{'descr': '<f4', 'fortran_order': False, }"), DAMAGED),
    "unknown type.npy": (described("<q9", "(2, 2)"), DAMAGED),
    "long header.npy": (described("<f4", f"(2, {' ' * 20_000} 2)"), DAMAGED),
    "no member.npz": (b"PK\x05\x06" + bytes(18), "This file holds no array: save the maps with numpy.savez."),
    "no zip.npz": (b"PK\x03\x04" + bytes(60), DAMAGED),
    "cut.npz": (npz(dog=CAM)[:-30], DAMAGED),
    "member is no array.npz": (npz(cat=b"0.1 0.2"), DAMAGED),
    "NaN.npz": (npz(cat=CAM, dog=CAM * np.nan), NOT_FINITE),
    "two classes in one.npz": (npz(cat=CAM, dog=STACK[:2]), TWO_MAPS),
    "no class.npz": (npz(sheep=CAM, horse=CAM), _NAMES.format("sheep, horse")),
    "many others.npz": (npz(a=CAM, b=CAM, c=CAM, d=CAM, e=CAM), _NAMES.format("a, b, c, d, …")),
    "class twice.npz": (npz(dog=CAM, Dog=CAM), "This file holds two arrays for the class dog: keep one of them."),
    "wrong count.npz": (npz(maps=STACK[:2]), _COUNT.format(2)),
    "bomb.npz": (claiming(npz(map=bytes(MIB)), 64), DAMAGED),
    "unpacks to much.npz": (claiming(npz(cat=CAM), 64 * MIB + 1), _UNPACKED.format(65)),
    "claims more.npz": (claiming(npz(map=CAM), 1000), DAMAGED),
    "claims less.npz": (claiming(npz(map=CAM), 100), DAMAGED),
    "claims much.npz": (claiming(npz(map=CAM), 2**31), _UNPACKED.format(2048)),
    "flipped.npz": (flipped(_STORED, _STORED.index(b"\x93NUMPY") + 140), DAMAGED),
    "encrypted.npz": (flagged(npz(cat=CAM), 1), COMPRESSION),
    "bzip2.npz": (npz(compression=zipfile.ZIP_BZIP2, cat=CAM), COMPRESSION),
    "lzma.npz": (npz(compression=zipfile.ZIP_LZMA, cat=CAM), COMPRESSION),
    "colour.png": (png(np.zeros((3, 4, 3), np.uint8)), GREY_ONLY),
    "palette.png": (png(GREY, "P"), GREY_ONLY),
    "transparent.png": (png(GREY, "LA"), GREY_ONLY),
    "1 bit.png": (png(GREY > 100), GREY_ONLY),
    "interlaced.png": (raw_png(4, 3, interlace=1), "This PNG is interlaced: save it without interlacing."),
    "unknown compression.png": (raw_png(4, 3, bytes(15), compression=1), DAMAGED),
    "large.png": (raw_png(60_000, 60_000), _SIDES.format("(60000, 60000)")),
    "one pixel.png": (png(GREY[:1, :1]), _SIDES.format("(1, 1)")),
    "few pixels.png": (raw_png(4, 3, bytes(10)), DAMAGED),
    "more pixels.png": (raw_png(4, 3, bytes(16)), DAMAGED),
    "bomb.png": (raw_png(4, 3, bytes(MIB)), DAMAGED),
    "unknown filter.png": (raw_png(4, 3, b"\x09\0\0\0\0" * 3), DAMAGED),
    "cut.png": (png(DEEP)[:-20], DAMAGED),
    "cut in its header.png": (png(DEEP)[:20], DAMAGED),
    "flipped header.png": (flipped(png(GREY), 19), DAMAGED),
    "flipped pixels.png": (flipped(png(GREY), png(GREY).index(b"IDAT") + 8), DAMAGED),
    "no end.png": (png(GREY)[:-12], DAMAGED),
}  # fmt: skip
"""Name -> bytes, and the sentence that `read_cams` refuses them with for `CLASSES`."""
