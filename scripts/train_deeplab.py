"""Train a segmentation network on masks made from seeds (DeepLab-V2; METHOD section 8).

    python -m scripts.train_deeplab full --root VOC2012 --split train_aug --masks runs/masks --train.out runs/deeplab
    accelerate launch -m scripts.train_deeplab full --root VOC2012 --masks runs/masks --train.out runs/deeplab

The output folder is the checkpoint with the segmentation network added: `scripts.predict_masks` and the app open it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from crt.errors import count_of
from crt.train.mask_configs import DEEPLAB_PRESETS, DeepLabConfig
from scripts.cli import run_cli
from scripts.dataset_stage import VocSplit
from scripts.provenance import run_record


@dataclass(frozen=True, kw_only=True)
class Segmentation(VocSplit):
    """Which images, and how the network is trained."""

    masks: Path
    """Where `scripts.make_pseudo_masks` wrote."""
    train: DeepLabConfig = field(default_factory=DeepLabConfig)


def main(config: Segmentation) -> None:
    """Train and print the path of the result."""
    from crt.pseudo_labels.label_png import require_class_values
    from crt.train.deeplab import train_deeplab
    from crt.train.masks_data import with_masks

    images = with_masks(config.images(), config.masks)
    require_class_values(images)
    finished = train_deeplab(config.train, images, record=run_record("scripts.train_deeplab", DEEPLAB_PRESETS))
    print(f"{'finished' if finished else 'stopped'} on {count_of(len(images), 'image')}: {config.train.out}")


def presets() -> dict[str, tuple[str, Segmentation]]:
    """The presets of the training, without data."""
    return {
        name: (what, Segmentation(root=tyro.MISSING, masks=tyro.MISSING, train=config))
        for name, (what, config) in DEEPLAB_PRESETS.items()
    }


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.extras.overridable_config_cli(presets(), description=__doc__), main))
