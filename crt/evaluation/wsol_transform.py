"""The networks' input of an image whose boxes are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from crt.metrics.boxes import BoxesLike

ToImage = Callable[["BoxesLike"], np.ndarray]
"""(N, 4) boxes in pixels of the input -> (N, 4) in pixels of the image."""


@dataclass(frozen=True)
class WsolTransform:
    """How the networks' input is made of an image. What is larger than a tile is cut into tiles.

    Attributes:
        kind: `square` squashes the whole image to size × size, as the released program of TS-CAM does at 224; `centre`
            is the middle 224 × 224 of the image with its short side at 256, which cuts some objects; `whole` keeps the
            proportions, the long side at `size`.
    """

    kind: Literal["square", "centre", "whole"] = "square"
    size: int = 224
    """Pixels; `centre` does not use it."""

    def __str__(self) -> str:
        if self.kind == "centre":
            return "short side 256, centre 224"
        if self.kind == "square":
            return f"whole, squashed to {self.size} × {self.size}"
        return f"whole, long side {self.size}"

    def of(self, image: np.ndarray) -> tuple[np.ndarray, ToImage]:
        """Make the networks' input.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            (h, w, 3) uint8, and the way of its boxes back to the image.
        """
        # Slow to import, and not needed for the options of a command.
        from crt.data.resizing import resize_long_side, resize_square  # noqa: PLC0415
        from crt.metrics.centre_crop import CentreCrop  # noqa: PLC0415

        height, width = image.shape[:2]
        if self.kind == "centre":
            crop = CentreCrop((height, width))
            (rows, columns), (top, left) = crop.resized, crop.origin
            resized = np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BICUBIC))
            seen = np.ascontiguousarray(resized[top : top + crop.crop, left : left + crop.crop])
            return seen, crop.to_source
        seen = (resize_square if self.kind == "square" else resize_long_side)(image, self.size)
        factors = np.tile([width / seen.shape[1], height / seen.shape[0]], 2)
        return seen, lambda boxes: np.asarray(boxes, dtype=np.float64).reshape(-1, 4) * factors
