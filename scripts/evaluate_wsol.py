"""`python -m scripts.evaluate wsol`: boxes of a single-label data set found by the CAMs of a checkpoint."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crt.data import ImageDataset, has_wsol_labels, is_cub, read_cub, read_folders, read_wsol, with_boxes
from crt.errors import InvalidSetting, count_of
from crt.evaluation.wsol_transform import WsolTransform
from crt.types import InferencePrecision
from scripts.output import check_figure_path, progress, write_json
from scripts.provenance import command_of
from scripts.report.base import ordinal

if TYPE_CHECKING:
    from crt.evaluation.wsol import WsolScore
    from crt.multiscale import MethodSpec
    from crt.predictor import Predictor

MAIN = ("crt", "tscam", "tscam_default", "resnet", "crt_cnn")


@dataclass(frozen=True)
class Wsol:
    """Top-1, Top-5 and GT-known localization, MaxBoxAcc and V2, and PxAP where there are masks."""

    root: Path
    """CUB-200-2011 or a part of it (the folder of images.txt); with `--boxes` a folder of class folders, or of images
    whose classes are in the metadata."""
    checkpoint: str = "checkpoints/cub"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    boxes: Path | None = None
    """CSV with columns id, x0, y0, x1, y1 (or those five without a header); an id may come several times. Or a metadata
    folder of wsolevaluation, whose class_labels.txt counts the checkpoint's classes from 0. CUB has its own boxes."""
    split: str = "test"
    """Of CUB: what is measured."""
    threshold: float | None = None
    """Share of a map's range that belongs to the object. Left out, the one that finds most boxes of the training
    images: CUB's other split, or `--train-root`; without any, the released 0.1."""
    train_root: Path | None = None
    """Training images to choose the thresholds on, like `--root`."""
    train_boxes: Path | None = None
    """Boxes of the training images, like `--boxes`."""
    train_stride: int = 3
    """Choose thresholds on every n-th training image."""
    view: WsolTransform = dataclasses.field(default_factory=WsolTransform)
    """What of an image the networks see."""
    loops: int | None = None
    """Measure CRT also at every loop count up to this one, refined and not."""
    stride: int = 1
    """Measure every n-th image only."""
    sheet: Path | None = None
    """Draw CRT's best and worst images here."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: InferencePrecision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32."""
    json: Path | None = None
    """Write the result here."""


def wsol(config: Wsol) -> dict[str, Any]:
    """Run the evaluation, print its table and return the JSON result. Raises CrtError."""
    import torch

    from crt.checkpoint import load_checkpoint
    from crt.device import choose_device
    from crt.evaluation.wsol import DEFINITIONS, evaluate_wsol
    from crt.precision import resolve
    from crt.predictor import Predictor
    from crt.train.machine import describe_machine

    check_figure_path(config.sheet)
    checkpoint = load_checkpoint(config.checkpoint)
    device = choose_device(config.device)
    bfloat16 = resolve(config.precision, device.type) == "bf16"
    predictor = Predictor(checkpoint, device=device, bfloat16=bfloat16)
    names = checkpoint.config.classes
    images = read_boxes(config.root, config.boxes, config.split, names).remap_classes(names)
    images = images.every(config.stride)
    requests = wanted(predictor, config.loops)
    began = time.perf_counter()
    thresholds, source = _thresholds(config, predictor, requests)
    with progress(len(images), "measuring") as advance:
        scores = evaluate_wsol(predictor, images, requests, config.view, thresholds, advance=advance)
    result = {
        "protocol": {
            "command": command(config),
            "data": config.root.name,
            "split": config.split if is_cub(config.root) else None,
            "stride": config.stride,
            "view": str(config.view),
            "thresholds": source,
            "loops": requests["crt"].spec.loops if "crt" in requests else None,
            "precision": "bfloat16" if bfloat16 else "float32",
            "machine": describe_machine(),
            "torch": torch.__version__,
            "checkpoint_sha256": checkpoint.sha256,
            "networks": {name: spec.sha256 for name, spec in checkpoint.config.networks.items()},
        },
        "definitions": DEFINITIONS,
        "images": len(images),
        "classes": len(names),
        "methods": {name: score.to_json() for name, score in scores.items()},
        "seconds_per_image": round((time.perf_counter() - began) / len(images), 3),
    }
    print(wsol_table(result))
    if config.json is not None:
        write_json(config.json, result)
    if config.sheet is not None:
        shown = next(name for name in MAIN if name in requests)
        _draw(config, predictor, images, requests[shown], scores[shown])
    return result


