"""A summary of a data set before training: images per class, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from crt.data.base import ImageDataset
from crt.errors import InvalidDataset

EXAMPLES_SHOWN = 5


@dataclass(frozen=True)
class DatasetReport:
    """What there is in an image set, before it is used.

    Attributes:
        images: their number.
        per_class: images that show each class, in the order of the classes.
        unlabelled: images that show none of the classes; they are negatives of all.
        left_out: reason -> items.
        single_label: whether every image shows exactly one class.
    """

    images: int
    per_class: dict[str, int]
    unlabelled: int
    left_out: dict[str, tuple[str, ...]]
    single_label: bool = False

    @classmethod
    def of(cls, images: ImageDataset) -> DatasetReport:
        """Report on a set as its readers made it.

        Args:
            images: the set.

        Returns:
            The report.
        """
        counts = Counter(label for sample in images.samples for label in sample.labels)
        left_out: dict[str, list[str]] = {}
        for reason, item in images.left_out:
            left_out.setdefault(reason, []).append(item)
        return cls(
            len(images),
            {name: counts[index] for index, name in enumerate(images.classes)},
            sum(not sample.labels for sample in images.samples),
            {reason: tuple(items) for reason, items in left_out.items()},
            images.single_label,
        )

    def __str__(self) -> str:
        """Lines for a terminal: counts per class, images without a label, what was left out by reason."""
        kind = "one label per image" if self.single_label else "any number of labels per image"
        lines = [f"Images: {self.images}, classes: {len(self.per_class)}, {kind}"]
        counted = ", ".join(f"{name} {count}" for name, count in self.per_class.items() if count)
        lines.append(f"Images per class: {counted or 'none'}")
        if self.unlabelled:
            lines.append(f"Images without any of these classes, kept as negatives: {self.unlabelled}")
        if empty := [name for name, count in self.per_class.items() if not count]:
            lines.append(f"Classes without an image, which cannot be learned: {', '.join(empty)}")
        for reason, items in self.left_out.items():
            shown = ", ".join(items[:EXAMPLES_SHOWN])
            more = f" … and {len(items) - EXAMPLES_SHOWN} more" if len(items) > EXAMPLES_SHOWN else ""
            lines.append(f"Left out, {reason} ({len(items)}): {shown}{more}")
        return "\n".join(lines)


def require_negatives(images: ImageDataset) -> None:
    """Refuse a class that every image shows: there is no negative image.

    The loss of such a class falls to 0 by its bias alone, and its map shows nothing.

    Args:
        images: the set.

    Raises:
        InvalidDataset: there is such a class.
    """
    counts = DatasetReport.of(images).per_class
    always = [name for name, count in counts.items() if count == len(images)]
    if always and len(images):
        which = f"{', '.join(always)} {'is' if len(always) == 1 else 'are'} in every image ({len(images)})"
        what = "a second class" if images.single_label else "images without it"
        raise InvalidDataset(f"A class cannot be learned without images that do not show it, and {which}: add {what}.")
