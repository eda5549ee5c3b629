"""The Trace: all that the networks saw in one picture, from which every map is arithmetic.

It holds raw class maps of every tile, loop count and class, and the class token's attention of every block and pass.
Loops, refinement, classes, blocks and thresholds can then change without another look at the picture.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from crt.checkpoint import METHODS, Method
from crt.cnn import STRIDE
from crt.errors import CrtError, InvalidSetting, reason_of
from crt.loop import passes
from crt.refine import Combine, attention_map, refine
from crt.tiles import TileGrid
from crt.tokens import TokenRecord, merge_rows

SCHEMA = 2
MAX_SIDE = 2**31
"""Pixels that no side reaches; larger numbers in a file would overflow where they become floats."""
MAX_BYTES = 2**30
"""Bytes that a file may unpack to: many times what 1344 pixels, four loops and 200 classes need."""


class InvalidTrace(CrtError):
    """A file is not a Trace, or one of another schema version."""


@dataclass(frozen=True)
class ConvRecord:
    """What a CNN saw. `maps`: (C, h, w) float32 raw class maps, 16 pixels a cell. `scores`: (C,) float32 logits."""

    maps: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Trace:
    """The record of one picture at one input size and mode.

    `source`: height and width of the picture in pixels. `grid`: tiles at the input size. `records`: one per method.
    `timings`: milliseconds of each stage. `provenance`: checkpoint hash, settings, versions.
    """

    source: tuple[int, int]
    grid: TileGrid
    classes: tuple[str, ...]
    records: dict[Method, TokenRecord | ConvRecord]
    timings: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods recorded, in the order of `METHODS`."""
        return tuple(method for method in METHODS if method in self.records)

    @property
    def passes(self) -> int:
        """Passes through the CRT encoder that this Trace cost."""
        record = self.records.get("crt")
        return record.rows.shape[0] if isinstance(record, TokenRecord) else 0

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for record in self.records.values() for array in vars(record).values())

    def record(self, method: Method) -> TokenRecord | ConvRecord:
        """The record of a method. Raises InvalidSetting if this checkpoint has none."""
        try:
            return self.records[method]
        except KeyError:
            have = ", ".join(self.methods)
            raise InvalidSetting(f"This checkpoint has no {method} network: choose among {have}.") from None

    def clamp(self, method: Method, loops: int) -> int:
        """The loop count that a method is asked for: TS-CAM has none, a CNN neither."""
        record = self.record(method)
        return min(loops, record.loops) if isinstance(record, TokenRecord) else 0

    def scores(self, method: Method, loops: int = 0) -> np.ndarray:
        """(C,) float32 logits of a method at a loop count; the maps' mean over the grid, before ReLU and refinement."""
        record = self.record(method)
        if isinstance(record, ConvRecord):
            return record.scores
        return record.scores[_checked_loops(record, loops)]

    def span(self, method: Method) -> tuple[float, float]:
        """Height and width of the picture in cells of a method's map; what lies beyond is padding."""
        if isinstance(self.record(method), ConvRecord):
            return self.grid.height / STRIDE, self.grid.width / STRIDE
        return self.grid.span

    def maps(
        self,
        method: Method,
        *,
        loops: int = 0,
        refined: bool = True,
        classes: Sequence[int] | None = None,
        blocks: Sequence[int] | None = None,
        combine: Combine = "sum",
        relu: bool = True,
    ) -> np.ndarray:
        """Class maps on the cell grid, (K, h, w) float32, in the order of `classes` (all by default).

        METHOD section 4: refine each tile, merge, crop, ReLU. `loops`, `refined`, `blocks` and `combine` do nothing to
        a CNN's maps. Raises InvalidSetting for a method, class, loop count or block that is not recorded.
        """
        record = self.record(method)
        chosen = list(range(len(self.classes))) if classes is None else [int(index) for index in classes]
        if any(not 0 <= index < len(self.classes) for index in chosen):
            raise InvalidSetting(f"Choose classes between 0 and {len(self.classes) - 1}.")
        if isinstance(record, ConvRecord):
            maps = torch.from_numpy(record.maps[chosen])
        else:
            tiles = torch.from_numpy(record.maps[_checked_loops(record, loops)][:, chosen])
            if refined:
                rows = torch.from_numpy(np.ascontiguousarray(record.mean_rows[: passes(loops)]))
                tiles = refine(tiles, attention_map(rows, loops, blocks=blocks, combine=combine))
            maps = self.grid.crop(self.grid.merge(tiles))[0]
        return (maps.relu() if relu else maps).numpy()

    def attention(
        self, method: Method, *, loops: int = 0, blocks: Sequence[int] | None = None, combine: Combine = "sum"
    ) -> np.ndarray:
        """(h, w) float32: the merged class-token attention that refines a transformer's maps."""
        record = self.record(method)
        if isinstance(record, ConvRecord):
            raise InvalidSetting(f"{method} is a CNN and has no attention.")
        rows = torch.from_numpy(np.ascontiguousarray(record.mean_rows[: passes(_checked_loops(record, loops))]))
        return merge_rows(self.grid, attention_map(rows, loops, blocks=blocks, combine=combine).flatten(1).numpy())

    def save(self, path: str | Path | BinaryIO) -> None:
        """Write one npz: the arrays, and a JSON header under the key `header`. Nothing is pickled."""
        header = {
            "schema": SCHEMA,
            "source": self.source,
            "grid": dataclasses.asdict(self.grid),
            "classes": self.classes,
            "kinds": {m: "tokens" if isinstance(r, TokenRecord) else "conv" for m, r in self.records.items()},
            "timings": self.timings,
            "provenance": self.provenance,
        }
        arrays = {f"{m}.{name}": array for m, record in self.records.items() for name, array in vars(record).items()}
        np.savez_compressed(path, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: str | Path | BinaryIO) -> Trace:
        """Read what `save` wrote. Raises InvalidTrace for anything else, whoever made it, and beyond `MAX_BYTES`.

        Every array must have the shape that the header's grid and classes and the other arrays ask for. Their values
        are not looked at.
        """
        try:
            with _opened(path) as stream, np.load(stream, allow_pickle=False) as arrays:
                # A member is never unpacked further than this says, so that a lie makes it shorter and no larger.
                size = sum(member.file_size for member in arrays.zip.infolist())
                if size > MAX_BYTES:
                    raise InvalidTrace(
                        f"This file would unpack to {size / 2**20:.0f} MiB, and a Trace has at most "
                        f"{MAX_BYTES // 2**20}: make it again at a smaller size."
                    )
                header = json.loads(str(arrays["header"]))
                if header["schema"] != SCHEMA:
                    raise InvalidTrace(f"This Trace has schema {header['schema']}, this program reads {SCHEMA}.")
                _check_header(header)
                grid, classes = TileGrid(**header["grid"]), tuple(header["classes"])
                records: dict[Method, TokenRecord | ConvRecord] = {}
                for method, kind in header["kinds"].items():
                    record = {"tokens": TokenRecord, "conv": ConvRecord}[kind]
                    names = [entry.name for entry in dataclasses.fields(record)]
                    records[method] = record(**{name: arrays[f"{method}.{name}"] for name in names})
                    _check_arrays(method, records[method], grid, len(classes))
            source = (header["source"][0], header["source"][1])
            return cls(source, grid, classes, records, header["timings"], header["provenance"])
        except InvalidTrace:
            raise
        except Exception as error:  # zip, decompressors, npy headers and JSON each raise their own at foreign bytes
            raise InvalidTrace(f"This file is not a Trace: {reason_of(error)}.") from error


