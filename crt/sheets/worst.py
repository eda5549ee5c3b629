"""The images that went worst, each beside its ground truth and what was made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from crt.data import ImageDataset, Sample, voc_palette
from crt.data.images import load_image
from crt.errors import InvalidSetting
from crt.evaluation.stored import Score, truth_of
from crt.postprocess import cam_to_labels
from crt.pseudo_labels.cam_io import SeedMaps, seed_path
from crt.pseudo_labels.label_png import read_labels
from crt.viz.sheet import Panel, contact_sheet


def worst_sheet(folder: Path, images: ImageDataset, score: Score, count: int) -> Image.Image:
    """Draw the worst images of a measurement, a row each.

    Args:
        folder: that was measured.
        images: with masks.
        score: what was measured.
        count: images that are drawn.

    Returns:
        The sheet, RGB.

    Raises:
        InvalidSetting: a sheet of nothing.
        InvalidDataset: files are no longer there.
    """
    if count < 1 or not score.per_image:
        raise InvalidSetting("A sheet of the worst images needs at least one image.")
    samples = {sample.id: sample for sample in images.samples}
    rows = [_row(folder, samples[name], images.classes, value, score) for name, value in score.per_image[:count]]
    notes = [f"mean IoU over all {len(images)} images {score.miou:.1f} %; under each row its own"]
    return contact_sheet(rows, title=f"The {len(rows)} worst of {len(images)} images", notes=notes)


def _row(folder: Path, sample: Sample, classes: tuple[str, ...], value: float, score: Score) -> list[Panel]:
    if score.threshold is None:
        labels = read_labels(folder / f"{sample.id}.png")
    else:
        seeds = SeedMaps.load(seed_path(folder, sample.id))
        labels = cam_to_labels(seeds.high_res, seeds.class_ids.tolist(), score.threshold)
    palette = voc_palette()
    names = ", ".join(classes[key] for key in sample.labels)
    return [
        Panel(load_image(sample.image), (sample.id, names)),
        Panel(palette[truth_of(sample, classes=len(classes))], ("ground truth",)),
        Panel(palette[labels], (f"IoU {value:.1f} %", _shown(labels, classes))),
    ]


def _shown(labels: np.ndarray, classes: tuple[str, ...]) -> str:
    found = [classes[value - 1] for value in np.unique(labels) if 0 < value <= len(classes)]
    return ", ".join(found) or "background only"
