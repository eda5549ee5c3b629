"""The maps of a file that the user has given, as the browser describes them for an interactive page: all is checked."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.requests.added_panels import CELLS
from crt.data.cam_formats import CAM_MAX_SIDE, CAM_MIN_SIDE
from crt.errors import InvalidSetting

NAME_LENGTH = 60  # characters
MOST_VALUES = 2**20  # of all maps together
_UNREADABLE = "The map from a file cannot be read: choose its file again."


@dataclass(frozen=True)
class SavedCam:
    """The map of one class.

    Attributes:
        label: the name of the class.
        h: rows.
        w: columns.
        max: the largest value, written as 65535.
        values: h * w whole numbers of 16 bits, little-endian, row by row, in base64.
        low: the least value in the user's file.
        high: the largest there.
        size: height and width there.
    """

    label: str
    h: int
    w: int
    max: float
    values: str
    low: float
    high: float
    size: tuple[int, int]


@dataclass(frozen=True)
class SavedFile:
    """The maps of a file.

    Attributes:
        name: of the panel.
        cams: one for each class that has a map.
    """

    name: str
    cams: tuple[SavedCam, ...]

    @classmethod
    def of(cls, payload: Any, classes: Sequence[str]) -> SavedFile:
        """Check what the browser sent.

        Args:
            payload: JSON values, not to be trusted.
            classes: names of the checkpoint's classes.

        Returns:
            The maps.

        Raises:
            InvalidSetting: a value is missing, of another type, too long or out of range, or a class is unknown or
                comes twice.
        """
        if not isinstance(payload, dict) or not isinstance(payload.get("cams"), list):
            raise InvalidSetting(_UNREADABLE)
        name = payload.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH:
            raise InvalidSetting(_UNREADABLE)
        if not 0 < len(payload["cams"]) <= len(classes):
            raise InvalidSetting(_UNREADABLE)
        cams = tuple(_cam(one, classes) for one in payload["cams"])
        if len({cam.label for cam in cams}) < len(cams) or sum(cam.h * cam.w for cam in cams) > MOST_VALUES:
            raise InvalidSetting(_UNREADABLE)
        return cls(name.encode(errors="replace").decode(), cams)


def _cam(payload: Any, classes: Sequence[str]) -> SavedCam:
    if not isinstance(payload, dict) or payload.get("label") not in classes:
        raise InvalidSetting(_UNREADABLE)
    h, w = (_side(payload.get(name), CELLS) for name in ("h", "w"))
    top, low, high = (_finite(payload.get(name)) for name in ("max", "low", "high"))
    size, values = payload.get("size"), payload.get("values")
    if not isinstance(size, list) or len(size) != 2 or top < 0 or not isinstance(values, str):
        raise InvalidSetting(_UNREADABLE)
    try:
        count = len(base64.b64decode(values, validate=True))
    except (ValueError, binascii.Error):
        count = 0
    if count != 2 * h * w:
        raise InvalidSetting(_UNREADABLE)
    height, width = (_side(side, CAM_MAX_SIDE) for side in size)
    return SavedCam(payload["label"], h, w, top, values, low, high, (height, width))


def _side(value: Any, most: int) -> int:
    if type(value) is not int or not CAM_MIN_SIDE <= value <= most:
        raise InvalidSetting(_UNREADABLE)
    return value


def _finite(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise InvalidSetting(_UNREADABLE)
    return float(value)
