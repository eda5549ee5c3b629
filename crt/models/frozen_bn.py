"""Batch norm that keeps its running statistics, whatever the mode of the network around it (METHOD section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from torch import nn
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
