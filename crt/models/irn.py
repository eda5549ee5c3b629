"""The inter-pixel IRN: where one thing ends, and which way its middle lies (IRNet, section 4; METHOD 8).

Two small branches read the features of a frozen ResNet after its stem and its four stages and answer at stride 4. Only
they are trained, with the losses of `affinity`; the edges then steer the random walk of `walk`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from timm.models.resnet import ResNet
from torch import Tensor, nn

from crt.data.resizing import to_tensor
from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.models.folded import run_layers
from crt.models.normalization import normalization_of
from crt.resample import WALK_STRIDE, strided_size
from crt.types import IRN_CROP


class IRN(nn.Module):
    """The ResNet of a `CnnBranch`, shared with it and left as it is, with an edge and a displacement branch (METHOD
    section 8).

    The ResNet runs in eval mode and without gradients. `edge` and `displacement` hold all that is trained, so that each
    can have its own learning rate. `mean` is what `fit_mean` found: (2,) float32, taken off the displacements in eval
    mode. Made in eval mode.

    Args:
        resnet: that of a `CnnBranch`.

    Raises:
        InvalidCheckpoint: the ResNet has other strides, such as one that no `CnnBranch` holds.
    """

    mean: Tensor

    def __init__(self, resnet: ResNet) -> None:
        super().__init__()
        self.resnet = resnet
        channels = [cast("int", stage["num_chs"]) for stage in cast("list[dict]", self.resnet.feature_info)]
        self.edge = _EdgeBranch(channels)
        self.displacement = _DisplacementBranch(channels)
        self.register_buffer("mean", torch.zeros(2))
        self.eval()
        cells = [x.shape[-1] for x in self.features(torch.zeros(1, 3, 64, 64))]
        if cells != [16, 16, 8, 4, 4]:
            raise InvalidCheckpoint(f"The stages of this ResNet make {cells} cells of 64 pixels, not 16, 16, 8, 4, 4.")

    def train(self, mode: bool = True) -> IRN:
        """Set training mode, as in torch, for the branches; the ResNet always stays as it is.

        Args:
            mode: whether the branches are in training mode.

        Returns:
            The network itself.
        """
        super().train(mode)
        self.resnet.eval()
        return self

    @torch.no_grad()
    def features(self, images: Tensor) -> list[Tensor]:
        """Run the ResNet, without gradients.

        Args:
            images: (B, 3, h, w) normalised.

        Returns:
            The outputs of the stem and the four stages, at strides 4, 4, 8, 16, 16.
        """
        stem = ("conv1", "bn1", "act1", "maxpool")
        x, found = images, []
        for stage in (stem, ("layer1",), ("layer2",), ("layer3",), ("layer4",)):
            x = run_layers([self.resnet.get_submodule(name) for name in stage], x)
            found.append(x)
        return found

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Make edges and displacements.

        Args:
            images: (B, 3, h, w) normalised.

        Returns:
            (B, 1, ceil(h/4), ceil(w/4)) raw edges, and (B, 2, ceil(h/4), ceil(w/4)) displacements (y, x) in cells.
        """
        features = self.features(images)
        displacement = self.displacement(features)
        return self.edge(features), displacement if self.training else displacement - self.mean[:, None, None]

    @torch.no_grad()
    def fit_mean(self, batches: Iterable[Tensor]) -> None:
        """Set `mean` to the mean displacement over batches, each batch alike, and leave the network in eval mode.

        The losses fix differences of displacements only, so a constant is left free; IRNet removes it after training.

        Args:
            batches: of (B, 3, h, w) normalised images.

        Raises:
            InvalidSetting: there is no batch.
        """
        self.eval()
        self.mean.zero_()
        means = [self(batch)[1].mean((0, 2, 3)) for batch in batches]
        if not means:
            raise InvalidSetting("The mean displacement needs images: give at least one batch.")
        self.mean.copy_(torch.stack(means).mean(0))


@torch.inference_mode()
def edge_map(network: IRN, image: np.ndarray, *, crop: int = IRN_CROP) -> np.ndarray:
    """Predict the edges of one image: those of `predict_edges`, without the work for displacements.

    Args:
        network: in eval mode.
        image: (H, W, 3) uint8 RGB.
        crop: pixels of the sides that a smaller image is padded to.

    Returns:
        (1, h, w) float32 in (0, 1), at stride 4.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: the network is in training mode.
    """
    both, cells = _with_mirror_image(network, image, crop)
    return _mean_edge(network.edge(network.features(both)), cells)