def read_boxes(root: Path, boxes: Path | None, split: str, classes: Sequence[str] = ()) -> ImageDataset:
    """Images with boxes in any layout. Raises InvalidDataset, and InvalidSetting where no boxes are given.

    `classes`: names in the order in which the metadata of wsolevaluation count them.
    """
    if is_cub(root):
        return read_cub(root, split) if boxes is None else with_boxes(read_cub(root, split, boxes="none"), boxes)
    if boxes is None:
        raise InvalidSetting(f"{root} is not CUB-200-2011: give --boxes, a CSV file with id, x0, y0, x1, y1.")
    return read_wsol(root, boxes, classes) if has_wsol_labels(boxes) else with_boxes(read_folders(root), boxes)


def wanted(predictor: Predictor, loops: int | None) -> dict[str, MethodSpec]:
    """The rows of the table: CRT by the checkpoint's defaults, TS-CAM as published and refined like CRT, the CNNs.

    `loops`: CRT at every loop count up to this one as well.
    """
    from crt.multiscale import default_specs

    most = max(predictor.checkpoint.config.defaults.loops, loops or 0)
    requests = default_specs(predictor, most)
    return {
        name: request
        for name, request in requests.items()
        if name in MAIN or (loops is not None and name.startswith("crt_loops") and request.spec.loops <= loops)
    }


def _thresholds(config: Wsol, predictor: Predictor, requests: dict[str, MethodSpec]) -> tuple[dict[str, float], str]:
    """The threshold of every row, and where it is from in words."""
    from crt.evaluation.wsol import choose_thresholds
    from crt.metrics.cam_boxes import BOX_THRESHOLD

    if config.threshold is not None:
        return dict.fromkeys(requests, config.threshold), "given"
    if config.train_root is not None:
        images = read_boxes(config.train_root, config.train_boxes, "train", predictor.checkpoint.config.classes)
    elif is_cub(config.root) and config.split != "train":
        images = read_cub(config.root, "train")
    else:
        return dict.fromkeys(requests, BOX_THRESHOLD), "as released"
    images = images.remap_classes(predictor.checkpoint.config.classes)
    images = images.every(config.train_stride)
    with progress(len(images), "choosing thresholds") as advance:
        chosen = choose_thresholds(predictor, images, requests, config.view, advance=advance)
    return chosen, f"best on {count_of(len(images), 'training image')}, every {ordinal(config.train_stride)}"


def _draw(config: Wsol, predictor: Predictor, images: ImageDataset, request: MethodSpec, score: WsolScore) -> None:
    from crt.sheets.box_sheet import box_sheet

    if config.sheet is None:
        return
    config.sheet.parent.mkdir(parents=True, exist_ok=True)
    title = f"Boxes of {request.method} on {config.root.name}"
    box_sheet(predictor, images, request, config.view, score, title=title).save(config.sheet)


def command(config: Wsol) -> str:
    """The command that measures the same again, without the folders of one machine."""
    always, leave = ("split", "checkpoint"), ("json", "sheet", "device")
    return command_of("python -m scripts.evaluate wsol", config, always=always, leave=leave)


def wsol_table(result: dict[str, Any]) -> str:
    """The methods of a result as lines of text."""
    from crt.evaluation.wsol import DEFINITIONS

    columns = ("top1", "top5", "gt_known", "max_box_acc", "max_box_acc_v2", "threshold")
    lines = [f"{'maps':<24}" + "".join(f"{name:>16}" for name in columns)]
    for name, row in result["methods"].items():
        lines.append(f"{name:<24}" + "".join(f"{row[column]:>16.2f}" for column in columns))
    return "\n".join([*lines, *(f"{name}: {meaning}" for name, meaning in DEFINITIONS.items())])
