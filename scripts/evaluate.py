"""Measure maps, seeds and masks on images with ground truth.

python -m scripts.evaluate seeds --root VOC2012 --split train --checkpoint checkpoints/voc --json FILE
python -m scripts.evaluate stored --root VOC2012 --split train --folder runs/random_walk --sheet worst.png
python -m scripts.evaluate masks --root VOC2012 --split val --folder runs/predicted_masks --json FILE
python -m scripts.evaluate wsol --root CUB_200_2011 --checkpoint checkpoints/cub --json FILE
python -m scripts.evaluate pointing --root VOC2007 --split val --checkpoint checkpoints/voc --json FILE
python -m scripts.evaluate classification --root VOC2007 --split val --checkpoint checkpoints/voc --json FILE
"""

from __future__ import annotations

import dataclasses
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from crt.data import VOC_ANIMALS, ImageDataset, read_voc
from crt.errors import InvalidSetting, count_of
from crt.evaluation.pipeline_stage import read_manifest
from crt.pass_reductions import PassReduction
from crt.types import InferencePrecision, Mode
from scripts.cli import run_cli
from scripts.evaluate_pointing import Classification, Pointing, classification, pointing
from scripts.evaluate_wsol import Wsol, wsol
from scripts.output import check_figure_path, progress, write_json
from scripts.provenance import command_of
from scripts.report.sections import attention_of


@dataclass(frozen=True)
class MeasureSeeds:
    """mIoU of the CAMs against the masks of a devkit split, with image labels given."""

    root: Path
    """Devkit folder with masks (`.../VOC2012`)."""
    split: str = "train"
    """A list in ImageSets/Segmentation, or else in ImageSets/Main."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    scales: tuple[float, ...] = (1.0,)
    """Scales of the image whose maps are summed, each with its mirror image; the paper's seven are
    1 0.5 1.5 2 0.75 1.25 1.75."""
    classes: tuple[str, ...] = ()
    """Classes whose IoU is averaged beside background; `animals` stands for cat, cow, dog, horse, sheep and person."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    mask_cutoff: float | None = None
    """Masks of one object, black and white or with soft edges, are cut off at this share of their largest value, such
    as 0.5, and belong to the image's only class."""
    loops: int = 3
    """CRT is measured at every loop count up to this one."""
    pass_reduction: tuple[PassReduction, ...] = ()
    """Further ways to put the attention of several passes together, beside their sum."""
    mode: Mode = "overlap"
    """How a larger image goes through the transformer."""
    stride: int = 1
    """Measure every n-th image only, for a quicker and rougher number."""
    limit: int | None = None
    """Measure the first images only."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: InferencePrecision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32."""
    json: Path | None = None
    """Write the result here."""


def seeds(config: MeasureSeeds) -> dict:
    """Run the evaluation, print its table and return the JSON result."""
    import torch

    from crt.checkpoint import load_checkpoint
    from crt.device import choose_device
    from crt.evaluation.cams import evaluate_seeds
    from crt.multiscale import TTAConfig
    from crt.precision import resolve
    from crt.predictor import Predictor
    from crt.train.machine import describe_machine

    checkpoint = load_checkpoint(config.checkpoint)
    device = choose_device(config.device)
    bfloat16 = resolve(config.precision, device.type) == "bf16"
    predictor = Predictor(checkpoint, device=device, bfloat16=bfloat16, float32_passes=0)
    images = with_masks(config)
    images = images.remap_classes(checkpoint.config.classes)
    images = images.every(config.stride, config.limit)
    views = TTAConfig(config.scales, mode=config.mode)
    measured = expand_classes(config.classes)
    began = time.perf_counter()
    with progress(len(images)) as advance:
        result = evaluate_seeds(
            predictor,
            images,
            views=views,
            loops=config.loops,
            pass_reduction=config.pass_reduction,
            measured=measured,
            advance=advance,
        )
    result = {
        "protocol": {
            "measure": "mIoU in percent over background and the classes named; image labels given; 255 ignored",
            "classes": measured or "all",
            "command": command(config),
            "split": config.split,
            "stride": config.stride,
            **dataclasses.asdict(views),
            "threshold_sweep": "best of 0.01 ... 0.79 on these images",
            "attention": attention_of(checkpoint.config.defaults),
            "precision": "bfloat16" if bfloat16 else "float32",
            "machine": describe_machine(),
            "torch": torch.__version__,
            "checkpoint_sha256": checkpoint.sha256,
        },
        "images": len(images),
        **result,
        "seconds_per_image": round((time.perf_counter() - began) / len(images), 3),
    }
    print(seeds_table(result))
    if config.json is not None:
        write_json(config.json, result)
    return result


