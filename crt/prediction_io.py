"""What a file of a Prediction must be, whoever made it: `Prediction.load` accepts nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from crt.checkpoint import METHODS
from crt.errors import CrtError
from crt.models.cnn import STRIDE
from crt.models.loop import passes
from crt.models.tiles import TileGrid

SCHEMA = 4
MAX_SIDE = 2**31
"""Pixels that no side reaches; larger numbers in a file would overflow where they become floats."""
MAX_BYTES = 2**30
"""Bytes that a file may unpack to: many times what 1344 pixels, four loops and 200 classes need."""


class InvalidPrediction(CrtError):
    """A file is not a Prediction, or one of another schema version."""


def check_header(header: dict[str, Any]) -> None:
    """Raise ValueError for entries that have the right names and the wrong kinds."""
    grid, source, classes = header["grid"], header["source"], header["classes"]
    sides = [*source, *(grid[name] for name in ("height", "width", "tile", "patch"))]
    if len(source) != 2 or not all(type(side) is int and 0 < side < MAX_SIDE for side in sides):
        raise ValueError("the sizes of image and tiles are not whole numbers of pixels")
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise ValueError("the classes are not a list of names")
    if not header["kinds"] or not set(header["kinds"]) <= set(METHODS):
        raise ValueError(f"it has no methods, or others than {', '.join(METHODS)}")
    timings = header["timings"].values()
    if not all(type(time) in (int, float) for time in timings) or not isinstance(header["provenance"], dict):
        raise ValueError("timings or provenance are not those of a Prediction")
    threshold = header["default_threshold"]
    if type(threshold) not in (int, float) or not 0 <= threshold <= 1:  # NaN fails too
        raise ValueError("the default threshold is not a number from 0 to 1")


def check_arrays(method: str, arrays: dict[str, np.ndarray], grid: TileGrid, classes: int) -> None:
    """Raise ValueError for an array that does not fit the grid, the classes or the other arrays of its record."""
    if "cls_attn" not in arrays:
        wanted = {"cams": (classes, -(-grid.height // STRIDE), -(-grid.width // STRIDE)), "scores": (classes,)}
    else:
        counts, cells, patches = len(arrays["cams"]), grid.tile_cells, (grid.tile // grid.patch) ** 2
        blocks = arrays["cls_attn"].shape[1:-2]  # and heads, if they were kept
        if not counts or len(blocks) not in (1, 2) or 0 in blocks:
            raise ValueError(f"{method} has no loop count, block or head")
        run = passes(counts - 1)
        wanted = {
            "cams": (counts, len(grid), classes, cells, cells),
            "cls_attn": (run, *blocks, len(grid), patches),
            "similarity": (counts,),
            "residual": (run,),
            "scores": (counts, classes),
        }
    for name, shape in wanted.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.float32:
            raise ValueError(f"{method}.{name} is {array.dtype} {array.shape}, not float32 {shape}")
