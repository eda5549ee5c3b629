"""A ResNet at inference on a CPU: each convolution, its batch norm, the sum and the ReLU after it as one operation.

The frozen statistics of a batch norm are a factor and a constant of each channel (METHOD section 5). They enter the
weights of the convolution for the time of one call, so the network itself stays as it is, and oneDNN adds the shortcut
and applies the ReLU while it writes the result: between two convolutions nothing is read or written once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import cast

import torch
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn

from crt.models.frozen_bn import fold_batch_norm


def run_layers(modules: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Run layers one after the other; at inference in float32 on a CPU by `run_folded`.

    There the sums and norms between convolutions take a quarter to two fifths of the time. In bfloat16 the convolutions
    are faster, and folding the weights takes as long as it saves.

    Args:
        modules: layers, blocks and sequences of them.
        x: (B, C, h, w).

    Returns:
        What the modules return one after the other, up to rounding.
    """
    if torch.is_inference_mode_enabled() and _is_float32_on_cpu(x) and has_fused_convolution():
        return run_folded(modules, x)
    for module in modules:
        x = module(x)
    return x


@cache
def has_fused_convolution() -> bool:
    """Whether this build of torch has oneDNN's convolution with what follows it, which is no public operation."""
    if not torch.backends.mkldnn.is_available():
        return False
    pixel = torch.ones(1, 1, 1, 1)
    try:
        made = _fused(pixel, pixel, None, ((0, 0), (1, 1), (1, 1), 1), relu=True, shortcut=pixel)
    except (AttributeError, RuntimeError):
        return False
    return made.item() == 2.0


def run_folded(modules: Iterable[nn.Module], x: Tensor) -> Tensor:
    """Run layers one after the other, each convolution with the batch norm and the ReLU that follow it.

    Layers with hooks, those of other kinds, and blocks with more in them than timm's plain ones run by themselves.

    Args:
        modules: layers, blocks and sequences of them, with their batch norms in eval mode.
        x: (B, C, h, w) float32 on a CPU.

    Returns:
        What the modules return one after the other, up to rounding.
    """
    layers, at = list(_layers(modules)), 0
    while at < len(layers):
        layer, at = layers[at], at + 1
        if isinstance(layer, nn.Conv2d) and _is_plain(layer):
            norm, at = _next(layers, at, _is_frozen_norm)
            relu, at = _next(layers, at, _is_relu)
            x = _convolve(layer, norm, x, relu=relu is not None)
        elif isinstance(layer, (BasicBlock, Bottleneck)) and _is_plain_block(layer):
            x = _block(layer, x)
        else:
            x = layer(x)
    return x


def _is_float32_on_cpu(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def _next(layers: Sequence[nn.Module], at: int, wanted: Callable[[nn.Module], bool]) -> tuple[nn.Module | None, int]:
    """The layer at an index and the index after it, if it is of the kind that is wanted."""
    return (layers[at], at + 1) if at < len(layers) and wanted(layers[at]) else (None, at)


def _layers(modules: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """The layers and blocks of sequences within sequences."""
    for module in modules:
        if type(module) is nn.Sequential and _has_no_hooks(module):
            yield from _layers(module)
        else:
            yield module


def _block(block: BasicBlock | Bottleneck, x: Tensor) -> Tensor:
    """The `forward` of a timm block that `_is_plain_block`."""
    shortcut = x if block.downsample is None else run_folded([block.downsample], x)
    x = _convolve(block.conv1, block.bn1, x, relu=True)
    if isinstance(block, BasicBlock):
        return _convolve(block.conv2, block.bn2, x, relu=True, shortcut=shortcut)
    x = _convolve(block.conv2, block.bn2, x, relu=True)
    return _convolve(block.conv3, block.bn3, x, relu=True, shortcut=shortcut)


def _convolve(
    conv: nn.Module, norm: nn.Module | None, x: Tensor, *, relu: bool, shortcut: Tensor | None = None
) -> Tensor:
    """(B, C, h, w) -> norm(conv(x)) + shortcut, and its ReLU; a shortcut always has a ReLU after it."""
    conv = cast("nn.Conv2d", conv)
    weight, bias = fold_batch_norm(conv, cast("nn.BatchNorm2d | None", norm))
    return _fused(
        x, weight, bias, (conv.padding, conv.stride, conv.dilation, conv.groups), relu=relu, shortcut=shortcut
    )


def _fused(
    x: Tensor, weight: Tensor, bias: Tensor | None, layout: tuple, *, relu: bool, shortcut: Tensor | None
) -> Tensor:
    """A convolution of padding, stride, dilation and groups, the shortcut added to it, and the ReLU after it."""
    convolution = torch.ops.mkldnn._convolution_pointwise
    if shortcut is not None:
        return convolution.binary(x, shortcut, weight, bias, *layout, "add", None, "relu", [], None)
    return convolution(x, weight, bias, *layout, "relu" if relu else "none", [], "")


def _has_no_hooks(module: nn.Module) -> bool:
    return not (module._forward_hooks or module._forward_pre_hooks)


def _is_plain(module: nn.Module) -> bool:
    """Whether a layer is a convolution that can be folded."""
    plain = type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return plain and _has_no_hooks(module)


def _is_frozen_norm(module: nn.Module) -> bool:
    frozen = type(module) is nn.BatchNorm2d and module.affine and module.track_running_stats and not module.training
    return frozen and _has_no_hooks(module)


def _is_relu(module: nn.Module) -> bool:
    return type(module) is nn.ReLU and _has_no_hooks(module)


def _is_plain_block(block: BasicBlock | Bottleneck) -> bool:
    """Whether a block has plain layers alone, without attention, dropout and anti-aliasing."""
    numbers = (1, 2) if isinstance(block, BasicBlock) else (1, 2, 3)
    return (
        all(_is_plain(block.get_submodule(f"conv{number}")) for number in numbers)
        and all(_is_frozen_norm(block.get_submodule(f"bn{number}")) for number in numbers)
        and all(_is_relu(block.get_submodule(f"act{number}")) for number in numbers)
        and all(type(module) is nn.Identity for module in (block.drop_block, block.aa))
        and block.se is None
        and block.drop_path is None
        and _has_no_hooks(block)
    )
