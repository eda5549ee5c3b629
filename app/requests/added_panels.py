"""CAMs that only the page has, as it sends them with a request for a file: every value checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.requests.ground_truth import GroundTruth, all_between, ground_truth_of, numbers_of
from app.requests.validation import choice, classes_of, number
from crt.errors import InvalidSetting
from crt.types import UNIT_NAMES

CELLS = 512
"""Values of such a CAM along a side."""
LETTERS = ("", "A", "B")
"""Sides of a comparison; none for a map beside it."""
MOST_ADDED_PANELS = 4
"""Rows of a grid of classes by networks, each with a map of the added panel."""
TEXT = 200
"""Characters of a title or note."""


@dataclass(frozen=True)
class AddedPanel:
    """One more CAM that only the page has.

    Attributes:
        key: its name among the files.
        title: above it.
        note: below the title.
        unit: a key of `UNIT_NAMES`.
        values: (h, w) float32 on cells.
        content_size: height and width of the image in cells.
        ground_truth: outlines and masks of its classes.
        letters: A, B or both where it is compared, else empty.
        classes: class ids from 0 where maps of other classes are beside it, else empty.
    """

    key: str
    title: str
    note: str
    unit: str
    values: np.ndarray
    content_size: tuple[float, float]
    ground_truth: GroundTruth
    letters: str = ""
    classes: tuple[int, ...] = ()


def added_panels_of(
    analysis: Analysis, payload: Any, ground_truth: GroundTruth, points: tuple[int, int]
) -> tuple[AddedPanel, ...]:
    """Check the CAM of the added panel, or a list of them, each of its own classes.

    Args:
        analysis: the image on the page.
        payload: from the browser, not to be trusted; None for none.
        ground_truth: of the chosen classes.
        points: rows and columns of the page's grid.

    Returns:
        The panels.

    Raises:
        InvalidSetting: a CAM cannot be read or drawn, or there are too many.
    """
    if payload is None:
        return ()
    if not isinstance(payload, list):
        return (_added_panel(analysis, payload, "added_panel", ground_truth, points),)
    if len(payload) > MOST_ADDED_PANELS:
        raise InvalidSetting("These are too many maps for one export: switch some off.")
    return tuple(
        _added_panel(analysis, one, f"added_panel_{number}", ground_truth, points)
        for number, one in enumerate(payload, 1)
    )


def _added_panel(
    analysis: Analysis, payload: Any, key: str, ground_truth: GroundTruth, points: tuple[int, int]
) -> AddedPanel:
    if not isinstance(payload, dict):
        raise InvalidSetting("The additional map cannot be read: choose it again.")
    h, w = (int(number(payload, side, 1, CELLS)) for side in ("h", "w"))
    values = numbers_of(payload.get("values"), "<f4", h * w).reshape(h, w)
    content_size = number(payload, "down", 0.01, CELLS), number(payload, "across", 0.01, CELLS)
    unit = choice(payload, "unit", UNIT_NAMES)
    if not all_between(values, 0, 1e30):
        raise InvalidSetting("The additional map has values that cannot be drawn: choose another.")
    letters = choice({"letters": ""} | payload, "letters", (*LETTERS, "".join(LETTERS)))
    title, note = short_text(payload, "title"), short_text(payload, "note")
    classes: tuple[int, ...] = ()
    if "classes" in payload:
        classes = tuple(classes_of(analysis, payload))
        ground_truth = ground_truth_of(payload.get("ground_truth"), points, analysis.prediction.classes)
    return AddedPanel(key, title, note, unit, values, content_size, ground_truth, letters, classes)


def short_text(details: dict[str, Any], name: str) -> str:
    """A text, cut where it is too long.

    Args:
        details: values from the browser, not to be trusted.
        name: of the value.

    Returns:
        At most `TEXT` characters.

    Raises:
        InvalidSetting: it is no text.
    """
    value = details.get(name)
    if not isinstance(value, str):
        raise InvalidSetting(f"The {name} of a panel must be text: reload the page.")
    return value[:TEXT]
