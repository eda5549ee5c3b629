"""Propagate the seeds of a split within the boundaries that the IRN predicts (IRNet; METHOD section 8).

    python -m scripts.random_walk --root VOC2012 --split train --seeds runs/seeds --relation runs/irn --out
        runs/random_walk

Per image one npz as `scripts.make_cams` writes it: the random-walk pseudo labels at stride 4, and on the
pixels divided by the largest of all. Images that are done are not done again; processes and machines share the images
between them.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path

from crt.data import Sample
from crt.errors import InvalidSetting
from crt.evaluation.pipeline_stage import StageResult, write_manifest
from crt.pseudo_labels.settings import WalkSettings
from scripts.dataset_stage import NetworkStage, made_from, stage_main


@dataclass(frozen=True, kw_only=True)
class Walk(NetworkStage):
    """Which seeds walk, along which edges, and where the result goes."""

    seeds: Path
    """Where `scripts.make_cams` wrote."""
    relation: str = "checkpoints/voc"
    """A checkpoint with an IRN, such as the folder that `scripts.train_irn` wrote."""
    walk: WalkSettings = field(default_factory=WalkSettings)

    def run(self) -> StageResult:
        """Walk what is missing. Raises CrtError with the ids of images without seeds, or of the one that failed."""
        import torch

        from crt.checkpoint import load_checkpoint
        from crt.data.images import load_image
        from crt.models.irn import edge_map
        from crt.pseudo_labels.cam_io import SeedMaps, seed_path
        from crt.pseudo_labels.random_walk import random_walk, walk_scores

        share = self.share()
        checkpoint = load_checkpoint(self.relation, device=share.device)
        network, spec = checkpoint.relation, checkpoint.config.relation
        if network is None or spec is None:
            raise InvalidSetting(f"{self.relation} has no IRN: train one with scripts.train_irn.")
        images = self.images()
        settings = {
            **dataclasses.asdict(self.walk),
            "relation": spec.sha256,
            "seeds": made_from(self.seeds, images, "scripts.make_cams"),
        }
        write_manifest(self.out, settings)

        def walk(sample: Sample) -> None:
            seeds, image = SeedMaps.load(seed_path(self.seeds, sample.id)), load_image(sample.image)
            with torch.autocast(share.device.type, torch.bfloat16, enabled=share.bfloat16):
                edge = edge_map(network, image)
            propagated = random_walk(seeds.strided, edge, self.walk)
            scores = walk_scores(propagated, (image.shape[0], image.shape[1]))
            SeedMaps(seeds.class_ids, propagated, scores).save(seed_path(self.out, sample.id))

        return share.make(images, self.has_seeds, walk)


if __name__ == "__main__":
    sys.exit(stage_main(Walk, __doc__))
