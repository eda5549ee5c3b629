"""`python -m scripts.evaluate pointing` and `classification`: maps and scores on images with boxes (VOC 2007)."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crt.checkpoint import CheckpointConfig, Method
from crt.errors import count_of
from crt.evaluation.bootstrap import Bootstrap
from crt.types import InferencePrecision, Mode
from scripts.output import progress, write_json
from scripts.provenance import command_of

if TYPE_CHECKING:
    from crt.data.voc_boxes import BoxedImage
    from crt.evaluation.pointing_cams import PointingRow, PointingView
    from crt.predictor import Predictor

DIFFICULT_OBJECTS = (
    "a class all of whose objects in an image are marked difficult is not asked for; "
    "their boxes count for hits and for area"
)


@dataclass(frozen=True)
class VocBoxes:
    """What both measures share."""

    root: Path
    """Devkit folder with boxes (`.../VOC2007`)."""
    split: str = "val"
    """A list in ImageSets/Main."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the order of its mask values; VOC's if empty."""
    checkpoint: str = "checkpoints/voc"
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    methods: tuple[Method, ...] = ()
    """Networks to measure; all of the checkpoint by default. The others do not run."""
    loops: int = 4
    """CRT is measured at every loop count up to this one."""
    size: int | Literal["default", "native"] = "default"
    """Pixels of the long side that the networks see: the checkpoint's default, or the image's own size."""
    flip: bool = False
    """Add the mirror image."""
    mode: Mode = "overlap"
    """How a larger image goes through the transformer."""
    stride: int = 1
    """Measure every n-th image only, for a quicker and rougher number."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: InferencePrecision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32."""
    json: Path | None = None
    """Write the result here."""


@dataclass(frozen=True)
class Pointing(VocBoxes):
    """Pointing game: share of classes whose map has its largest value on an object, mean over classes, in percent."""

    explainers: tuple[str, ...] = ()
    """Explainers of the CNNs to measure beside their CAM (gradcam, layercam, …); `all` for every one."""
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    """Intervals over images."""


@dataclass(frozen=True)
class Classification(VocBoxes):
    """Mean average precision of the class scores of every network and loop count, in percent."""


def pointing(config: Pointing) -> dict[str, Any]:
    """Run the pointing game, print its table and return the JSON result. Raises CrtError."""
    from crt.analysis.explainers import EXPLAINERS
    from crt.data.voc_boxes import FULL_SIDE
    from crt.evaluation.pointing import difficult_subset, summarize
    from crt.evaluation.pointing_cams import evaluate_pointing, pointing_rows
    from crt.metrics.pixels import TOLERANCE

    predictor, images = _prepare(config)
    known, view = predictor.checkpoint.config, _view(config, predictor.checkpoint.config)
    explainers = tuple(EXPLAINERS) if "all" in config.explainers else config.explainers
    rows = pointing_rows(known, config.loops, config.methods, explainers)
    began = time.perf_counter()
    with progress(len(images)) as advance:
        scores = evaluate_pointing(predictor, images, rows, view, advance=advance)
    pairs = [("crt", other) for other in ("resnet", "tscam", "tscam_default", "crt_cnn") if {"crt", other} <= set(rows)]
    subset = difficult_subset(images, len(known.classes))
    result = {
        "protocol": {
            "measure": "pointing game: mean over classes of the share of hits, in percent (Zhang et al. 2016)",
            **_protocol(config, "pointing", predictor, view),
            "tolerance": f"{TOLERANCE:g} pixels of the full-size image; where the annotation does not have its size, "
            f"its long side is taken for {FULL_SIDE} pixels",
            "ties": "share of the pixels with the largest value that hit; a constant map misses",
            "difficult": "boxes of the class cover under a quarter of the image, and there is another class",
            "difficult_objects": DIFFICULT_OBJECTS,
            "bootstrap": {"over": "images", **asdict(config.bootstrap)},
            "explainer_precision": "float32" if explainers else None,
        },
        "rows": {name: row.to_json() for name, row in rows.items()},
        "pointing": summarize(scores, subset, known.classes, pairs, config.bootstrap),
        "seconds_per_image": round((time.perf_counter() - began) / len(images), 3),
    }
    print(pointing_table(result["pointing"]))
    if config.json is not None:
        write_json(config.json, result)
    return result


