"""Segment the images of a split with a trained network, in the format of the VOC evaluation server.

    python -m scripts.predict_masks --root VOC2012 --split val --checkpoint runs/deeplab --out runs/segmented

Per image an indexed PNG in VOC's palette. Image labels are not used. Images that are done are not done again;
processes and machines share the images between them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from crt.data import Sample, read_voc
from crt.errors import InvalidSetting
from crt.evaluation.pipeline_stage import StageResult, write_manifest
from crt.pseudo_labels.crf import crf_probabilities, require_dense_crf
from crt.types import DEEPLAB_SCALES, Precision
from scripts.cli import run_cli


@dataclass(frozen=True)
class Segment:
    """Which images, by which network, and where the masks go."""

    root: Path
    """Devkit folder (`.../VOC2012`); masks and annotations decide nothing."""
    out: Path
    """A folder for these masks alone."""
    split: str = "val"
    checkpoint: str = "checkpoints/voc"
    """A checkpoint with a segmentation network, such as the folder that `scripts.train_deeplab` wrote."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    scales: tuple[float, ...] = DEEPLAB_SCALES
    flip: bool = True
    crf: bool = True
    """Pass the probabilities through the dense CRF, with DeepLab's settings."""
    device: str = "auto"
    precision: Precision = "auto"


def segment_split(config: Segment) -> StageResult:
    """Segment what is missing. Raises CrtError; an image that failed is named."""
    from crt.checkpoint import load_checkpoint
    from crt.data.images import load_image
    from crt.models.deeplab import segment
    from crt.pseudo_labels.label_png import has_labels, save_labels
    from crt.train.distributed_stage import DistributedStage

    if config.crf:
        require_dense_crf()
    share = DistributedStage.of(config.device, config.precision)
    checkpoint = load_checkpoint(config.checkpoint, device=share.device)
    network, spec = checkpoint.segmentation, checkpoint.config.segmentation
    if network is None or spec is None:
        raise InvalidSetting(f"{config.checkpoint} has no segmentation network: train one with scripts.train_deeplab.")
    images = read_voc(config.root, config.split, class_names=config.class_names or None)
    settings = {"scales": list(config.scales), "flip": config.flip, "crf": config.crf, "network": spec.sha256}
    write_manifest(config.out, settings)

    def label(sample: Sample) -> None:
        image = load_image(sample.image)
        probs = segment(network, image, scales=config.scales, flip=config.flip, bfloat16=share.bfloat16)
        if config.crf:
            probs = crf_probabilities(image, probs)
        save_labels(config.out / f"{sample.id}.png", probs.argmax(0).astype(np.uint8))

    return share.make(images, lambda sample: has_labels(config.out / f"{sample.id}.png"), label)


def main(config: Segment) -> None:
    """Make what is missing and say how many."""
    made = segment_split(config)
    print(f"{made.new} images made, {made.before} were there before")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Segment, description=__doc__), main))
