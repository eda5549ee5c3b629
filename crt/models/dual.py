"""The pair as one module, for training (Eq. 2, METHOD section 6)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from crt.errors import InvalidSetting
from crt.models.cnn import CnnBranch
from crt.models.tiles import TileGrid
from crt.models.vit import TransformerBranch


class DualMaps(NamedTuple):
    """Raw class maps of both branches.

    Attributes:
        cnn: (B, C, h, w) of the CNN; None if it is not trained.
        vit: (B, C, h, w) of the transformer; None if it is not trained.
    """

    cnn: Tensor | None
    vit: Tensor | None


class SecondCnn(CnnBranch):
    """A CNN in the place of the transformer: what the paper compares the pair with in Fig. 1."""

    def forward(self, images: Tensor, loops: int = 0, grid: TileGrid | None = None) -> Tensor:  # noqa: ARG002
        """Make raw class maps, as `CnnBranch` does.

        Args:
            images: (B, 3, h, w) normalised.
            loops: ignored, as a CNN has no loops.
            grid: ignored, as a CNN has no tiles.

        Returns:
            (B, C, ceil(h/16), ceil(w/16)) raw class maps.
        """
        return super().forward(images)


class DualBranch(nn.Module):
    """A CNN and a transformer or a second CNN, or one of them alone for the baselines of the paper (METHOD section 6).

    Args:
        cnn: the CNN, if it is trained.
        vit: the transformer, or the second CNN in its place, if it is trained.

    Raises:
        InvalidSetting: both are None.
    """

    def __init__(self, cnn: CnnBranch | None, vit: TransformerBranch | SecondCnn | None) -> None:
        super().__init__()
        if cnn is None and vit is None:
            raise InvalidSetting("Train at least one branch: the CNN, the transformer, or both.")
        self.cnn = cnn
        self.vit = vit

    def forward(self, cnn_images: Tensor | None, vit_images: Tensor | None, loops: int, grid: TileGrid) -> DualMaps:
        """Run both branches on views of the same crops.

        Args:
            cnn_images: (B, 3, h, w) normalised for the CNN, of another size than the transformer's where wanted.
            vit_images: (B, 3, h, w) normalised for the transformer.
            loops: loop count of the transformer.
            grid: its tiles.

        Returns:
            The raw maps of each branch that there is.
        """
        return DualMaps(
            self.cnn(cnn_images) if self.cnn is not None else None,
            self.vit(vit_images, loops, grid) if self.vit is not None else None,
        )
