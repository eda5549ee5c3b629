"""Reading photographs: all pixels of a JPEG, and those of a part of its size."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from scripts.bench.timing import compared, in_turns

MEGAPIXELS = (0.2, 12.0, 24.0)
LEAST_SIDE = 1344
"""Pixels that the longer side keeps, `app.core.decoded.LEAST_SIDE`."""
JPEG_QUALITY = 85


def reading(runs: int) -> dict[str, Any]:
    """Milliseconds of reading a photograph of each size whole and reduced, by its megapixels."""
    return {f"{megapixels:g}": _read(jpeg_photo(megapixels), runs) for megapixels in MEGAPIXELS}


def jpeg_photo(megapixels: float, seed: int = 0) -> bytes:
    """A JPEG of smooth noise, 3 by 2; another one for each seed."""
    height = max(2, round((megapixels * 1e6 / 1.5) ** 0.5))
    noise = np.random.default_rng(seed).integers(0, 256, (250, 375, 3), dtype=np.uint8)
    stream = io.BytesIO()
    image = Image.fromarray(noise).resize((round(1.5 * height), height), Image.Resampling.BICUBIC)
    image.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


def _read(data: bytes, runs: int) -> dict[str, Any]:
    from crt.data.images import load_image, load_reduced

    pixels, size = load_reduced(data, LEAST_SIDE)
    spent = in_turns(
        {"reduced": lambda: load_reduced(data, LEAST_SIDE), "whole": lambda: load_image(data)},
        runs,
    )
    return {
        "size": size,
        "reduced": pixels.shape[:2],
        "file_mb": round(len(data) / 1e6, 1),
        **compared(spent, "reduced"),
    }
