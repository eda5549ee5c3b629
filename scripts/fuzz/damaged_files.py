"""Files with false headers, decompression bombs, damaged metadata, and files that are no images, as bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from scripts.fuzz.image_files import File, encoded, png_chunk, png_file

ORIENTATION = 0x0112  # the Exif tag


def false_headers(whole: dict[str, bytes]) -> Iterator[File]:
    """Headers that do not fit what follows them."""
    for width, height in ((0, 0), (0, 5), (5, 0), (2**31 - 1, 2**31 - 1), (100_000, 100_000), (65, 48), (64, 480)):
        yield "false header", f"ihdr_{width}x{height}.png", png_file(width, height, zlib.compress(bytes(4000)))
    for depth, colour in ((0, 2), (3, 2), (16, 3), (8, 7), (255, 255)):
        yield "false header", f"depth_{depth}_{colour}.png", png_file(8, 8, zlib.compress(bytes(4000)), depth, colour)
    jpeg = whole["rgb.jpg"]
    at = jpeg.index(b"\xff\xc0") + 5
    for height, width in ((0, 64), (65535, 65535), (48, 0), (1, 1)):
        yield (
            "false header",
            f"sof_{width}x{height}.jpg",
            jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :],
        )
    gif = whole["anim.gif"]
    yield "false header", "canvas.gif", gif[:6] + struct.pack("<HH", 65535, 65535) + gif[10:]
    bmp = whole["rgb.bmp"]
    for width, height in ((-1, -1), (2**30, 2**30), (64, -48), (0, 0)):
        yield "false header", f"dib_{width}x{height}.bmp", bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
    yield "false header", "offset.bmp", bmp[:10] + struct.pack("<I", 2**31) + bmp[14:]
    tiff = whole["rgb.tif"]
    for offset in (0, 7, len(tiff), 2**32 - 1):
        yield "false header", f"ifd_{offset}.tif", tiff[:4] + struct.pack("<I", offset) + tiff[8:]
    for head in (
        b"P6 99999999 99999999 255\n",
        b"P6 -5 5 255\n",
        b"P6 5 5 0\n",
        b"P6 5 5 70000\n",
        b"P6 a b c\n",
        b"P6",
    ):
        yield "false header", f"ppm_{len(head)}.ppm", head + bytes(100)
    webp = whole["rgb.webp"]
    yield "false header", "riff.webp", webp[:4] + struct.pack("<I", 2**32 - 1) + webp[8:]
    for name in ("rgb.png", "rgb.jpg", "anim.gif", "rgb.bmp"):
        yield "false header", f"{name}.webp", whole[name]


def decompression_bombs() -> Iterator[File]:
    """Small files that decode to gigabytes, or to very many parts."""
    side = 20_000
    yield "bomb", "20000x20000.png", png_file(side, side, _zeros(side * side * 3))
    yield (
        "bomb",
        "20000x20000.bmp",
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0),
    )
    text = PngInfo()
    text.add_text("Comment", "x" * 30_000_000, zip=True)
    yield "bomb", "text.png", encoded(Image.new("RGB", (8, 8)), "PNG", pnginfo=text)
    small = Image.new("L", (8, 8))
    yield (
        "bomb",
        "frames.gif",
        encoded(small, "GIF", save_all=True, append_images=[Image.new("L", (8, 8), i % 256) for i in range(600)]),
    )
    chunks = b"".join(png_chunk(b"tEXt", b"a\0b") for _ in range(20_000))
    good = encoded(small, "PNG")
    yield "bomb", "chunks.png", good[:33] + chunks + good[33:]
    profile = png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000)))
    yield "bomb", "profile.png", good[:33] + profile + good[33:]


def _zeros(count: int, block: int = 2_000_000) -> bytes:
    """A zlib stream of `count` zeros, a multiple of `block`, of which only one block is compressed."""
    squeeze = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    once = squeeze.compress(bytes(block)) + squeeze.flush(zlib.Z_FULL_FLUSH)  # depends on nothing before it
    checksum = struct.pack(">HH", count % 65521, 1)  # Adler-32 of zeros
    return b"\x78\xda" + once * (count // block) + squeeze.flush() + checksum


def damaged_metadata(rng: np.random.Generator) -> Iterator[File]:
    """Every orientation tag, and metadata that cannot be parsed."""
    image = Image.fromarray(rng.integers(0, 256, (20, 30, 3)).astype(np.uint8))
    for turn in (*range(10), 65535):
        exif = Image.Exif()
        exif[ORIENTATION] = turn
        for kind in ("JPEG", "PNG", "WEBP"):
            yield "metadata", f"turn_{turn}.{kind.lower()}", encoded(image, kind, exif=exif)
    for number, junk in enumerate(
        (b"", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0" + bytes(60_000), rng.bytes(500))
    ):
        yield "metadata", f"exif_{number}.jpg", encoded(image, "JPEG", exif=junk)
        yield "metadata", f"icc_{number}.jpg", encoded(image, "JPEG", icc_profile=junk or b"\0")
    script = b"<script>alert(1)</script>"
    yield "metadata", "comment.jpg", encoded(image, "JPEG", comment=script)
    yield "metadata", "xmp.png", encoded(image, "PNG", xmp=script) if "xmp" in Image.SAVE else encoded(image, "PNG")
    directory = ImageFileDirectory_v2()
    directory[270] = script.decode()
    yield "metadata", "description.tif", encoded(image, "TIFF", tiffinfo=directory)


def other_files(whole: dict[str, bytes]) -> Iterator[File]:
    """Files that are no images, or are of a format that is not read."""
    heads = {
        "empty.png": b"",
        "zeros.png": bytes(3000),
        "text.jpg": b"this is a sentence, not an image\n" * 20,
        "page.png": b"<html><script>alert(1)</script></html>",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="file:///etc/passwd"/></svg>',
        "paper.pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
        "post.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "shell.jpg": b"#!/bin/sh\nid\n",
        "program.png": b"\x7fELF" + bytes(200),
        "windows.png": b"MZ" + bytes(200),
        "archive.png": b"PK\x03\x04" + bytes(200),
        "pickle.png": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        "array.png": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "movie.jpg": b"\0\0\0\x18ftypmp42" + bytes(200),
        "phone.heic": b"\0\0\0\x18ftypheic" + bytes(200),
        "icon.ico": encoded(Image.new("RGB", (16, 16)), "ICO"),
        "layers.psd": b"8BPS\0\x01" + bytes(200),
        "signature.png": b"\x89PNG\r\n\x1a\n",
        "marker.jpg": b"\xff\xd8\xff",
        "riff.webp": b"RIFF\x10\0\0\0WEBP",
        "polyglot.jpg": whole["rgb.jpg"] + b"<?php system($_GET[0]); ?>",
        "polyglot.gif": b"GIF89a/*" + bytes(20) + b"*/=alert(1)//",
    }  # fmt: skip
    for name, data in heads.items():
        yield "foreign", name, data
