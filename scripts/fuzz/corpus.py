"""Files that nobody should upload: some hundreds, the same ones every time, to see that each is read or refused.

    python -m scripts.fuzz.corpus --out hostile

Formats and modes, odd sizes, files cut off or with changed bytes, headers that lie, bombs, metadata, and names.
`kinds.json` beside them says of each what it is.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from crt.errors import InvalidSetting, count_of
from scripts.cli import run_cli

File = tuple[str, str, bytes]
"""Kind, file name, bytes."""
CUTS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
FLIPS = 8  # files with changed bytes for each format
ORIENTATION = 0x0112
EVIL = (
    "../../../../etc/passwd.png",
    "..\\..\\windows.png",
    "<img src=x onerror=alert(1)>.png",
    "${7*7}.png",
    "{{7*7}}.png",
    "`id`.png",
    "'; drop table images; --.png",
    "%2e%2e%2fpasswd.png",
    "a b\tc.png",
    "line\nbreak.png",
    "\u202egnp.exe",
    "\U0001f431 katze.png",
    "Bär & Söhne «1».png",
    ".hidden.png",
    "-rf.png",
    "CON.png",
    "no_extension",
    "double.png.exe",
    "image.svg",
    "x" * 180 + ".png",
)


@dataclass(frozen=True)
class Hostile:
    """Where the files go."""

    out: Path
    """A new or empty folder."""
    seed: int = 0


def make_hostile(config: Hostile) -> dict[str, str]:
    """Write all files -> the kind of each by its name on disk. Raises InvalidSetting for a folder that is not empty."""
    if config.out.exists() and any(config.out.iterdir()):
        raise InvalidSetting(f"{config.out} is not empty: choose a new folder.")
    config.out.mkdir(parents=True, exist_ok=True)
    kinds: dict[str, str] = {}
    for index, (kind, name, data) in enumerate(corpus(config.seed)):
        safe = "".join(letter if letter not in "/\\\0" else "_" for letter in name)
        target = config.out / f"{index:03d} {safe}"
        target.write_bytes(data)
        kinds[target.name] = kind
    (config.out / "kinds.json").write_text(json.dumps(kinds, indent=1) + "\n", encoding="utf-8")
    return kinds


def corpus(seed: int = 0) -> Iterator[File]:
    """All files. The names are as an attacker would send them; a path in them is theirs."""
    rng = np.random.default_rng(seed)
    whole = dict(_whole(rng))
    for name, data in whole.items():
        yield "whole", name, data
    bases = {
        name: whole[name] for name in ("rgb.png", "rgb.jpg", "rgb.webp", "anim.gif", "rgb.bmp", "rgb.tif", "p6.ppm")
    }
    for name, data in bases.items():
        for cut in CUTS:
            yield "cut off", f"{cut:.2f}_{name}", data[: int(cut * len(data))]
        for number in range(FLIPS):
            changed = bytearray(data)
            for _ in range(1 + 4 * number):
                changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
            yield "changed bytes", f"{number}_{name}", bytes(changed)
        yield "twice", f"twice_{name}", data + data
        yield "zeros behind", f"tail_{name}", data + bytes(5000)
    yield from _sizes(rng)
    yield from _lies(whole)
    yield from _bombs()
    yield from _metadata(rng)
    yield from _foreign(whole)
    for name in EVIL:
        yield "name", name, whole["rgb.png"]


def _whole(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """One good file of every format and mode."""
    colours = Image.fromarray(rng.integers(0, 256, (48, 64, 3)).astype(np.uint8))
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"{mode.lower().replace(';', '')}.png", _saved(_mode(colours, mode), "PNG")
    yield "interlaced.png", _interlaced()
    transparent = colours.convert("P")
    yield "transparent.png", _saved(transparent, "PNG", transparency=3)
    for mode in ("L", "RGB", "CMYK"):
        yield f"{mode.lower()}.jpg", _saved(colours.convert(mode), "JPEG")
    yield "progressive.jpg", _saved(colours, "JPEG", progressive=True)
    for options in ({}, {"lossless": True}, {"quality": 1}):
        yield f"{'_'.join(options) or 'rgb'}.webp", _saved(colours, "WEBP", **options)
    yield "alpha.webp", _saved(colours.convert("RGBA"), "WEBP")
    frames = [colours.rotate(90 * i) for i in range(3)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        yield f"anim.{kind.lower()}", _saved(frames[0], kind, save_all=True, append_images=frames[1:])
    for mode in ("1", "L", "P", "RGB"):
        yield f"{mode.lower()}.bmp", _saved(colours.convert(mode), "BMP")
    for mode in ("1", "L", "RGB", "CMYK", "I;16", "F", "I"):
        yield f"{mode.lower().replace(';', '')}.tif", _saved(_mode(colours, mode), "TIFF")
    for compression in ("tiff_lzw", "tiff_deflate", "jpeg"):
        yield f"{compression}.tif", _saved(colours, "TIFF", compression=compression)
    nan = np.full((8, 8), np.nan, dtype=np.float32)
    yield "nan.tif", _saved(Image.fromarray(nan), "TIFF")
    yield "p6.ppm", _saved(colours, "PPM")
    yield "p5.pgm", _saved(colours.convert("L"), "PPM")
    yield "p2.pgm", b"P2\n# a remark\n3 2\n255\n0 1 2\n3 4 5\n"


def _mode(image: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.convert(mode)


def _sizes(rng: np.random.Generator) -> Iterator[File]:
    """Images that are hardly ones."""
    for width, height in ((1, 1), (1, 2), (2, 1), (1, 3000), (3000, 1), (7, 2), (15, 17), (5000, 3), (3, 5000)):
        pixels = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        for kind in ("PNG", "JPEG", "WEBP"):
            yield "size", f"{width}x{height}.{kind.lower()}", _saved(Image.fromarray(pixels), kind)
    yield "size", "65500x1.jpg", _saved(Image.new("L", (65500, 1)), "JPEG")


def _lies(whole: dict[str, bytes]) -> Iterator[File]:
    """Headers that promise what is not there."""
    for width, height in ((0, 0), (0, 5), (5, 0), (2**31 - 1, 2**31 - 1), (100_000, 100_000), (65, 48), (64, 480)):
        yield "lie", f"ihdr_{width}x{height}.png", _png(width, height, zlib.compress(bytes(4000)))
    for depth, colour in ((0, 2), (3, 2), (16, 3), (8, 7), (255, 255)):
        yield "lie", f"depth_{depth}_{colour}.png", _png(8, 8, zlib.compress(bytes(4000)), depth, colour)
    jpeg = whole["rgb.jpg"]
    at = jpeg.index(b"\xff\xc0") + 5
    for height, width in ((0, 64), (65535, 65535), (48, 0), (1, 1)):
        yield "lie", f"sof_{width}x{height}.jpg", jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]
    gif = whole["anim.gif"]
    yield "lie", "canvas.gif", gif[:6] + struct.pack("<HH", 65535, 65535) + gif[10:]
    bmp = whole["rgb.bmp"]
    for width, height in ((-1, -1), (2**30, 2**30), (64, -48), (0, 0)):
        yield "lie", f"dib_{width}x{height}.bmp", bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]
    yield "lie", "offset.bmp", bmp[:10] + struct.pack("<I", 2**31) + bmp[14:]
    tiff = whole["rgb.tif"]
    for offset in (0, 7, len(tiff), 2**32 - 1):
        yield "lie", f"ifd_{offset}.tif", tiff[:4] + struct.pack("<I", offset) + tiff[8:]
    for head in (
        b"P6 99999999 99999999 255\n",
        b"P6 -5 5 255\n",
        b"P6 5 5 0\n",
        b"P6 5 5 70000\n",
        b"P6 a b c\n",
        b"P6",
    ):
        yield "lie", f"ppm_{len(head)}.ppm", head + bytes(100)
    webp = whole["rgb.webp"]
    yield "lie", "riff.webp", webp[:4] + struct.pack("<I", 2**32 - 1) + webp[8:]
    for name in ("rgb.png", "rgb.jpg", "anim.gif", "rgb.bmp"):
        yield "lie", f"{name}.webp", whole[name]


def _bombs() -> Iterator[File]:
    """Little files that would fill a memory."""
    side = 20_000
    yield "bomb", "20000x20000.png", _png(side, side, _zeros(side * side * 3))
    yield (
        "bomb",
        "20000x20000.bmp",
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0),
    )
    text = PngInfo()
    text.add_text("Comment", "x" * 30_000_000, zip=True)
    yield "bomb", "text.png", _saved(Image.new("RGB", (8, 8)), "PNG", pnginfo=text)
    small = Image.new("L", (8, 8))
    yield (
        "bomb",
        "frames.gif",
        _saved(small, "GIF", save_all=True, append_images=[Image.new("L", (8, 8), i % 256) for i in range(600)]),
    )
    chunks = b"".join(_chunk(b"tEXt", b"a\0b") for _ in range(20_000))
    good = _saved(small, "PNG")
    yield "bomb", "chunks.png", good[:33] + chunks + good[33:]
    profile = _chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000)))
    yield "bomb", "profile.png", good[:33] + profile + good[33:]


def _zeros(count: int, block: int = 2_000_000) -> bytes:
    """A zlib stream of `count` zeros, a multiple of `block`, of which only one block is compressed."""
    squeeze = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    once = squeeze.compress(bytes(block)) + squeeze.flush(zlib.Z_FULL_FLUSH)  # depends on nothing before it
    checksum = struct.pack(">HH", count % 65521, 1)  # Adler-32 of zeros
    return b"\x78\xda" + once * (count // block) + squeeze.flush() + checksum


def _metadata(rng: np.random.Generator) -> Iterator[File]:
    """Turned images, and metadata that is none."""
    image = Image.fromarray(rng.integers(0, 256, (20, 30, 3)).astype(np.uint8))
    for turn in (*range(10), 65535):
        exif = Image.Exif()
        exif[ORIENTATION] = turn
        for kind in ("JPEG", "PNG", "WEBP"):
            yield "metadata", f"turn_{turn}.{kind.lower()}", _saved(image, kind, exif=exif)
    for number, junk in enumerate(
        (b"", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0" + bytes(60_000), rng.bytes(500))
    ):
        yield "metadata", f"exif_{number}.jpg", _saved(image, "JPEG", exif=junk)
        yield "metadata", f"icc_{number}.jpg", _saved(image, "JPEG", icc_profile=junk or b"\0")
    script = b"<script>alert(1)</script>"
    yield "metadata", "comment.jpg", _saved(image, "JPEG", comment=script)
    yield "metadata", "xmp.png", _saved(image, "PNG", xmp=script) if "xmp" in Image.SAVE else _saved(image, "PNG")
    directory = ImageFileDirectory_v2()
    directory[270] = script.decode()
    yield "metadata", "description.tif", _saved(image, "TIFF", tiffinfo=directory)


def _foreign(whole: dict[str, bytes]) -> Iterator[File]:
    """What is no image, or one of a kind that is not read here."""
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
        "icon.ico": _saved(Image.new("RGB", (16, 16)), "ICO"),
        "layers.psd": b"8BPS\0\x01" + bytes(200),
        "signature.png": b"\x89PNG\r\n\x1a\n",
        "marker.jpg": b"\xff\xd8\xff",
        "riff.webp": b"RIFF\x10\0\0\0WEBP",
        "polyglot.jpg": whole["rgb.jpg"] + b"<?php system($_GET[0]); ?>",
        "polyglot.gif": b"GIF89a/*" + bytes(20) + b"*/=alert(1)//",
    }  # fmt: skip
    for name, data in heads.items():
        yield "foreign", name, data


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _interlaced() -> bytes:
    """An Adam7 PNG of one pixel, which is one pass."""
    return _png(1, 1, zlib.compress(b"\0\x80\x20\x40"), interlace=1)


def _png(width: int, height: int, data: bytes, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main(config: Hostile) -> None:
    """Write the files and say how many."""
    print(count_of(len(make_hostile(config)), "file"))


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Hostile, description=__doc__), main))
