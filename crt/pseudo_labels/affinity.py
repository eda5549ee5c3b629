"""The IRN's training: pairs of near cells, and IRNet's losses (METHOD section 8).

The network's output for a crop has stride 4. Its pairs are every cell with all cells less than `radius` away to the
right and below; cells too near the border for all of their pairs start none. A pair's affinity is 1 minus the strongest
edge on the straight path between its ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from crt.errors import InvalidSetting
from crt.pseudo_labels.paths import search_paths
from crt.types import IGNORE, IRN_RADIUS

AFFINITY_EPS = 1e-5


@dataclass(frozen=True)
class Pairs:
    """All pairs of cells that IRNet compares on a map, as int64 tensors of flat indices on one device (METHOD section
    8).

    Attributes:
        size: height and width of the map in cells.
        radius: pairs lie less than this many cells apart.
        paths: the P paths of `search_paths`, as steps (y, x).
        directions: (P, 2), from a start to the end (dy, dx).
        starts: (S,) cells.
        ends: (P, S) cells.
    """

    size: tuple[int, int]
    radius: int
    paths: tuple[tuple[tuple[int, int], ...], ...]
    directions: Tensor
    starts: Tensor
    ends: Tensor

    def window(self, maps: Tensor, y: int, x: int) -> Tensor:
        """The part of maps that lies a step from the starts.

        Args:
            maps: (…, h, w).
            y: rows down.
            x: columns to the right.

        Returns:
            (…, h', w') of S cells, a view.
        """
        margin = self.radius - 1
        height, width = self.size
        return maps[..., y : y + height - margin, x + margin : x + width - margin]


@dataclass(frozen=True)
class RelationLosses:
    """IRNet's losses, scalars: each a mean over the pairs that it is about (METHOD section 8).

    Attributes:
        bg_pos_aff: affinity where both cells are background.
        fg_pos_aff: affinity where both are of the same class.
        neg_aff: affinity where they differ.
        dp_fg: displacement in the same class: the difference of two cells' displacements is that of their positions.
        dp_bg: displacement in the background: the difference is zero.
    """

    bg_pos_aff: Tensor
    fg_pos_aff: Tensor
    neg_aff: Tensor
    dp_fg: Tensor
    dp_bg: Tensor

    @property
    def pos_aff(self) -> Tensor:
        """Both kinds of pairs that are alike, with equal weights."""
        return (self.bg_pos_aff + self.fg_pos_aff) / 2

    @property
    def total(self) -> Tensor:
        """What training minimises: affinity and displacement, with equal weights."""
        return (self.pos_aff + self.neg_aff) / 2 + (self.dp_fg + self.dp_bg) / 2


def find_pairs(size: tuple[int, int], radius: int = IRN_RADIUS, device: torch.device | str = "cpu") -> Pairs:
    """The pairs of a map.

    Args:
        size: height and width of the map in cells.
        radius: pairs lie less than this many cells apart.
        device: where the indices go.

    Returns:
        The pairs.

    Raises:
        InvalidSetting: the map is too small to hold any.
    """
    height, width = size
    margin = radius - 1
    if height <= margin or width <= 2 * margin:
        least = (radius, 2 * radius - 1)
        raise InvalidSetting(f"A map of {size} holds no pairs at radius {radius}: give one of at least {least} cells.")
    paths = tuple(tuple((y, x) for y, x in path.tolist()) for path in search_paths(radius))
    directions = torch.tensor([path[0] for path in paths], device=device)
    index = torch.arange(height * width, device=device).view(size)
    starts = index[: height - margin, margin : width - margin].flatten()
    ends = starts + directions[:, :1] * width + directions[:, 1:]
    return Pairs(size, radius, paths, directions, starts, ends)


def path_affinity(edge: Tensor, pairs: Pairs) -> Tensor:
    """1 minus the strongest edge on the path of each pair; the gradient goes to that cell.

    Args:
        edge: (B, 1, h, w), 0 … 1.
        pairs: of maps of this size.

    Returns:
        (B, P, S) affinities, 0 … 1.
    """
    flat = _flat(edge, pairs)[:, 0]
    strongest = _strongest(edge.detach()[:, 0], pairs)
    return 1 - flat.gather(1, strongest.flatten(1)).view(strongest.shape)


def _strongest(edge: Tensor, pairs: Pairs) -> Tensor:
    """(B, h, w) edges >= 0 -> (B, P, S) int64: flat index of a cell with the largest edge on each path.

    Found without a gradient, so that training keeps one index for each pair instead of the values of the whole path.
    The bits of floats that are not negative are ordered as the floats are, so value and index fit into one integer, and
    one maximum finds both.
    """
    height, width = pairs.size
    index = torch.arange(height * width, device=edge.device).view(pairs.size)
    keys = (edge.float().contiguous().view(torch.int32).long() << 32) | index
    largest = keys.new_empty(len(edge), len(pairs.paths), *pairs.window(keys, 0, 0).shape[-2:])
    for path, best in zip(pairs.paths, largest.unbind(1), strict=True):
        best.copy_(pairs.window(keys, *path[0]))
        for y, x in path[1:]:
            torch.maximum(best, pairs.window(keys, y, x), out=best)
    return largest.flatten(2) & 0xFFFFFFFF


def pair_displacement(displacement: Tensor, pairs: Pairs) -> Tensor:
    """The displacement of each start minus that of each end.

    Args:
        displacement: (B, 2, h, w) displacements (y, x) in cells.
        pairs: of maps of this size.

    Returns:
        (B, 2, P, S).
    """
    flat = _flat(displacement, pairs)
    ends = flat.index_select(2, pairs.ends.flatten()).unflatten(2, pairs.ends.shape)
    return flat.index_select(2, pairs.starts)[:, :, None] - ends


def pair_labels(labels: Tensor, pairs: Pairs, classes: int = IGNORE) -> tuple[Tensor, Tensor, Tensor]:
    """Tell pairs apart by their labels.

    Args:
        labels: (B, h, w) integers.
        pairs: of maps of this size.
        classes: a pair with a label of this number or above is none of the three; by default that is 255 alone, the
            label of no class.

    Returns:
        Three (B, P, S) bool: both background, both the same class, and different.
    """
    flat = _flat(labels[:, None], pairs)[:, 0]
    start, end = flat[:, pairs.starts][:, None], flat[:, pairs.ends]
    certain = (start < classes) & (end < classes)
    alike = certain & (start == end)
    return alike & (start == 0), alike & (start > 0), certain & (start != end)


def irn_losses(
    edge_logits: Tensor, displacement: Tensor, labels: Tensor, pairs: Pairs, classes: int = IGNORE
) -> RelationLosses:
    """IRNet's losses against confident labels (METHOD section 8).

    Args:
        edge_logits: (B, 1, h, w) raw edges.
        displacement: (B, 2, h, w) displacements (y, x) in cells.
        labels: (B, h, w) confident labels.
        pairs: of maps of this size.
        classes: as in `pair_labels`.

    Returns:
        The losses.

    Raises:
        InvalidSetting: maps of another size than that of `pairs`.
    """
    background, foreground, different = (kind.to(edge_logits.dtype) for kind in pair_labels(labels, pairs, classes))
    affinity = path_affinity(edge_logits.sigmoid(), pairs)
    apart = pair_displacement(displacement, pairs)
    towards = pairs.directions.T[:, :, None].to(apart.dtype)
    alike_loss = -torch.log(affinity + AFFINITY_EPS)
    return RelationLosses(
        bg_pos_aff=(background * alike_loss).sum() / (background.sum() + AFFINITY_EPS),
        fg_pos_aff=(foreground * alike_loss).sum() / (foreground.sum() + AFFINITY_EPS),
        neg_aff=(different * -torch.log(1 + AFFINITY_EPS - affinity)).sum() / (different.sum() + AFFINITY_EPS),
        dp_fg=(foreground[:, None] * (apart - towards).abs()).sum() / (2 * foreground.sum() + AFFINITY_EPS),
        dp_bg=(background[:, None] * apart.abs()).sum() / (2 * background.sum() + AFFINITY_EPS),
    )


def reduce_labels(labels: np.ndarray, stride: int = 4) -> np.ndarray:
    """Labels of a crop on the cells of the IRN, nearest.

    Args:
        labels: (H, W) uint8.
        stride: pixels per cell.

    Returns:
        (round(H / stride), round(W / stride)) uint8.
    """
    height, width = (round(side / stride) for side in labels.shape)
    return np.array(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))


def _flat(maps: Tensor, pairs: Pairs) -> Tensor:
    if tuple(maps.shape[-2:]) != pairs.size:
        raise InvalidSetting(f"A map of {tuple(maps.shape[-2:])} does not fit pairs found on {pairs.size}.")
    return maps.flatten(2)
