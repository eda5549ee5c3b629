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
from pathlib import Path

import tyro

from crt.cam_spec import CamSpec
from crt.checkpoint import Method
from crt.data import Sample, read_voc
from crt.errors import InvalidSetting
from crt.evaluation.pipeline_stage import StageResult, write_manifest
from crt.pass_reductions import PassReduction
from crt.types import SEED_SCALES, Mode, Precision
from scripts.cli import run_cli


@dataclass(frozen=True)
class Seeds:
    """Which images, by which network, and where the seeds go."""

    root: Path
    """Devkit folder (`.../VOC2012`); masks are not read."""
    out: Path
    """A folder for these seeds alone."""
    split: str = "train"
    checkpoint: str = "checkpoints/voc"
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    method: Method = "crt"
    loops: int | None = None
    """CRT's loop count; the checkpoint's default if none is given."""
    refined: bool | None = None
    """Attention refinement; the checkpoint's default if none is given."""
    pass_reduction: PassReduction | None = None
    """Which passes' attention refines the maps; the checkpoint's default, with its blocks, if none is given."""
    blocks: tuple[int, int] | None = None
    """The first and the last of the blocks whose attention it is, counted from 0; all if a reduction is given alone."""
    scales: tuple[float, ...] = SEED_SCALES
    """Scales of the image whose maps are summed, each with its mirror image."""
    mode: Mode = "overlap"
    device: str = "auto"
    precision: Precision = "auto"


def make_seeds(config: Seeds) -> StageResult:
    """Make what is missing. Raises CrtError; an image that failed is named, and none is left half written."""
    from crt.checkpoint import load_checkpoint
    from crt.data.images import load_image
    from crt.multiscale import MethodSpec, TTAConfig, multi_scale_maps
    from crt.predictor import Predictor
    from crt.pseudo_labels.cam_io import SeedMaps, is_done, seed_path
    from crt.train.distributed_stage import DistributedStage

    share = DistributedStage.of(config.device, config.precision)
    checkpoint = load_checkpoint(config.checkpoint)
    if config.method not in checkpoint.networks:
        raise InvalidSetting(f"{config.checkpoint} has no {config.method}: choose {', '.join(checkpoint.networks)}.")
    defaults = checkpoint.config.defaults
    loops = (defaults.loops if config.loops is None else config.loops) if config.method == "crt" else 0
    refined = defaults.refined if config.refined is None else config.refined
    blocks = defaults.blocks if config.pass_reduction is None and config.blocks is None else config.blocks
    spec = CamSpec(loops, refined, config.pass_reduction or defaults.pass_reduction, blocks)
    request = MethodSpec(config.method, spec)
    views = TTAConfig(config.scales, mode=config.mode)
    images = read_voc(config.root, config.split, class_names=config.class_names or None)
    if images.classes != tuple(checkpoint.config.classes):
        raise InvalidSetting(
            "The classes of the data are not those of the checkpoint: give all names with --class-names, in its order."
        )
    write_manifest(
        config.out, {**dataclasses.asdict(request), **dataclasses.asdict(views), "weights": checkpoint.sha256}
    )
    predictor = Predictor(checkpoint, device=share.device, bfloat16=share.bfloat16)

    def make(sample: Sample) -> None:
        summed, _ = multi_scale_maps(predictor, load_image(sample.image), sample.labels, {"seeds": request}, views)
        SeedMaps.of(sample.labels, summed["seeds"]).save(seed_path(config.out, sample.id))

    return share.make(images, lambda sample: is_done(config.out, sample.id, sample.labels), make)


def main(config: Seeds) -> None:
    """Make what is missing and say how many."""
    made = make_seeds(config)
    print(f"{made.new} images made, {made.before} were there before")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Seeds, description=__doc__), main))
