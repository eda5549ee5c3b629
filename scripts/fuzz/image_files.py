"""Image files of every format and mode, and of odd sizes, as bytes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

File = tuple[str, str, bytes]
"""Kind, file name, bytes."""


def whole_files(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """One good file of every format and mode."""
    colours = Image.fromarray(rng.integers(0, 256, (48, 64, 3)).astype(np.uint8))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"{mode.lower().replace(';', '')}.png", encoded(converted(colours, mode), "PNG")
    yield "interlaced.png", _interlaced()
    transparent = colours.convert("P")
    yield "transparent.png", encoded(transparent, "PNG", transparency=3)
    for mode in ("L", "RGB", "CMYK"):
        yield f"{mode.lower()}.jpg", encoded(colours.convert(mode), "JPEG")
    yield "progressive.jpg", encoded(colours, "JPEG", progressive=True)
    for options in ({}, {"lossless": True}, {"quality": 1}):
        yield f"{'_'.join(options) or 'rgb'}.webp", encoded(colours, "WEBP", **options)
    yield "alpha.webp", encoded(colours.convert("RGBA"), "WEBP")
    frames = [colours.rotate(90 * i) for i in range(3)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        yield f"anim.{kind.lower()}", encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    for mode in ("1", "L", "P", "RGB"):
        yield f"{mode.lower()}.bmp", encoded(colours.convert(mode), "BMP")
    for mode in ("1", "L", "RGB", "CMYK", "I;16", "F", "I"):
        yield f"{mode.lower().replace(';', '')}.tif", encoded(converted(colours, mode), "TIFF")
    for compression in ("tiff_lzw", "tiff_deflate", "jpeg"):
        yield f"{compression}.tif", encoded(colours, "TIFF", compression=compression)
    nan = np.full((8, 8), np.nan, dtype=np.float32)
    yield "nan.tif", encoded(Image.fromarray(nan), "TIFF")
    yield "p6.ppm", encoded(colours, "PPM")
    yield "p5.pgm", encoded(colours.convert("L"), "PPM")
    yield "p2.pgm", b"P2\n# a remark\n3 2\n255\n0 1 2\n3 4 5\n"


def converted(image: Image.Image, mode: str) -> Image.Image:
    """The image in another mode of Pillow's."""
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.convert(mode)


def odd_sizes(rng: np.random.Generator) -> Iterator[File]:
    """Images of extreme sizes and shapes."""
    for width, height in ((1, 1), (1, 2), (2, 1), (1, 3000), (3000, 1), (7, 2), (15, 17), (5000, 3), (3, 5000)):
        pixels = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        for kind in ("PNG", "JPEG", "WEBP"):
            yield "size", f"{width}x{height}.{kind.lower()}", encoded(Image.fromarray(pixels), kind)
    yield "size", "65500x1.jpg", encoded(Image.new("L", (65500, 1)), "JPEG")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """An image as the bytes of a file of a format of Pillow's."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _interlaced() -> bytes:
    """An Adam7 PNG of one pixel, which is one pass."""
    return png_file(1, 1, zlib.compress(b"\0\x80\x20\x40"), interlace=1)


def png_file(width: int, height: int, data: bytes, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    """A PNG of one compressed data chunk, with a header of these numbers."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG, with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
