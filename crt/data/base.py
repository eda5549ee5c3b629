"""What every reader gives: an `ImageDataset` of `Sample`s."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from crt.data.class_names import class_finder
from crt.data.error_collector import ErrorCollector
from crt.errors import InvalidDataset, InvalidSetting

PixelBox = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels, the right and bottom ones excluded. It may extend beyond the image."""


@dataclass(frozen=True)
class Sample:
    """One image with its image-level labels. No file is opened.

    Attributes:
        id: the name inside its dataset, such as "2007_000032".
        image: its file.
        labels: class indices into `ImageDataset.classes`, sorted, without repeats, no background.
        mask: an indexed PNG (0 background, class index + 1, 255 ignored), or None.
        boxes: of the objects, in pixels of the image; none where they are not known.
        mask_labels: the label (0 background, class index + 1) of each value of the mask from 0 on, where the mask was
            made for another list of classes; None where its values are the labels.
        mask_cutoff: the share above which a pixel of a mask of one object belongs to it; None where masks have labels.
    """

    id: str
    image: Path
    labels: tuple[int, ...]
    mask: Path | None = None
    boxes: tuple[PixelBox, ...] = ()
    mask_labels: tuple[int, ...] | None = None
    mask_cutoff: float | None = None


@dataclass(frozen=True)
class ImageDataset:
    """Samples over one list of classes.

    Attributes:
        classes: names, in the order of the labels.
        samples: the images.
        single_label: whether every image shows exactly one class.
        left_out: (reason, item) of every file, image or label that its reader did not take; see `DatasetReport`.

    Raises:
        InvalidDataset: a sample's labels do not fit `classes`.
    """

    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    single_label: bool = False
    left_out: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        problems = ErrorCollector("This image set")
        for sample in self.samples:
            if any(not 0 <= label < len(self.classes) for label in sample.labels):
                problems.add("labels outside the class list", f"{sample.id} {sample.labels}")
            elif tuple(sorted(set(sample.labels))) != tuple(sample.labels):
                problems.add("labels not sorted or repeated", f"{sample.id} {sample.labels}")
            elif self.single_label and len(sample.labels) != 1:
                problems.add("not exactly one label in a single-label set", f"{sample.id} {sample.labels}")
        problems.raise_if_any()

    def __len__(self) -> int:
        return len(self.samples)

    def every(self, stride: int, limit: int | None = None) -> ImageDataset:
        """Every n-th image.

        Args:
            stride: n, from the first image on; 1 for all.
            limit: only of so many images at the start; None for all.

        Returns:
            The images.

        Raises:
            InvalidSetting: a number below 1.
        """
        if stride < 1 or (limit is not None and limit < 1):
            raise InvalidSetting(f"The stride is {stride} and the limit {limit}: give 1 or more for each.")
        return replace(self, samples=self.samples[:limit:stride])

    def targets(self) -> np.ndarray:
        """Multi-hot image labels, (N, C) float32 of 0 and 1."""
        targets = np.zeros((len(self.samples), len(self.classes)), dtype=np.float32)
        for row, sample in enumerate(self.samples):
            targets[row, list(sample.labels)] = 1.0
        return targets

    def remap_classes(self, classes: Sequence[str]) -> ImageDataset:
        """The same images with labels over another list of classes.

        The values of masks follow: those of classes that the list does not have become background. Names are compared
        by `class_finder`.

        Args:
            classes: such as those of a checkpoint; all that the images show are among them.

        Returns:
            The images.

        Raises:
            InvalidDataset: the list lacks classes; the message has them.
        """
        find = class_finder(classes)
        known = [find(name) for name in self.classes]
        problems = ErrorCollector("This image set")
        for label in sorted({label for sample in self.samples for label in sample.labels}):
            if known[label] is None:
                problems.add("class that the checkpoint does not have", self.classes[label])
        problems.raise_if_any()
        to = (0, *(0 if index is None else index + 1 for index in known))
        samples = (
            replace(
                sample,
                labels=tuple(sorted({cast("int", known[label]) for label in sample.labels})),
                mask_labels=None if sample.mask is None else _relabelled(sample.mask_labels, to, len(classes)),
            )
            for sample in self.samples
        )
        return ImageDataset(tuple(classes), tuple(samples), self.single_label, self.left_out)

    @classmethod
    def concat(cls, sets: Iterable[ImageDataset]) -> ImageDataset:
        """Join image sets, each image (by its resolved path) once: the first mention wins.

        Args:
            sets: with the same classes.

        Returns:
            All samples in order.

        Raises:
            InvalidDataset: there is nothing to join, or the class lists differ in names or order.
        """
        sets = tuple(sets)
        if not sets:
            raise InvalidDataset("There is no image set to join; give at least one.")
        if any(other.classes != sets[0].classes for other in sets):
            raise InvalidDataset("These image sets have different classes; read them all with the same class list.")
        first: dict[Path, Sample] = {}
        left_out = dict.fromkeys(item for image_set in sets for item in image_set.left_out)
        for image_set in sets:
            for sample in image_set.samples:
                if first.setdefault(sample.image.resolve(), sample) is not sample:
                    left_out["listed more than once, the first mention counts", sample.id] = None
        single = all(image_set.single_label for image_set in sets)
        return cls(sets[0].classes, tuple(first.values()), single, tuple(left_out))


def _relabelled(old: tuple[int, ...] | None, to: tuple[int, ...], count: int) -> tuple[int, ...] | None:
    """The `mask_labels` after labels 0, 1, … became `to`; None if every value is its own label among `count`."""
    new = to if old is None else tuple(to[label] for label in old)
    return None if new == tuple(range(count + 1)) else new
