"""Pointing game: whether the largest value of a class's map lies on an object of that class (METHOD section 12).

Zhang et al. 2016 (Excitation Backprop); Fong et al. 2019 (TorchRay). Every image is tested for each of its classes:

- A point hits where it lies in a box of the class, or at most `TOLERANCE` pixels of the full-size image off, measured
  between centres of pixels. (TorchRay requires less than 15 pixels.)
- Where several pixels share the largest value, the share of them that hit counts: the chance of a hit for one of them
  taken at random, the same for an image and its mirror image. A constant map points nowhere and misses.
- VOC's objects marked difficult, as in TorchRay: a class all of whose objects are marked is not tested; their boxes
  count as hits and as area, and they are no other class of the image.
- The difficult subset: the boxes of the class cover under a quarter of the image (pixels in several boxes count once),
  and the image has another class. The rule gives the published list of VOC 2007 test on the images it was checked on.
- The result is the mean over classes of the share of hits. Intervals are bootstrapped over images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crt.data.voc_boxes import BoxedImage
from crt.errors import InvalidSetting
from crt.evaluation.bootstrap import Bootstrap, percent
from crt.metrics.boxes import BoxesLike, boxes_to_mask
from crt.metrics.pixels import TOLERANCE

COVERED = 0.25
"""Share of the image that the boxes of a class of the difficult subset stay below."""


def peaks(cam: np.ndarray) -> np.ndarray:
    """The pixels of a map's largest value.

    Args:
        cam: (H, W).

    Returns:
        (K, 2) int64 rows and columns; none for a constant map.

    Raises:
        InvalidSetting: there are NaN or infinite values.
    """
    if not np.isfinite(cam).all():
        raise InvalidSetting("This map holds NaN or infinite values: check what made it.")
    high = cam.max()
    return np.zeros((0, 2), dtype=np.int64) if cam.min() == high else np.argwhere(cam == high)


def centre(size: tuple[int, int]) -> np.ndarray:
    """The pixels around an image's centre.

    Args:
        size: height and width in pixels.

    Returns:
        (K, 2) rows and columns: one, two or four pixels.
    """
    rows, columns = (range((side - 1) // 2, side // 2 + 1) for side in size)
    return np.array([(row, column) for row in rows for column in columns])


def hit_share(points: np.ndarray, boxes: BoxesLike, size: tuple[int, int], tolerance: float = 0.0) -> float:
    """Share of pixels that hit a box (METHOD section 12).

    A box holds the pixels whose centres lie in it, as in `crt.metrics.boxes.boxes_to_mask`; a pixel hits if the
    distance of its centre from that of the nearest such pixel is at most `tolerance`.

    Args:
        points: (K, 2) pixels (row, column).
        boxes: (N, 4) half-open.
        size: height and width of the image in pixels.
        tolerance: Euclidean distance in pixels.

    Returns:
        0 … 1; 0 without points or boxes.
    """
    if not len(points) or not len(boxes):
        return 0.0
    corners = np.ceil(np.asarray(boxes, dtype=np.float64) - 0.5).clip(0, [size[1], size[0], size[1], size[0]])
    corners = corners[(corners[:, 2:] > corners[:, :2]).all(1)]
    at = points[:, None, ::-1]  # (K, 1, 2), column and row
    apart = np.maximum(0, np.maximum(corners[None, :, :2] - at, at - (corners[None, :, 2:] - 1)))  # (K, N, 2) pixels
    return float(((apart**2).sum(-1) <= tolerance**2).any(1).mean())


def is_difficult(image: BoxedImage, class_id: int) -> bool:
    """Whether a class of an image belongs to the difficult subset (METHOD section 12).

    Args:
        image: with its boxes.
        class_id: from 0.

    Returns:
        Whether its boxes cover less than `COVERED` of the image, and the image shows another class.
    """
    covered = boxes_to_mask(image.boxes(class_id), image.size).mean()
    return bool(covered < COVERED and any(other != class_id for other in image.class_ids))


class PointingScore:
    """Hits of one kind of map, image by image."""

    def __init__(self, images: Sequence[BoxedImage], classes: int) -> None:
        """Start without hits.

        Args:
            images: N images that are measured.
            classes: C, those of the checkpoint.
        """
        self.images = {image.id: row for row, image in enumerate(images)}
        self.hits = np.full((len(images), classes), np.nan)
        """(N, C) shares of hits, NaN for classes that are not tested."""

    def add(self, image: BoxedImage, class_id: int, points: np.ndarray) -> None:
        """Count the map of one class of one image.

        Args:
            image: one of the images.
            class_id: from 0.
            points: (K, 2) pixels (row, column) of the map's maximum.
        """
        share = hit_share(points, image.boxes(class_id), image.size, TOLERANCE * image.scale)
        self.hits[self.images[image.id], class_id] = share


def difficult_subset(images: Sequence[BoxedImage], classes: int) -> np.ndarray:
    """The classes of each image that are tested and difficult.

    Args:
        images: N images with boxes.
        classes: C, those of the checkpoint.

    Returns:
        (N, C) bool.
    """
    subset = np.zeros((len(images), classes), dtype=bool)
    for row, image in enumerate(images):
        for class_id in image.class_ids:
            subset[row, class_id] = is_difficult(image, class_id)
    return subset


def class_shares(hits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean hits of each class over weighted images.

    Args:
        hits: (N, C) shares of hits, NaN where not tested.
        weights: (R, N) of the images.

    Returns:
        (R, C) float64; NaN for a class that is tested on no image of some weight.
    """
    tested = ~np.isnan(hits)
    total = weights @ tested
    return np.divide(weights @ np.where(tested, hits, 0), total, out=np.full(total.shape, np.nan), where=total > 0)


