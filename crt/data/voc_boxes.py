"""Images of a VOC devkit with the box and the class of every object: what the pointing game needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from crt.data.base import PixelBox, Sample
from crt.data.class_names import class_finder
from crt.data.error_collector import ErrorCollector
from crt.data.files import FileIndex
from crt.data.images import load_image
from crt.data.text import clean
from crt.data.voc import read_voc
from crt.data.voc_files import annotations_of, find_annotation, find_voc
from crt.errors import InvalidImage, InvalidSetting, reason_of

FULL_SIDE = 500
"""Pixels of the long side of VOC's full-size images; the few smaller ones are taken for scaled images as well."""
CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class BoxedObject:
    """One object.

    Attributes:
        class_id: from 0.
        box: half-open, in pixels of the image.
        difficult: VOC's mark for what is hard to recognize.
    """

    class_id: int
    box: PixelBox
    difficult: bool = False


@dataclass(frozen=True)
class BoxedImage:
    """An image and all its objects.

    Attributes:
        id: of the image.
        image: its file.
        size: height and width in pixels.
        scale: pixels of this image per pixel of the full-size one, at most 1.
        objects: of all classes.
    """

    id: str
    image: Path
    size: tuple[int, int]
    scale: float
    objects: tuple[BoxedObject, ...]

    @cached_property
    def class_ids(self) -> tuple[int, ...]:
        """Classes of at least one object that is not marked difficult, sorted."""
        return tuple(sorted({item.class_id for item in self.objects if not item.difficult}))

    @cached_property
    def difficult_only(self) -> tuple[int, ...]:
        """Classes all of whose objects are marked difficult, sorted."""
        return tuple(sorted({item.class_id for item in self.objects} - set(self.class_ids)))

    def boxes(self, class_id: int) -> list[PixelBox]:
        """The boxes of one class, those of difficult objects too.

        Args:
            class_id: from 0.

        Returns:
            Half-open boxes in pixels.
        """
        return [item.box for item in self.objects if item.class_id == class_id]


def read_voc_boxes(
    root: str | Path,
    split: str,
    classes: Sequence[str],
    *,
    class_names: Sequence[str] | None = None,
    stride: int = 1,
    full_side: int = FULL_SIDE,
) -> tuple[BoxedImage, ...]:
    """Read the images of a split with their boxes.

    The list in ImageSets/Main counts, since that in ImageSets/Segmentation names only the images with masks. VOC's
    [xmin, ymin, xmax, ymax], which count from 1 and hold their last pixel, become half-open boxes. Where the annotation
    gives another size than the image has, the image is a scaled copy: its boxes are scaled with it, and `scale` is the
    ratio of the two. Otherwise nothing records the full size, and `scale` is min(1, long side / `full_side`).

    Args:
        root: as in `find_voc`.
        split: a file name without .txt in ImageSets/Main.
        classes: those of the checkpoint; class ids are indices into it.
        class_names: all classes of the data set, as in `read_voc`.
        stride: every n-th image is taken.
        full_side: pixels of the long side of full-size images.

    Returns:
        The images in the order of the split's file.

    Raises:
        InvalidSetting: a stride or side below 1.
        InvalidDataset: the message has every problem found.
    """
    if full_side < 1:
        raise InvalidSetting(f"The full-size side is {full_side}: give 1 or more.")
    images = read_voc(root, split, class_names=class_names, lists=("Main", "Segmentation"))
    images = images.remap_classes(classes).every(stride)
    find = class_finder(classes)
    problems = ErrorCollector(f"The boxes of the VOC split {split!r} in {root}")
    annotations = annotations_of(find_voc(root))
    found = [_read(sample, annotations, find, full_side, problems) for sample in images.samples]
    problems.raise_if_any()
    return tuple(image for image in found if image is not None)


def _read(
    sample: Sample, annotations: FileIndex, find: Callable[[str], int | None], full_side: int, problems: ErrorCollector
) -> BoxedImage | None:
    """One image; None after a problem."""
    try:
        size = load_image(sample.image).shape[:2]
    except InvalidImage as error:
        problems.add("unusable image", f"{sample.id} ({reason_of(error)})")
        return None
    root = find_annotation(annotations, sample.id, problems)
    if root is None:
        return None
    noted = _size(root) or size
    factors = size[0] / noted[0], size[1] / noted[1]
    # The sides of a copy scaled in proportion are rounded to whole pixels, each by half a pixel at most.
    if abs(factors[0] / factors[1] - 1) > 1 / min(*size, *noted):
        problems.add("annotation of another size", f"{sample.id} ({noted[1]}x{noted[0]}, image {size[1]}x{size[0]})")
        return None
    objects = []
    for item in root.findall("object"):
        box = _box(item, size, factors)
        if box is None:
            problems.add("no box with an area inside the image", sample.id)
            return None
        class_id = find(clean(item.findtext("name") or ""))
        if class_id is None:  # the annotation has changed since its names were read
            problems.add("class that the checkpoint does not have", sample.id)
            return None
        objects.append(BoxedObject(class_id, box, (item.findtext("difficult") or "0").strip() == "1"))
    scale = max(size) / (max(noted) if noted != size else full_side)
    return BoxedImage(sample.id, sample.image, size, min(1.0, scale), tuple(objects))


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    """Height and width of the image that the annotation was made on, if it has them."""
    try:
        height, width = (int(root.findtext(f"size/{name}") or 0) for name in ("height", "width"))
    except ValueError:
        return None
    return (height, width) if height > 0 and width > 0 else None


def _box(item: ElementTree.Element, size: tuple[int, int], factors: tuple[float, float]) -> PixelBox | None:
    """An object's box cut off at the image's border; None where it has no area there."""
    try:
        x0, y0, x1, y1 = corners = [float(item.findtext(f"bndbox/{name}") or "nan") for name in CORNERS]
    except ValueError:
        return None
    (height, width), (tall, wide) = size, factors
    box = (max(0.0, (x0 - 1) * wide), max(0.0, (y0 - 1) * tall), min(width, x1 * wide), min(height, y1 * tall))
    return box if all(map(math.isfinite, corners)) and box[0] < box[2] and box[1] < box[3] else None
