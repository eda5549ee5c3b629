"""The layout of PASCAL VOC's devkit: image labels from `Annotations`, masks from `SegmentationClass*`.

Classes are VOC's or one's own. Files of the layout are read in `voc_files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from crt.data.base import ImageDataset, Sample
from crt.data.check import check_images
from crt.data.error_collector import ErrorCollector
from crt.data.files import FileIndex
from crt.data.text import clean, folded, natural
from crt.data.voc_files import annotations_of, find_annotation, find_voc, names_in_all, names_of, read_ids
from crt.errors import InvalidDataset, InvalidSetting, reason_of

__all__ = ["VOC_ANIMALS", "VOC_CLASSES", "check_images", "find_voc", "read_voc", "voc_palette"]

# The official order: mask value = index + 1.
VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
VOC_ANIMALS = ("cat", "cow", "dog", "horse", "sheep")

Masks = Literal["none", "required", "optional"]


def voc_palette() -> np.ndarray:
    """The official colour map (VOClabelcolormap of the devkit), (256, 3) uint8 RGB."""
    value = np.arange(256)
    palette = np.zeros((256, 3), dtype=np.uint8)
    # The three low bits of a value go to the highest free bit of red, green, blue; then the next three.
    for position in range(8):
        for channel in range(3):
            bit = (value >> (3 * position + channel)) & 1
            palette[:, channel] |= (bit << (7 - position)).astype(np.uint8)
    return palette


def read_voc(
    root: str | Path,
    split: str,
    *,
    classes: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    masks: Masks = "none",
    mask_folder: Sequence[str] = ("SegmentationClass", "SegmentationClassAug"),
    lists: Sequence[str] = ("Segmentation", "Main"),
) -> ImageDataset:
    """Read the images of one split with the classes of all their objects (difficult ones too).

    An image may be of any format that `load_image` reads, its extension in any case, in subfolders (ids hold them). An
    image without objects has no labels.

    Args:
        root: as in `find_voc`.
        split: a file name without .txt in ImageSets/Segmentation, or else in ImageSets/Main.
        classes: keep only these, re-indexed to this order. Images that show none of them stay, as negatives; values of
            masks that belong to other classes become background (`Sample.mask_labels`).
        class_names: all classes of the data set in the order of its mask values (index + 1), if they are not VOC's.
            Left out, they are `VOC_CLASSES`; where the split has none of these, they are all names found in
            `Annotations`, sorted, and several of them need to be given for masks. Names are compared without regard to
            case.
        masks: "none" ignores them, "optional" takes those that exist, "required" reports those missing.
        mask_folder: folders in order of preference; the first that has the file gives the mask.
        lists: folders of ImageSets in order of preference; the first that has the split's file gives the ids.

    Returns:
        The images in the order of the split's file.

    Raises:
        InvalidDataset: the message has every problem found.
        InvalidSetting: unknown `classes` or `masks`.
    """
    if masks not in ("none", "required", "optional"):
        raise InvalidSetting(f"masks is {masks!r}; give 'none', 'required' or 'optional'.")
    chosen = _different("classes", classes)
    own = _different("class_names", class_names)
    voc = find_voc(root)
    problems = ErrorCollector(f"The VOC split {split!r} in {voc}")
    images = FileIndex(voc / "JPEGImages", first=".jpg")
    annotations = annotations_of(voc)
    found: dict[str, set[str] | None] = {}
    for name in read_ids(voc, split, images, problems, lists):
        annotation = find_annotation(annotations, name, problems)
        found[name] = None if annotation is None else names_of(annotation)
    names = tuple(map(clean, own)) or _names_of(
        voc, {label for labels in found.values() for label in labels or ()}, chosen
    )
    if masks != "none" and not own and names != VOC_CLASSES and len(names) > 1:
        raise InvalidDataset(
            f"The values of the masks in {voc} do not show which of the classes {', '.join(names)} they mean: give all "
            "class names in the order of the mask values."
        )
    index_of = _index(names, chosen)
    to = (0, *(index_of.get(folded(name), -1) + 1 for name in names))
    known = {folded(name): index for index, name in enumerate(names)}
    mask_indices = [FileIndex(voc / folder, (".png",), first=".png") for folder in _tuple(mask_folder)]
    samples, left_out = [], []
    for name, labels in found.items():
        for label in sorted(labels or set()):
            if folded(label) not in known:
                problems.add("unknown class in an annotation", f"{name} ({label or 'no name'})")
                problems.hint("If these are classes of your own, give all class names of the data set.")
            elif folded(label) not in index_of:
                left_out.append((f"labels of {label}, which was not chosen", name))
        kept = tuple(sorted({index_of[folded(label)] for label in labels or () if folded(label) in index_of}))
        image = _one(images, name, "no image in JPEGImages", problems)
        mask = None
        if masks != "none":
            mask = next((path for index in mask_indices if (path := _one(index, name, "", problems))), None)
            if mask is None and masks == "required":
                problems.add(f"no mask in {' or '.join(_tuple(mask_folder))}", name)
        remapped = None if mask is None or to == tuple(range(len(names) + 1)) else to
        samples.append(Sample(name, image or images.folder / name, kept, mask, mask_labels=remapped))
    order = tuple(names[known[folded(name)]] for name in chosen or names)
    if not any(sample.labels for sample in samples) and not len(problems):
        problems.add("no image with any of the classes", ", ".join(order))
    problems.raise_if_any()
    return ImageDataset(order, tuple(samples), left_out=tuple(left_out))


def _tuple(names: Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _different(what: str, names: Sequence[str] | None) -> tuple[str, ...]:
    """The names that are given; () for None. Raises InvalidSetting for an empty list and repeated names."""
    if names is None:
        return ()
    given = _tuple(names)
    if not given or len({folded(name) for name in given}) != len(given) or not all(map(clean, given)):
        raise InvalidSetting(f"The list of {what} is empty or repeats a name: give different names.")
    return given


def _names_of(voc: Path, found: set[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """All classes of the data set, by the names of a split's objects: VOC's, or its own if it has none of VOC's.

    A split with some of both has a mistake, or is one's own: the caller reports the names that VOC does not have,
    unless `chosen` has classes that VOC does not have.
    """
    official = {folded(name) for name in VOC_CLASSES}
    foreign = {folded(name) for name in found if name} - official
    own = {folded(name) for name in chosen} - official
    if foreign and (not official.intersection(map(folded, found)) or own):
        spelled: dict[str, str] = {}
        for name in sorted(names_in_all(voc) | {name for name in found if name}):
            spelled.setdefault(folded(name), clean(name))
        return tuple(sorted(spelled.values(), key=natural))
    return VOC_CLASSES


def _index(names: Sequence[str], chosen: Sequence[str]) -> dict[str, int]:
    """Folded class names -> their label in the result. Raises InvalidSetting for classes that are not there."""
    known = {folded(name) for name in names}
    if unknown := [name for name in chosen if folded(name) not in known]:
        raise InvalidSetting(f"Choose classes from {', '.join(names)}: {', '.join(unknown)} is none of them.")
    return {folded(name): index for index, name in enumerate(chosen or names)}


def _one(index: FileIndex, name: str, missing: str, problems: ErrorCollector) -> Path | None:
    """The file of an id; none is a problem of the kind `missing` unless that is empty, several are one always."""
    try:
        found = index.one(name)
    except InvalidDataset as error:
        problems.add("several files for an id", reason_of(error))
        return None
    if found is None and missing:
        problems.add(missing, name)
    return found
