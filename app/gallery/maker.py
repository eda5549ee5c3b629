"""What a gallery holds of one image: its run, thumbnail and entry, made once and kept for the next time."""

from __future__ import annotations

import base64
import hashlib
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
from app.gallery.cams import saved_file
from app.gallery.images import SourceImage, beside
from app.gallery.measure import scored_classes, thumbnail
from app.gallery.settings import GallerySettings
from app.gallery.site import DoneImage, Site
from app.viewer.saved_page import IMAGE_QUALITY
from crt.data.cam_files import read_cams
from crt.data.files import FileIndex
from crt.data.images import load_image
from crt.errors import InvalidCam, InvalidDataset, InvalidImage, InvalidSetting, reason_of
from crt.predictor import Predictor
from crt.pseudo_labels.label_png import read_labels

_MADE_BY = tuple(
    f"{name}.py"
    for name in ("core/analysis", "core/codec", "core/examples", "gallery/maker", "gallery/cams", "gallery/measure")
)
"""The files of the app that decide what is written of an image: where one has changed, all images are made again."""
State = Literal["made", "kept", "failed"]


class ImageMaker:
    """Makes the files of one image after another.

    Args:
        settings: of the gallery.
        site: where they are written.
        engine: whose first checkpoint runs; waits for its networks.
        masks: the folder of masks, if there is one.
        cams: folders of CAMs by the names of their methods.

    Raises:
        InvalidSetting: the checkpoint cannot do this size or mode.
        InvalidCheckpoint: its weights cannot be used.
    """

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
        """Make what is missing of an image.

        Args:
            image: of the folder.

        Returns:
            "kept" or "made", and its entry in the index.

        Raises:
            CrtError: the image, its mask or a CAM cannot be used.
            OSError: the site cannot be written.
        """
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
        """What the index page reads.

        Args:
            entries: of the images.
            failed: name and reason of every file that could not be used.

        Returns:
            JSON values.
        """
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