def _opened(path: str | Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """The file, closed at the end if it was opened here: NumPy leaves one open that turns out to be no whole zip."""
    return Path(path).open("rb") if isinstance(path, str | Path) else nullcontext(path)


def class_probabilities(scores: np.ndarray, *, single_label: bool = False) -> np.ndarray:
    """(…, C) logits -> (…, C) float64: a sigmoid of each score, or a softmax where one label is right."""
    scores = scores.astype(np.float64)
    if single_label:
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        return weights / weights.sum(-1, keepdims=True)
    return 0.5 * (1 + np.tanh(scores / 2))  # a sigmoid that cannot overflow


def _checked_loops(record: TokenRecord, loops: int) -> int:
    if not 0 <= loops <= record.loops:
        raise InvalidSetting(f"This Trace holds loops 0 to {record.loops}, not {loops}.")
    return loops


def _check_header(header: dict[str, Any]) -> None:
    """Raise ValueError for entries that have the right names and the wrong kinds."""
    grid, source, classes = header["grid"], header["source"], header["classes"]
    sides = [*source, *(grid[name] for name in ("height", "width", "tile", "patch"))]
    if len(source) != 2 or not all(type(side) is int and 0 < side < MAX_SIDE for side in sides):
        raise ValueError("the sizes of picture and tiles are not whole numbers of pixels")
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise ValueError("the classes are not a list of names")
    if not header["kinds"] or not set(header["kinds"]) <= set(METHODS):
        raise ValueError(f"it has no methods, or others than {', '.join(METHODS)}")
    timings = header["timings"].values()
    if not all(type(time) in (int, float) for time in timings) or not isinstance(header["provenance"], dict):
        raise ValueError("timings or provenance are not those of a Trace")


def _check_arrays(method: str, record: TokenRecord | ConvRecord, grid: TileGrid, classes: int) -> None:
    """Raise ValueError for an array that does not fit the grid, the classes or the other arrays of its record."""
    if isinstance(record, ConvRecord):
        wanted = {"maps": (classes, -(-grid.height // STRIDE), -(-grid.width // STRIDE)), "scores": (classes,)}
    else:
        counts, cells, patches = len(record.maps), grid.tile_cells, (grid.tile // grid.patch) ** 2
        blocks = record.rows.shape[1:-2]  # and heads, if they were kept
        if not counts or len(blocks) not in (1, 2) or 0 in blocks:
            raise ValueError(f"{method} has no loop count, block or head")
        run = passes(counts - 1)
        wanted = {
            "maps": (counts, len(grid), classes, cells, cells),
            "rows": (run, *blocks, len(grid), patches),
            "similarity": (counts,),
            "residual": (run,),
            "scores": (counts, classes),
        }
    for name, shape in wanted.items():
        array = getattr(record, name)
        if array.shape != shape or array.dtype != np.float32:
            raise ValueError(f"{method}.{name} is {array.dtype} {array.shape}, not float32 {shape}")
