"""Images as metadata folders of wsolevaluation list them (Choe et al. 2020): text files of labels, ids and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from crt.data.base import ImageDataset
from crt.data.box_csv import SampleIds, with_boxes
from crt.data.error_collector import ErrorCollector
from crt.data.labels_csv import read_labels_file
from crt.data.text import read_text

WSOL_LABELS, WSOL_IDS = "class_labels.txt", "image_ids.txt"
"""Names in `metadata/<data set>/<split>/`: an id and the number of its class in each line, and an id in each line."""


def has_wsol_labels(folder: str | Path | None) -> bool:
    """Whether a folder of metadata says which class each image shows.

    Args:
        folder: of metadata, a file, or None.

    Returns:
        True where it holds `class_labels.txt`.
    """
    return folder is not None and (Path(folder).expanduser() / WSOL_LABELS).is_file()


def read_wsol(root: str | Path, folder: str | Path, classes: Sequence[str]) -> ImageDataset:
    """Read images of one class each, however they lie below the root, with their boxes.

    Args:
        root: the folder that the ids are relative to.
        folder: of metadata: `class_labels.txt` with classes counted from 0, `localization.txt`, and if they are there
            `image_ids.txt`, which leaves out the images that it does not name, and `image_sizes.txt`.
        classes: names of all classes in the order of their numbers.

    Returns:
        The images in the order of `class_labels.txt`.

    Raises:
        InvalidDataset: images or boxes that are not there, or numbers without a class; the message has every problem
            found.
    """
    folder = Path(folder).expanduser()
    images = read_labels_file(folder / WSOL_LABELS, image_root=root)
    problems = ErrorCollector(f"The labels in {folder / WSOL_LABELS}")
    numbers = [int(name) if name.isdecimal() else len(classes) for name in images.classes]
    samples = []
    for sample in images.samples:
        label = numbers[sample.labels[0]] if len(sample.labels) == 1 else len(classes)
        if label >= len(classes):
            problems.add(f"not one of the numbers 0 to {len(classes) - 1}", sample.id)
        samples.append(replace(sample, labels=(label,)))
    problems.raise_if_any()
    images = with_boxes(ImageDataset(tuple(classes), tuple(samples), single_label=True), folder)
    return _named(images, folder / WSOL_IDS) if (folder / WSOL_IDS).is_file() else images


def _named(images: ImageDataset, file: Path) -> ImageDataset:
    """The images that a list names. Raises InvalidDataset for names of no image."""
    problems, ids = ErrorCollector(f"The ids in {file}"), SampleIds(images.samples)
    wanted = set()
    for name in filter(None, map(str.strip, read_text(file).splitlines())):
        found = ids.find(name)
        if found is None:
            problems.add("without a label", name)
        else:
            wanted.add(found)
    problems.raise_if_any()
    return replace(images, samples=tuple(sample for sample in images.samples if sample.id in wanted))
