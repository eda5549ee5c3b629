"""Which preset a recorded config equals, for records that do not name theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crt.train.presets import PRESETS, single_branch
from crt.train.run_config import RUN_ONLY, TrainConfig

ADDED_LATER: dict[str, Any] = {
    "side": "long",
    "lr_step_epochs": None,
    "mode": "overlap",
    "second_cnn": False,
    "lambda_cam_period": None,
    "lambda_cam_ramp_epochs": 0,
    "decay_all": True,
    "ema_decay": None,
}
"""Fields that the first records do not have, and the value that stands for what the program did then."""


def preset_of(values: Mapping[str, Any]) -> str | None:
    """The preset that a recorded config equals in all that a preset decides; None if there is none."""
    branches = values["model"]["branches"]
    for name, (_, preset) in PRESETS.items():
        candidate = preset if branches == "pair" else single_branch(preset, branches)
        if _decided(candidate.to_json()) == _decided(values):
            return name
    return None


def _decided(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a preset decides of a config, with the fields that the first records do not have."""
    others = (*RUN_ONLY, "data", "seed", "precision", "preview", "preview_split", "compile")
    model = {name: value for name, value in values["model"].items() if not name.endswith("_weights")}
    named = {name: value for name, value in values.items() if name not in others} | {"model": model}
    return _with_later(named, TrainConfig().to_json())


def _with_later(values: Any, like: Any) -> Any:
    """`values` with each field of `ADDED_LATER` that `like` has and they have not."""
    if isinstance(values, list):
        return [_with_later(value, like[0] if isinstance(like, list) and like else None) for value in values]
    if not isinstance(values, dict):
        return values
    known = like if isinstance(like, dict) else {}
    later = {name: value for name, value in ADDED_LATER.items() if name in known}
    return later | {name: _with_later(value, known.get(name)) for name, value in values.items()}
