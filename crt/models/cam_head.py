"""Class activation maps and class scores from patch tokens (METHOD section 3)."""

from __future__ import annotations

from torch import Tensor, nn

from crt.errors import InvalidSetting
from crt.models.resize import resize_bilinear
from crt.models.tiles import TileGrid


class CamHead(nn.Module):
    """A 3 × 3 convolution with bias over the grid of patch tokens: one map per class, raw (METHOD section 3).

    Args:
        dim: D, length of a token.
        classes: C, number of maps.
        deconvolution: whether a learned transposed convolution of stride 2 comes before it, for the mode of that name.
    """

    def __init__(self, dim: int, classes: int, *, deconvolution: bool = False) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(dim, dim, kernel_size=2, stride=2) if deconvolution else None
        self.classifier = nn.Conv2d(dim, classes, kernel_size=3, padding=1)

    def forward(self, tokens: Tensor, grid: TileGrid) -> Tensor:
        """Turn patch tokens into class maps.

        Args:
            tokens: (n, patches, D) tokens of n tiles, after the final norm.
            grid: the tiles, which set the number of cells of a map.

        Returns:
            (n, C, s, s) raw class maps, s = `grid.tile_cells`.

        Raises:
            InvalidSetting: the mode needs a deconvolution that this head does not have, or the other way round.
        """
        n, _, dim = tokens.shape
        side = grid.tile // grid.patch
        x = tokens.transpose(1, 2).reshape(n, dim, side, side)
        if (self.upsample is not None) != (grid.mode == "deconvolution"):
            need = "was trained with a" if self.upsample is not None else "has no"
            raise InvalidSetting(f"This checkpoint {need} learned deconvolution: choose another cut-merge mode.")
        if self.upsample is not None:
            x = self.upsample(x)
        elif grid.mode == "bilinear" and grid.tile_cells != side:
            x = resize_bilinear(x, (grid.tile_cells, grid.tile_cells))
        return self.classifier(x)


def class_scores(maps: Tensor) -> Tensor:
    """Average raw maps to class scores.

    Args:
        maps: (…, C, h, w) raw maps, merged and not cropped.

    Returns:
        (…, C) logits: the mean over the grid.
    """
    return maps.mean((-2, -1))
