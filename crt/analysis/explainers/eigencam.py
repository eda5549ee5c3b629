"""Eigen-CAM (Muhammad and Yeasin 2020): the first principal component of the activations; the same for all classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pytorch_grad_cam import EigenCAM
from torch import Tensor

from crt.analysis.explainers.base import Network, assemble, autograd, engine, prepare, views
from crt.models.cnn import CnnBranch
from crt.models.tiles import TileGrid


@dataclass(frozen=True)
class EigenCam:
    """One component for all tiles of an image, so that their maps can be merged.

    The sign of a component is arbitrary; the larger side of it is taken for the positive one (Seg-Eigen-CAM, Eq. 13).

    Attributes:
        title: as captions call it.
        class_wise: whether the maps of two classes differ; they do not.
        slow: whether a map takes many runs of the network.
    """

    title: str = "Eigen-CAM"
    class_wise: bool = False
    slow: bool = False

    def explain(
        self,
        network: Network,
        pixels: Tensor,
        classes: Sequence[int],
        grid: TileGrid | None = None,
        between: Callable[[], object] | None = None,
    ) -> np.ndarray:
        """See `Explainer.explain`; the same map for every class."""
        grid = prepare(network, pixels, classes, grid)
        with autograd():
            seen = [view.activations.detach().cpu().numpy() for view in views(network, pixels, grid, between)]
        activations = np.concatenate(seen).transpose(0, 2, 3, 1)  # (n, s, s, D)
        inside = _inside(network, activations.shape[:3], grid)
        column = activations[inside].T[None, :, :, None]  # (1, D, cells, 1)
        with engine(EigenCAM) as cam:
            projection = cam.get_cam_image(None, None, None, column, None, False)[0, :, 0]
        if -projection.min() > projection.max():
            projection = -projection
        maps = np.zeros(inside.shape, np.float32)
        maps[inside] = projection
        return assemble(maps[None], network, grid).repeat(len(classes), axis=0)


def _inside(network: Network, shape: tuple[int, ...], grid: TileGrid) -> np.ndarray:
    """(n, s, s) bool: which cells of the tiles touch the image; padding would be the strongest component of all."""
    if isinstance(network, CnnBranch):
        return np.ones(shape, bool)
    height, width = grid.content
    start = np.arange(shape[1]) * grid.patch
    rows = np.stack([y + start < height for y, _ in grid.origins])
    cols = np.stack([x + start < width for _, x in grid.origins])
    return rows[:, :, None] & cols[:, None, :]


EIGENCAM = EigenCam()
