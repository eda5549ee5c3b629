"""Where the networks run."""

from __future__ import annotations

from typing import Literal

import torch

from crt.errors import InvalidSetting

Device = Literal["auto", "cpu", "cuda", "mps"]


def choose_device(device: Device | str = "auto") -> torch.device:
    """The device of a name.

    Args:
        device: `auto` is the GPU if there is one, else the CPU; or any of torch's names.

    Returns:
        A device that this machine has.

    Raises:
        InvalidSetting: this machine does not have it.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise InvalidSetting(f"There is no device {device!r} here: leave it at auto.") from error
    return chosen
