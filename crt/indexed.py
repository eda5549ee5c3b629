"""Masks as indexed PNG in the palette of PASCAL VOC: 0 background, class index + 1."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from crt.datasets import voc_palette
from crt.errors import InvalidDataset, InvalidSetting
from crt.seeds import EPS, THRESHOLD, to_pixels
from crt.stage import write_whole

LABELS = 255
"""Classes that an indexed PNG can tell apart beside the background."""


def picture_labels(
    maps: np.ndarray,
    span: tuple[float, float],
    size: tuple[int, int],
    keys: Sequence[int],
    threshold: float = THRESHOLD,
) -> np.ndarray:
    """(K, h, w) maps of the classes `keys` on cells -> (H, W) uint8 labels of the picture, 0 background, key + 1.

    What `label_map(normalise(to_pixels(...)))` of `crt.seeds` gives, one class after another: a large picture with many
    classes needs no more memory than with one. Raises InvalidSetting for a class that has no label.
    """
    if len(keys) != len(maps):
        raise InvalidSetting(f"{len(maps)} maps came with {len(keys)} classes.")
    if any(not 0 <= key < LABELS for key in keys):
        raise InvalidSetting(f"An indexed mask can hold the first {LABELS} classes only: choose among them.")
    labels = np.zeros(size, np.uint8)
    best = np.full(size, threshold, np.float32)
    for key, cells in zip(keys, maps, strict=True):
        pixels = to_pixels(cells[None], span, size)[0]
        pixels /= pixels.max(initial=0) + EPS
        better = pixels > best
        labels[better] = key + 1
        np.maximum(best, pixels, out=best)
    return labels


def indexed_png(labels: np.ndarray) -> bytes:
    """(H, W) uint8 labels -> the bytes of a PNG whose pixels are the labels, shown in VOC's colours."""
    image = Image.fromarray(labels)
    image.putpalette(voc_palette().tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def save_labels(path: Path, labels: np.ndarray) -> None:
    """Write (H, W) uint8 labels as `indexed_png`, whole or not at all. Raises OSError."""
    data = indexed_png(labels)
    write_whole(path, lambda file: file.write(data))


def read_labels(path: Path) -> np.ndarray:
    """An indexed PNG -> (H, W) uint8 labels. Raises InvalidDataset with the id for anything else."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.mode not in ("P", "L"):
                raise InvalidDataset(f"The mask of {path.stem} is in colours: give an indexed PNG.")
            return np.array(image, dtype=np.uint8)
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises SyntaxError for a broken chunk
        raise InvalidDataset(f"The mask of {path.stem} cannot be read: make it again.") from error


def has_labels(path: Path) -> bool:
    """Whether an indexed PNG is there and whole."""
    try:
        return path.is_file() and read_labels(path).size > 0
    except InvalidDataset:
        return False
