"""The pairs of cells that the IRN and the random walk compare, and the straight paths between them.

Only one half of the directions is listed, right and down: a pair has no order. As in IRNet (METHOD section 8).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from crt.errors import InvalidSetting


@lru_cache(maxsize=8)
def search_paths(radius: int) -> tuple[np.ndarray, ...]:
    """Paths from a cell to every cell near it, in one half of the directions (METHOD section 8).

    A path holds the cells of the rectangle between its ends whose centres lie less than 1 from the line, far end first,
    start last, so `path[0]` is the direction.

    Args:
        radius: ends lie less than this many cells away.

    Returns:
        Each (L, 2) int64 read-only steps (y, x) from the start, sorted by length.

    Raises:
        InvalidSetting: the radius is below 2.
    """
    if radius < 2:
        raise InvalidSetting(f"A radius of {radius} holds no pair of cells: give at least 2.")
    steps = range(1, radius)
    directions = [(0, dx) for dx in steps]
    directions += [(dy, dx) for dy in steps for dx in range(1 - radius, radius) if dy**2 + dx**2 < radius**2]
    return tuple(sorted((_path(dy, dx) for dy, dx in directions), key=len))


def directions(radius: int) -> np.ndarray:
    """The far ends of `search_paths`.

    Args:
        radius: as there.

    Returns:
        (paths, 2) int64 (dy, dx), dy ≥ 0.
    """
    return np.stack([path[0] for path in search_paths(radius)])


def _path(dy: int, dx: int) -> np.ndarray:
    rows = np.arange(min(dy, 0), max(dy, 0) + 1)
    cols = np.arange(min(dx, 0), max(dx, 0) + 1)
    cells = np.stack(np.meshgrid(rows, cols, indexing="ij"), -1).reshape(-1, 2)
    beside = (dy * cells[:, 1] - dx * cells[:, 0]) ** 2  # squared distance to the line, times its squared length
    cells = cells[beside < dy**2 + dx**2]
    path = cells[np.argsort(-np.abs(cells).sum(1), kind="stable")]
    path.flags.writeable = False
    return path
