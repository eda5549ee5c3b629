"""Which image formats are read, and the names of formats that are not, by their first bytes. Torch-free."""

from __future__ import annotations

import re

from PIL import Image

Image.init()  # fills Pillow's list of readers, so that AVIF and WebP are only named where they were built in
FORMATS = tuple(
    name for name in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "MPO", "PPM", "AVIF") if name in Image.OPEN
)
"""Pillow's names of the formats that it reads for `crt.data.images.load_image`."""
HEIF = "HEIF"
"""The name of an image that pillow-heif has opened; `crt.data.heif` reads the files themselves."""
EXTENSIONS = frozenset(
    (*(ext.lower() for ext, name in Image.registered_extensions().items() if name in FORMATS), ".heic", ".heif", ".hif")
)
"""The usual extensions of these formats, in lower case with their dot; content decides, not the name."""
SAVE_AS = "save it as JPEG, PNG, WebP, BMP, GIF or TIFF"
HEAD_BYTES = 512
"""So many first bytes identify a format."""

_BRANDS = {  # ISO base media files: the brand after "ftyp" (ISO/IEC 14496-12, 23008-12)
    "HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1"),
    "AVIF": (b"avif", b"avis"),
    "CR3 raw": (b"crx ",),
}
_MAGIC = (
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cjP  \x0d\x0a\x87\x0a", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"8BPS", "Photoshop"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"icns", "ICNS"),
    (0, b"qoif", "QOI"),
    (0, b"DDS ", "DDS"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"#?RGBE", "Radiance HDR"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"\x93NUMPY", "NumPy"),
    (0, b"\x89HDF", "HDF5"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"Rar!", "RAR"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"\x1aE\xdf\xa3", "Matroska video"),
    (0, b"FUJIFILM", "RAF raw"),
    (8, b"AVI ", "AVI video"),
    (8, b"CR\x02\x00", "CR2 raw"),
    (128, b"DICM", "DICOM"),
)
_TEXT = ((re.compile(rb"<svg\b", re.IGNORECASE), "SVG"), (re.compile(rb"<(!doctype )?html\b", re.IGNORECASE), "HTML"))
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def format_name(head: bytes) -> str | None:
    """The usual name of a file's format. Of the formats that are read only TIFF, HEIC and AVIF are named, because
    Pillow may not be what reads them.

    Args:
        head: its first `HEAD_BYTES`.

    Returns:
        The name; None for a format that is unknown here.
    """
    if head[4:8] == b"ftyp":
        # The major brand may be a general one: the compatible brands follow it.
        brands = {head[8:12], *(head[i : i + 4] for i in range(16, min(len(head), int.from_bytes(head[:4], "big")), 4))}
        for name in ("AVIF", "CR3 raw", "HEIC"):
            if brands.intersection(_BRANDS[name]):
                return name
        return "MP4 video"
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return name
    if head.startswith(_TIFF):
        return "TIFF"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return next((name for pattern, name in _TEXT if pattern.search(head)), None)
    return None


def unreadable(name: str | None) -> str:
    """Say what a file is that is not read.

    Args:
        name: its `format_name`.

    Returns:
        One sentence.
    """
    if name == "TIFF":
        return "This TIFF file is damaged or of a kind that cannot be read; save it with 8 or 16 bits, or as PNG."
    if name is None:
        return f"This file is not an image this program can read; {SAVE_AS}."
    return f"This {name} file is not an image this program can read; {SAVE_AS}."
