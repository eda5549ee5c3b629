"""HEIC and HEIF photos, by libheif. Pillow's own registry of readers is left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import pi_heif
from PIL import Image

from crt.errors import InvalidImage, reason_of


def decode_heif(file: IO[bytes], check_size: Callable[[int, int], None]) -> Image.Image:
    """Decode the primary image of a HEIF file whose codec is HEVC.

    libheif turns the image upright by the file's own transformations, which the orientation in EXIF repeats (ISO/IEC
    23008-12, annex A): the image that is returned has none.

    Args:
        file: open, at its beginning.
        check_size: called with width and height before anything is decoded; it raises InvalidImage for too many pixels.

    Returns:
        The upright image with 8 bits a channel, grey or RGB, with or without alpha.

    Raises:
        InvalidImage: the file is damaged, or has another codec.
    """
    with _readable():
        found = pi_heif.open_heif(file)
        check_size(*found.size)
        return found.to_pillow()


def heif_size(file: IO[bytes]) -> tuple[int, int]:
    """Read the size of the primary image of a HEIF file; nothing is decoded.

    Args:
        file: open, at its beginning.

    Returns:
        Width and height of the upright image in pixels.

    Raises:
        InvalidImage: the file is damaged.
    """
    with _readable():
        return pi_heif.open_heif(file).size


@contextmanager
def _readable() -> Iterator[None]:
    """InvalidImage for what libheif raises: ValueError, RuntimeError, OSError, EOFError, SyntaxError, IndexError."""
    try:
        yield
    except InvalidImage:
        raise
    except Exception as error:
        raise InvalidImage(
            f"This HEIC file is damaged or of a kind that cannot be read ({reason_of(error)[:160]}); save it as JPEG."
        ) from error
