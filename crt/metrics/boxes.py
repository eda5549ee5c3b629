"""Boxes and their overlap (METHOD section 9).

A box is [x0, y0, x1, y1] in pixels, x to the right and y down, half-open: it holds the pixels x0 … x1 - 1 and
y0 … y1 - 1, so its width is x1 - x0. Boxes of VOC, which count from 1 and hold their last pixel, become
[xmin - 1, ymin - 1, xmax, ymax]; boxes of CUB, [x, y, width, height], become [x, y, x + width, y + height].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from crt.errors import InvalidSetting
from crt.metrics.iou import intersection_over_union

Convention = Literal["inclusive", "continuous", "unclamped"]
"""How the pixels of a box are counted: `pairwise_iou` has each."""
BoxesLike = Sequence[Sequence[float]] | np.ndarray
"""(N, 4) rows [x0, y0, x1, y1]."""


class Box(NamedTuple):
    """A box in pixels, half-open.

    Attributes:
        x0: left, included.
        y0: top, included.
        x1: right, excluded.
        y1: bottom, excluded.
    """

    x0: float
    y0: float
    x1: float
    y1: float


class Match(NamedTuple):
    """The ground-truth box that fits best.

    Attributes:
        iou: 0 … 1.
        row: its number from 0, -1 where there is none.
    """

    iou: float
    row: int


def pairwise_iou(one: BoxesLike, other: BoxesLike, convention: Convention = "inclusive") -> np.ndarray:
    """Intersection over union of every pair of boxes.

    Args:
        one: (N, 4) boxes.
        other: (M, 4) boxes.
        convention: `continuous`: sides are x1 - x0, what half-open boxes mean. `inclusive`: sides are x1 - x0 + 1, as
            if x1 were the last pixel; the released program counts so, on half-open boxes as well. `unclamped`: its
            second formula, inclusive without clamping the intersection, in which two boxes apart on both axes seem to
            overlap; only for parity, and not bounded to 0 … 1.

    Returns:
        (N, M) float64; 0 where neither box has an area.

    Raises:
        InvalidSetting: another shape, x1 < x0 or y1 < y0, or an unknown convention.
    """
    if convention not in get_args(Convention):
        raise InvalidSetting(f"Unknown convention {convention!r}: choose one of {', '.join(get_args(Convention))}.")
    a, b = checked_boxes(one)[:, None], checked_boxes(other)[None]
    extra = 0.0 if convention == "continuous" else 1.0
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + extra
    overlap = (sides if convention == "unclamped" else np.maximum(sides, 0)).prod(-1)
    areas = ((box[..., 2:] - box[..., :2] + extra).prod(-1) for box in (a, b))
    return intersection_over_union(overlap, *areas)


def best_match(box: Sequence[float], truths: BoxesLike, convention: Convention = "inclusive") -> Match:
    """The ground-truth box that a box overlaps most.

    Args:
        box: [x0, y0, x1, y1].
        truths: (N, 4) ground-truth boxes of its image.
        convention: as in `pairwise_iou`.

    Returns:
        Its IoU and row; 0 and -1 for N = 0.

    Raises:
        InvalidSetting: as in `pairwise_iou`.
    """
    overlaps = pairwise_iou([box], truths, convention)[0]
    return Match(float(overlaps.max()), int(overlaps.argmax())) if overlaps.size else Match(0.0, -1)


def boxes_to_mask(truths: BoxesLike, size: tuple[int, int]) -> np.ndarray:
    """The pixels whose centres lie in a box.

    Args:
        truths: (N, 4) boxes.
        size: height and width of the image in pixels.

    Returns:
        (H, W) bool.

    Raises:
        InvalidSetting: another shape, or a box that ends before it begins.
    """
    mask = np.zeros(size, dtype=bool)
    for x0, y0, x1, y1 in np.maximum(0, np.ceil(checked_boxes(truths) - 0.5)).astype(int):
        mask[y0:y1, x0:x1] = True
    return mask


def checked_boxes(rows: BoxesLike) -> np.ndarray:
    """Check boxes.

    Args:
        rows: (N, 4) rows [x0, y0, x1, y1]; an empty list is none.

    Returns:
        (N, 4) float64.

    Raises:
        InvalidSetting: another shape, numbers that are not finite, or a box that ends before it begins.
    """
    array = np.asarray(rows, dtype=np.float64)
    array = array.reshape(-1, 4) if array.size == 0 else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise InvalidSetting(f"Boxes are rows [x0, y0, x1, y1], not an array {array.shape}: put one box in a list.")
    if not np.isfinite(array).all() or (array[:, 2:] < array[:, :2]).any():
        raise InvalidSetting("A box ends before it begins or is not finite: give [x0, y0, x1, y1], left and top first.")
    return array
