"""From a folder of images to a gallery: each image is run once, written, and kept for the next time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.engine import Engine
from app.gallery.cams import EXTENSIONS
from app.gallery.images import SourceImage, beside, find_images
from app.gallery.maker import ImageMaker, State
from app.gallery.settings import GallerySettings
from app.gallery.site import Site
from app.page import results
from crt.data.files import FileIndex
from crt.errors import CrtError, InvalidDataset, InvalidSetting, reason_of
from crt.pseudo_labels.label_png import check_class_count, read_labels
from crt.types import IGNORE

INDEX_EVERY_S = 60.0
"""Seconds after which the index is written again, so that a long run can be looked at."""
Report = Callable[[int, int, State], object]
"""Called after each image with how many are done, how many there are, and what became of it."""


@dataclass(frozen=True)
class GalleryResult:
    """What a run made.

    Attributes:
        checkpoint: its name.
        checkpoint_sha256: hash over its weights.
        images: how many there are in the gallery.
        made: how many of them are new.
        kept: how many of them were there.
        removed: images of the former gallery that are not in the folder any more, or cannot be used any more.
        masks: how many images have a mask.
        mean_iou: over every class of every mask; None without masks.
        failed: name and reason of every file that could not be used.
    """

    checkpoint: str
    checkpoint_sha256: str
    images: int
    made: int
    kept: int
    removed: int
    masks: int
    mean_iou: float | None
    failed: tuple[tuple[str, str], ...]


def build_gallery(settings: GallerySettings, report: Report) -> GalleryResult:
    """Make a gallery, or what is missing of it.

    Args:
        settings: of the gallery.
        report: called after each image.

    Returns:
        What was made. An image that cannot be used ends nothing: it is in `failed`.

    Raises:
        CrtError: the folder has no images, or the checkpoint cannot be used.
        InvalidSetting: a setting is out of range, or the images are in the folder of masks, CAMs or the site.
        OSError: the site cannot be written.
    """
    site = Site(settings.out)
    given = (settings.out, settings.masks, *(folder for _, folder in settings.cams))
    others = [path for path in given if path is not None]
    if any(settings.folder.resolve().is_relative_to(path.resolve()) for path in others):
        raise InvalidSetting("The images need a folder without masks, CAMs and the site: put these elsewhere.")
    images, unread = find_images(settings.folder, others)
    engine = Engine(settings.checkpoint, settings.device, (), settings.precision)
    masks = _masks_of(settings, images, engine.config.classes)
    maker = ImageMaker(settings, site, engine, masks, _cams_of(settings, images))
    site.write_shared(results())
    entries: list[dict[str, Any]] = []
    failed = [*unread]
    counts: dict[State, int] = {"made": 0, "kept": 0, "failed": 0}
    written = time.monotonic()
    for number, image in enumerate(images, 1):
        try:
            state, entry = maker.make(image)
            entries.append(entry)
        except CrtError as error:
            state = "failed"
            failed.append((image.shown_name, f"{reason_of(error)}."))
        counts[state] += 1
        report(number, len(images), state)
        if time.monotonic() - written > INDEX_EVERY_S:
            site.write_index(maker.index(entries, failed))
            written = time.monotonic()
    site.write_index(maker.index(entries, failed))
    removed = site.remove_others(entry["id"] for entry in entries)
    ious = [iou for entry in entries for _, _, iou in entry["classes"] if iou is not None]
    return GalleryResult(
        engine.config.name,
        engine.sha256,
        len(entries),
        counts["made"],
        counts["kept"],
        removed,
        sum(entry["masked"] for entry in entries),
        float(np.mean(ious)) if ious else None,
        tuple(failed),
    )


def _masks_of(settings: GallerySettings, images: list[SourceImage], classes: tuple[str, ...]) -> FileIndex | None:
    """The folder of masks, which are read until one shows a class.

    Raises InvalidDataset where none belongs to an image, or all hold 0 and 255 alone, and InvalidSetting for too many
    classes.
    """
    if settings.masks is None:
        return None
    if not settings.masks.is_dir():
        raise InvalidDataset(f"There is no folder {settings.masks}: give a folder of masks.")
    check_class_count(len(classes))
    index = FileIndex(settings.masks, (".png",), first=".png")
    found = any_ignored = False
    for image in images:
        try:
            mask = beside(index, image)
            if mask is None:
                continue
            found, values = True, read_labels(mask, name=image.shown_name, classes=len(classes))
        except InvalidDataset:  # `ImageMaker` reports it with its image
            continue
        if ((values > 0) & (values != IGNORE)).any():
            return index
        any_ignored |= bool((values == IGNORE).any())
    if not found:
        raise InvalidDataset(f"{settings.masks} has no mask of any image: name each as its image, as a PNG.")
    if any_ignored:
        raise InvalidDataset(
            f"The masks of {settings.masks} hold no values but 0 and {IGNORE}, and {IGNORE} means to ignore a pixel: "
            "write 1 for the first class of the checkpoint, 2 for the second, and so on."
        )
    return index


def _cams_of(settings: GallerySettings, images: list[SourceImage]) -> dict[str, FileIndex]:
    """The folders of CAMs by method. Raises InvalidDataset where one is not there or belongs to no image."""
    indices = {}
    for name, folder in settings.cams:
        if not folder.is_dir():
            raise InvalidDataset(f"There is no folder {folder}: give a folder of CAMs.")
        indices[name] = FileIndex(folder, EXTENSIONS, first=EXTENSIONS[0])
        if not any(_has_file(indices[name], image) for image in images):
            raise InvalidDataset(f"{folder} has no CAM of any image: name each as its image, as .npy, .npz or PNG.")
    return indices


def _has_file(index: FileIndex, image: SourceImage) -> bool:
    """Whether a folder has a file for an image, or several, which `ImageMaker` reports."""
    try:
        return beside(index, image) is not None
    except InvalidDataset:
        return True
