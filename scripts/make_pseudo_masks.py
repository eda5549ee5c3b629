"""Write the pseudo masks of a split from seeds or random-walk pseudo labels: what a segmentation network learns from.

    python -m scripts.make_pseudo_masks --root VOC2012 --split train --seeds runs/walked --threshold 0.25 --out
    runs/masks

Per image an indexed PNG in VOC's palette. `--crf` lets the labels follow the edges of the image. Images that are
done are not done again.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tyro

from crt.data import Sample, read_voc
from crt.errors import InvalidSetting
from crt.evaluation.pipeline_stage import StageResult, make_each, read_manifest, require, write_manifest
from crt.pseudo_labels.crf import crf_labels, require_dense_crf
from scripts.cli import run_cli


@dataclass(frozen=True)
class Masks:
    """Which images, from which seeds, and where the masks go."""

    root: Path
    """Devkit folder (`.../VOC2012`); its masks are not read."""
    seeds: Path
    """Where `scripts.make_cams` or `scripts.random_walk` wrote."""
    out: Path
    """A folder for these masks alone."""
    threshold: float
    """The background constant: 0.15 is the paper's for seeds, 0.25 IRNet's for random-walk pseudo labels."""
    split: str = "train"
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    crf: bool = False
    """Pass the labels through the dense CRF, with IRNet's settings."""
    workers: int = os.cpu_count() or 1
    """Processes that share the images."""


def make_masks(config: Masks) -> StageResult:
    """Make what is missing. Raises CrtError with the ids of images without seeds, or of the one that failed."""
    from crt.pseudo_labels.cam_io import SUFFIX
    from crt.pseudo_labels.label_png import has_labels

    if not 0 < config.threshold <= 1:
        raise InvalidSetting(f"The threshold is {config.threshold}: give a number above 0 and at most 1.")
    if config.crf:
        require_dense_crf()
    images = read_voc(config.root, config.split, class_names=config.class_names or None)
    require(config.seeds, images, SUFFIX, "scripts.make_cams or scripts.random_walk")
    write_manifest(config.out, {"threshold": config.threshold, "crf": config.crf, "seeds": read_manifest(config.seeds)})
    return make_each(
        images.samples,
        lambda sample: has_labels(config.out / f"{sample.id}.png"),
        partial(_mask, config),
        workers=config.workers,
    )


def _mask(config: Masks, sample: Sample) -> None:
    from crt.data.images import load_image
    from crt.postprocess import cam_to_labels, check_class_ids
    from crt.pseudo_labels.cam_io import SeedMaps, seed_path
    from crt.pseudo_labels.label_png import save_labels

    seeds = SeedMaps.load(seed_path(config.seeds, sample.id))
    class_ids = seeds.class_ids.tolist()
    labels = cam_to_labels(seeds.high_res, range(len(class_ids)), config.threshold)
    if config.crf:
        labels = crf_labels(load_image(sample.image), labels, len(class_ids) + 1)
    check_class_ids(class_ids)
    names = np.array([0, *(index + 1 for index in class_ids)], dtype=np.uint8)
    save_labels(config.out / f"{sample.id}.png", names[labels])


def main(config: Masks) -> None:
    """Make what is missing and say how many."""
    made = make_masks(config)
    print(f"{made.new} images made, {made.before} were there before")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Masks, description=__doc__), main))
