"""From a checkpoint to a segmentation network and its table, one stage after the other.

    python -m scripts.run_pipeline two-cores --root VOC2012 --out runs/pipeline --json results/pipeline.json
    python -m scripts.run_pipeline full --root VOC2012 --split train_aug --out runs/pipeline

Each stage is a command of its own with its own folder in `out`: `seeds`, `labels`, `irn`, `random_walk`, `masks`,
`deeplab`, `predicted_masks`. What is done is not done again, so the same command goes on after an interruption.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import tyro

from crt.checkpoint import read_config
from crt.data import VOC_ANIMALS, VOC_CLASSES, ImageDataset, read_voc
from crt.evaluation.pipeline_stage import read_manifest
from crt.pseudo_labels.crf import require_dense_crf
from crt.pseudo_labels.settings import WALK_THRESHOLD
from crt.train.mask_configs import DEEPLAB_PRESETS, DeepLabConfig, RelationConfig
from crt.train.run_config import RUN_ONLY
from crt.types import SEED_SCALES, Precision
from scripts.cli import run_cli
from scripts.make_cams import Seeds
from scripts.make_irn_labels import Labels
from scripts.make_pseudo_masks import Masks
from scripts.output import write_json
from scripts.predict_masks import Segment
from scripts.provenance import command_of, run_record
from scripts.random_walk import Walk

if TYPE_CHECKING:
    from crt.evaluation.stored import Score

SECONDS = "seconds.json"
Stage = Literal["seeds", "labels", "irn", "random_walk", "masks", "deeplab", "predicted_masks"]
STAGES: tuple[Stage, ...] = get_args(Stage)
TRAININGS: tuple[tuple[Stage, str], ...] = (("irn", "relation"), ("deeplab", "segmentation"))


@dataclass(frozen=True)
class Pipeline:
    """Which images, and how each stage is done."""

    root: Path
    """Devkit folder (`.../VOC2012`). Its masks are read to measure, never to learn."""
    out: Path
    """A folder for this pipeline alone."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    split: str = "train"
    """The images that the networks learn from."""
    val: str = "val"
    """The images that the segmentation network is measured on."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    scales: tuple[float, ...] = SEED_SCALES
    """Scales of the image whose CAMs are summed, each with its mirror image."""
    walk_threshold: float = WALK_THRESHOLD
    """The background constant against random-walk pseudo labels, for the masks."""
    irn: RelationConfig = field(default_factory=RelationConfig)
    deeplab: DeepLabConfig = field(default_factory=DeepLabConfig)
    last: Stage = "predicted_masks"
    """Stop after this stage."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: Precision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32; trainings on older GPUs take
    float16. With `fp16` the trainings do, and all else is float32."""
    json: Path | None = None
    """Write the table here too."""


def run_pipeline(config: Pipeline) -> dict[str, Any]:
    """Do what is missing of every stage and measure each -> the table as JSON values. Raises CrtError."""
    from crt.train.deeplab import check_weights, train_deeplab
    from crt.train.irn import train_relation
    from crt.train.machine import describe_machine
    from crt.train.masks_data import with_masks

    if config.last != "seeds":
        require_dense_crf()
    out = config.out
    folders: dict[Stage, Path] = {name: out / name for name in STAGES}
    names = config.class_names
    images = read_voc(config.root, config.split, class_names=names or None)
    clock = _Clock(out / SECONDS)

    root, split, precision = config.root, config.split, config.precision
    data: dict[str, Any] = {"root": root, "split": split, "class_names": names}
    machine: dict[str, Any] = {"device": config.device, "precision": "fp32" if precision == "fp16" else precision}
    seeds = Seeds(**data, out=folders["seeds"], checkpoint=config.checkpoint, scales=config.scales, **machine)
    labels = Labels(**data, out=folders["labels"], seeds=folders["seeds"])
    irn = dataclasses.replace(
        config.irn, out=folders["irn"], checkpoint=config.checkpoint, precision=precision, resume=True
    )
    walk = Walk(**data, out=folders["random_walk"], seeds=folders["seeds"], relation=str(folders["irn"]), **machine)
    masks = Masks(**data, out=folders["masks"], seeds=folders["random_walk"], threshold=config.walk_threshold)
    deeplab = dataclasses.replace(
        config.deeplab, out=folders["deeplab"], checkpoint=str(folders["irn"]), precision=precision, resume=True
    )
    segment = Segment(
        **{**data, "split": config.val}, out=folders["predicted_masks"], checkpoint=str(folders["deeplab"]), **machine
    )
    record = run_record("scripts.run_pipeline", DEEPLAB_PRESETS)
    work: dict[Stage, Callable[[], object]] = {
        "seeds": seeds.run,
        "labels": labels.run,
        "irn": lambda: train_relation(irn, with_masks(images, folders["labels"]), record=record),
        "random_walk": walk.run,
        "masks": masks.run,
        "deeplab": lambda: train_deeplab(deeplab, with_masks(images, folders["masks"]), record=record),
        "predicted_masks": segment.run,
    }
    wanted = STAGES[: STAGES.index(config.last) + 1]
    if "labels" in wanted:
        labels.check()
    if "masks" in wanted:
        masks.check()
    if "deeplab" in wanted:
        check_weights(dataclasses.replace(config.deeplab, checkpoint=config.checkpoint))
    for split in dict.fromkeys((config.split, config.val) if "predicted_masks" in wanted else (config.split,)):
        read_voc(config.root, split, class_names=names or None, masks="required")  # to measure, in the end
    for name in wanted:
        clock.time(name, work[name])

    training = _trainings(folders, wanted)
    result = {
        "protocol": {
            "command": command(config),
            "machine": describe_machine(),
            "seeds": read_manifest(folders["seeds"]),
            "walk_threshold": config.walk_threshold,
            "training": training,
        },
        "stages": measure_stages(config, folders, wanted),
        "seconds": with_interrupted(clock.seconds, training),
    }
    for path in (out / "pipeline.json", *((config.json,) if config.json else ())):
        write_json(path, result)
    print(stage_table(result))
    return result


def _trainings(folders: dict[Stage, Path], stages: tuple[Stage, ...]) -> dict[str, Any]:
    """How the networks of the stages were trained."""
    return {part: read_config(folders[stage]).training[part] for stage, part in TRAININGS if stage in stages}


def with_interrupted(seconds: dict[str, float], training: dict[str, Any]) -> dict[str, float]:
    """The clock's seconds, but of a training what its own log has, if runs that were killed make that more."""
    logged = {stage: 60 * training[part]["minutes"] for stage, part in TRAININGS if part in training}
    return {stage: round(max(value, logged.get(stage, 0.0)), 1) for stage, value in seconds.items()}


