"""The pair as one module: what training sees (Eq. 2, METHOD section 6)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from crt.errors import InvalidSetting
from crt.models.cnn import CnnBranch
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch


class DualMaps(NamedTuple):
    """Raw class maps of both branches, (B, C, h, w) each; None for a branch that is not trained."""

    cnn: Tensor | None
    vit: Tensor | None


class TwinCnn(CnnBranch):
    """A CNN in the place of the transformer: what the paper compares the pair with in Fig. 1."""

    def forward(self, images: Tensor, loops: int = 0, grid: TileGrid | None = None) -> Tensor:  # noqa: ARG002
        """As `CnnBranch`; it has no loops and no tiles."""
        return super().forward(images)


class DualBranch(nn.Module):
    """A CNN and a transformer or a second CNN, or one of them alone for the baselines of the paper."""

    def __init__(self, cnn: CnnBranch | None, vit: TransformerBranch | TwinCnn | None) -> None:
        super().__init__()
        if cnn is None and vit is None:
            raise InvalidSetting("Train at least one branch: the CNN, the transformer, or both.")
        self.cnn = cnn
        self.vit = vit

    def forward(self, cnn_images: Tensor | None, vit_images: Tensor | None, loops: int, grid: TileGrid) -> DualMaps:
        """(B, 3, h, w) normalised views of the same crops for each branch -> their raw maps.

        The CNN may look at the crop at another size than the transformer; `grid` is the transformer's.
        """
        return DualMaps(
            self.cnn(cnn_images) if self.cnn is not None else None,
            self.vit(vit_images, loops, grid) if self.vit is not None else None,
        )
