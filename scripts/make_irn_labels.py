"""Write the confident labels of a split: what the IRN learns from (IRNet; METHOD section 8).

    python -m scripts.make_irn_labels --root VOC2012 --split train --seeds runs/seeds --out runs/labels

Per image an indexed PNG: a class or background where the seeds and a dense CRF agree on it, 255 elsewhere. Images
that are done are not done again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from crt.data import Sample
from crt.pseudo_labels.crf import require_dense_crf
from crt.pseudo_labels.settings import BACKGROUND, FOREGROUND, check_constants
from scripts.dataset_stage import LabelStage, stage_main


@dataclass(frozen=True, kw_only=True)
class Labels(LabelStage):
    """Which images, from which seeds, and where the labels go."""

    foreground: float = FOREGROUND
    """A class must beat this constant to be believed."""
    background: float = BACKGROUND
    """All classes must stay below this constant for background to be believed."""

    def check(self) -> None:
        """Raise InvalidSetting for constants out of range, or where the dense CRF is not installed."""
        check_constants(self.foreground, self.background)
        require_dense_crf()

    def settings(self) -> dict[str, Any]:
        """Both constants."""
        return {"foreground": self.foreground, "background": self.background}

    def make(self, sample: Sample) -> None:
        """Write the confident labels of one image. Raises CrtError."""
        from crt.data.images import load_image
        from crt.pseudo_labels.cam_io import SeedMaps, seed_path
        from crt.pseudo_labels.confident import confident_labels
        from crt.pseudo_labels.label_png import save_labels

        seeds = SeedMaps.load(seed_path(self.seeds, sample.id))
        labels = confident_labels(
            load_image(sample.image),
            seeds.high_res,
            seeds.class_ids.tolist(),
            foreground=self.foreground,
            background=self.background,
        )
        save_labels(self.png(sample), labels)


if __name__ == "__main__":
    sys.exit(stage_main(Labels, __doc__))
