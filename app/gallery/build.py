"""From a folder of images to a gallery: each image is run once, written, and kept for the next time."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

import crt
from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.codec import image_url
from app.core.engine import Engine
from app.core.examples import outlines
from app.core.input_sizes import settings_of, start_size
from app.core.models import Model
from app.gallery.cams import EXTENSIONS, saved_file
from app.gallery.images import SourceImage, beside, find_images
from app.gallery.measure import scored_classes, thumbnail
from app.gallery.settings import GallerySettings
from app.gallery.site import DoneImage, Site
from app.page import results
from app.viewer.saved_page import IMAGE_QUALITY
from crt.data.cam_files import read_cams
from crt.data.files import FileIndex
from crt.data.images import load_image
from crt.errors import CrtError, InvalidCam, InvalidDataset, InvalidImage, InvalidSetting, reason_of
from crt.predictor import Predictor
from crt.pseudo_labels.label_png import check_class_count, read_labels
from crt.types import IGNORE

INDEX_EVERY_S = 60.0
"""Seconds after which the index is written again, so that a long run can be looked at."""
_MADE_BY = tuple(
    f"{name}.py"
    for name in ("core/analysis", "core/codec", "core/examples", "gallery/build", "gallery/cams", "gallery/measure")
)
"""The files of the app that decide what is written of an image: where one has changed, all images are made again."""
State = Literal["made", "kept", "failed"]
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
    maker = _Maker(settings, site, engine, masks, _cams_of(settings, images))
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
        except InvalidDataset:  # `_Maker` reports it with its image
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
    """Whether a folder has a file for an image, or several, which `_Maker` reports."""
    try:
        return beside(index, image) is not None
    except InvalidDataset:
        return True


class _Maker:
    """Makes the files of one image after another."""

    def __init__(
        self,
        settings: GallerySettings,
        site: Site,
        engine: Engine,
        masks: FileIndex | None,
        cams: dict[str, FileIndex],
    ) -> None:
        self._settings, self._site, self._masks, self._cams = settings, site, masks, cams
        self._model: Model = engine.model
        self._explorer = Explorer(engine, PredictionCache(0), {})
        config = self._model.config
        self._size = start_size(self._model) if settings.size is None else settings.size
        self._mode = config.modes[0] if settings.mode is None else settings.mode
        if self._mode not in config.modes:
            raise InvalidSetting(f"This checkpoint cannot do {self._mode}: choose {' or '.join(config.modes)}.")
        settings_of(self._size, self._mode, np.zeros((1, 1, 3), np.uint8))  # raises InvalidSetting
        precision = "bfloat16" if engine.bfloat16 else "float32"
        sources = Path(__file__).parents[1]
        self._key = hashlib.sha256(b"".join((sources / name).read_bytes() for name in _MADE_BY))
        settled = (self._model.sha256, repr(config), self._size, self._mode, precision)
        for part in (crt.__version__, site.page_key, *settled):
            self._key.update(f"{len(part)} {part}".encode())
        self._model.predictor()  # waits; raises InvalidCheckpoint

    def make(self, image: SourceImage) -> tuple[State, dict[str, Any]]:
        """Make what is missing of an image -> "kept" or "made", and its entry. Raises CrtError, OSError."""
        mask = None if self._masks is None else beside(self._masks, image)
        data = _bytes(image.path, "The image")
        key = self._key.copy()
        found = ((name, beside(index, image)) for name, index in self._cams.items())
        cams = {name: path for name, path in found if path is not None}
        others = [_bytes(path, f"The CAM of {name}") for name, path in cams.items()]
        for part in (data, b"" if mask is None else _bytes(mask, "The mask"), "\0".join(cams).encode(), *others):
            key.update(hashlib.sha256(part).digest())
        kept = self._site.done(image.id, key.hexdigest())
        if kept is not None:
            return "kept", kept.entry
        pixels = load_image(data)
        labels = None if mask is None else self._labels(mask, image, pixels)
        run, capped = settings_of(self._size, self._mode, pixels)
        prediction = self._model.run(Predictor.predict, pixels, run)
        classes = scored_classes(prediction, labels, single_label=self._model.config.single_label)
        thumb, (width, height) = thumbnail(prediction, pixels, classes[0][0])
        entry = {
            "id": image.id,
            "name": image.shown_name,
            "width": width,
            "height": height,
            "masked": labels is not None,
            "classes": classes,
        }
        files = [self._cam_file(name, path, classes[0][0], pixels) for name, path in cams.items()]
        analysis = Analysis(pixels, run, prediction, "", capped, None, self._model)
        record = {**self._record(analysis, image, labels), "cams": files}
        self._site.write_image(image.id, record, thumb, DoneImage(key.hexdigest(), entry))
        return "made", entry

    def index(self, entries: list[dict[str, Any]], failed: list[tuple[str, str]]) -> dict[str, Any]:
        """The record of the index."""
        config = self._model.config
        return {
            "title": self._settings.title or self._settings.folder.resolve().name or "Gallery",
            "checkpoint": config.name,
            "threshold": config.defaults.threshold,
            "classes": config.classes,
            "masks": any(entry["masked"] for entry in entries),
            "images": entries,
            "failed": [{"name": name, "reason": reason} for name, reason in failed],
        }

    def _labels(self, mask: Path, image: SourceImage, pixels: np.ndarray) -> np.ndarray:
        labels = read_labels(mask, name=image.shown_name, classes=len(self._model.config.classes))
        if labels.shape != pixels.shape[:2]:
            (height, width), (rows, columns) = labels.shape, pixels.shape[:2]
            raise InvalidDataset(
                f"The mask of {image.shown_name} has {width} × {height} pixels and the image {columns} × {rows}: give "
                "one of the image's size."
            )
        return labels

    def _cam_file(self, name: str, path: Path, class_id: int, pixels: np.ndarray) -> dict[str, Any]:
        """The maps of another method; one that names no class is of the class with the highest score."""
        classes = self._model.config.classes
        height, width = pixels.shape[:2]
        try:
            return saved_file(name, read_cams(path, classes), classes[class_id], (height, width))
        except InvalidCam as error:
            raise InvalidCam(f"The CAM of {name} cannot be used: {reason_of(error)}.") from error

    def _record(self, analysis: Analysis, image: SourceImage, labels: np.ndarray | None) -> dict[str, Any]:
        header, data = self._explorer.encode(analysis)
        masks = [] if labels is None else outlines(labels, self._model.config.classes)
        return {
            "id": image.id,
            "name": image.shown_name,
            "value": header
            | {
                "image": image_url(analysis.image, quality=IMAGE_QUALITY),
                "data": base64.b64encode(data).decode(),
                "masks": masks,
            },
            "saved": {"query": "", "scenes": [], "drawn": []},
        }


def _bytes(path: Path, what: str) -> bytes:
    """The content of a file that the user gave. Raises InvalidImage where it cannot be opened."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidImage(f"{what} cannot be opened ({reason_of(error)}): check the file.") from error
