"""The input sizes and loop count that the page offers, as settings of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.core.decoded import NATIVE_LIMIT, source_size
from app.core.models import Model
from crt.errors import InvalidSetting
from crt.inference_config import InferenceConfig
from crt.models.tiles import MODES, TileGrid
from crt.network_input import MAX_TILES, network_input_size

LOOPS = 4  # recorded for every image; the page chooses among them
SIZES = (224, 336, 448, 560, 672)
NATIVE = "native"
NATIVE_LEAST = 32
COARSE_PATCHES = 7
"""Patches along the shorter side, half a tile of 224 px, below which the page names the input."""


def settings_of(size: str, mode: str, image: np.ndarray) -> tuple[InferenceConfig, bool]:
    """The page's choices as an `InferenceConfig`.

    Args:
        size: one of `SIZES` as text, or `NATIVE`.
        mode: one of `MODES`.
        image: (H, W, 3) uint8, whose longer side the native size is.

    Returns:
        The config, and whether the native size was reduced to `NATIVE_LIMIT` pixels.

    Raises:
        InvalidSetting: an unknown size or mode.
    """
    if mode not in MODES:
        raise InvalidSetting(f"Unknown cut-merge mode {str(mode)[:40]!r}: choose one of {', '.join(MODES)}.")
    if str(size) == NATIVE:
        side = max(source_size(image))
        kept = min(max(side, NATIVE_LEAST), NATIVE_LIMIT)
        return InferenceConfig(size=None if kept == side else kept, mode=mode, loops=LOOPS), kept < side
    if str(size) not in {str(known) for known in SIZES}:
        raise InvalidSetting(f"Unknown input size {str(size)[:40]!r}: choose {', '.join(map(str, SIZES))} or {NATIVE}.")
    return InferenceConfig(size=int(size), mode=mode, loops=LOOPS), False


def choice_of(settings: InferenceConfig) -> tuple[str, str]:
    """The page's choices that give a config, as `settings_of` reads them.

    Args:
        settings: of a run.

    Returns:
        The values of the fields of the size and of the mode.
    """
    return (str(settings.size) if settings.size in SIZES else NATIVE), settings.mode


def start_size(model: Model) -> str:
    """The value of the size field for a checkpoint.

    Args:
        model: the checkpoint.

    Returns:
        Its default size as text, or 336 where the field does not offer it.
    """
    size = model.config.defaults.size
    return str(size) if size in SIZES else "336"


def coarse_input(image: np.ndarray, grid: TileGrid) -> dict[str, Any] | None:
    """What the page offers for an image whose shorter side has few patches.

    Args:
        image: (H, W, 3) uint8.
        grid: of its run.

    Returns:
        None where there are `COARSE_PATCHES` or more along each side. Else JSON values: `larger` is None, or has the
        `size` of the page's field that gives more patches, and its `input` (height, width) in pixels. That is the
        smallest one that gives `COARSE_PATCHES`, or else the largest. No image is enlarged for it, and none is cut into
        more than `MAX_TILES`.
    """
    if min(grid.patch_cells) >= COARSE_PATCHES:
        return None
    source = source_size(image)
    best: tuple[str, TileGrid] | None = None
    for size in (*map(str, SIZES), NATIVE):
        settings, _ = settings_of(size, grid.mode, image)
        height, width = network_input_size(*source, settings)
        found = TileGrid(height, width, grid.tile, grid.patch, grid.mode, grid.padding)
        least = min((best[1] if best else grid).patch_cells)
        if max(height, width) > max(source) or len(found) > MAX_TILES or min(found.patch_cells) <= least:
            continue
        best = size, found
        if min(found.patch_cells) >= COARSE_PATCHES:
            break
    return {"larger": best and {"size": best[0], "input": (best[1].height, best[1].width)}}
