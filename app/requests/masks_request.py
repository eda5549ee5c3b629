"""The settings of the Masks tab as the browser sends them, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.requests.export_request import ExportRequest, bits
from app.requests.validation import number
from crt.errors import InvalidSetting
from crt.pseudo_labels.crf import CrfSettings
from crt.pseudo_labels.settings import WalkSettings

MOST_ITERATIONS = 20
KNOBS = {
    "gaussianSxy": "gaussian_sxy",
    "gaussianCompat": "gaussian_compat",
    "bilateralSxy": "bilateral_sxy",
    "bilateralSrgb": "bilateral_srgb",
    "bilateralCompat": "bilateral_compat",
}


@dataclass(frozen=True)
class MasksRequest:
    """The settings of the tab.

    Attributes:
        base: those of the page, with the source map as the only one.
        crf: settings of the CRF, None without it.
        walk: settings of the random walk, None without it.
        walk_threshold: share of the largest value, 0 … 1.
        deeplab: whether the segmentation network's mask is shown.
        outlined: whether masks have outlines.
        boxed: whether masks have boxes.
        ground_truth: for each chosen class a (rows, columns) bool mask on the page's grid, or None.
        ignore: the same for points that do not count.
    """

    base: ExportRequest
    crf: CrfSettings | None
    walk: WalkSettings | None
    walk_threshold: float
    deeplab: bool
    outlined: bool
    boxed: bool
    ground_truth: tuple[np.ndarray | None, ...]
    ignore: tuple[np.ndarray | None, ...]

    @classmethod
    def of(cls, analysis: Analysis, details: dict[str, Any]) -> MasksRequest:
        """Check every value that the browser sent.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.

        Returns:
            The request.

        Raises:
            InvalidSetting: a value is missing or out of range.
        """
        base, payload = ExportRequest.of(analysis, details), details.get("masks")
        if not isinstance(payload, dict) or len(base.maps) != 1:
            raise InvalidSetting("The settings of the masks are missing: reload the page.")
        walk = walk_of(payload) if payload.get("walk") is not None else None
        return cls(
            base=base,
            crf=crf_of(payload) if payload.get("crf") is not None else None,
            walk=walk,
            walk_threshold=number(payload["walk"], "threshold", 0, 1) if walk else 0.0,
            deeplab=payload.get("deeplab") is True,
            outlined=payload.get("contours") is True,
            boxed=payload.get("boxes") is True,
            ground_truth=_masks(payload, "ground_truth", base),
            ignore=_masks(payload, "ignore", base),
        )


def crf_of(details: dict[str, Any]) -> CrfSettings:
    """The settings of the CRF.

    Args:
        details: values from the browser, not to be trusted.

    Returns:
        The settings.

    Raises:
        InvalidSetting: a value is missing or out of range.
    """
    values = details.get("crf")
    if not isinstance(values, dict):
        raise InvalidSetting("The settings of the CRF are missing: reload the page.")
    iterations = int(number(values, "iterations", 0, MOST_ITERATIONS))
    return CrfSettings(iterations, **{name: number(values, key, 0, 500) for key, name in KNOBS.items()})


def walk_of(details: dict[str, Any]) -> WalkSettings:
    """The settings of the random walk.

    Args:
        details: values from the browser, not to be trusted.

    Returns:
        The settings.

    Raises:
        InvalidSetting: a value is missing or out of range.
    """
    values = details.get("walk")
    if not isinstance(values, dict):
        raise InvalidSetting("The settings of the walk are missing: reload the page.")
    return WalkSettings(beta=number(values, "beta", 1, 30), exp_times=int(number(values, "steps", 0, 12)))


def _masks(payload: dict[str, Any], name: str, base: ExportRequest) -> tuple[np.ndarray | None, ...]:
    """A mask for each chosen class, or None where the browser sends null."""
    given = payload.get(name)
    if not isinstance(given, list) or len(given) != len(base.classes):
        raise InvalidSetting("The ground truth does not fit the classes: reload the page.")
    return tuple(bits(one, base.points) if one is not None else None for one in given)
