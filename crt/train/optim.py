"""One optimizer over the branches' parameter groups, and how the learning rates fall (METHOD sections 6, 9 and 12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from crt.train.config import OptimizerConfig

NamedParameters = Iterable[tuple[str, nn.Parameter]]
EMBEDDINGS = ("pos_embed", "cls_token", "dist_token", "reg_token")
"""Last parts of the names of a ViT's parameters that are not weights of a layer, though they have several axes."""


def poly(step: int, steps: int, *, power: float = 0.9, warmup: int = 0) -> float:
    """Factor on the base rate: linear warm-up times `(1 - step / steps) ** power`. From `steps` on it stays where the
    last step left it, as in the released PolyOptimizer.

    Args:
        step: from 0.
        steps: of the run.
        power: of the polynomial.
        warmup: steps of the warm-up.

    Returns:
        0 … 1.
    """
    step = min(step, steps - 1)
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return ramp * (1 - step / steps) ** power


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether weight decay is for a parameter: not for norms, biases, position embedding and class token (DeiT).

    Args:
        name: of the parameter.
        parameter: itself.

    Returns:
        Whether it is.
    """
    return parameter.ndim > 1 and name.rpartition(".")[2] not in EMBEDDINGS


def build_optimizer(body: NamedParameters, head: NamedParameters, config: OptimizerConfig) -> Optimizer:
    """SGD or AdamW over the trained parameters of one branch.

    Parameters that do not decay (`decays`) are groups of their own, unless `config.decay_all`.

    Args:
        body: parameters at the base rate.
        head: parameters at `head_factor` times the rate.
        config: kind and numbers.

    Returns:
        The optimizer.
    """
    groups: list[dict[str, Any]] = []
    for named, lr in ((body, config.lr), (head, config.lr * config.head_factor)):
        trained = [(config.decay_all or decays(name, p), p) for name, p in named if p.requires_grad]
        for decayed, weight_decay in ((True, config.weight_decay), (False, 0.0)):
            if parameters := [p for decay, p in trained if decay == decayed]:
                groups.append({"params": parameters, "lr": lr, "weight_decay": weight_decay})
    fused = all(parameter.is_cuda for group in groups for parameter in group["params"])
    if config.kind == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=fused)
    return torch.optim.AdamW(groups, lr=config.lr, fused=fused)


class JointOptimizer(Optimizer):
    """Several optimizers over different parameters as one: one list of groups, one state, one step.

    A gradient scaler keeps its books by optimizer, so the gradients of all branches are unscaled, and a step skipped,
    together.

    Args:
        parts: the optimizers.
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = tuple(parts)
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._share()

    def step(self, closure: Any = None) -> Any:
        """One step of each part.

        Args:
            closure: must be None.

        Returns:
            None, as torch's do without a closure.

        Raises:
            ValueError: a closure, which would be called once for each part.
        """
        if closure is not None:
            raise ValueError("A joint optimizer takes no closure.")
        for part in self.parts:
            part.step()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore all parts, as in torch.

        Args:
            state_dict: of `state_dict`.
        """
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        """Let the parts work on the groups and the state of the whole."""
        groups = iter(self.param_groups)
        for part in self.parts:
            part.param_groups = [next(groups) for _ in part.param_groups]
            part.state = self.state


class RateSchedule:
    """Sets the rates of an optimizer from the step number alone, so that a resumed run needs no state of it.

    Args:
        optimizer: whose rates are set.
        steps: of the run.
        power: of `poly`.
        warmup: steps of its warm-up.
        drop: the rate is multiplied by 0.1 after every so many steps, in the place of the polynomial.
    """

    def __init__(
        self, optimizer: Optimizer, steps: int, *, power: float = 0.9, warmup: int = 0, drop: int | None = None
    ) -> None:
        self.optimizer = optimizer
        self.base = [group["lr"] for group in optimizer.param_groups]
        self.steps, self.power, self.warmup, self.drop = steps, power, warmup, drop

    def set(self, step: int) -> list[float]:
        """Set the rates for a step.

        Args:
            step: from 0.

        Returns:
            The rates of all groups.
        """
        power = self.power if self.drop is None else 0.0
        factor = poly(step, self.steps, power=power, warmup=self.warmup)
        if self.drop is not None:
            factor *= 0.1 ** (step // self.drop)
        for group, base in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = base * factor
        return [group["lr"] for group in self.optimizer.param_groups]


@dataclass(frozen=True)
class ParamGroup:
    """Named parameters of one branch.

    Attributes:
        body: trained at the base rate.
        head: trained at `head_factor` times that rate.
        config: of the optimizer.
    """

    body: tuple[tuple[str, nn.Parameter], ...]
    head: tuple[tuple[str, nn.Parameter], ...]
    config: OptimizerConfig

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All of them."""
        return [parameter for _, parameter in (*self.body, *self.head)]


def trained(module: nn.Module) -> tuple[tuple[str, nn.Parameter], ...]:
    """The parameters that get a gradient.

    Args:
        module: any.

    Returns:
        (name, parameter) of each.
    """
    return tuple(item for item in module.named_parameters() if item[1].requires_grad)
