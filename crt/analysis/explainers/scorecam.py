"""Score-CAM (Wang et al. 2020): activations weighted by the class score of the image that each of them lets through.

The arithmetic is pytorch-grad-cam's (a test holds the two together); it is written out here because that one prints a
progress bar and runs every masked image anew for every class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crt.analysis.explainers.base import Network, View, assemble, autograd, prepare, scores_of, views
from crt.models.resize import resize_bilinear
from crt.models.tiles import TileGrid


@dataclass(frozen=True)
class ScoreCam:
    """Score-CAM, whose masks are the activations that vary most over the tile (Faster Score-CAM).

    A mask costs a run of the tile: a ResNet-50 has 2,048 of them.

    Attributes:
        title: as captions call it.
        class_wise: whether the maps of two classes differ.
        slow: whether a map takes many runs of the network.
        channels: masks evaluated per tile; None for all of them.
        batch: masked tiles that go through at once.
    """

    title: str = "Score-CAM"
    class_wise: bool = True
    slow: bool = True
    channels: int | None = 64
    batch: int = 16

    def explain(
        self,
        network: Network,
        pixels: Tensor,
        classes: Sequence[int],
        grid: TileGrid | None = None,
        between: Callable[[], object] | None = None,
    ) -> np.ndarray:
        """See `Explainer.explain`."""
        grid = prepare(network, pixels, classes, grid)
        with autograd():
            maps = [
                self._tile(network, tile, activations, classes, grid, between)
                for view in views(network, pixels, grid)
                for tile, activations in _each(view)
            ]
        return assemble(np.stack(maps, axis=1), network, grid)

    @torch.no_grad()
    def _tile(
        self,
        network: Network,
        tile: Tensor,
        activations: Tensor,
        classes: Sequence[int],
        grid: TileGrid,
        between: Callable[[], object] | None,
    ) -> np.ndarray:
        """(3, t, t) and its activations (D, s, s) -> (K, s, s)."""
        if self.channels is not None and self.channels < len(activations):
            activations = activations[activations.flatten(1).var(1).topk(self.channels).indices]
        scores = []
        for some in activations.split(self.batch):
            if between is not None:
                between()
            masks = resize_bilinear(some[None], (tile.shape[-2], tile.shape[-1]), align_corners=True)[0]
            low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
            masks = (masks - low) / (high - low + 1e-8)
            scores.append(scores_of(network, tile * masks[:, None], grid)[:, list(classes)])
        weights = torch.cat(scores).softmax(0)  # (D, K): over channels, as the paper does
        return torch.einsum("dk,dhw->khw", weights, activations).cpu().numpy()


def _each(view: View) -> list[tuple[Tensor, Tensor]]:
    return list(zip(view.pixels, view.activations.detach(), strict=True))


SCORECAM = ScoreCam()
