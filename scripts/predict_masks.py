"""Segment the images of a split with a trained network, in the format of the VOC evaluation server.

    python -m scripts.predict_masks --root VOC2012 --split val --checkpoint runs/deeplab --out runs/predicted_masks

Per image an indexed PNG in VOC's palette. Image labels are not used. Images that are done are not done again;
processes and machines share the images between them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crt.data import Sample
from crt.errors import InvalidSetting
from crt.evaluation.pipeline_stage import StageResult, write_manifest
from crt.pseudo_labels.crf import crf_probabilities, require_dense_crf
from crt.types import DEEPLAB_SCALES
from scripts.dataset_stage import NetworkStage, stage_main


@dataclass(frozen=True, kw_only=True)
class Segment(NetworkStage):
    """Which images, by which network, and where the masks go."""

    root: Path
    """Devkit folder (`.../VOC2012`); masks and annotations decide nothing."""
    split: str = "val"
    """A list in ImageSets/Segmentation, or else in ImageSets/Main."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint with a segmentation network, such as the folder that `scripts.train_deeplab` wrote."""
    scales: tuple[float, ...] = DEEPLAB_SCALES
    """Scales of the image; the largest of their logits counts."""
    flip: bool = True
    """Average each scale with its mirror image."""
    crf: bool = True
    """Pass the probabilities through the dense CRF, with DeepLab's settings."""

    def run(self) -> StageResult:
        """Segment what is missing. Raises CrtError; an image that failed is named."""
        from crt.checkpoint import load_checkpoint
        from crt.data.images import load_image
        from crt.models.deeplab import segment
        from crt.multiscale import TTAConfig
        from crt.pseudo_labels.label_png import save_labels

        views = TTAConfig(self.scales, self.flip)
        if self.crf:
            require_dense_crf()
        share = self.share()
        checkpoint = load_checkpoint(self.checkpoint, device=share.device)
        network, spec = checkpoint.segmentation, checkpoint.config.segmentation
        if network is None or spec is None:
            raise InvalidSetting(
                f"{self.checkpoint} has no segmentation network: train one with scripts.train_deeplab."
            )
        images = self.images()
        settings = {"scales": list(self.scales), "flip": self.flip, "crf": self.crf, "network": spec.sha256}
        write_manifest(self.out, settings)

        def label(sample: Sample) -> None:
            image = load_image(sample.image)
            probs = segment(network, image, scales=views.scales, flip=views.flip, bfloat16=share.bfloat16)
            if self.crf:
                probs = crf_probabilities(image, probs)
            save_labels(self.png(sample), probs.argmax(0).astype(np.uint8))

        return share.make(images, self.has_png, label)


if __name__ == "__main__":
    sys.exit(stage_main(Segment, __doc__))
