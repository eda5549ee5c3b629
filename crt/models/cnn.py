"""The convolution branch: any timm ResNet with stride 16, as IRNet's CAM network has it (METHOD section 5)."""

from __future__ import annotations

from typing import cast

import torch
from timm.models.resnet import ResNet
from torch import Tensor, nn

from crt.errors import InvalidCheckpoint
from crt.models.backbones import create_backbone
from crt.models.folded import run_layers
from crt.models.frozen_bn import FrozenBatchNorm
from crt.models.outputs import STRIDE


class CnnBranch(FrozenBatchNorm):
    """A timm ResNet whose last stage keeps its resolution, with a 1 × 1 classifier without bias (METHOD section 5).

    Stage strides are 2, 2, 2, 1 and the dilation stays 1, as released (timm's `output_stride=16` dilates instead).
    Batch norm is always in eval form; nothing below layer3 gets a gradient, as released. Made in eval mode.

    Args:
        resnet: built with `build_resnet`. It is taken over: its classifier and the strides of layer4 are replaced, its
            tensors stay as they are.
        classes: C, number of maps.

    Raises:
        InvalidCheckpoint: the model is no ResNet, or one of another stride.
    """

    def __init__(self, resnet: ResNet, classes: int) -> None:
        super().__init__()
        resnet = _checked(resnet)
        resnet.fc = nn.Identity()
        _keep_resolution(resnet.get_submodule("layer4"))
        self.resnet = resnet
        self.classifier = nn.Conv2d(cast("int", resnet.num_features), classes, kernel_size=1, bias=False)
        for name, parameter in resnet.named_parameters():
            parameter.requires_grad_(name.startswith(("layer3", "layer4")))
        self.eval()  # before the probe: in training mode it would move the running statistics
        with torch.no_grad():
            cells = self.features(torch.zeros(1, 3, 64, 64)).shape[-1]
        if cells != 64 // STRIDE:
            raise InvalidCheckpoint(f"This ResNet makes {cells} cells of 64 pixels, not {64 // STRIDE}.")

    def features(self, images: Tensor) -> Tensor:
        """Run the ResNet without the classifier.

        Args:
            images: (B, 3, h, w) normalised.

        Returns:
            (B, F, ceil(h/16), ceil(w/16)): the output of layer4.
        """
        with torch.no_grad():
            x = self._through(images, "conv1", "bn1", "act1", "maxpool", "layer1", "layer2")
        return self._through(x, "layer3", "layer4")

    def _through(self, x: Tensor, *stages: str) -> Tensor:
        return run_layers([self.resnet.get_submodule(stage) for stage in stages], x)

    def forward(self, images: Tensor) -> Tensor:
        """Make raw class maps.

        Args:
            images: (B, 3, h, w) normalised.

        Returns:
            (B, C, ceil(h/16), ceil(w/16)) raw class maps.
        """
        return self.classifier(self.features(images))


def build_resnet(name: str, *, pretrained: bool = False) -> ResNet:
    """Build a timm ResNet by name.

    Args:
        name: with any of timm's tags, or without for the default one.
        pretrained: whether timm's weights are fetched; else they are random.

    Returns:
        The model in eval mode, with timm's `pretrained_cfg`, as in `build_vit`.

    Raises:
        InvalidSetting: timm has no such name or tag, or the pretrained weights cannot be had.
        InvalidCheckpoint: the name is of another kind of model.
    """
    resnet = create_backbone(
        name,
        _checked,
        pretrained=pretrained,
        refusal=_refusal(name),
        options={"num_classes": 0, "global_pool": ""},
    )
    return _checked(resnet, name).eval()


def _checked(resnet: nn.Module, name: str = "This model") -> ResNet:
    if not isinstance(resnet, ResNet):
        raise InvalidCheckpoint(_refusal(name))
    return resnet


def _refusal(name: str) -> str:
    return f"{name} is not a timm ResNet: choose a resnet*, resnext* or wide_resnet* model."


def _keep_resolution(stage: nn.Module) -> None:
    """Set every stride of a stage to 1, leaving its dilation alone."""
    for name, module in list(stage.named_modules()):
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.stride = (1, 1)
        elif isinstance(module, nn.AvgPool2d):  # the "d" variants shrink their shortcut by pooling
            parent, _, child = name.rpartition(".")
            setattr(stage.get_submodule(parent), child, nn.Identity())
