"""Write the seeds of a split: per image one npz with the normalised maps of its classes at two resolutions.

    python -m scripts.make_cams --root VOC2012 --split train --checkpoint checkpoints/voc --out runs/seeds
    torchrun --standalone --nproc-per-node 2 -m scripts.make_cams --root VOC2012 --split train --out runs/seeds

`--method resnet` gives the CAM of IRNet and `--method tscam` TS-CAM. Images that are done are not
done again, so an interrupted run goes on where it was; processes and machines share the images between them.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass

from crt.cam_spec import CamSpec
from crt.checkpoint import CheckpointConfig, Method
from crt.data import Sample
from crt.errors import InvalidSetting
from crt.evaluation.pipeline_stage import StageResult, write_manifest
from crt.inference_config import InferenceConfig
from crt.pass_reductions import PassReduction
from crt.types import SEED_SCALES, Mode
from scripts.block_numbers import to_indices
from scripts.dataset_stage import NetworkStage, stage_main


@dataclass(frozen=True, kw_only=True)
class Seeds(NetworkStage):
    """Which images, by which network, and where the seeds go."""

    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    method: Method = "crt"
    """The network whose maps become seeds."""
    loops: int | None = None
    """CRT's loop count; the checkpoint's default if none is given."""
    refined: bool | None = None
    """Attention refinement; the checkpoint's default if none is given."""
    pass_reduction: PassReduction | None = None
    """Which passes' attention refines the maps; the checkpoint's default, with its blocks, if none is given."""
    blocks: tuple[int, int] | None = None
    """The first and the last of the blocks whose attention it is, counted from 1; all if a reduction is given alone."""
    scales: tuple[float, ...] = SEED_SCALES
    """Scales of the image whose maps are summed, each with its mirror image."""
    mode: Mode = "overlap"
    """How a larger image goes through the transformer."""

    def spec(self, config: CheckpointConfig) -> CamSpec:
        """The spec of the maps: the checkpoint's own where nothing else is given."""
        defaults = config.defaults
        loops = (defaults.loops if self.loops is None else self.loops) if self.method == "crt" else 0
        refined = defaults.refined if self.refined is None else self.refined
        blocks = defaults.blocks if self.pass_reduction is None and self.blocks is None else to_indices(self.blocks)
        return CamSpec(loops, refined, self.pass_reduction or defaults.pass_reduction, blocks)

    def run(self) -> StageResult:
        """Make what is missing. Raises CrtError; an image that failed is named, and none is left half written."""
        from crt.checkpoint import load_checkpoint
        from crt.data.images import load_image
        from crt.multiscale import MethodSpec, TTAConfig, multi_scale_maps
        from crt.predictor import Predictor
        from crt.pseudo_labels.cam_io import SeedMaps, seed_path

        share = self.share()
        checkpoint = load_checkpoint(self.checkpoint)
        if self.method not in checkpoint.networks:
            raise InvalidSetting(f"{self.checkpoint} has no {self.method}: choose {', '.join(checkpoint.networks)}.")
        request = MethodSpec(self.method, self.spec(checkpoint.config))
        views = TTAConfig(self.scales, mode=self.mode)
        InferenceConfig(loops=request.spec.loops)  # refuses loop counts out of range
        modes = checkpoint.config.modes
        if checkpoint.config.networks[self.method].type == "vit" and self.mode not in modes:
            raise InvalidSetting(
                f"{self.method} of {self.checkpoint} cannot do {self.mode}: choose {' or '.join(modes)}."
            )
        images = self.images()
        if images.classes != tuple(checkpoint.config.classes):
            raise InvalidSetting(
                "The classes of the data are not those of the checkpoint: give all names with --class-names, in its "
                "order."
            )
        settings = {**dataclasses.asdict(request), **dataclasses.asdict(views), "weights": checkpoint.sha256}
        write_manifest(self.out, settings)
        predictor = Predictor(checkpoint, device=share.device, bfloat16=share.bfloat16, float32_passes=0)

        def make(sample: Sample) -> None:
            summed, _ = multi_scale_maps(predictor, load_image(sample.image), sample.labels, {"seeds": request}, views)
            SeedMaps.of(sample.labels, summed["seeds"]).save(seed_path(self.out, sample.id))

        return share.make(images, self.has_seeds, make)


if __name__ == "__main__":
    sys.exit(stage_main(Seeds, __doc__))
