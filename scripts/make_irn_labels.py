"""Write the confident labels of a split: what the relation network learns from (IRNet; METHOD section 8).

    python -m scripts.make_irn_labels --root VOC2012 --split train --seeds runs/seeds --out runs/labels

Per image an indexed PNG: a class or background where the seeds and a dense CRF agree on it, 255 elsewhere. Images
that are done are not done again.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro

from crt.data import Sample, read_voc
from crt.evaluation.pipeline_stage import StageResult, make_each, read_manifest, require, write_manifest
from crt.pseudo_labels.crf import require_dense_crf
from crt.pseudo_labels.settings import BACKGROUND, FOREGROUND
from scripts.cli import run_cli


@dataclass(frozen=True)
class Labels:
    """Which images, from which seeds, and where the labels go."""

    root: Path
    """Devkit folder (`.../VOC2012`); its masks are not read."""
    seeds: Path
    """Where `scripts.make_cams` wrote."""
    out: Path
    """A folder for these labels alone."""
    split: str = "train"
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    foreground: float = FOREGROUND
    """A class must beat this constant to be believed."""
    background: float = BACKGROUND
    """All classes must stay below this constant for background to be believed."""
    workers: int = os.cpu_count() or 1
    """Processes that share the images."""


def make_labels(config: Labels) -> StageResult:
    """Make what is missing. Raises CrtError with the ids of images without seeds, or of the one that failed."""
    from crt.pseudo_labels.cam_io import SUFFIX
    from crt.pseudo_labels.label_png import has_labels

    require_dense_crf()
    images = read_voc(config.root, config.split, class_names=config.class_names or None)
    require(config.seeds, images, SUFFIX, "scripts.make_cams")
    made_from = read_manifest(config.seeds)
    write_manifest(config.out, {"foreground": config.foreground, "background": config.background, "seeds": made_from})
    return make_each(
        images.samples,
        lambda sample: has_labels(config.out / f"{sample.id}.png"),
        partial(_label, config),
        workers=config.workers,
    )


def _label(config: Labels, sample: Sample) -> None:
    from crt.data.images import load_image
    from crt.pseudo_labels.cam_io import SeedMaps, seed_path
    from crt.pseudo_labels.confident import confident_labels
    from crt.pseudo_labels.label_png import save_labels

    seeds = SeedMaps.load(seed_path(config.seeds, sample.id))
    labels = confident_labels(
        load_image(sample.image),
        seeds.high_res,
        seeds.class_ids.tolist(),
        foreground=config.foreground,
        background=config.background,
    )
    save_labels(config.out / f"{sample.id}.png", labels)


def main(config: Labels) -> None:
    """Make what is missing and say how many."""
    made = make_labels(config)
    print(f"{made.new} images made, {made.before} were there before")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Labels, description=__doc__), main))
