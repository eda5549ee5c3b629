"""Percentile intervals over images drawn with replacement. Imports numpy alone, so that options need not wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crt.errors import InvalidSetting


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals over images drawn with replacement.

    Attributes:
        resamples: number of draws.
        level: share of the draws that an interval holds.
        seed: of the draws.

    Raises:
        InvalidSetting: a number is out of range.
    """

    resamples: int = 2000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 1 or not 0 < self.level < 1 or self.seed < 0:
            raise InvalidSetting("Give at least one resample, a level between 0 and 1, and a seed of 0 or more.")

    def draws(self, images: int) -> np.ndarray:
        """Draw images; the same for the same seed.

        Args:
            images: how many there are.

        Returns:
            (resamples, images) float64: how often each image was drawn.
        """
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(images, np.full(images, 1 / images), size=self.resamples).astype(np.float64)

    def interval(self, values: np.ndarray) -> list[float | None]:
        """The interval that holds `level` of the draws.

        Args:
            values: (resamples,) shares, 0 … 1.

        Returns:
            [low, high] in percent; None for NaN.
        """
        tail = 50 * (1 - self.level)
        return [percent(value) for value in np.nanpercentile(values, [tail, 100 - tail])]


def percent(share: float) -> float | None:
    """A share as a percentage with two digits.

    Args:
        share: 0 … 1.

    Returns:
        The percentage; None for NaN, which JSON cannot hold.
    """
    return None if np.isnan(share) else round(100 * float(share), 2)