def classification(config: Classification) -> dict[str, Any]:
    """Measure the class scores, print the table and return the JSON result. Raises CrtError."""
    from crt.evaluation.pointing_cams import evaluate_classification, pointing_rows

    predictor, images = _prepare(config)
    known, view = predictor.checkpoint.config, _view(config, predictor.checkpoint.config)
    rows = _scored(pointing_rows(known, config.loops, config.methods))
    began = time.perf_counter()
    with progress(len(images)) as advance:
        found = evaluate_classification(predictor, images, rows, view, advance=advance)
    result = {
        "protocol": {
            "measure": "average precision, area under precision and recall without interpolation, in percent",
            **_protocol(config, "classification", predictor, view),
            "difficult_objects": "an image does not count for a class all of whose objects are marked difficult",
        },
        "images": len(images),
        "rows": {name: {"network": row.method, "loops": row.loops} for name, row in rows.items()},
        "classification": {"methods": found},
        "seconds_per_image": round((time.perf_counter() - began) / len(images), 3),
    }
    print("\n".join(f"{name:<24}{_text(row['map']):>8}" for name, row in found.items()))
    if config.json is not None:
        write_json(config.json, result)
    return result


def command(config: VocBoxes, name: str) -> str:
    """The command that measures the same again, without the folders of one machine."""
    always = ("split", "checkpoint", "loops", "size", "mode")
    return command_of(f"python -m scripts.evaluate {name}", config, always=always, leave=("json", "device"))


def pointing_table(result: dict[str, Any]) -> str:
    """The rows of a result, and the differences, as lines of text."""
    lines = [f"{'maps':<28}{'all':>8}{'interval':>18}{'difficult':>11}{'interval':>18}"]
    for name, row in (result["methods"] | result["differences"]).items():
        cells = [f"{_text(row[subset]['mean']):>{width}}" for subset, width in (("all", 8), ("difficult", 11))]
        spans = [" … ".join(map(_text, row[subset]["interval"] or ())) for subset in ("all", "difficult")]
        lines.append(f"{name:<28}{cells[0]}{spans[0]:>18}{cells[1]}{spans[1]:>18}")
    totals = ", ".join(f"{subset} {count['total']}" for subset, count in result["targets"].items())
    return "\n".join([*lines, f"{count_of(result['images'], 'image')}; pairs of an image and a class: {totals}"])


def _prepare(config: VocBoxes) -> tuple[Predictor, tuple[BoxedImage, ...]]:
    """The predictor and the images."""
    from crt.checkpoint import load_checkpoint
    from crt.data.voc_boxes import read_voc_boxes
    from crt.device import choose_device
    from crt.precision import resolve
    from crt.predictor import Predictor

    checkpoint = load_checkpoint(config.checkpoint)
    names = config.class_names or None
    known = checkpoint.config.classes
    images = read_voc_boxes(config.root, config.split, known, class_names=names, stride=config.stride)
    device = choose_device(config.device)
    bfloat16 = resolve(config.precision, device.type) == "bf16"
    return Predictor(checkpoint, device=device, bfloat16=bfloat16), images


def _view(config: VocBoxes, known: CheckpointConfig) -> PointingView:
    from crt.evaluation.pointing_cams import PointingView

    sizes = {"default": known.defaults.size, "native": None}
    size = sizes[config.size] if isinstance(config.size, str) else config.size
    return PointingView(size, config.flip, config.mode)


def _protocol(config: VocBoxes, name: str, predictor: Predictor, view: PointingView) -> dict[str, Any]:
    """What both results record of how they were made."""
    import torch

    from crt.train.machine import describe_machine

    checkpoint = predictor.checkpoint
    return {
        "command": command(config, name),
        "data": config.root.resolve().name,
        "split": config.split,
        "stride": config.stride,
        **asdict(view),
        "precision": "bfloat16" if predictor.bfloat16 else "float32",
        "machine": describe_machine(),
        "torch": torch.__version__,
        "checkpoint_sha256": checkpoint.sha256,
        "networks": {network: spec.sha256 for network, spec in checkpoint.config.networks.items()},
        "backbones": {network: spec.backbone for network, spec in checkpoint.config.networks.items()},
    }


def _scored(rows: dict[str, PointingRow]) -> dict[str, PointingRow]:
    """One row for each network and loop count, since refinement does not change a score."""
    first: dict[tuple[str, int], str] = {}
    for name in sorted(rows, key="crt".__eq__):  # by its loop count, unless that is beyond `--loops`
        first.setdefault((rows[name].method, rows[name].loops), name)
    return {name: rows[name] for name in first.values()}


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
