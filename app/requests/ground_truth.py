"""The ground truth that the page sends with a request for a file: outlines and masks, every value checked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.requests.validation import is_number
from crt.errors import InvalidSetting
from crt.types import IGNORE

RINGS, VERTICES = 2000, 60_000
"""Outlines, and points of all of them together, at most."""


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of the chosen classes.

    Attributes:
        rings: (N, 2) float64 outlines, x and y from 0 to 1.
        inside: (rows, columns) bool on the page's grid; None if a chosen class has no mask.
        ignore: (rows, columns) bool, points that do not count; None for none.
        cutoffs: of mask files with soft edges, by class: the share above which a pixel is the object.
    """

    rings: tuple[np.ndarray, ...] = ()
    inside: np.ndarray | None = None
    ignore: np.ndarray | None = None
    cutoffs: dict[str, float] = field(default_factory=dict)

    @property
    def mask(self) -> np.ndarray | None:
        """(rows, columns) uint8 on the page's grid: 1 inside, 255 where a point does not count; None without one."""
        if self.inside is None:
            return None
        mask = self.inside.astype(np.uint8)
        if self.ignore is not None:
            mask[self.ignore] = IGNORE
        return mask


def ground_truth_of(payload: Any, points: tuple[int, int], classes: Sequence[str]) -> GroundTruth:
    """Check the ground truth in a request.

    Args:
        payload: from the browser, not to be trusted; None for none.
        points: rows and columns of the page's grid.
        classes: names of all classes of the checkpoint.

    Returns:
        The ground truth.

    Raises:
        InvalidSetting: it cannot be read, lies outside the image, or has too many points.
    """
    if payload is None:
        return GroundTruth()
    if not isinstance(payload, dict) or not isinstance(payload.get("polygons"), list):
        raise InvalidSetting("The outlines of the ground truth cannot be read: reload the page.")
    polygons = payload["polygons"]
    if len(polygons) > RINGS or sum(len(ring) for ring in polygons if isinstance(ring, list)) > VERTICES:
        raise InvalidSetting("The outlines of the ground truth are too long to be exported: switch them off.")
    try:
        rings = [np.asarray(ring, np.float64) for ring in polygons]
    except (TypeError, ValueError, OverflowError):
        rings = []
    if len(rings) < len(polygons) or not all(_ring(ring) for ring in rings):
        raise InvalidSetting("The outlines of the ground truth must lie in the image: draw them again.")
    masks = {name: bits(payload[name], points) for name in ("inside", "ignore") if payload.get(name) is not None}
    cutoffs = payload.get("cutoffs", {})
    known = isinstance(cutoffs, dict) and set(cutoffs) <= set(classes)
    if not known or not all(is_number(cutoff) and 0 <= cutoff <= 1 for cutoff in cutoffs.values()):
        raise InvalidSetting("The cut-offs of the ground truth cannot be read: reload the page.")
    return GroundTruth(tuple(rings), **masks, cutoffs={name: float(cutoff) for name, cutoff in cutoffs.items()})


def _ring(points: np.ndarray) -> bool:
    return points.ndim == 2 and points.shape[1] == 2 and all_between(points, 0, 1)


def bits(text: Any, points: tuple[int, int]) -> np.ndarray:
    """A mask sent as one bit per point, row by row.

    Args:
        text: base64.
        points: rows and columns.

    Returns:
        (rows, columns) bool.

    Raises:
        InvalidSetting: it has another length, or is no base64.
    """
    count = points[0] * points[1]
    data = numbers_of(text, "u1", -(-count // 8))
    return np.unpackbits(data)[:count].reshape(points).astype(bool)


def numbers_of(text: Any, dtype: str, count: int) -> np.ndarray:
    """Numbers that the page sends as base64.

    Args:
        text: not to be trusted.
        dtype: of a number, as NumPy names it.
        count: of the numbers.

    Returns:
        (count,) read-only.

    Raises:
        InvalidSetting: there are more or fewer, or it is no base64.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        data = b""
    if len(data) != count * np.dtype(dtype).itemsize:
        raise InvalidSetting("Numbers of this image did not arrive whole: try again.")
    return np.frombuffer(data, dtype)


def all_between(values: np.ndarray, low: float, high: float) -> bool:
    """Whether all values lie in a range, which NaN do not.

    Args:
        values: any shape.
        low: the least.
        high: the largest.

    Returns:
        Whether they do.
    """
    return bool(((values >= low) & (values <= high)).all())
