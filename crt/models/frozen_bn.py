"""Batch norm that keeps its running statistics, whatever the mode of the network around it (METHOD section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class FrozenBatchNorm(nn.Module):
    """A network whose batch norms are always in eval form: running statistics are used and never moved."""

    def train(self, mode: bool = True) -> Self:
        """Set training mode, as in torch, for all but the batch norms.

        Args:
            mode: whether dropout and the like are those of training.

        Returns:
            The network itself.
        """
        super().train(mode)
        for norm in batch_norms(self):
            norm.eval()
        return self


def batch_norms(network: nn.Module) -> Iterator[nn.Module]:
    """The batch norms of a network.

    Args:
        network: any, at whatever depth they are.

    Returns:
        Each of them once, in the order of its modules.
    """
    return (module for module in network.modules() if isinstance(module, _BatchNorm))


def fold_batch_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor | None]:
    """The weights of a convolution that does the work of the batch norm after it, too (METHOD section 5).

    Args:
        conv: the convolution.
        norm: the norm after it, affine and with running statistics; None if there is none.

    Returns:
        The weight, of the shape of `conv.weight`, and the bias (C,), if there is any.
    """
    if norm is None:
        return conv.weight, conv.bias
    mean, variance = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
    factor = norm.weight * torch.rsqrt(variance + norm.eps)
    offset = -mean if conv.bias is None else conv.bias - mean
    return conv.weight * factor[:, None, None, None], norm.bias + offset * factor
