"""PASCAL VOC 2012 in devkit layout: image labels from `Annotations`, masks from `SegmentationClass*`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np

from crt.datasets.base import ImageSet, Problems, Sample, check_images
from crt.errors import InvalidDataset, InvalidSetting

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
    for place in range(8):
        for channel in range(3):
            bit = (value >> (3 * place + channel)) & 1
            palette[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return palette


def find_voc(root: str | Path) -> Path:
    """The VOC2012 folder for `root`, which may be that folder, `VOCdevkit`, or the folder that holds `VOCdevkit`.

    Raises InvalidDataset when none of them is a devkit.
    """
    root = Path(root).expanduser()
    for folder in (root, root / "VOC2012", root / "VOCdevkit" / "VOC2012"):
        if (folder / "ImageSets").is_dir():
            return folder
    raise InvalidDataset(
        f"There is no VOC 2012 devkit in {root}; give the folder that holds ImageSets, JPEGImages and Annotations."
    )


def read_voc(
    root: str | Path,
    split: str,
    *,
    classes: Sequence[str] | None = None,
    masks: Masks = "none",
    mask_folder: Sequence[str] = ("SegmentationClass", "SegmentationClassAug"),
) -> ImageSet:
    """The pictures of one split with the classes of all their objects (difficult ones too).

    root: see `find_voc`.
    split: a file name without .txt in ImageSets/Segmentation, or else in ImageSets/Main.
    classes: keep only these, re-indexed to this order, and only pictures that show one of them.
        Masks are files of the devkit and keep the values of `VOC_CLASSES` (index + 1).
    masks: "none" ignores them, "optional" takes those that exist, "required" reports those missing.
    mask_folder: folders in order of preference; the first that has the file gives the mask.

    Raises InvalidDataset with every problem found; InvalidSetting for unknown `classes` or `masks`.
    """
    index_of = {name: index for index, name in enumerate(_checked_classes(classes))}
    if masks not in ("none", "required", "optional"):
        raise InvalidSetting(f"masks is {masks!r}; give 'none', 'required' or 'optional'.")
    folders = (mask_folder,) if isinstance(mask_folder, str) else tuple(mask_folder)
    voc = find_voc(root)
    problems = Problems(f"The VOC split {split!r} in {voc}")
    samples = []
    for name in _read_ids(voc, split, problems):
        found = _read_labels(voc / "Annotations" / f"{name}.xml", name, problems)
        labels = tuple(sorted(index_of[label] for label in found if label in index_of))
        if not labels:
            continue
        image = voc / "JPEGImages" / f"{name}.jpg"
        if not image.is_file():
            problems.add("no picture in JPEGImages", name)
        mask = None
        if masks != "none":
            mask = next((path for folder in folders if (path := voc / folder / f"{name}.png").is_file()), None)
            if mask is None and masks == "required":
                problems.add(f"no mask in {' or '.join(folders)}", name)
        samples.append(Sample(name, image, labels, mask))
    if not samples and not len(problems):
        problems.add("no picture with any of the classes", ", ".join(index_of))
    problems.raise_if_any()
    return ImageSet(tuple(index_of), tuple(samples))


def _checked_classes(classes: Sequence[str] | None) -> tuple[str, ...]:
    if classes is None:
        return VOC_CLASSES
    names = (classes,) if isinstance(classes, str) else tuple(classes)
    unknown = [str(name) for name in names if name not in VOC_CLASSES]
    if unknown or not names or len(set(names)) != len(names):
        wrong = f"{', '.join(unknown)} is no class of VOC" if unknown else "the class list is empty or repeats a name"
        raise InvalidSetting(f"Choose different VOC classes from {', '.join(VOC_CLASSES)}: {wrong}.")
    return names


def _read_ids(voc: Path, split: str, problems: Problems) -> list[str]:
    """The ids of a split file in order; an unusable file is a problem and gives none."""
    files = [voc / "ImageSets" / kind / f"{split}.txt" for kind in ("Segmentation", "Main")]
    file = next((path for path in files if path.is_file()), None)
    if file is None:
        known = sorted({path.stem for path in (voc / "ImageSets").glob("*/*.txt")})
        problems.add("no such split", f"ImageSets/Segmentation/{split}.txt (there are: {', '.join(known) or 'none'})")
        return []
    ids: dict[str, None] = {}
    for line in file.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        if not (words := line.split()):
            continue
        # Main files put a flag after the id; lists of other projects hold "/JPEGImages/<id>.jpg /.../<id>.png".
        name = words[0].rsplit("/", 1)[-1].removesuffix(".jpg")
        if name in ids:
            problems.add(f"listed twice in {file.name}", name)
        ids[name] = None
    if not ids:
        problems.add("empty split file", file.relative_to(voc))
    return list(ids)


def _read_labels(file: Path, name: str, problems: Problems) -> set[str]:
    """The class names of all objects in an annotation; whatever is wrong with it becomes a problem."""
    try:
        root = ElementTree.parse(file).getroot()
    except FileNotFoundError:
        problems.add("no annotation in Annotations", name)
        return set()
    except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
        problems.add("unreadable annotation", f"{name} ({error})")
        return set()
    # Only the direct children: body parts ("head", "hand") have names of their own further down.
    found = {(item.findtext("name") or "").strip() for item in root.findall("object")}
    for label in sorted(found.difference(VOC_CLASSES)):
        problems.add("unknown class in an annotation", f"{name} ({label or 'no name'})")
    if not found:
        problems.add("no labelled object", name)
    return found.intersection(VOC_CLASSES)
