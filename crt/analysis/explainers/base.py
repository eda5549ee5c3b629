"""What every explainer shares: the networks split at the layer that is explained, and the way back to one map.

pytorch-grad-cam takes activations by hooks on the network and gives maps that are resized and min-max normalised. Here
the network is run in two parts with the activations between them, so there is no hook on a network that other threads
use, no weight needs a gradient, and of the library only the arithmetic from activations and gradients to a raw map is
used. Layers: the output of layer4 of a CNN, the first norm of the last block of a transformer, without loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from pytorch_grad_cam.base_cam import BaseCAM
from torch import Tensor, nn

from crt.errors import InvalidSetting
from crt.models.cam_head import class_scores
from crt.models.cnn import CnnBranch
from crt.models.resize import resize_bilinear
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch

TILE_BATCH = 16
"""Tiles that go through a transformer at once."""

Network = CnnBranch | TransformerBranch


class Explainer(Protocol):
    """A method that marks where in an image a network finds evidence of a class."""

    @property
    def title(self) -> str:
        """The name that captions have."""
        ...

    @property
    def class_wise(self) -> bool:
        """Whether the maps of two classes differ."""
        ...

    @property
    def slow(self) -> bool:
        """Whether a CAM takes many runs of the network; the page shows it."""
        ...

    def explain(
        self,
        network: Network,
        pixels: Tensor,
        classes: Sequence[int],
        grid: TileGrid | None = None,
        between: Callable[[], object] | None = None,
    ) -> np.ndarray:
        """Make raw maps of classes.

        Each tile's own class score is explained, and the maps of the tiles are merged.

        Args:
            network: in eval form.
            pixels: (1, 3, height, width) normalised.
            classes: K class ids, from 0.
            grid: how a transformer cuts the image, overlapping tiles by default; a CNN needs none.
            between: called between two runs of the network.

        Returns:
            (K, h, w) float32 ≥ 0, not normalised, on the cells of `Prediction.cams`.

        Raises:
            InvalidSetting: classes that the network does not have, or pixels that the grid is not for.
        """
        ...


@contextmanager
def autograd() -> Iterator[None]:
    """Gradients on, also for a caller in inference mode."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@dataclass(frozen=True)
class View:
    """A batch of tiles in a network; for a CNN the whole image is one tile.

    Attributes:
        pixels: (n, 3, t, t).
        activations: (n, D, s, s), the leaf of the graph.
        scores: (n, C), made of it.
    """

    pixels: Tensor
    activations: Tensor
    scores: Tensor


def views(
    network: Network, pixels: Tensor, grid: TileGrid, between: Callable[[], object] | None = None
) -> Iterator[View]:
    """Run the tiles of an image in batches. To be used inside `autograd`.

    Args:
        network: that is run.
        pixels: (1, 3, h, w) normalised.
        grid: the tiles; a CNN takes the whole image at once.
        between: called before each batch but the first.

    Yields:
        The batches in order.
    """
    pixels = pixels.clone()  # a tensor made in inference mode could not enter the graph
    if isinstance(network, CnnBranch):
        yield _view_of_cnn(network, pixels)
        return
    padded = grid.pad(pixels)
    for start in range(0, len(grid), TILE_BATCH):
        if start and between is not None:
            between()
        yield _view_of_transformer(network, grid.cut(padded, start, start + TILE_BATCH), grid)


def scores_of(network: Network, tiles: Tensor, grid: TileGrid) -> Tensor:
    """Class scores of each tile by itself, without a graph.

    Args:
        network: that is run.
        tiles: (n, 3, t, t) normalised.
        grid: the tiles.

    Returns:
        (n, C).
    """
    with torch.no_grad():
        if isinstance(network, CnnBranch):
            return class_scores(network(tiles))
        x, _ = network.encode(network.embed(tiles))
        return class_scores(network.head(network.patch_tokens(x), grid))


