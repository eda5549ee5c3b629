"""Example images: those in `app/examples/`, and those of a VOC devkit that the user names."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from app.core.codec import image_url
from app.core.decoded import read
from crt.data import VOC_CLASSES, read_voc
from crt.errors import CrtError, InvalidDataset
from crt.inference_config import InferenceConfig
from crt.prediction import Prediction
from crt.prediction_io import InvalidPrediction
from crt.pseudo_labels.label_png import read_mask

log = logging.getLogger(__name__)

EXAMPLES_FOLDER = Path(__file__).parents[1] / "examples"
VOC_LIMIT = 12
THUMB_SIDE = 320


@dataclass(frozen=True)
class Example:
    """An image on disk with its title and its masks.

    Attributes:
        id: unique among the examples.
        title: on its button.
        path: of the image.
        credit: author and licence.
        masks: a list of {label, polygons}, each polygon a list of [x, y] from 0 to 1.
        prediction: the file of a stored Prediction, or None.
        claim: one sentence about what the example shows.
        view: settings that show it, as a link has them (`app/viewer/permalink/fields.mjs`).
    """

    id: str
    title: str
    path: Path
    credit: str = ""
    masks: list[dict[str, Any]] = field(default_factory=list)
    prediction: Path | None = None
    claim: str = ""
    view: str = ""

    @cached_property
    def image(self) -> np.ndarray:
        """(H, W, 3) uint8, as `app.core.decoded.read` reads an upload; read once."""
        pixels = read(str(self.path))
        pixels.flags.writeable = False
        return pixels

    def card(self) -> dict[str, str]:
        """What the page needs to show a button for it: JSON values, the thumbnail as a data URL."""
        thumb = image_url(self.image, THUMB_SIDE, 80)
        return {"id": self.id, "title": self.title, "thumb": thumb, "claim": self.claim, "view": self.view}

    def stored(self, checkpoint_sha256: str, settings: InferenceConfig) -> Prediction | None:
        """The Prediction stored with the example.

        Args:
            checkpoint_sha256: hash of the weights.
            settings: of the run.

        Returns:
            The Prediction, if it was made by this checkpoint with these settings; else None.
        """
        if self.prediction is None or not self.prediction.is_file():
            return None
        try:
            prediction = Prediction.load(self.prediction)
        except InvalidPrediction as error:
            log.warning("%s: %s", self.prediction.name, error)
            return None
        made = prediction.provenance
        same = made.get("checkpoint_sha256") == checkpoint_sha256 and made.get("settings") == plain(settings)
        return prediction if same else None


def plain(settings: InferenceConfig) -> dict[str, Any]:
    """Settings as a Prediction read from disk holds them.

    Args:
        settings: of a run.

    Returns:
        JSON values.
    """
    return json.loads(json.dumps(settings.__dict__))


def shipped(folder: Path = EXAMPLES_FOLDER) -> list[Example]:
    """The examples in a folder.

    Args:
        folder: with `index.json` and the images.

    Returns:
        Those of the index whose image is there; none without an index.
    """
    index = folder / "index.json"
    if not index.is_file():
        return []
    entries = json.loads(index.read_text(encoding="utf-8"))["examples"]
    return [
        Example(
            id=entry["id"],
            title=entry["title"],
            path=folder / entry["file"],
            credit=f"{entry['credit']}, {entry['licence']}",
            masks=entry.get("masks", []),
            prediction=folder / f"{entry['id']}.npz",
            claim=entry.get("claim", ""),
            view=entry.get("view", ""),
        )
        for entry in entries
        if (folder / entry["file"]).is_file()
    ]


def from_voc(root: Path, class_names: Sequence[str] = (), limit: int = VOC_LIMIT) -> list[Example]:
    """The first images of a devkit's validation split that have a mask, with the outlines of their masks.

    Args:
        root: of the devkit.
        class_names: all classes in the order of the mask values, if they are not VOC's.
        limit: the most examples.

    Returns:
        The examples.

    Raises:
        InvalidDataset: the folder is not in the layout of the devkit, no image has a mask, or a mask is none of labels.
    """
    found = read_voc(root, "val", class_names=class_names or None, masks="optional")
    samples = [one for one in found.samples if one.mask is not None]
    if not samples:
        raise InvalidDataset(f"{root} has no validation image with a mask: leave --examples away.")
    return [
        Example(
            id=f"voc-{one.id}",
            title=f"{', '.join(found.classes[label] for label in one.labels)} ({one.id})",
            path=one.image,
            credit="PASCAL VOC" if found.classes == VOC_CLASSES else root.resolve().name,
            masks=outlines(read_mask(one, len(found.classes)), found.classes),
        )
        for one in samples[:limit]
    ]


def outlines(labels: np.ndarray, classes: Sequence[str]) -> list[dict[str, Any]]:
    """The outlines of each class of a mask.

    Args:
        labels: (H, W) integers: 0 background, k the k-th class; others are left out.
        classes: names.

    Returns:
        A list of {label, polygons}, as `Example` has it.
    """
    from skimage.measure import approximate_polygon, find_contours  # noqa: PLC0415 - slow, and only for masks on disk

    height, width = labels.shape
    masks = []
    for value in np.unique(labels):
        if not 0 < value <= len(classes):
            continue
        rings = find_contours(np.pad(labels == value, 1).astype(np.float32), 0.5)
        polygons = [
            np.round((approximate_polygon(ring, 0.7)[:, ::-1] - 0.5) / (width, height), 5).tolist() for ring in rings
        ]
        masks.append({"label": classes[value - 1], "polygons": polygons})
    return masks


def gather(voc_root: Path | None, class_names: Sequence[str] = ()) -> dict[str, Example]:
    """All examples that can be read.

    Args:
        voc_root: a devkit whose images are examples too, or None.
        class_names: of the devkit, if they are not VOC's.

    Returns:
        Examples by id.

    Raises:
        InvalidDataset: the devkit cannot be read.
    """
    found = shipped() + (from_voc(voc_root, class_names) if voc_root is not None else [])
    usable = {}
    for example in found:
        try:
            _ = example.image
        except CrtError as error:
            log.warning("Example %s left out: %s", example.id, error)
        else:
            usable[example.id] = example
    return usable
