"""From the name of a checkpoint to a Predictor, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from crt.checkpoint import load_checkpoint
from crt.device import choose_device
from crt.errors import InvalidSetting
from crt.precision import resolve
from crt.predictor import Predictor
from crt.types import InferencePrecision


def load(checkpoint: str | Path, *, device: str = "auto", precision: InferencePrecision = "auto") -> Predictor:
    """Load a checkpoint as a Predictor: `model = crt.load("voc"); prediction = model("photo.jpg")`.

    Args:
        checkpoint: a folder with `config.json` and weights; the name of a bundled checkpoint, `voc` or `cub`, in a
            copy of the repository; or a Hub id `user/name`.
        device: `auto` is the GPU if there is one; else `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: `fp32`, `bf16`, or `auto`: bfloat16 where the processor or GPU has instructions for it.

    Returns:
        The Predictor, its networks in eval mode on the device.

    Raises:
        InvalidCheckpoint: something is missing, damaged, out of range or of the wrong shape.
        InvalidSetting: this machine has no such device, or the precision is none of the three.
    """
    if precision not in get_args(InferencePrecision):
        raise InvalidSetting(f"The precision is {precision!r}: choose auto, fp32 or bf16.")
    chosen = choose_device(device)
    bfloat16 = precision == "bf16" or (precision == "auto" and resolve("auto", chosen.type) == "bf16")
    return Predictor(load_checkpoint(checkpoint), device=chosen, bfloat16=bfloat16)
