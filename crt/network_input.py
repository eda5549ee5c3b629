"""The tiles and the largest sizes of what goes through the networks."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from crt.errors import InvalidSetting
from crt.inference_config import InferenceConfig
from crt.models.tiles import TileGrid
from crt.types import MAX_SIZE, MIN_SIZE

MAX_TILES = 400
"""Tiles of one image: 324 cover a square of `MAX_SIZE` with tiles of 224 pixels that overlap by half."""


def tile_grid(networks: Iterable[nn.Module], height: int, width: int, config: InferenceConfig) -> TileGrid:
    """The tiles of an image for the transformers of a checkpoint (METHOD section 2).

    Args:
        networks: those of the checkpoint; without a transformer the tiles are those of a ViT with 224-px tiles.
        height: pixels of the image.
        width: the same across.
        config: input size, mode and padding.

    Returns:
        The grid at the input size.

    Raises:
        InvalidSetting: the image is larger than `MAX_SIZE` at its own size, or needs more than `MAX_TILES`.
    """
    from crt.models.vit import TransformerBranch  # noqa: PLC0415 - timm is loaded with the networks

    if config.size is None:
        check_native_size(height, width)
    height, width = network_input_size(height, width, config)
    vits = [network for network in networks if isinstance(network, TransformerBranch)]
    tile, patch = (vits[0].tile, vits[0].patch) if vits else (224, 16)
    grid = TileGrid(height, width, tile, patch, config.mode, config.padding)
    if len(grid) > MAX_TILES:
        raise InvalidSetting(
            f"An image of {width} × {height} pixels makes {len(grid)} tiles of {tile}, and the limit is "
            f"{MAX_TILES}: choose a smaller input size."
        )
    return grid


def network_input_size(height: int, width: int, config: InferenceConfig) -> tuple[int, int]:
    """The size at which an image goes through the networks, in any mode.

    Args:
        height: pixels of the image.
        width: the same across.
        config: with the input size.

    Returns:
        Height and width in pixels, before padding.
    """
    if config.size is None:
        return height, width
    scale = config.size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def check_native_size(height: int, width: int) -> None:
    """Check that an image is small enough to go through the networks at its own size.

    Args:
        height: pixels of the image.
        width: the same across.

    Raises:
        InvalidSetting: it is larger than `MAX_SIZE`.
    """
    if max(height, width) > MAX_SIZE:
        raise InvalidSetting(
            f"This image has {width} × {height} pixels, and its own size may be at most {MAX_SIZE} along the longer "
            f"side: choose an input size from {MIN_SIZE} to {MAX_SIZE}."
        )
