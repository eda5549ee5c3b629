"""Train the IRN of a checkpoint on confident labels (IRNet; METHOD section 8).

    python -m scripts.train_irn --root VOC2012 --split train --labels runs/labels --train.out runs/irn
    accelerate launch -m scripts.train_irn --root VOC2012 --labels runs/labels --train.out runs/irn

The output folder is the checkpoint with the IRN added: `scripts.random_walk` and the app open it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from crt.errors import count_of
from crt.train.mask_configs import RelationConfig
from scripts.cli import run_cli
from scripts.dataset_stage import VocSplit
from scripts.provenance import run_record


@dataclass(frozen=True, kw_only=True)
class Irn(VocSplit):
    """Which images, and how the network is trained."""

    labels: Path
    """Where `scripts.make_irn_labels` wrote."""
    train: RelationConfig = field(default_factory=RelationConfig)


def main(config: Irn) -> None:
    """Train and print the path of the result."""
    from crt.train.irn import train_relation
    from crt.train.masks_data import with_masks

    images = with_masks(config.images(), config.labels)
    finished = train_relation(config.train, images, record=run_record("scripts.train_irn"))
    print(f"{'finished' if finished else 'stopped'} on {count_of(len(images), 'image')}: {config.train.out}")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Irn, description=__doc__), main))
