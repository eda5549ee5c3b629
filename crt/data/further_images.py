"""Whether a file holds images beside the one that `crt.data.images.load_image` reads."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Literal

from PIL import Image

from crt.data.deep_tiff import has_second_page
from crt.data.formats import FORMATS, HEAD_BYTES, format_name

Further = Literal["pages", "frames"]
_ANIMATED = tuple(name for name in ("GIF", "PNG", "WEBP", "AVIF") if name in FORMATS)


def further_images(path: str | Path) -> Further | None:
    """What a file holds after its first image. The previews and depth maps of a photo do not count.

    Args:
        path: of a file that `load_image` reads.

    Returns:
        `pages` of a TIFF, `frames` of an animation; None for one image, and for what is no image.

    Raises:
        OSError: the file cannot be opened.
    """
    with Path(path).open("rb") as file:
        try:
            return _further(file)
        except Exception:  # noqa: BLE001 - Pillow's readers raise nearly any type on damaged headers
            return None


def _further(file: IO[bytes]) -> Further | None:
    name = format_name(file.read(HEAD_BYTES))
    file.seek(0)
    if name == "TIFF":
        return "pages" if has_second_page(file) else None
    with Image.open(file, formats=_ANIMATED) as image:
        return "frames" if getattr(image, "is_animated", False) else None
