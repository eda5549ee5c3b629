"""The random walk written out: every pair of cells, a dense matrix, and its powers. For small grids only."""

import numpy as np


def dense_walk(seeds, edge, radius, beta, exp_times):
    """(K, h, w) seeds and (1, h, w) edges -> (K, h, w) after 2 ** exp_times steps, in float64."""
    height, width = edge.shape[1:]
    cells = [(y, x) for y in range(height) for x in range(width)]
    matrix = np.array([[affinity(edge[0], a, b, radius) ** beta for b in cells] for a in cells])
    matrix /= matrix.sum(0)
    for _ in range(exp_times):
        matrix = matrix @ matrix
    starts = seeds.astype(np.float64) * (1 - edge.astype(np.float64))
    return (starts.reshape(len(seeds), len(cells)) @ matrix).reshape(seeds.shape)


def affinity(edge, a, b, radius):
    """1 minus the strongest edge on the path between two cells, 1 of a cell with itself, 0 for cells too far apart."""
    if a == b:
        return 1.0
    if (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 >= radius**2:
        return 0.0
    return 1 - max(float(edge[cell]) for cell in path(a, b))


def path(a, b):
    """The cells of the rectangle between two cells whose centres lie less than 1 from the line through both."""
    (ay, ax), (by, bx) = a, b
    return [
        (y, x)
        for y in range(min(ay, by), max(ay, by) + 1)
        for x in range(min(ax, bx), max(ax, bx) + 1)
        if ((by - ay) * (x - ax) - (bx - ax) * (y - ay)) ** 2 < (by - ay) ** 2 + (bx - ax) ** 2
    ]