@torch.inference_mode()
def predict_edges(network: IRN, image: np.ndarray, *, crop: int = IRN_CROP) -> tuple[np.ndarray, np.ndarray]:
    """Run the IRN on one image.

    Edges are the sigmoid of the mean over the image and its mirror image, displacements the image's alone. The released
    program pads the mirror image at its right, which shifts its map unless the width is a multiple of 4; here the cells
    of both agree.

    Args:
        network: in eval mode.
        image: (H, W, 3) uint8 RGB.
        crop: pixels of the sides that a smaller image is padded to.

    Returns:
        (1, h, w) float32 edges in (0, 1) and (2, h, w) float32 displacements (y, x) in cells, at stride 4.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: the network is in training mode.
    """
    both, cells = _with_mirror_image(network, image, crop)
    edge, displacement = network(both)
    return _mean_edge(edge, cells), displacement[0, :, : cells[0], : cells[1]].float().cpu().numpy()


def _with_mirror_image(network: IRN, image: np.ndarray, crop: int) -> tuple[Tensor, tuple[int, int]]:
    """(H, W, 3) uint8 -> (2, 3, h, w) normalised on the network's device, and the cells that the image covers."""
    if network.training:
        raise InvalidSetting("The IRN is in training mode: call its eval() first.")
    pixels = to_tensor(image, *normalization_of(network))
    height, width = strided_size((image.shape[0], image.shape[1]), WALK_STRIDE)
    pixels = _padded(pixels, height * WALK_STRIDE, width * WALK_STRIDE)
    both = _padded(torch.cat([pixels, pixels.flip(-1)]), crop, crop)
    return both.to(network.mean.device, memory_format=torch.channels_last), (height, width)


def _mean_edge(edge: Tensor, cells: tuple[int, int]) -> np.ndarray:
    """(2, 1, h, w) raw edges of an image and its mirror image -> (1, *cells) float32."""
    edge = edge[..., : cells[0], : cells[1]].float()
    return ((edge[0] + edge[1].flip(-1)) / 2).sigmoid().cpu().numpy()


def _padded(x: Tensor, height: int, width: int) -> Tensor:
    """Zeros at the right and the bottom up to this size; what is larger stays."""
    return F.pad(x, (0, max(0, width - x.shape[-1]), 0, max(0, height - x.shape[-2])))


class _EdgeBranch(nn.Module):
    """Every stage to 32 channels at stride 4, together to one."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        factors = (1, 1, 2, 4, 4)
        self.stages = nn.ModuleList(_reduce(c, 32, 4, factor) for c, factor in zip(channels, factors, strict=True))
        self.last = nn.Conv2d(5 * 32, 1, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        maps = [stage(x) for stage, x in zip(self.stages, features, strict=True)]
        return self.last(_joined(maps, maps[0]))


class _DisplacementBranch(nn.Module):
    """The three deep stages meet at stride 8, and with the two first ones at stride 4."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        plan = ((64, 8, 1), (128, 16, 1), (256, 16, 1), (256, 16, 2), (256, 16, 2))
        self.stages = nn.ModuleList(_reduce(c, *step) for c, step in zip(channels, plan, strict=True))
        self.deep = _reduce(3 * 256, 256, 16, 2)
        self.all = _reduce(64 + 128 + 256, 256, 16, 1)
        self.last = nn.Conv2d(256, 2, 1, bias=False)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        maps = [stage(x) for stage, x in zip(self.stages, features, strict=True)]
        deep = self.deep(_joined(maps[2:], maps[2]))
        return self.last(self.all(_joined([*maps[:2], deep], maps[0])))


def _reduce(channels: int, width: int, groups: int, factor: int) -> nn.Sequential:
    """1 × 1 convolution, group norm, enlarging by `factor`, ReLU, in IRNet's order."""
    layers = [nn.Conv2d(channels, width, 1, bias=False), nn.GroupNorm(groups, width)]
    if factor > 1:
        layers.append(nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def _joined(maps: Sequence[Tensor], like: Tensor) -> Tensor:
    """Maps one after the other, cut to the size of `like`: enlarged maps may be some cells larger."""
    height, width = like.shape[-2:]
    return torch.cat([x[..., :height, :width] for x in maps], 1)