@dataclass(frozen=True)
class MeasureFolder:
    """mIoU of what a stage of the pipeline wrote, against the masks of a devkit split."""

    root: Path
    """Devkit folder with masks (`.../VOC2012`)."""
    folder: Path
    """What to measure: seeds or random-walk pseudo labels for `stored`, indexed PNGs for `masks`."""
    split: str = "train"
    """A list in ImageSets/Segmentation, or else in ImageSets/Main."""
    classes: tuple[str, ...] = ()
    """Classes whose IoU is averaged beside background; `animals` stands for cat, cow, dog, horse, sheep and person."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    mask_cutoff: float | None = None
    """Masks of one object, black and white or with soft edges, are cut off at this share of their largest value, such
    as 0.5, and belong to the image's only class."""
    json: Path | None = None
    """Write the result here."""
    sheet: Path | None = None
    """Draw the worst images here: the image, the ground truth, and what was measured."""
    worst: int = 12
    """How many of them."""


@dataclass(frozen=True)
class MeasureStored(MeasureFolder):
    """mIoU of seeds or random-walk pseudo labels on disk at the best threshold of a sweep, image labels given."""


@dataclass(frozen=True)
class MeasureMasks(MeasureFolder):
    """mIoU of masks on disk as they are."""


def stored(config: MeasureFolder) -> dict:
    """Measure a folder, print the result and return it as JSON values."""
    from crt.evaluation.stored import measure_masks, measure_seeds
    from crt.sheets.worst import worst_sheet

    check_figure_path(config.sheet)
    if config.worst < 1:
        raise InvalidSetting(f"The number of the worst images is {config.worst}: give 1 or more.")
    made_with = read_manifest(config.folder)
    images = with_masks(config)
    measured = expand_classes(config.classes)
    swept = isinstance(config, MeasureStored)
    score = (measure_seeds if swept else measure_masks)(config.folder, images, measured)
    result = {
        "protocol": {
            "measure": "mIoU in percent over background and the classes named; 255 ignored",
            "classes": measured or "all",
            "command": stored_command(config),
            "split": config.split,
            "threshold": "best of 0.01 ... 0.79 on these images, image labels given" if swept else "none",
            "made_with": made_with,
        },
        "images": len(images),
        **score.to_json(config.worst),
    }
    print(f"mIoU {score.miou:.2f}, pixel accuracy {score.accuracy:.2f}, {count_of(len(images), 'image')}")
    print("\n".join(f"{name:<14}{value:>7.2f}" for name, value in score.per_class.items()))
    if score.threshold is not None:
        print(f"best background threshold {score.threshold:.2f}")
    if config.json is not None:
        write_json(config.json, result)
    if config.sheet is not None:
        config.sheet.parent.mkdir(parents=True, exist_ok=True)
        worst_sheet(config.folder, images, score, config.worst).save(config.sheet)
    return result


def with_masks(config: MeasureSeeds | MeasureFolder) -> ImageDataset:
    """The images of the split with their masks. Raises CrtError."""
    from crt.pseudo_labels.object_masks import with_mask_cutoff

    images = read_voc(config.root, config.split, class_names=config.class_names or None, masks="required")
    return with_mask_cutoff(images, config.mask_cutoff)


def expand_classes(classes: tuple[str, ...]) -> list[str] | None:
    """The class names of an option, each once, `animals` written out; None for all classes."""
    if not classes:
        return None
    expanded = (n for name in classes for n in ((*VOC_ANIMALS, "person") if name == "animals" else (name,)))
    return list(dict.fromkeys(expanded))


def command(config: MeasureSeeds) -> str:
    """The command that measures the same again, without the folders of one machine."""
    always = ("split", "checkpoint", "loops", "mode")
    return command_of("python -m scripts.evaluate seeds", config, always=always, leave=("json", "device"))


def stored_command(config: MeasureFolder) -> str:
    """The command that measures the same folder again, without the folders of one machine."""
    name, leave = "stored" if isinstance(config, MeasureStored) else "masks", ("json", "sheet")
    return command_of(f"python -m scripts.evaluate {name}", config, always=("split",), leave=leave)


def seeds_table(result: dict) -> str:
    """The methods of a result as lines of text."""
    lines = [f"{'maps':<26}{'at 0.15':>9}{'best':>8}{'threshold':>11}"]
    lines += [
        f"{name:<26}{row['miou_at_0.15']:>9.2f}{row['miou_best']:>8.2f}{row['threshold_best']:>11.2f}"
        for name, row in result["methods"].items()
    ]
    known = {name: value for name, value in result["classification_map"].items() if value is not None}
    lines += [f"classification mAP of {name}: {value:.2f}" for name, value in known.items()]
    return "\n".join(lines)


COMMANDS = {
    "seeds": (MeasureSeeds, seeds),
    "stored": (MeasureStored, stored),
    "masks": (MeasureMasks, stored),
    "wsol": (Wsol, wsol),
    "pointing": (Pointing, pointing),
    "classification": (Classification, classification),
}
"""Name of each subcommand -> its options and what runs them."""


def options() -> Any:
    """The options of the subcommand that is chosen."""
    return tyro.extras.subcommand_cli_from_dict({name: options for name, (options, _) in COMMANDS.items()})


def main(config: Any) -> None:
    """Run the subcommand of a config."""
    dict(COMMANDS.values())[type(config)](config)


if __name__ == "__main__":
    sys.exit(run_cli(options, main))
