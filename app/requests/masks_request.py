"""The settings of the Masks tab as the browser sends them, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.requests.export_request import ExportRequest
from app.requests.ground_truth import bits
from app.requests.settings import read_group, setting_at
from crt.errors import InvalidSetting
from crt.pseudo_labels.crf import CrfSettings
from crt.pseudo_labels.settings import WalkSettings
from crt.viz.label_colours import LABEL_COLOURS

KNOBS = {
    "iterations": "iterations",
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
        colours: index into `LABEL_COLOURS` of each class that the page has drawn, by its index.
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
    colours: dict[int, int]

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
        own = read_group(payload, "masks")
        return cls(
            base=base,
            crf=crf_of(payload) if payload.get("crf") is not None else None,
            walk=walk,
            walk_threshold=setting_at("mask.walkThreshold").read(payload["walk"]) if walk else 0.0,
            deeplab=own["mask.deeplab"],
            outlined=own["mask.contours"],
            boxed=own["mask.boxes"],
            ground_truth=_masks(payload, "ground_truth", base),
            ignore=_masks(payload, "ignore", base),
            colours=_colours(payload, len(analysis.prediction.classes)),
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
    found = read_group(values, "masks.crf")
    return CrfSettings(**{name: found[f"mask.{key}"] for key, name in KNOBS.items()})


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
    beta, steps = (setting_at(path).read(values) for path in ("mask.walkBeta", "mask.walkSteps"))
    return WalkSettings(beta=beta, exp_times=steps)


def _masks(payload: dict[str, Any], name: str, base: ExportRequest) -> tuple[np.ndarray | None, ...]:
    """A mask for each chosen class, or None where the browser sends null."""
    given = payload.get(name)
    if not isinstance(given, list) or len(given) != len(base.classes):
        raise InvalidSetting("The ground truth does not fit the classes: reload the page.")
    return tuple(bits(one, base.points) if one is not None else None for one in given)


def _colours(payload: dict[str, Any], classes: int) -> dict[int, int]:
    """The colour of each class of the page's masks, sent as pairs of indices."""
    given = payload.get("colors")
    if not isinstance(given, list) or not all(_pair(one, (classes, len(LABEL_COLOURS))) for one in given):
        raise InvalidSetting("The colours of the masks cannot be read: reload the page.")
    return dict(given)


def _pair(value: Any, counts: tuple[int, int]) -> bool:
    """Whether it is two indices below these counts."""
    whole = isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value)
    return whole and all(0 <= one < count for one, count in zip(value, counts, strict=True))
