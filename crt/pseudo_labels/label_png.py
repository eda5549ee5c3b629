"""Masks as indexed PNG in the palette of PASCAL VOC: 0 background, class index + 1, 255 to ignore."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from crt.data import ImageDataset, Sample, voc_palette
from crt.errors import InvalidDataset, InvalidSetting, count_of
from crt.io_utils import atomic_path
from crt.postprocess import CAM_THRESHOLD, MAX_CLASSES, NORMALIZATION_EPS, check_class_ids
from crt.pseudo_labels.object_masks import has_soft_edges, object_of
from crt.resample import upsample_cam
from crt.threshold import above_threshold
from crt.types import IGNORE

_IGNORE_16 = 65535


def labels_of_image(
    maps: np.ndarray,
    content_size: tuple[float, float],
    size: tuple[int, int],
    class_ids: Sequence[int],
    threshold: float = CAM_THRESHOLD,
) -> np.ndarray:
    """Label an image from maps on cells (METHOD section 7).

    What `cam_to_labels(max_normalize(upsample_cam(...)))` of `crt.postprocess` gives, one class after another: a large
    image with many classes needs no more memory than with one.

    Args:
        maps: (K, h, w) on cells.
        content_size: height and width of the image in cells.
        size: height and width of the image in pixels.
        class_ids: the K classes, from 0.
        threshold: the background constant.

    Returns:
        (H, W) uint8: 0 background, class id + 1.

    Raises:
        InvalidSetting: maps and classes differ in number, or a class has no label.
    """
    check_class_ids(class_ids, len(maps))
    labels = np.zeros(size, np.uint8)
    best = np.full(size, threshold, np.float32)
    for index, cells in zip(class_ids, maps, strict=True):
        pixels = upsample_cam(cells[None], content_size, size)[0]
        pixels /= pixels.max(initial=0) + NORMALIZATION_EPS
        better = above_threshold(pixels, best)
        labels[better] = index + 1
        np.maximum(best, pixels, out=best)
    return labels


def indexed_png(labels: np.ndarray) -> bytes:
    """Encode labels as a PNG in VOC's colours.

    Args:
        labels: (H, W) uint8.

    Returns:
        The bytes of a PNG whose pixels are the labels.
    """
    image = Image.fromarray(labels)
    image.putpalette(voc_palette().tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def save_labels(path: Path, labels: np.ndarray) -> None:
    """Write labels as `indexed_png`, whole or not at all.

    Args:
        path: the file.
        labels: (H, W) uint8.

    Raises:
        OSError: for instance when the disk is full.
    """
    data = indexed_png(labels)
    path.parent.mkdir(parents=True, exist_ok=True)  # an id may hold folders
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def check_class_count(count: int) -> None:
    """Refuse more classes than a mask of 8 bits holds: the last would be read as 255, ignore.

    Args:
        count: without background.

    Raises:
        InvalidSetting: there are more than `MAX_CLASSES`.
    """
    if count > MAX_CLASSES:
        raise InvalidSetting(
            f"A mask of 8 bits holds {MAX_CLASSES} classes, and there are {count}: choose at most {MAX_CLASSES}."
        )


def read_labels(path: Path, *, name: str | None = None, classes: int | None = None) -> np.ndarray:
    """Read a PNG of labels, by palette or in grey of 1 to 16 bits.

    Args:
        path: the file. In 16 bits 255 and 65535 mean to ignore.
        name: what messages call it; the file's name without its extension by default.
        classes: labels above this number are refused; any are taken by default.

    Returns:
        (H, W) uint8 labels, 255 to ignore.

    Raises:
        InvalidDataset: the file is anything else; the message has the name.
        InvalidSetting: more than `MAX_CLASSES` classes.
    """
    name = path.stem if name is None else name
    if classes is not None:
        check_class_count(classes)
    values = _read_values(path, name)
    labels = values
    if values.dtype != np.uint8:
        labels = np.where(values == _IGNORE_16, IGNORE, values)
    highest = int(labels[labels != IGNORE].max(initial=0))
    if highest > (MAX_CLASSES if classes is None else classes):
        if has_soft_edges(values):
            raise InvalidDataset(
                f"The mask of {name} has soft edges, with values between 0 and {values.max()} that are no classes: "
                "save it without antialiasing, or give a cut-off for masks where there is one."
            )
        known = f"there are {classes} classes" if classes is not None else f"{MAX_CLASSES} is the largest of a class"
        raise InvalidDataset(
            f"The mask of {name} has a label {highest}, but {known}: "
            f"give 0 for background, k for the k-th class and {IGNORE} to ignore."
        )
    return labels.astype(np.uint8)


def read_mask(sample: Sample, classes: int | None = None) -> np.ndarray:
    """Read the mask of a sample. Values are taken through `Sample.mask_labels`, where there is one. A mask of one
    object is cut off at `Sample.mask_cutoff`, where there is one, and is the image's only class.

    Args:
        sample: the image.
        classes: number of classes of its set; see `read_labels`.

    Returns:
        (H, W) uint8 labels over the classes of its set, 255 to ignore.

    Raises:
        InvalidDataset: the sample has no mask, or one that `read_labels` refuses, or one of one object in an image of
            several classes or none.
    """
    if sample.mask is None:
        raise InvalidDataset(f"{sample.id} has no mask.")
    own = classes if sample.mask_labels is None else len(sample.mask_labels) - 1
    if sample.mask_cutoff is not None:
        found = object_of(sample.mask, sample.mask_cutoff, MAX_CLASSES if own is None else own)
        if found is not None:
            if len(sample.labels) != 1:
                several = count_of(len(sample.labels), "class", "classes")
                raise InvalidDataset(
                    f"The mask of {sample.id} shows one object, and the image has {several}: give 0 for background and "
                    "k for the k-th class."
                )
            return found.astype(np.uint8) * np.uint8(sample.labels[0] + 1)
    values = read_labels(sample.mask, name=sample.id, classes=own)
    if sample.mask_labels is None:
        return values
    table = np.full(256, IGNORE, np.uint8)
    table[: len(sample.mask_labels)] = sample.mask_labels
    return table[values]


def require_class_values(images: ImageDataset) -> None:
    """Refuse masks of which none holds a class, but some 255: binary masks, whose objects would all be ignored.

    Masks are read until one shows a class, which the first one mostly does.

    Args:
        images: with masks.

    Raises:
        InvalidDataset: for that, and what `read_labels` refuses.
    """
    ignored = False
    for sample in images.samples:
        if sample.mask is not None:
            if sample.mask_cutoff is not None:
                values = read_mask(sample, len(images.classes))
            else:
                values = read_labels(sample.mask, name=sample.id)
            if ((values > 0) & (values != IGNORE)).any():
                return
            ignored |= bool((values == IGNORE).any())
    if ignored:
        raise InvalidDataset(
            f"The masks hold no values but 0 and {IGNORE}, and {IGNORE} means to ignore a pixel: write 1 for the first "
            "class, 2 for the second, and so on."
        )


def _read_values(path: Path, name: str) -> np.ndarray:
    """(H, W) uint8 or int64, as the file has them."""
    try:
        with path.open("rb") as file, Image.open(file, formats=("PNG",)) as image:
            if image.mode not in ("P", "L", "1", "I", "I;16", "I;16B"):
                raise InvalidDataset(f"The mask of {name} is in colours: give an indexed PNG.")
            values = np.array(image)
            file.seek(24)  # IHDR: after the signature, length, type, width and height comes the bit depth
            depth = file.read(1)[0]
    except (OSError, ValueError, SyntaxError, IndexError) as error:  # Pillow: SyntaxError for a broken chunk
        raise InvalidDataset(f"The mask of {name} cannot be read: make it again.") from error
    if values.dtype == np.bool_ or values.dtype == np.uint8:
        spread = {2: 85, 4: 17}.get(depth, 1) if image.mode == "L" else 1  # Pillow spreads grey of few bits to 0 … 255
        return values.astype(np.uint8) // np.uint8(spread)
    return values.astype(np.int64)


def has_labels(path: Path) -> bool:
    """Whether an indexed PNG is there and whole.

    Args:
        path: the file.

    Returns:
        Whether it is.
    """
    try:
        return path.is_file() and read_labels(path).size > 0
    except InvalidDataset:
        return False