def summarize(
    scores: Mapping[str, PointingScore],
    difficult: np.ndarray,
    names: Sequence[str],
    pairs: Sequence[tuple[str, str]] = (),
    bootstrap: Bootstrap | None = None,
) -> dict[str, Any]:
    """The measure of every kind of map as JSON values, in percent (METHOD section 12).

    Args:
        scores: by kind of map.
        difficult: (N, C), as in `difficult_subset`.
        names: of the classes.
        pairs: kinds of maps whose difference, first minus second, is wanted; both are measured on the same draws of
            images.
        bootstrap: draws of the intervals; the defaults if None.

    Returns:
        `targets` (pairs of an image and a class: all, difficult and per class), `methods` (for each `all` and
        `difficult`, each with `mean`, `interval` and `per_class`) and `differences` (`mean` and `interval`). None where
        a subset has no target.
    """
    bootstrap = bootstrap or Bootstrap()
    first = next(iter(scores.values())).hits
    subsets = {"all": ~np.isnan(first), "difficult": difficult}
    draws = bootstrap.draws(len(first))
    methods: dict[str, dict[str, Any]] = {name: {} for name in scores}
    differences: dict[str, dict[str, Any]] = {f"{one} - {other}": {} for one, other in pairs}
    for subset, inside in subsets.items():
        means, drawn = {}, {}
        for name, score in scores.items():
            hits = np.where(inside, score.hits, np.nan)
            shares = class_shares(hits, np.ones((1, len(hits))))[0]
            means[name], drawn[name] = _mean(shares), _mean(class_shares(hits, draws))
            methods[name][subset] = {
                "mean": percent(means[name]),
                "interval": bootstrap.interval(drawn[name]) if inside.any() else None,
                "per_class": {label: percent(share) for label, share in zip(names, shares, strict=True)},
            }
        for one, other in pairs:
            differences[f"{one} - {other}"][subset] = {
                "mean": percent(means[one] - means[other]),
                "interval": bootstrap.interval(drawn[one] - drawn[other]) if inside.any() else None,
            }
    counts = {subset: inside.sum(0) for subset, inside in subsets.items()}
    targets = {
        subset: {"total": int(count.sum()), "per_class": dict(zip(names, map(int, count), strict=True))}
        for subset, count in counts.items()
    }
    return {"images": len(first), "targets": targets, "methods": methods, "differences": differences}


def _mean(shares: np.ndarray) -> np.ndarray:
    """(…, C) -> (…) mean over the classes that have a share; NaN where none has."""
    known = ~np.isnan(shares)
    count = known.sum(-1)
    total = np.where(known, shares, 0).sum(-1)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
