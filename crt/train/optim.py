"""Optimizers of the branches and how their rates fall (METHOD sections 6 and 9)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer

from crt.train.config import OptimizerConfig


def poly(step: int, steps: int, *, power: float = 0.9, warmup: int = 0) -> float:
    """Factor on the base rate at a step counted from 0: linear warm-up times `(1 - step / steps) ** power`.

    From `steps` on it stays where the last step left it, as in the released PolyOptimizer.
    """
    step = min(step, steps - 1)
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return ramp * (1 - step / steps) ** power


def build_optimizer(body: Iterable[nn.Parameter], head: Iterable[nn.Parameter], config: OptimizerConfig) -> Optimizer:
    """SGD or AdamW over the trained parameters of one branch, the classifier at `head_factor` times the rate."""
    groups = [
        {"params": [p for p in body if p.requires_grad], "lr": config.lr},
        {"params": [p for p in head if p.requires_grad], "lr": config.lr * config.head_factor},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(parameter.is_cuda for group in groups for parameter in group["params"])
    shared = {"lr": config.lr, "weight_decay": config.weight_decay, "fused": fused}
    if config.kind == "sgd":
        return torch.optim.SGD(groups, momentum=config.momentum, **shared)
    return torch.optim.AdamW(groups, **shared)


class RateSchedule:
    """Sets the rates of an optimizer from the step number alone, so that a resumed run needs no state of it.

    The polynomial of `poly`; with `drop` the rate is multiplied by 0.1 after every so many steps in its place.
    """

    def __init__(
        self, optimizer: Optimizer, steps: int, *, power: float = 0.9, warmup: int = 0, drop: int | None = None
    ) -> None:
        self.optimizer = optimizer
        self.base = [group["lr"] for group in optimizer.param_groups]
        self.steps, self.power, self.warmup, self.drop = steps, power, warmup, drop

    def set(self, step: int) -> list[float]:
        """Set and return the rates of all groups for a step counted from 0."""
        power = self.power if self.drop is None else 0.0
        factor = poly(step, self.steps, power=power, warmup=self.warmup)
        if self.drop is not None:
            factor *= 0.1 ** (step // self.drop)
        for group, base in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = base * factor
        return [group["lr"] for group in self.optimizer.param_groups]
