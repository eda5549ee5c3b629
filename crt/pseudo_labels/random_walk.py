"""The random walk that spreads seeds within the boundaries of things (IRNet, section 4; METHOD section 8).

Two cells less than `radius` apart are joined by 1 minus the strongest edge on the straight path between them, to the
power `beta`. A step gives each cell the weighted mean of the cells that it is joined to, itself included; the walk
makes 2 ** exp_times steps. IRNet squares the dense matrix of all pairs of cells `exp_times` times. Here only neighbours
are stored, as the diagonals of a banded matrix, and only the seeds are multiplied. In float64: the recurrence below
would lose three digits to float32.

The steps themselves are cut short without changing the result. The step P is similar to a symmetric matrix, its
eigenvalues lie in [-1, 1], and there x^n is a mean of Chebyshev polynomials: x^n = Σ_k p_k T_k(x), where p_k is the
chance that n coin tosses, heads +1 and tails -1, sum to k or -k. Sums far beyond √n hardly happen, so 256 steps need
about 100 products; the chance left out, `TRUNCATION`, bounds the relative error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import dia_array
from scipy.special import gammaln

from crt.errors import InvalidSetting
from crt.postprocess import cam_to_labels
from crt.pseudo_labels.paths import search_paths
from crt.pseudo_labels.settings import IRN_WALK, WALK_THRESHOLD, WalkSettings
from crt.resample import WALK_STRIDE, strided_size, upsample_cam

TRUNCATION = 1e-10


def random_walk(seeds: np.ndarray, edge: np.ndarray, settings: WalkSettings = IRN_WALK) -> np.ndarray:
    """Let seeds walk within edges (METHOD section 8).

    The walk starts from seeds · (1 - edge), as IRNet's does. Every value stays between the least and the largest that
    its map starts with.

    Args:
        seeds: (K, h, w) strided seeds.
        edge: (1, h, w), 0 … 1.
        settings: which cells are joined, how strongly, and the steps.

    Returns:
        (K, h, w) float32.

    Raises:
        InvalidSetting: shapes differ, or edges are out of range.
    """
    if seeds.ndim != 3 or edge.shape != (1, *seeds.shape[1:]) or not edge.size:
        raise InvalidSetting(f"Seeds {seeds.shape} and edges {edge.shape} do not fit: give (K, h, w) and (1, h, w).")
    if not ((edge >= 0) & (edge <= 1)).all():  # NaN fails too
        raise InvalidSetting("The edges are not all between 0 and 1: take the sigmoid of the network's output first.")
    adjacency = _joined(edge[0], settings)
    degree = adjacency @ np.ones(edge.size)
    chances = chebyshev_weights(2**settings.exp_times)
    starts = (seeds.astype(np.float64) * (1 - edge)).reshape(len(seeds), edge.size)
    propagated = np.empty_like(starts)
    # One column at a time: scipy's product of several is slower.
    for start, end in zip(starts, propagated, strict=True):
        np.clip(_series(adjacency, degree, start, chances), start.min(), start.max(), out=end)
    return propagated.reshape(seeds.shape).astype(np.float32)


def chebyshev_weights(tosses: int) -> np.ndarray:
    """The chance that tosses of ±1 sum to k or -k.

    Args:
        tosses: their number, the power of the step.

    Returns:
        (degree + 1,) float64 by k, cut where `TRUNCATION` remains.
    """
    sums = np.arange(tosses % 2, tosses + 1, 2)
    heads = (tosses + sums) / 2
    log_chance = gammaln(tosses + 1) - gammaln(heads + 1) - gammaln(tosses - heads + 1) - tosses * np.log(2)
    chances = np.zeros(tosses + 1)
    chances[sums] = np.exp(log_chance) * np.where(sums, 2, 1)
    beyond = np.cumsum(chances[::-1])[::-1]  # the chance of k or more
    return chances[: int((beyond > TRUNCATION).sum())]


def walk_scores(propagated: np.ndarray, size: tuple[int, int], *, stride: int = WALK_STRIDE) -> np.ndarray:
    """Put random-walk pseudo labels on the pixels, divided by the largest value of all. The grid is enlarged, bilinear,
    and cut.

    Args:
        propagated: (K, h, w).
        size: height and width of the image in pixels.
        stride: pixels per cell.

    Returns:
        (K, H, W) float32, 0 … 1.

    Raises:
        InvalidSetting: the grid is not of an image of this size.
    """
    if propagated.ndim != 3 or strided_size(size, stride) != propagated.shape[1:]:
        raise InvalidSetting(f"Seeds {propagated.shape} are not those of an image of {size} at stride {stride}.")
    height, width = propagated.shape[1:]
    scores = upsample_cam(propagated, (height, width), (height * stride, width * stride))[:, : size[0], : size[1]]
    largest = scores.max(initial=0)
    return scores / largest if largest > 0 else scores


def walk_labels(
    propagated: np.ndarray, class_ids: Sequence[int], size: tuple[int, int], *, threshold: float = WALK_THRESHOLD
) -> np.ndarray:
    """Label an image from random-walk pseudo labels.

    Args:
        propagated: (K, h, w).
        class_ids: their classes, from 0.
        size: height and width of the image in pixels.
        threshold: the background constant.

    Returns:
        (H, W) uint8: 0 background, class id + 1.

    Raises:
        InvalidSetting: the grid is not of an image of this size, or a class has no label.
    """
    return cam_to_labels(walk_scores(propagated, size), class_ids, threshold)


def _joined(edge: np.ndarray, settings: WalkSettings) -> dia_array:
    """(h, w) edges -> (h·w, h·w) sparse symmetric float64: affinity ** beta of the cells joined, 1 on the diagonal."""
    height, width = edge.shape
    margin = settings.radius - 1
    # Beyond the grid all is edge, so that nothing is joined across its sides, where flat neighbours lie rows apart.
    outside = np.pad(edge.astype(np.float64), ((0, margin), (margin, margin)), constant_values=1)
    diagonals = {0: np.ones(edge.size)}
    for path in search_paths(settings.radius):
        strongest = np.maximum.reduce([outside[y : y + height, margin + x : margin + x + width] for y, x in path])
        affinity = ((1 - strongest) ** settings.beta).ravel()  # of each cell with the one at path[0] from it
        offset = int(path[0] @ (width, 1))
        for at, diagonal in ((offset, np.roll(affinity, offset)), (-offset, affinity)):  # scipy stores by columns
            # On a grid narrower than the disc directions share an offset: a pair is joined in one, and 0 in the others.
            diagonals[at] = diagonals.get(at, 0) + diagonal
    return dia_array((np.stack(list(diagonals.values())), list(diagonals)), shape=(edge.size, edge.size))


def _series(adjacency: dia_array, degree: np.ndarray, start: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Σ_k chances[k] · T_k(P) start for the step P = adjacency / degree, by T_{k+1} = 2 P T_k - T_{k-1}."""
    before, now = start, adjacency @ start / degree
    total = chances[0] * before
    for chance in chances[1:]:
        total += chance * now
        before, now = now, 2 * (adjacency @ now) / degree - before
    return total