def measure_stages(config: Pipeline, folders: dict[Stage, Path], stages: tuple[Stage, ...]) -> list[dict[str, Any]]:
    """One row per stage and measure: over all classes on the whole split, and over VOC's animals on their images."""
    from crt.evaluation.stored import measure_masks, measure_seeds

    rows = []
    for name in stages:
        if name in ("labels", "irn", "deeplab"):
            continue
        split = config.val if name == "predicted_masks" else config.split
        images = read_voc(config.root, split, class_names=config.class_names or None, masks="required")
        measures: list[tuple[str, ImageDataset, tuple[str, ...] | None]] = [
            ("VOC-21" if images.classes == VOC_CLASSES else "all classes", images, None)
        ]
        if images.classes == VOC_CLASSES:
            measures.append(("animals", animals(images), (*VOC_ANIMALS, "person")))
        for measure, subset, classes in measures:
            if not subset.samples:
                continue
            how = measure_seeds if name in ("seeds", "random_walk") else measure_masks
            score: Score = how(folders[name], subset, classes)
            rows.append({"stage": name, "split": split, "measure": measure, "images": len(subset), **score.to_json()})
    return rows


def animals(images: ImageDataset) -> ImageDataset:
    """The images that show a cat, cow, dog, horse or sheep."""
    wanted = {images.classes.index(name) for name in VOC_ANIMALS}
    return dataclasses.replace(images, samples=tuple(s for s in images.samples if wanted & set(s.labels)))


def stage_table(result: dict[str, Any]) -> str:
    """The stages as lines of text."""
    lines = [f"{'stage':<12}{'images':<16}{'measure':<10}{'mIoU':>7}{'threshold':>11}"]
    for row in result["stages"]:
        threshold = "" if row["threshold"] is None else f"{row['threshold']:.2f}"
        images = f"{row['images']} {row['split']}"
        lines.append(f"{row['stage']:<12}{images:<16}{row['measure']:<10}{row['miou']:>7.2f}{threshold:>11}")
    return "\n".join(lines)


def command(config: Pipeline) -> str:
    """The command that does the same again, without the folders of one machine: from the preset that is nearest."""
    own = (f"{part}.{name}" for part in ("irn", "deeplab") for name in (*RUN_ONLY, "checkpoint", "precision"))
    always, leave = ("split", "val"), ("json", "device", *own)
    found = [
        command_of(
            f"python -m scripts.run_pipeline {name}",
            config,
            usual=Pipeline(config.root, config.out, deeplab=deeplab),
            always=always,
            leave=leave,
        )
        for name, (_, deeplab) in DEEPLAB_PRESETS.items()
    ]
    return min(found, key=len)


class _Clock:
    """Seconds of each stage over all runs of the same pipeline, on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def time(self, name: str, stage: Callable[[], object]) -> None:
        """Do a stage and add what it took."""
        print(f"== {name}", flush=True)
        began = time.perf_counter()
        stage()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 1)
        write_json(self.path, self.seconds)


def pipeline_presets() -> dict[str, tuple[str, Pipeline]]:
    """The presets of the segmentation network, for a whole pipeline."""
    return {
        name: (what, Pipeline(tyro.MISSING, tyro.MISSING, deeplab=deeplab))
        for name, (what, deeplab) in DEEPLAB_PRESETS.items()
    }


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.extras.overridable_config_cli(pipeline_presets(), description=__doc__), run_pipeline))
