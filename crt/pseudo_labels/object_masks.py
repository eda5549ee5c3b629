"""Masks of one object: black and white, or grey with soft edges, as antialiasing and scaling leave them.

Their values are no labels. Where the object ends is a choice, a share of the way from the least to the largest value.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from crt.data import ImageDataset
from crt.errors import InvalidSetting
from crt.threshold import above_threshold
from crt.types import IGNORE

_MANY_VALUES = 16  # more values than this between the two most frequent ones are an edge
_EDGE_SHARE = 0.25  # such an edge covers less of a mask than this; more is a photo or a depth map
_WHITE = (255, 65535)


def with_mask_cutoff(images: ImageDataset, cutoff: float | None) -> ImageDataset:
    """The same images, whose masks of one object are cut off at a share.

    Args:
        images: with masks.
        cutoff: the share of the way from the least to the largest value above which a pixel is the object, 0 … 1; None
            leaves all masks as they are.

    Returns:
        The images. `crt.pseudo_labels.label_png.read_mask` cuts their masks.

    Raises:
        InvalidSetting: the share is not above 0 and below 1.
    """
    if cutoff is None:
        return images
    if not 0 < cutoff < 1:
        raise InvalidSetting(f"The cut-off of masks is {cutoff:g}: choose a share above 0 and below 1.")
    return replace(images, samples=tuple(replace(sample, mask_cutoff=cutoff) for sample in images.samples))


def has_soft_edges(values: np.ndarray, *, are_labels: bool = False) -> bool:
    """Whether grey values are an object with soft edges: many values between the two most frequent ones, or some
    between black and white.

    Args:
        values: (H, W) whole numbers.
        are_labels: whether each of them could be a label; then both must hold.

    Returns:
        Whether they are.
    """
    found, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    if len(found) < 3 or counts[order[2:]].sum() >= _EDGE_SHARE * counts.sum():
        return False
    many = len(found) - 2 > _MANY_VALUES
    binary = sorted(found[order[:2]].tolist()) in [[0, white] for white in _WHITE]
    return (many and binary) if are_labels else (many or binary)


def object_of(path: Path, cutoff: float, classes: int) -> np.ndarray | None:
    """Cut a mask of one object off. What is transparent lies over black.

    Args:
        path: a PNG in grey of 8 or 16 bits, or in colours that are all grey.
        cutoff: the share of the way from the least to the largest value above which a pixel is the object.
        classes: values up to this number may be labels.

    Returns:
        (H, W) bool; None where the values are labels, or the file is no such PNG.
    """
    values = _grey_values(path)
    if values is None:
        return None
    found = np.unique(values)
    binary = len(found) == 2 and found[0] == 0 and found[1] in _WHITE
    are_labels = bool((found[(found != IGNORE) & (found != _WHITE[1])] <= classes).all())
    if not binary and not has_soft_edges(values, are_labels=are_labels):
        return None
    low, high = int(found[0]), int(found[-1])
    return above_threshold((values - low) / (high - low), cutoff)


def _grey_values(path: Path) -> np.ndarray | None:
    """(H, W) int64 of a grey PNG; None for any other file, and for one of less than 8 bits, whose values are labels."""
    try:
        with path.open("rb") as file, Image.open(file, formats=("PNG",)) as image:
            if image.mode in ("LA", "RGBA"):
                black = Image.new("RGBA", image.size, "black")
                black.alpha_composite(image.convert("RGBA"))
                pixels = np.asarray(black, dtype=np.int64)[..., :3]
            elif image.mode in ("L", "RGB", "I", "I;16", "I;16B"):
                pixels = np.asarray(image, dtype=np.int64)
            else:
                return None
            file.seek(24)  # the bit depth in IHDR, after the signature, length, type, width and height
            if file.read(1)[0] < 8:
                return None
    except (OSError, ValueError, SyntaxError, IndexError):  # Pillow: SyntaxError for a broken chunk
        return None
    if pixels.ndim == 2:
        return pixels
    return pixels[..., 0] if (pixels == pixels[..., :1]).all() else None
