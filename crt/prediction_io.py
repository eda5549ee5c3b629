"""The file of a Prediction: one npz with a JSON header, checked as untrusted when it is read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from crt.cam_spec import CamSpec
from crt.checkpoint import METHODS, Method
from crt.errors import CrtError, reason_of
from crt.models.loop import passes
from crt.models.outputs import STRIDE, CnnOutputs, VitOutputs
from crt.models.tiles import TileGrid

SCHEMA = 4
MAX_SIDE = 2**31
"""Pixels that no side reaches; larger numbers in a file would overflow where they become floats."""
MAX_BYTES = 2**30
"""Bytes that a file may unpack to: many times what 1344 pixels, four loops and 200 classes need."""


class InvalidPrediction(CrtError):
    """A file is not a Prediction, or one of another schema version."""


def write_fields(path: str | Path | BinaryIO, fields: Mapping[str, Any]) -> None:
    """Write the fields of a Prediction, without its image: arrays, and a JSON header under the key `header`.

    Nothing is pickled.

    Args:
        path: the file, or an open binary one.
        fields: by name.

    Raises:
        OSError: for instance when the disk is full.
    """
    records: Mapping[Method, VitOutputs | CnnOutputs] = fields["records"]
    header = {
        "schema": SCHEMA,
        "source": fields["source"],
        "grid": dataclasses.asdict(fields["grid"]),
        "classes": fields["classes"],
        "kinds": {m: "tokens" if isinstance(record, VitOutputs) else "conv" for m, record in records.items()},
        "timings": fields["timings"],
        "provenance": fields["provenance"],
        "default_spec": dataclasses.asdict(fields["default_spec"]),
        "default_threshold": fields["default_threshold"],
    }
    arrays = {f"{m}.{name}": array for m, record in records.items() for name, array in vars(record).items()}
    np.savez_compressed(path, header=np.array(json.dumps(header)), **arrays)


def read_fields(path: str | Path | BinaryIO) -> dict[str, Any]:
    """Read the fields that `write_fields` wrote.

    Every array must have the shape that follows from the header's grid and classes and the other arrays. Their values
    are not read.

    Args:
        path: the file, or an open binary one; it need not be trusted.

    Returns:
        The fields by name, without the image.

    Raises:
        InvalidPrediction: it is any other file, or would unpack to more than `MAX_BYTES`.
    """
    try:
        with _opened(path) as stream, np.load(stream, allow_pickle=False) as arrays:
            # A member is never unpacked beyond its declared size: a false one makes it shorter and no larger.
            size = sum(member.file_size for member in arrays.zip.infolist())
            if size > MAX_BYTES:
                raise InvalidPrediction(
                    f"This file would unpack to {size / 2**20:.0f} MiB, and a Prediction has at most "
                    f"{MAX_BYTES // 2**20}: make it again at a smaller size."
                )
            header = json.loads(str(arrays["header"]))
            if header["schema"] != SCHEMA:
                raise InvalidPrediction(f"This Prediction has schema {header['schema']}, this program reads {SCHEMA}.")
            _check_header(header)
            grid, classes = TileGrid(**header["grid"]), tuple(header["classes"])
            records: dict[Method, VitOutputs | CnnOutputs] = {}
            for method, kind in header["kinds"].items():
                record = {"tokens": VitOutputs, "conv": CnnOutputs}[kind]
                stored = {entry.name: arrays[f"{method}.{entry.name}"] for entry in dataclasses.fields(record)}
                _check_arrays(method, stored, grid, len(classes))
                records[method] = record(**stored)
        return {
            "source": (header["source"][0], header["source"][1]),
            "grid": grid,
            "classes": classes,
            "records": records,
            "default_spec": CamSpec.from_json(header["default_spec"]),
            **{name: header[name] for name in ("timings", "provenance", "default_threshold")},
        }
    except InvalidPrediction:
        raise
    except Exception as error:  # zip, decompressors, npy headers and JSON each raise their own at foreign bytes
        raise InvalidPrediction(f"This file is not a Prediction: {reason_of(error)}.") from error


def _opened(path: str | Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """The file, closed at the end if it was opened here: NumPy leaves one open that turns out to be no whole zip."""
    return Path(path).open("rb") if isinstance(path, str | Path) else nullcontext(path)


def _check_header(header: dict[str, Any]) -> None:
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


def _check_arrays(method: str, arrays: dict[str, np.ndarray], grid: TileGrid, classes: int) -> None:
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
