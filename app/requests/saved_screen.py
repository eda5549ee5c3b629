"""The screen that an interactive page opens with, as the browser describes it: every value checked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from app.core.analysis import Analysis
from app.requests.ground_truth import RINGS, VERTICES
from app.requests.saved_file import SavedFile
from crt.errors import InvalidSetting

QUERY_LENGTH = 4000  # characters of a link; its reader in the page checks each field
TITLE_LENGTH = 120  # characters of a scene's title
MOST_SCENES = 60


@dataclass(frozen=True)
class Scene:
    """A titled link.

    Attributes:
        title: the user's.
        query: of the link.
    """

    title: str
    query: str


@dataclass(frozen=True)
class Shape:
    """Ground truth that the user has drawn.

    Attributes:
        label: the name of a class.
        polygon: x and y of each vertex, from 0 to 1.
    """

    label: str
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class SavedScreen:
    """What the page showed.

    Attributes:
        query: as a link has it.
        scenes: those about the same run.
        drawn: ground truth on the image.
        file: the maps of the added panel if they are from a file, else None.
    """

    query: str
    scenes: tuple[Scene, ...]
    drawn: tuple[Shape, ...]
    file: SavedFile | None = None

    @classmethod
    def of(cls, analysis: Analysis, details: dict[str, Any]) -> SavedScreen:
        """Check what the browser sent.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.

        Returns:
            The screen.

        Raises:
            InvalidSetting: a value is missing, of another type, too long, or not in the image.
        """
        scenes, drawn = (_objects(details, name) for name in ("scenes", "drawn"))
        if len(scenes) > MOST_SCENES:
            raise InvalidSetting(f"{MOST_SCENES} scenes are the most: delete some.")
        shapes = tuple(_shape(analysis, one) for one in drawn)
        if len(shapes) > RINGS or sum(len(shape.polygon) for shape in shapes) > VERTICES:
            raise InvalidSetting("The drawn ground truth is too long to be saved: clear some of it.")
        return cls(
            _text(details, "query", QUERY_LENGTH),
            tuple(Scene(_text(one, "title", TITLE_LENGTH), _text(one, "query", QUERY_LENGTH)) for one in scenes),
            shapes,
            None if details.get("file") is None else SavedFile.of(details["file"], analysis.prediction.classes),
        )

    def values(self) -> dict[str, Any]:
        """The screen as JSON values.

        Returns:
            `query`, `scenes` and `drawn`, and `file` if there is one.
        """
        return {name: value for name, value in asdict(self).items() if value is not None}


def _objects(details: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = details.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidSetting("The screen cannot be read: reload the page.")
    return found


def _text(details: dict[str, Any], name: str, length: int) -> str:
    found = details.get(name)
    if not isinstance(found, str) or len(found) > length:
        raise InvalidSetting("The screen cannot be read: reload the page.")
    return found.encode(errors="replace").decode()


def _shape(analysis: Analysis, payload: dict[str, Any]) -> Shape:
    label, polygon = payload.get("label"), payload.get("polygon")
    if label not in analysis.prediction.classes or not isinstance(polygon, list) or not all(map(_is_point, polygon)):
        raise InvalidSetting("The drawn ground truth must lie in the image: draw it again.")
    return Shape(label, tuple((float(x), float(y)) for x, y in polygon))


def _is_point(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 2
        and all(type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1 for value in found)
    )
