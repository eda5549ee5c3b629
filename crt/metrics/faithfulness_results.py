"""The results of the faithfulness measures of one CAM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """The probability of the class while the image is changed.

    Attributes:
        share: (S + 1,) float64, share of the pixels changed, 0 … 1.
        probability: (S + 1,) float64.
    """

    share: np.ndarray
    probability: np.ndarray

    @property
    def auc(self) -> float:
        """Area under the curve, 0 … 1. Deletion: lower is better; insertion: higher is better."""
        return float(np.trapezoid(self.probability, self.share))


@dataclass(frozen=True)
class Confidence:
    """The image times the map, so that only what the map shows is left (Chattopadhay et al. 2018).

    Attributes:
        kept: the probability then.
        drop: max(0, probability - kept) / probability, 0 … 1, lower is better; the mean over images is their average
            drop.
        increase: whether `kept` is higher than without the map, often is better.
    """

    kept: float
    drop: float
    increase: bool


@dataclass(frozen=True)
class Road:
    """ROAD (Rong et al. 2022): pixels replaced by what their neighbours suggest, so that no hole gives a hint.

    Attributes:
        removed: (T,) shares.
        most: (T,) probability after the map's highest pixels went, lower is better.
        least: (T,) probability after its lowest went, higher is better.
    """

    removed: np.ndarray
    most: np.ndarray
    least: np.ndarray

    @property
    def combined(self) -> float:
        """Mean of (least - most) / 2, -0.5 … 0.5: higher is better, 0 is chance."""
        return float((self.least - self.most).mean() / 2)


@dataclass(frozen=True)
class Faithfulness:
    """What was measured of one map; None where it was not requested.

    Attributes:
        probability: of the class in the unchanged image.
        confidence: with what the map shows alone.
        deletion: highest pixels first become the mean colour (Petsiuk et al. 2018); lower area is better.
        insertion: they appear in a blurred image; higher area is better.
        road: pixels replaced.
    """

    probability: float
    confidence: Confidence | None = None
    deletion: Curve | None = None
    insertion: Curve | None = None
    road: Road | None = None
