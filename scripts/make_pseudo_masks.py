"""Write the pseudo masks of a split from seeds or random-walk pseudo labels: what a segmentation network learns from.

    python -m scripts.make_pseudo_masks --root VOC2012 --split train --seeds runs/random_walk --threshold 0.25 --out
    runs/masks

Per image an indexed PNG in VOC's palette. `--crf` lets the labels follow the edges of the image. Images that are
done are not done again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from crt.data import Sample
from crt.errors import InvalidSetting
from crt.pseudo_labels.crf import crf_labels, require_dense_crf
from scripts.dataset_stage import LabelStage, stage_main


@dataclass(frozen=True, kw_only=True)
class Masks(LabelStage):
    """Which images, from which seeds, and where the masks go."""

    MADE_BY: ClassVar[str] = "scripts.make_cams or scripts.random_walk"

    seeds: Path
    """Where `scripts.make_cams` or `scripts.random_walk` wrote."""
    threshold: float
    """The background constant: 0.15 is the paper's for seeds, 0.25 IRNet's for random-walk pseudo labels."""
    crf: bool = False
    """Pass the labels through the dense CRF, with IRNet's settings."""

    def check(self) -> None:
        """Raise InvalidSetting for a threshold out of range, or where a CRF is wanted and not installed."""
        if not 0 < self.threshold <= 1:
            raise InvalidSetting(f"The threshold is {self.threshold}: give a number above 0 and at most 1.")
        if self.crf:
            require_dense_crf()

    def settings(self) -> dict[str, Any]:
        """The threshold, and whether the CRF is used."""
        return {"threshold": self.threshold, "crf": self.crf}

    def make(self, sample: Sample) -> None:
        """Write the mask of one image. Raises CrtError."""
        from crt.data.images import load_image
        from crt.postprocess import cam_to_labels, check_class_ids
        from crt.pseudo_labels.cam_io import SeedMaps, seed_path
        from crt.pseudo_labels.label_png import save_labels

        seeds = SeedMaps.load(seed_path(self.seeds, sample.id))
        class_ids = seeds.class_ids.tolist()
        labels = cam_to_labels(seeds.high_res, range(len(class_ids)), self.threshold)
        if self.crf:
            labels = crf_labels(load_image(sample.image), labels, len(class_ids) + 1)
        check_class_ids(class_ids)
        names = np.array([0, *(index + 1 for index in class_ids)], dtype=np.uint8)
        save_labels(self.png(sample), names[labels])


if __name__ == "__main__":
    sys.exit(stage_main(Masks, __doc__))
