"""What the commands share that make one file for each image of a split: their options, and how such a stage runs."""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import tyro

from crt.data import ImageDataset, Sample, read_voc
from crt.evaluation.pipeline_stage import StageResult, make_each, read_manifest, require, write_manifest
from crt.types import InferencePrecision
from scripts.cli import run_cli

if TYPE_CHECKING:
    from crt.train.distributed_stage import DistributedStage


@dataclass(frozen=True)
class VocSplit:
    """The images of a split of a devkit."""

    root: Path
    """Devkit folder (`.../VOC2012`); its masks are not read."""
    _: KW_ONLY
    split: str = "train"
    """A list in ImageSets/Segmentation, or else in ImageSets/Main."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""

    def images(self) -> ImageDataset:
        """The split without its masks. Raises InvalidDataset."""
        return read_voc(self.root, self.split, class_names=self.class_names or None)


@dataclass(frozen=True, kw_only=True)
class DatasetStage(VocSplit):
    """A stage that writes one file for each image; images that are done are not done again."""

    out: Path
    """A folder for what this command writes, and nothing else."""

    def run(self) -> StageResult:
        """Make what is missing. Raises CrtError; an image that failed is named, and none is left half written."""
        raise NotImplementedError

    def png(self, sample: Sample) -> Path:
        """Where the labels of an image lie, for a stage that writes indexed PNGs."""
        return self.out / f"{sample.id}.png"

    def has_png(self, sample: Sample) -> bool:
        """Whether these labels are there and whole."""
        from crt.pseudo_labels.label_png import has_labels

        return has_labels(self.png(sample))

    def has_seeds(self, sample: Sample) -> bool:
        """Whether the seeds of an image are there and whole, for a stage that writes `SeedMaps`."""
        from crt.pseudo_labels.cam_io import is_done

        return is_done(self.out, sample.id, sample.labels)


@dataclass(frozen=True, kw_only=True)
class NetworkStage(DatasetStage):
    """A stage that runs a network, on as many devices as there are processes."""

    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: InferencePrecision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32."""

    def share(self) -> DistributedStage:
        """The part of this process. Raises InvalidSetting for a device that is not there."""
        from crt.train.distributed_stage import DistributedStage

        return DistributedStage.of(self.device, self.precision)


@dataclass(frozen=True, kw_only=True)
class LabelStage(DatasetStage):
    """A stage that makes labels from seeds without a network, on the cores of one machine."""

    MADE_BY: ClassVar[str] = "scripts.make_cams"

    seeds: Path
    """Where `scripts.make_cams` wrote."""
    workers: int = os.cpu_count() or 1
    """Processes that share the images."""

    def check(self) -> None:
        """Raise CrtError for what can be checked before anything is read."""

    def settings(self) -> dict[str, Any]:
        """What the labels are made with, beside the seeds."""
        raise NotImplementedError

    def make(self, sample: Sample) -> None:
        """Write the labels of one image. Raises CrtError."""
        raise NotImplementedError

    def run(self) -> StageResult:
        """Make what is missing. Raises CrtError with the ids of images without seeds, or of the one that failed."""
        self.check()
        images = self.images()
        write_manifest(self.out, {**self.settings(), "seeds": made_from(self.seeds, images, self.MADE_BY)})
        return make_each(images.samples, self.has_png, self.make, workers=self.workers)


def made_from(seeds: Path, images: ImageDataset, made_by: str) -> dict[str, Any]:
    """What a folder of seeds was made with. Raises InvalidDataset with the ids of all images without seeds."""
    from crt.pseudo_labels.cam_io import SUFFIX

    require(seeds, images, SUFFIX, made_by)
    return read_manifest(seeds)


def stage_main(stage: type[DatasetStage], description: str | None) -> int:
    """The command of a stage: `description` is its module's docstring -> the exit code."""
    return run_cli(lambda: tyro.cli(stage, description=description), _run)


def _run(stage: DatasetStage) -> None:
    made = stage.run()
    print(f"{made.new} images made, {made.before} were there before")
