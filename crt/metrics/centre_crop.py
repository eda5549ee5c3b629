"""The view of a localization network, and the way of boxes between it and the image (METHOD section 9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crt.errors import InvalidSetting
from crt.metrics.boxes import BoxesLike, checked_boxes


@dataclass(frozen=True)
class CentreCrop:
    """The view of a localization network: short side resized, then the middle cut out, as torchvision's `Resize` and
    `CenterCrop` do.

    Attributes:
        source: height and width of the image in pixels.
        resize: pixels of the short side.
        crop: pixels of the sides of the crop.

    Raises:
        InvalidSetting: the crop is larger than the short side, or a size is not positive.
    """

    source: tuple[int, int]
    resize: int = 256
    crop: int = 224

    def __post_init__(self) -> None:
        if min(self.source) < 1 or not 1 <= self.crop <= self.resize:
            raise InvalidSetting(
                f"A crop of {self.crop} from a short side of {self.resize} of an image {self.source} is impossible: "
                "give positive sizes, the crop not larger than the short side."
            )

    @property
    def resized(self) -> tuple[int, int]:
        """Height and width in pixels after resizing."""
        height, width = self.source
        short = min(height, width)
        return int(self.resize * height / short), int(self.resize * width / short)

    @property
    def origin(self) -> tuple[int, int]:
        """Top and left of the crop in pixels of the resized image."""
        height, width = self.resized
        return round((height - self.crop) / 2), round((width - self.crop) / 2)

    def to_source(self, crop_boxes: BoxesLike) -> np.ndarray:
        """Take boxes from the crop to the image.

        Args:
            crop_boxes: (N, 4) in pixels of the crop.

        Returns:
            (N, 4) float64 in pixels of the image, cut off at its border.
        """
        scale, shift = self._scale_and_shift()
        height, width = self.source
        return np.clip((checked_boxes(crop_boxes) + shift) / scale, 0, [width, height, width, height])

    def to_crop(self, source_boxes: BoxesLike) -> np.ndarray:
        """Take boxes from the image to the crop.

        Args:
            source_boxes: (N, 4) in pixels of the image.

        Returns:
            (N, 4) float64 in pixels of the crop, cut off at its border.
        """
        scale, shift = self._scale_and_shift()
        return np.clip(checked_boxes(source_boxes) * scale - shift, 0, self.crop)

    def _scale_and_shift(self) -> tuple[np.ndarray, np.ndarray]:
        (height, width), (top, left) = self.resized, self.origin
        scale = np.array([width / self.source[1], height / self.source[0]])
        return np.tile(scale, 2), np.array([left, top, left, top], dtype=np.float64)
