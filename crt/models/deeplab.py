"""DeepLab-V2 on any timm ResNet: the segmentation network, trained on masks (Chen et al., 2018; METHOD section 8).

The last stages keep their resolution and have dilated filters instead (atrous convolution), and four classifiers with
holes of four widths take four sizes of context for each cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, get_args

import numpy as np
import torch
import torch.nn.functional as F
from timm.layers.pool2d_same import AvgPool2dSame
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import Tensor, nn

from crt.data.resizing import resize_scale, to_tensor
from crt.errors import InvalidCheckpoint, InvalidImage, InvalidSetting
from crt.models.cnn import build_resnet
from crt.models.frozen_bn import FrozenBatchNorm, batch_norms
from crt.models.normalization import normalization_of
from crt.resample import bilinear_weights
from crt.types import DEEPLAB_SCALES, Stride

RATES = (6, 12, 18, 24)
"""Atrous rates in cells of stride 8."""
MAX_LABELS = 255
"""The most labels, background included: 255 itself marks pixels without one."""


class DeepLab(FrozenBatchNorm):
    """A timm ResNet with dilated last stages, and atrous spatial pyramid pooling as DeepLab-V2 has it (METHOD section
    8).

    At stride 8, layer3 and layer4 keep their resolution and are dilated by 2 and 4; at 16, layer4 alone, by 2. Strides
    and dilations are set whatever they were, as timm's `output_stride` would. Batch norm is always in eval form.
    Trained are all convolutions but the first; not trained are conv1, bn1 and the scales and shifts of every batch
    norm. Made in eval mode.

    Args:
        resnet: built with `build_resnet`; that of a `CnnBranch` will do. It is taken over and changed.
        labels: classes with background, 2 to `MAX_LABELS`.
        stride: pixels per cell.
        rates: atrous rates in cells of stride 8. At 16 they are halved, so that they span the same pixels.

    Raises:
        InvalidCheckpoint: the ResNet cannot be dilated.
        InvalidSetting: labels, stride or rates are out of range.
    """

    def __init__(self, resnet: ResNet, labels: int, *, stride: Stride = 8, rates: Sequence[int] = RATES) -> None:
        super().__init__()
        if not 2 <= labels <= MAX_LABELS:
            raise InvalidSetting(f"A segmentation network has 2 to {MAX_LABELS} labels with background, not {labels}.")
        if stride not in get_args(Stride):
            raise InvalidSetting(f"The stride is {stride}: choose 8 or 16.")
        if not rates or any(rate < 1 or rate * 8 % stride for rate in rates):
            raise InvalidSetting(f"The atrous rates are {tuple(rates)}: give numbers above 0, even ones for stride 16.")
        _dilate(resnet.get_submodule("layer3"), *((1, 1, 2) if stride == 8 else (2, 1, 1)))
        _dilate(resnet.get_submodule("layer4"), *((1, 2, 4) if stride == 8 else (1, 1, 2)))
        resnet.fc = nn.Identity()
        self.resnet = resnet
        self.stride = stride
        self.aspp = _Pyramid(cast("int", resnet.num_features), labels, [rate * 8 // stride for rate in rates])
        resnet.requires_grad_(True)
        for module in (resnet.get_submodule("conv1"), resnet.get_submodule("bn1"), *batch_norms(resnet)):
            module.requires_grad_(False)
        self.eval()
        with torch.no_grad():
            cells = self(torch.zeros(1, 3, 65, 65)).shape[-1]
        if cells != 64 // stride + 1:
            raise InvalidCheckpoint(f"This ResNet makes {cells} cells of 65 pixels, not {64 // stride + 1}.")

    def forward(self, images: Tensor) -> Tensor:
        """Make the logits of the cells.

        Args:
            images: (B, 3, h, w) normalised.

        Returns:
            (B, labels, ceil(h/stride), ceil(w/stride)) raw logits, as `on_pixels` reads them. Cell i is centred on
            pixel stride · i, so `labels[:, ::stride, ::stride]` are the labels of the cells.
        """
        return self.aspp(self.resnet.forward_features(images))


class _Pyramid(nn.Module):
    """Atrous spatial pyramid pooling of V2: 3 × 3 convolutions with bias side by side, summed."""

    def __init__(self, features: int, labels: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(features, labels, 3, padding=rate, dilation=rate) for rate in rates)
        for branch in self.branches:
            nn.init.normal_(cast("Tensor", branch.weight), std=0.01)
            nn.init.zeros_(cast("Tensor", branch.bias))

    def forward(self, x: Tensor) -> Tensor:
        logits = self.branches[0](x)
        for branch in self.branches[1:]:
            logits = logits + branch(x)
        return logits


def build_deeplab(name: str, labels: int, *, stride: Stride = 8) -> DeepLab:
    """Build DeepLab on a timm ResNet by name, untrained.

    Args:
        name: of the ResNet, as `build_resnet` takes it.
        labels: classes with background.
        stride: pixels per cell.

    Returns:
        The network in eval mode.

    Raises:
        InvalidSetting: timm has no such name, or labels or stride are out of range.
        InvalidCheckpoint: the model is no ResNet, or cannot be dilated.
    """
    return DeepLab(build_resnet(name), labels, stride=stride)


def on_pixels(logits: Tensor, stride: int, size: tuple[int, int], seen: tuple[int, int] | None = None) -> Tensor:
    """Resize logits from cells to pixels, bilinear.

    Cell i lies on pixel stride · i of the network's input, which is its middle: for a side of a multiple of the stride
    plus 1, such as the crops of 321, this is torch's bilinear resize with aligned corners. Without them every map would
    be shifted by up to half a stride, each size of image by another amount.

    Args:
        logits: (B, labels, h, w) of the cells.
        stride: pixels per cell.
        size: height and width of the image in pixels.
        seen: height and width of the network's input, if that was another size.

    Returns:
        (B, labels, H, W) float32 of `size`.
    """
    seen = size if seen is None else seen
    rows, cols = (
        torch.from_numpy(_weights(cells, stride, length, pixels)).to(logits.device)
        for cells, length, pixels in zip(logits.shape[-2:], seen, size, strict=True)
    )
    with torch.autocast(logits.device.type, enabled=False):
        return rows @ logits.float() @ cols.T


def _weights(cells: int, stride: int, length: int, pixels: int) -> np.ndarray:
    """(pixels, cells) float32: what each cell gives to each pixel."""
    return bilinear_weights(((np.arange(pixels) + 0.5) * (length / pixels) - 0.5) / stride, cells)


@torch.inference_mode()
def segment(
    network: DeepLab,
    image: np.ndarray,
    *,
    scales: Sequence[float] = DEEPLAB_SCALES,
    flip: bool = True,
    bfloat16: bool = False,
) -> np.ndarray:
    """Segment one image by test-time augmentation over scales and mirror images.

    The logits of each scale are the mean over the image and its mirror image, on the pixel grid; then the maximum over
    the scales, then softmax. Any size will do, one pixel too; one scale is in memory at a time.

    Args:
        network: in eval mode.
        image: (H, W, 3) uint8 RGB.
        scales: factors of the image's sides.
        flip: whether the mirror image is used.
        bfloat16: whether the network runs under autocast.

    Returns:
        (labels, H, W) float32 probabilities of every pixel.

    Raises:
        InvalidImage: the image is no such array.
        InvalidSetting: the network is in training mode, or the scales are unusable.
    """
    if network.training:
        raise InvalidSetting("The segmentation network is in training mode: call its eval() first.")
    if not scales:
        raise InvalidSetting("There is no scale: give at least one, such as 1.")
    if 0 in image.shape:
        raise InvalidImage("This image has no pixels; choose another one.")
    size, stride = (image.shape[0], image.shape[1]), network.stride
    best: Tensor | None = None
    for scale in scales:
        scaled = to_tensor(resize_scale(image, scale), *normalization_of(network)).to(next(network.parameters()).device)
        height, width = scaled.shape[-2:]
        views = torch.cat([scaled, scaled.flip(-1)]) if flip else scaled
        # A cell beyond the last pixel, so that every pixel lies between cells; after turning, so that none is shifted.
        views = F.pad(views, (0, -(width - 1) % stride, 0, -(height - 1) % stride))
        with torch.autocast(views.device.type, torch.bfloat16, enabled=bfloat16):
            cells = network(views.contiguous(memory_format=torch.channels_last))
        logits = on_pixels(cells, stride, size, (height, width))
        logits = (logits[0] + logits[1].flip(-1)) / 2 if flip else logits[0]
        best = logits if best is None else torch.maximum(best, logits)
    return cast("Tensor", best).softmax(0).cpu().numpy()


def _dilate(stage: nn.Module, stride: int, first: int, dilation: int) -> None:
    """Set the stride of a stage, the dilation before that stride takes effect, and the one after (timm's way)."""
    for block in stage.children():
        if not isinstance(block, (BasicBlock, Bottleneck)) or not isinstance(block.aa, nn.Identity):
            raise InvalidCheckpoint("The stages of this ResNet cannot be dilated: choose a plain resnet* or resnext*.")
        convolutions = (block.conv1, block.conv2) if isinstance(block, BasicBlock) else (block.conv2,)
        _set(convolutions[0], stride, first)
        for convolution in convolutions[1:]:
            _set(convolution, 1, dilation)
        if isinstance(block.downsample, nn.Sequential):
            _set_shortcut(block.downsample, stride, first)
        elif stride > 1:
            raise InvalidCheckpoint("A stage of this ResNet has no shortcut that can shrink: choose stride 8.")
        stride, first = 1, dilation


def _set_shortcut(shortcut: nn.Sequential, stride: int, dilation: int) -> None:
    convolution = next(module for module in shortcut if isinstance(module, nn.Conv2d))
    if convolution is shortcut[0]:
        _set(convolution, stride, dilation)
    else:  # the "d" variants shrink by pooling; without shrinking the same mean is taken around every cell
        pool = nn.AvgPool2d if stride > 1 else AvgPool2dSame
        shortcut[0] = pool(2, stride, ceil_mode=True, count_include_pad=False)


def _set(convolution: nn.Conv2d, stride: int, dilation: int) -> None:
    convolution.stride, convolution.dilation = (stride, stride), (dilation, dilation)
    convolution.padding = (dilation * (convolution.kernel_size[0] // 2),) * 2
