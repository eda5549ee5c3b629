"""Cut an image into tiles the size a transformer was built for, and merge the tiles' maps back.

A vision transformer takes squares of one size. A larger image is cut into squares that overlap by half, each goes
through the transformer alone, and where maps overlap they are averaged (METHOD section 2, paper section 3.2, Table 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from crt.errors import InvalidSetting, count_of
from crt.types import MODES, Mode, Padding


def padded_length(length: int, tile: int, stride: int, padding: Padding = "minimal") -> int:
    """Pixels of one side after padding: the least `tile + k * stride` that holds `length` pixels.

    Args:
        length: pixels of the side before padding.
        tile: pixels of a tile's side.
        stride: pixels from one tile to the next.
        padding: `minimal`, or `released`, which follows the authors' program and grows even an exact fit by one stride.

    Returns:
        Pixels, at least `length`.
    """
    steps = length // stride + 1 if padding == "released" else -(-length // stride)
    return max(steps * stride, tile)


@dataclass(frozen=True)
class TileGrid:
    """Where the tiles of one image lie, and how many of them cover each cell (METHOD section 2).

    In the modes `bilinear` and `deconvolution` the whole image is shrunk into one tile and its cells are made finer
    afterwards.

    Attributes:
        height: pixels of the image at its input size, before padding.
        width: the same across.
        tile: pixels of a tile's side.
        patch: pixels of a cell, that is of a transformer's patch.
        mode: how the image is cut and the maps are merged.
        padding: as in `padded_length`.
    """

    height: int
    width: int
    tile: int = 224
    patch: int = 16
    mode: Mode = "overlap"
    padding: Padding = "minimal"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InvalidSetting(f"Unknown cut-merge mode {self.mode!r}: choose one of {', '.join(MODES)}.")
        if self.padding not in get_args(Padding):
            raise InvalidSetting(f"Unknown padding {self.padding!r}: choose minimal or released.")
        if min(self.height, self.width, self.patch) < 1:
            raise InvalidSetting(f"An image of {self.width} × {self.height} pixels cannot be cut into tiles.")
        if self.tile < 1 or self.tile % (2 * self.patch):
            raise InvalidSetting(
                f"A tile of {self.tile} pixels must hold an even number of {self.patch}-pixel patches."
            )

    @property
    def single(self) -> bool:
        """Whether the whole image is one tile (modes `bilinear` and `deconvolution`)."""
        return self.mode in ("bilinear", "deconvolution")

    @property
    def stride(self) -> int:
        """Pixels between neighbouring tiles."""
        return self.tile // 2 if self.mode == "overlap" else self.tile

    @cached_property
    def padded(self) -> tuple[int, int]:
        """Height and width in pixels of what the tiles cover."""
        if self.single:
            return self.tile, self.tile
        return (
            padded_length(self.height, self.tile, self.stride, self.padding),
            padded_length(self.width, self.tile, self.stride, self.padding),
        )

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        height, width = self.padded
        return (height - self.tile) // self.stride + 1, (width - self.tile) // self.stride + 1

    def __len__(self) -> int:
        rows, cols = self.shape
        return rows * cols

    @property
    def origins(self) -> tuple[tuple[int, int], ...]:
        """Top left corners (y, x) of the tiles in pixels of the padded image, row-major."""
        rows, cols = self.shape
        return tuple((r * self.stride, c * self.stride) for r in range(rows) for c in range(cols))

    @cached_property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the cropped map: the cells that the image itself touches."""
        if not self.single:
            return self.patch_cells
        height, width = self.content
        return -(-height * self.tile_cells // self.tile), -(-width * self.tile_cells // self.tile)

    @property
    def content_size(self) -> tuple[float, float]:
        """Height and width of the image measured in cells: 333 pixels of patch 16 span 20.8 of the map's 21 cells.

        In the single-tile modes the long side spans all `tile_cells`.
        """
        if not self.single:
            return self.patch_content_size
        height, width = self.content
        return height * self.tile_cells / self.tile, width * self.tile_cells / self.tile

    @cached_property
    def tile_cells(self) -> int:
        """Cells along the side of one tile's map, after the refinement of the single-tile modes."""
        if self.mode == "bilinear":
            return -(-max(self.height, self.width) // self.patch)
        return self.tile // self.patch * (2 if self.mode == "deconvolution" else 1)

    @property
    def patch_cells(self) -> tuple[int, int]:
        """Rows and columns of patches that the image touches, before the single-tile modes make them finer."""
        height, width = self.content
        return -(-height // self.patch), -(-width // self.patch)

    @property
    def patch_content_size(self) -> tuple[float, float]:
        """Height and width of the image measured in patches, as `content_size` is in cells."""
        height, width = self.content
        return height / self.patch, width / self.patch

    @property
    def content(self) -> tuple[int, int]:
        """Height and width in pixels that the image itself takes of the padded area."""
        if not self.single:
            return self.height, self.width
        long_side = max(self.height, self.width)
        return (
            max(1, round(self.height * self.tile / long_side)),
            max(1, round(self.width * self.tile / long_side)),
        )

    def pad(self, images: Tensor) -> Tensor:
        """Pad images to whole tiles; in the single-tile modes shrink (or grow) them first, so that the long side is one
        tile.

        Args:
            images: (B, 3, height, width) normalised.

        Returns:
            (B, 3, *padded), zeros at the bottom and the right.

        Raises:
            InvalidSetting: the images have another size than the grid.
        """
        if tuple(images.shape[-2:]) != (self.height, self.width):
            raise InvalidSetting(
                f"This grid is for {self.height} × {self.width} pixels, the image has {tuple(images.shape[-2:])}."
            )
        if self.single and self.content != (self.height, self.width):
            images = F.interpolate(images, self.content, mode="bicubic", align_corners=False, antialias=True)
        height, width = self.padded
        return F.pad(images, (0, width - images.shape[-1], 0, height - images.shape[-2]))

    def cut(self, padded: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Cut padded images into tiles.

        Args:
            padded: (B, 3, *padded).
            start: the first tile.
            stop: the tile after the last; all from `start` on if None.

        Returns:
            (n·B, 3, tile, tile), tile index outer, batch index inner.
        """
        windows = padded.unfold(2, self.tile, self.stride).unfold(3, self.tile, self.stride)  # (B, 3, R, C, t, t)
        cols = self.shape[1]
        chosen = [windows[:, :, i // cols, i % cols] for i in range(*slice(start, stop).indices(len(self)))]
        return torch.cat(chosen)

    def merge(self, submaps: Tensor) -> Tensor:
        """Merge maps of the tiles, averaged where tiles overlap; sums are float32.

        Args:
            submaps: (n·B, C, s, s) in the order of `cut`; `s` may be any side that the overlap divides.

        Returns:
            (B, C, h, w) float32.

        Raises:
            InvalidSetting: these are not the maps of all tiles.
        """
        n, (rows, cols) = len(self), self.shape
        side = submaps.shape[-1]
        step = side * self.stride // self.tile
        if submaps.shape[0] % n or submaps.shape[-2] != side or step * self.tile != side * self.stride:
            raise InvalidSetting(f"Maps of shape {tuple(submaps.shape)} are not those of {count_of(n, 'tile')}.")
        batch, channels = submaps.shape[0] // n, submaps.shape[1]
        size = ((rows - 1) * step + side, (cols - 1) * step + side)
        columns = submaps.float().reshape(n, batch, channels * side * side).permute(1, 2, 0)  # (B, C·s·s, n)
        return F.fold(columns, size, side, stride=step) / self.cover(side, submaps.device)

    def cover(self, side: int, device: torch.device | str = "cpu") -> Tensor:
        """Count how many tiles cover each cell of the merged map.

        Args:
            side: cells of a tile's side.
            device: where the counts go.

        Returns:
            (h, w) float32.
        """
        step = side * self.stride // self.tile

        def along(tiles: int) -> Tensor:
            length = (tiles - 1) * step + side
            starts = torch.arange(tiles, device=device) * step
            cell = torch.arange(length, device=device)[:, None]
            return ((cell >= starts) & (cell < starts + side)).sum(1).float()

        return along(self.shape[0])[:, None] * along(self.shape[1])[None, :]

    def crop(self, maps: Tensor) -> Tensor:
        """Drop the cells that hold only padding.

        Args:
            maps: (…, h, w) merged maps.

        Returns:
            (…, *cells), a view.
        """
        return maps[..., : self.cells[0], : self.cells[1]]
