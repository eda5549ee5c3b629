"""A linear layer at inference on a CPU, with the GELU or the sum after it in the same operation.

oneDNN applies both while it writes the result, so that neither reads and writes all tokens once more. It also has its
fast instructions on every processor, where the library that torch multiplies float32 matrices with by default has them
on some.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def linear(layer: nn.Module, x: Tensor, *, gelu: bool = False, add: Tensor | None = None) -> Tensor:
    """Apply a linear layer; in inference mode in float32 on a CPU as one operation.

    Args:
        layer: torch's linear layer; with hooks, or of another class, it runs by itself.
        x: (…, D).
        gelu: whether torch's exact GELU follows.
        add: (…, E) that is added to the result; not beside `gelu`.

    Returns:
        (…, E), the same up to rounding on every path; through all but that of inference gradients pass.
    """
    if type(layer) is nn.Linear and _is_fused(layer, x):
        operation = torch.ops.mkldnn._linear_pointwise
        if add is not None:
            return operation.binary(x, add, layer.weight, layer.bias, "add")
        return operation(x, layer.weight, layer.bias, "gelu" if gelu else "none", [], "none")
    x = layer(x)
    if gelu:
        x = F.gelu(x)
    return x if add is None else add + x


@cache
def has_fused_linear() -> bool:
    """Whether this build of torch has oneDNN's product with what follows it, which is no public operation."""
    if not torch.backends.mkldnn.is_available():
        return False
    one = torch.ones(1, 1)
    try:
        summed = torch.ops.mkldnn._linear_pointwise.binary(one, one, one, None, "add")
        activated = torch.ops.mkldnn._linear_pointwise(one, one, None, "gelu", [], "none")
    except (AttributeError, RuntimeError):
        return False
    return summed.item() == 2.0 and torch.allclose(activated, F.gelu(one))


def _is_fused(layer: nn.Linear, x: Tensor) -> bool:
    return (
        torch.is_inference_mode_enabled()
        and x.device.type == "cpu"
        and x.dtype == layer.weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and has_fused_linear()
        and not torch.compiler.is_compiling()  # a compiler fuses by itself
        and not (layer._forward_hooks or layer._forward_pre_hooks)
    )
