"""A Trace as the browser needs it: one JSON header, and all maps as float16 in one run of bytes.

Each block of maps is divided by its own largest value before it becomes float16, so that nothing overflows and little
underflows; the browser multiplies it back. After this the page needs the server for no loop count, class or threshold.
"""

from __future__ import annotations

import base64
import io
import secrets
from typing import Any

import numpy as np
from PIL import Image

from crt.checkpoint import Method
from crt.errors import CrtError
from crt.images import resize_long_side
from crt.trace import TokenRecord, Trace, class_probabilities

DISPLAY_SIDE = 1024  # pixels of the longer side of the picture sent to the browser
INLINE_BYTES = 500_000  # larger maps travel as a file


def view(method: Method, trace: Trace) -> list[tuple[int, bool]]:
    """The (loops, refined) of every block of maps that the browser gets of a method."""
    record = trace.record(method)
    if not isinstance(record, TokenRecord):
        return [(0, False)]
    return [(loops, refined) for loops in range(record.loops + 1) for refined in (False, True)]


def encode_maps(trace: Trace) -> tuple[list[dict[str, Any]], bytes]:
    """All maps of a Trace -> (block headers, float16 bytes, little-endian).

    A header gives `method`, `loops`, `refined`, `shape` (C, h, w), `scale` (multiply by it) and `offset` in bytes.
    Raises CrtError for values that are not finite.
    """
    headers: list[dict[str, Any]] = []
    parts: list[bytes] = []
    offset = 0
    for method in trace.methods:
        for loops, refined in view(method, trace):
            maps = trace.maps(method, loops=loops, refined=refined)
            scale = float(maps.max(initial=0.0))
            if not np.isfinite(maps).all():
                raise CrtError(f"The {method} network gave values that are not finite: try another input size.")
            data = (maps / (scale or 1.0)).astype("<f2").tobytes()
            headers.append(
                {"method": method, "loops": loops, "refined": refined, "shape": maps.shape, "scale": scale or 1.0}
                | {"offset": offset}
            )
            parts.append(data)
            offset += len(data)
    return headers, b"".join(parts)


def probabilities(trace: Trace, *, single_label: bool) -> dict[str, list[list[float]]]:
    """Class probabilities of each method, one row per loop count: softmax if one label is right, else sigmoid."""
    table = {}
    for method in trace.methods:
        record = trace.record(method)
        loops = record.loops if isinstance(record, TokenRecord) else 0
        rows = np.stack([trace.scores(method, count) for count in range(loops + 1)])
        rows = class_probabilities(rows, single_label=single_label)
        table[method] = np.round(rows, 5).tolist()
    return table


def picture_url(image: np.ndarray, side: int = DISPLAY_SIDE, quality: int = 88) -> str:
    """(H, W, 3) uint8 -> a JPEG data URL whose longer side is at most `side` pixels."""
    small = resize_long_side(image, side) if max(image.shape[:2]) > side else image
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def describe(trace: Trace, *, single_label: bool, capped: bool = False) -> dict[str, Any]:
    """What the page says about a Trace, without its maps."""
    crt = trace.records.get("crt")
    return {
        "classes": list(trace.classes),
        "singleLabel": single_label,
        "methods": list(trace.methods),
        "spans": {method: trace.span(method) for method in trace.methods},
        "cells": trace.grid.cells,
        "source": trace.source,
        "input": (trace.grid.height, trace.grid.width),
        "capped": capped,
        "mode": trace.grid.mode,
        "tile": trace.grid.tile,
        "tiles": len(trace.grid),
        "passes": trace.passes,
        "maxLoops": crt.loops if isinstance(crt, TokenRecord) else 0,
        "timings": {stage: round(value, 1) for stage, value in trace.timings.items()},
        "similarity": np.round(crt.similarity, 5).tolist() if isinstance(crt, TokenRecord) else [],
        "scores": probabilities(trace, single_label=single_label),
    }


def payload(trace: Trace, image: np.ndarray, **extra: Any) -> tuple[dict[str, Any], bytes]:
    """Header and bytes of one run; `run` makes every header different, or the page would not notice it."""
    blocks, data = encode_maps(trace)
    single_label = bool(extra.pop("single_label", False))
    capped = bool(extra.pop("capped", False))
    header = describe(trace, single_label=single_label, capped=capped)
    return header | {"run": secrets.token_hex(8), "blocks": blocks, "picture": picture_url(image)} | extra, data
