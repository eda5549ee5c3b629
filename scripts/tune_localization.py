"""Which loop count, and the attention of which blocks, finds the most boxes: a sweep on training images.

    python -m scripts.tune_localization --root CUB_200_2011 --checkpoint runs/birds --json choice.json

Its first lines are the defaults to pack the checkpoint with (`scripts.pack_checkpoint --defaults.…`). Run it on
images that are not the ones to be measured afterwards: CUB's training images, or some that were held out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tyro

from crt.cam_spec import CamSpec
from crt.errors import InvalidSetting, count_of
from crt.evaluation.wsol_transform import WsolTransform
from crt.types import InferencePrecision
from scripts.block_numbers import to_numbers
from scripts.cli import run_cli
from scripts.evaluate_wsol import read_boxes
from scripts.output import progress, write_json
from scripts.provenance import command_of

if TYPE_CHECKING:
    from crt.multiscale import MethodSpec

THRESHOLDS = np.round(np.arange(0, 0.6, 0.02), 2)


@dataclass(frozen=True)
class Choice:
    """A sweep over loop counts, ranges of blocks and thresholds."""

    root: Path
    """CUB-200-2011 or a part of it, or a folder of class folders with `--boxes`."""
    checkpoint: str
    """A checkpoint folder, the name of a bundled checkpoint such as `voc`, or a Hub id `user/name`."""
    boxes: Path | None = None
    """CSV with columns id, x0, y0, x1, y1, for class folders."""
    split: str = "train"
    """Of CUB."""
    method: Literal["crt", "tscam"] = "crt"
    """The network whose maps give the boxes."""
    loops: tuple[int, ...] = (0, 1)
    """Loop counts of CRT to try; TS-CAM has none."""
    view: WsolTransform = field(default_factory=WsolTransform)
    stride: int = 3
    """Run every n-th image only."""
    top_k: int = 8
    """Lines of the table."""
    device: str = "auto"
    """`auto` is the GPU if there is one."""
    precision: InferencePrecision = "auto"
    """`auto` is bfloat16 where the processor or GPU has instructions for it, else float32."""
    json: Path | None = None
    """Write every candidate here, the best first."""


def choose(config: Choice) -> list[dict[str, Any]]:
    """Run the sweep and return its candidates, the best first, with blocks counted from 1. Raises CrtError."""
    from crt.checkpoint import load_checkpoint
    from crt.device import choose_device
    from crt.evaluation.wsol import box_accuracies
    from crt.models.vit import TransformerBranch
    from crt.precision import resolve
    from crt.predictor import Predictor

    checkpoint = load_checkpoint(config.checkpoint)
    network = checkpoint.networks.get(config.method)
    if not isinstance(network, TransformerBranch):
        raise InvalidSetting(f"{config.checkpoint} has no {config.method}: choose another --method.")
    device = choose_device(config.device)
    predictor = Predictor(checkpoint, device=device, bfloat16=resolve(config.precision, device.type) == "bf16")
    names = checkpoint.config.classes
    images = read_boxes(config.root, config.boxes, config.split, names).remap_classes(names)
    images = images.every(config.stride)
    requests = candidates(config.method, config.loops, network.depth)
    with progress(len(images), "sweeping") as advance:
        found = box_accuracies(predictor, images, requests, config.view, thresholds=THRESHOLDS, advance=advance)
    rows = [
        {
            "loops": requests[name].spec.loops,
            "refined": requests[name].spec.refined,
            "blocks": to_numbers(requests[name].spec.blocks),
            "threshold": accuracy.best_threshold(),
            "max_box_acc": round(100 * accuracy.max_box_acc(), 2),
        }
        for name, accuracy in found.items()
    ]
    rows.sort(key=lambda row: -row["max_box_acc"])
    print(f"{config.method}, {count_of(len(images), 'image')}, {config.view}, {count_of(len(rows), 'candidate')}")
    print("\n".join(str(row) for row in rows[: config.top_k]))
    if config.json is not None:
        protocol = {"command": command(config), "checkpoint_sha256": checkpoint.sha256}
        result = {"images": len(images), "view": str(config.view), "candidates": rows}
        write_json(config.json, protocol | result)
    return rows


def command(config: Choice) -> str:
    """The command that sweeps the same again, without the folders of one machine: for `--chosen-by` of the card."""
    always, leave = ("split", "method", "loops"), ("json", "top_k", "device")
    return command_of("python -m scripts.tune_localization", config, always=always, leave=leave)


def candidates(method: Literal["crt", "tscam"], loops: tuple[int, ...], blocks: int) -> dict[str, MethodSpec]:
    """Every range of the `blocks` blocks at every loop count, and the maps that nothing refines."""
    from crt.multiscale import MethodSpec

    requests = {}
    for count in loops if method == "crt" else (0,):
        requests[f"{count} unrefined"] = MethodSpec(method, CamSpec(count, refined=False))
        for first in range(blocks):
            for last in range(first, blocks):
                requests[f"{count} {first}-{last}"] = MethodSpec(method, CamSpec(count, blocks=(first, last)))
    return requests


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Choice), choose))
