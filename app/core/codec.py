"""A Prediction as the browser needs it: one JSON header, and all its arrays as float16 in one run of bytes.

Each array is divided by its own largest magnitude before it becomes float16, so that nothing overflows and little
underflows; the browser multiplies it back. After this the page needs the server for no loop count, class, block or
threshold: `app/viewer/core/prediction.mjs` does the arithmetic of `Prediction.cams`.
"""

from __future__ import annotations

import base64
import io
import secrets
from typing import Any

import numpy as np
from PIL import Image

from crt.data.resizing import resize_long_side
from crt.errors import CrtError
from crt.models.outputs import VitOutputs
from crt.postprocess import class_probabilities
from crt.prediction import Prediction

DISPLAY_SIDE = 1024  # pixels of the longer side of the image sent to the browser
INLINE_BYTES = 500_000  # larger arrays travel as a file


def encode_arrays(arrays: dict[str, np.ndarray]) -> tuple[dict[str, dict[str, Any]], bytes]:
    """Pack arrays as float16, each divided by its largest magnitude.

    Args:
        arrays: by name, of any shape.

    Returns:
        Of each array `shape`, `scale` (multiply by it) and `offset` in bytes; and the bytes of all, little-endian.

    Raises:
        CrtError: values are not finite.
    """
    described: dict[str, dict[str, Any]] = {}
    parts: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise CrtError("A network gave values that are not finite: try another input size.")
        scale = float(np.abs(array).max(initial=0.0)) or 1.0
        data = (array / scale).astype("<f2").tobytes()
        described[name] = {"shape": array.shape, "scale": scale, "offset": offset}
        parts.append(data)
        offset += len(data)
    return described, b"".join(parts)


def encode_records(prediction: Prediction) -> tuple[list[dict[str, Any]], bytes]:
    """Pack the records of a Prediction.

    Args:
        prediction: whose records.

    Returns:
        Headers in the order of its methods, each with `method`, `kind`, `content_size` and the descriptions of `cams`
        and, for a transformer, `cls_attn`; and the bytes of all arrays.
    """
    arrays: dict[str, np.ndarray] = {}
    for method in prediction.methods:
        record = prediction.record(method)
        arrays[f"{method}.cams"] = record.cams
        if isinstance(record, VitOutputs):
            arrays[f"{method}.cls_attn"] = record.mean_cls_attn
    described, data = encode_arrays(arrays)
    headers = []
    for method in prediction.methods:
        header: dict[str, Any] = {"method": method, "kind": "conv", "content_size": prediction.content_size(method)}
        header["cams"] = described[f"{method}.cams"]
        if f"{method}.cls_attn" in described:
            header |= {"kind": "tokens", "cls_attn": described[f"{method}.cls_attn"]}
        headers.append(header)
    return headers, data


def probabilities(prediction: Prediction, *, single_label: bool) -> dict[str, list[list[float]]]:
    """Class probabilities of each method.

    Args:
        prediction: whose scores.
        single_label: whether exactly one class is right: softmax, else sigmoid.

    Returns:
        By method (L, C) rows, one for each loop count, 0 … 1.
    """
    table = {}
    for method in prediction.methods:
        record = prediction.record(method)
        loops = record.loops if isinstance(record, VitOutputs) else 0
        rows = np.stack([prediction.scores(method, count) for count in range(loops + 1)])
        rows = class_probabilities(rows, single_label=single_label)
        table[method] = np.round(rows, 5).tolist()
    return table


def image_url(image: np.ndarray, side: int = DISPLAY_SIDE, quality: int = 88) -> str:
    """An image as a JPEG data URL.

    Args:
        image: (H, W, 3) uint8.
        side: the most pixels of the longer side.
        quality: of JPEG, 1 to 95.

    Returns:
        The URL.
    """
    small = resize_long_side(image, side) if max(image.shape[:2]) > side else image
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def describe(prediction: Prediction, *, single_label: bool, capped: bool = False) -> dict[str, Any]:
    """What the page shows about a Prediction beside its arrays.

    Args:
        prediction: that is described.
        single_label: whether exactly one class is right.
        capped: whether the native size was reduced.

    Returns:
        JSON values: classes, sizes in pixels, the grid in cells, timings in milliseconds, scores and more.
    """
    crt, grid = prediction.records.get("crt"), prediction.grid
    return {
        "classes": list(prediction.classes),
        "singleLabel": single_label,
        "methods": list(prediction.methods),
        "source": prediction.source,
        "input": (grid.height, grid.width),
        "capped": capped,
        "mode": grid.mode,
        "tiles": len(grid),
        "passes": prediction.passes,
        "maxLoops": crt.loops if isinstance(crt, VitOutputs) else 0,
        "grid": {
            "tile": grid.tile,
            "stride": grid.stride,
            "patch": grid.patch,
            "shape": grid.shape,
            "cells": grid.cells,
            "patchCells": grid.patch_cells,
            "content": grid.content,
        },
        "precision": prediction.provenance.get("precision", "float32"),
        "timings": {stage: round(value, 1) for stage, value in prediction.timings.items()},
        "similarity": np.round(crt.similarity, 5).tolist() if isinstance(crt, VitOutputs) else [],
        "residual": {
            method: np.round(record.residual, 5).tolist()
            for method, record in prediction.records.items()
            if isinstance(record, VitOutputs)
        },
        "scores": probabilities(prediction, single_label=single_label),
    }


def payload(prediction: Prediction, image: np.ndarray, **extra: Any) -> tuple[dict[str, Any], bytes]:
    """One run as the viewer takes it. `run` makes every header different, so that the page notices it.

    Args:
        prediction: of the run.
        image: (H, W, 3) uint8.
        **extra: `single_label`, `capped`, and further JSON values of the header; `url` if the image has been encoded.

    Returns:
        The header, and the bytes of the arrays.
    """
    records, data = encode_records(prediction)
    single_label = bool(extra.pop("single_label", False))
    capped = bool(extra.pop("capped", False))
    header = describe(prediction, single_label=single_label, capped=capped)
    url = extra.pop("url", None) or image_url(image)
    return header | {"run": secrets.token_hex(8), "records": records, "image": url} | extra, data
