"""Rows of `scripts.ablate`: what those of Table 2 are called, and how close the maps of two branches are."""

from __future__ import annotations

from typing import Any

ONE_TILE = "one tile of 224"
MODES = {
    ("overlap", 224): ONE_TILE,
    ("overlap", 336): "overlap, 336",
    ("non-overlap", 448): "side by side, 448",
    ("bilinear", 448): "interpolated to 28 × 28",
    ("deconvolution", 448): "deconvolution to 28 × 28",
}
"""The rows of Table 2 by the mode and the size at test."""


def mode_name(row: dict[str, Any]) -> str:
    """The name of a row of Table 2 by what it is, with the training's mode and crop where they are others."""
    name = MODES[row["mode"], row["size"]]
    model, phase = row["config"]["model"], row["config"]["schedule"][-1]
    mode, crop = "deconvolution" if model["deconvolution"] else model.get("mode", "overlap"), phase["crop"]
    return name if (mode, crop) == (row["mode"], row["size"]) else f"{name}, trained with {mode} at {crop} px"


def closeness(row: dict[str, Any], count: int) -> float:
    """Correlation of both branches' maps; with a transformer at the loop count it was trained with."""
    found = row["correlation"]
    return found["crt"][count] if "crt" in found else found["resnet"][0]
