"""Let the seeds of a split walk within the boundaries that the relation network sees (IRNet; METHOD section 8).

    python -m scripts.random_walk --root VOC2012 --split train --seeds runs/seeds --relation runs/irn --out runs/walked

Per image one npz as `scripts.make_cams` writes it: the random-walk pseudo labels at stride 4, and on the
pixels divided by the largest of all. Images that are done are not done again; processes and machines share the images
between them.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from crt.data import Sample, read_voc
from crt.errors import InvalidSetting
from crt.evaluation.pipeline_stage import StageResult, read_manifest, require, write_manifest
from crt.pseudo_labels.settings import WalkSettings
from crt.types import Precision
from scripts.cli import run_cli


@dataclass(frozen=True)
class Walk:
    """Which seeds walk, along which edges, and where the result goes."""

    root: Path
    """Devkit folder (`.../VOC2012`); masks are not read."""
    seeds: Path
    """Where `scripts.make_cams` wrote."""
    out: Path
    """A folder for these random-walk pseudo labels alone."""
    split: str = "train"
    relation: str = "checkpoints/voc"
    """A checkpoint with a relation network, such as the folder that `scripts.train_irn` wrote."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    walk: WalkSettings = field(default_factory=WalkSettings)
    device: str = "auto"
    precision: Precision = "auto"


def walk_seeds(config: Walk) -> StageResult:
    """Walk what is missing. Raises CrtError with the ids of images without seeds, or of the one that failed."""
    import torch

    from crt.checkpoint import load_checkpoint
    from crt.data.images import load_image
    from crt.models.irn import predict_edges
    from crt.pseudo_labels.cam_io import SUFFIX, SeedMaps, is_done, seed_path
    from crt.pseudo_labels.random_walk import random_walk, walk_scores
    from crt.train.distributed_stage import DistributedStage

    share = DistributedStage.of(config.device, config.precision)
    checkpoint = load_checkpoint(config.relation, device=share.device)
    network, spec = checkpoint.relation, checkpoint.config.relation
    if network is None or spec is None:
        raise InvalidSetting(f"{config.relation} has no relation network: train one with scripts.train_irn.")
    images = read_voc(config.root, config.split, class_names=config.class_names or None)
    require(config.seeds, images, SUFFIX, "scripts.make_cams")
    settings = {**dataclasses.asdict(config.walk), "relation": spec.sha256, "seeds": read_manifest(config.seeds)}
    write_manifest(config.out, settings)

    def walk(sample: Sample) -> None:
        seeds, image = SeedMaps.load(seed_path(config.seeds, sample.id)), load_image(sample.image)
        with torch.autocast(share.device.type, torch.bfloat16, enabled=share.bfloat16):
            edge, _ = predict_edges(network, image)
        walked = random_walk(seeds.strided, edge, config.walk)
        scores = walk_scores(walked, (image.shape[0], image.shape[1]))
        SeedMaps(seeds.class_ids, walked, scores).save(seed_path(config.out, sample.id))

    return share.make(images, lambda sample: is_done(config.out, sample.id, sample.labels), walk)


def main(config: Walk) -> None:
    """Make what is missing and say how many."""
    made = walk_seeds(config)
    print(f"{made.new} images made, {made.before} were there before")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Walk, description=__doc__), main))