def assemble(maps: np.ndarray, network: Network, grid: TileGrid) -> np.ndarray:
    """Merge maps of the tiles, cropped and after ReLU.

    Args:
        maps: (K, n, s, s) raw maps.
        network: that they are of.
        grid: the tiles.

    Returns:
        (K, h, w) float32.
    """
    tiles = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32))
    if isinstance(network, CnnBranch):
        return tiles[:, 0].relu().numpy()
    tiles = tiles.transpose(0, 1)  # (n, K, s, s)
    side = grid.tile_cells
    if tiles.shape[-1] != side:  # the modes that put the whole image into one tile
        tiles = resize_bilinear(tiles, (side, side))
    return grid.crop(grid.merge(tiles))[0].relu().contiguous().numpy()


def prepare(network: Network, pixels: Tensor, classes: Sequence[int], grid: TileGrid | None) -> TileGrid:
    """Check what an explainer was given.

    Args:
        network: that is explained.
        pixels: (1, 3, h, w) normalised.
        classes: from 0.
        grid: the tiles, if they are given.

    Returns:
        The grid, the default one where there is none.

    Raises:
        InvalidSetting: classes that the network does not have, or pixels that the grid is not for.
    """
    head = network.classifier if isinstance(network, CnnBranch) else network.head.classifier
    if not len(classes) or any(not 0 <= index < head.out_channels for index in classes):
        raise InvalidSetting(f"Choose at least one class between 0 and {head.out_channels - 1}.")
    if pixels.ndim != 4 or pixels.shape[:2] != (1, 3):
        raise InvalidSetting(f"An explainer takes one image (1, 3, h, w), not {tuple(pixels.shape)}.")
    height, width = pixels.shape[-2:]
    if isinstance(network, CnnBranch):
        return grid or TileGrid(height, width)
    return grid or TileGrid(height, width, network.tile, network.patch)


@dataclass(frozen=True)
class EngineExplainer:
    """A method of pytorch-grad-cam that needs only activations and gradients.

    Attributes:
        title: as captions call it.
        method: its class.
        class_wise: whether the maps of two classes differ.
        slow: whether a map takes many runs of the network.
    """

    title: str
    method: type[BaseCAM]
    class_wise: bool = True
    slow: bool = False

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
        batches = []
        with autograd(), engine(self.method) as cam:
            for view in views(network, pixels, grid, between):
                activations = view.activations.detach().cpu().numpy()
                maps = []
                for index in classes:
                    # Tiles share no weights' gradient, so the sum's gradient is each tile's own.
                    (grads,) = torch.autograd.grad(view.scores[:, index].sum(), view.activations, retain_graph=True)
                    maps.append(cam.get_cam_image(None, None, None, activations, grads.cpu().numpy(), False))
                batches.append(np.stack(maps))  # (K, tiles of the batch, s, s)
        return assemble(np.concatenate(batches, axis=1), network, grid)


@contextmanager
def engine(method: type[BaseCAM]) -> Iterator[Any]:
    """An object of pytorch-grad-cam whose hooks sit on a layer of its own, released at the end.

    Its own context manager is not used: it swallows every IndexError.

    Args:
        method: the class of the library.

    Yields:
        The object.
    """
    model = nn.Sequential(nn.Conv2d(1, 1, 1))
    cam = method(model, [model[0]])
    try:
        yield cam
    finally:
        cam.activations_and_grads.release()


def _view_of_cnn(network: CnnBranch, pixels: Tensor) -> View:
    with torch.no_grad():
        features = network.features(pixels)
    activations = features.detach().requires_grad_()
    return View(pixels, activations, class_scores(network.classifier(activations)))


def _view_of_transformer(network: TransformerBranch, tiles: Tensor, grid: TileGrid) -> View:
    block, prefix, side = network.blocks[-1], network.num_prefix_tokens, network.side
    with torch.no_grad():
        x = network.vit.blocks[:-1](network.embed(tiles))
        normed = block.norm1(x)
    patches = normed[:, prefix:].transpose(1, 2).reshape(len(tiles), -1, side, side)
    activations = patches.contiguous().requires_grad_()
    tokens = torch.cat([normed[:, :prefix], activations.flatten(2).transpose(1, 2)], dim=1)
    x = x + block.drop_path1(block.ls1(block.attn(tokens)))
    x = x + block.drop_path2(block.ls2(block.mlp(block.norm2(x))))
    return View(tiles, activations, class_scores(network.head(network.patch_tokens(x), grid)))
