"""The contents of the page, as the browser describes them in a request for a file: every value checked."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.requests.export_common import slug
from app.requests.settings import read_group
from app.requests.validation import choice, classes_of, is_number, map_options, method_of, number
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.pass_reductions import PassReduction
from crt.types import IGNORE, UNIT_NAMES

POINTS = 512  # of the grid on which the page draws, along a side
CELLS = 512  # of a map that the page brings along, along a side
RINGS, VERTICES, TEXT = 2000, 60_000, 200
LETTERS = ("", "A", "B")
MOST_MAPS = 8
MOST_GRID_MAPS = 16
"""Maps of a grid of classes by networks."""
MOST_ADDED_PANELS = 4
"""Rows of such a grid, each with a map of the added panel."""


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of the chosen classes.

    Attributes:
        rings: (N, 2) float64 outlines, x and y from 0 to 1.
        inside: (rows, columns) bool on the page's grid; None if a chosen class has no mask.
        ignore: (rows, columns) bool, points that do not count; None for none.
        cutoffs: of mask files with soft edges, by class: the share above which a pixel is the object.
    """

    rings: tuple[np.ndarray, ...] = ()
    inside: np.ndarray | None = None
    ignore: np.ndarray | None = None
    cutoffs: dict[str, float] = field(default_factory=dict)

    @property
    def mask(self) -> np.ndarray | None:
        """(rows, columns) uint8 on the page's grid: 1 inside, 255 where a point does not count; None without one."""
        if self.inside is None:
            return None
        mask = self.inside.astype(np.uint8)
        if self.ignore is not None:
            mask[self.ignore] = IGNORE
        return mask


@dataclass(frozen=True)
class MapSpec:
    """One CAM of a network.

    Attributes:
        key: its name among the files.
        method: the network.
        letter: A or B where two are compared, else empty.
        options: keywords of `Prediction.cams`.
        classes: class ids from 0.
        ground_truth: outlines and masks of these classes.
        named: whether its title gives its classes, because maps of other classes are beside it.
    """

    key: str
    method: Method
    letter: str
    options: dict[str, Any]
    classes: tuple[int, ...]
    ground_truth: GroundTruth
    named: bool = False


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


@dataclass(frozen=True)
class ExportRequest:
    """The page's settings.

    Attributes:
        classes: class ids from 0, those chosen on the page; a map may be of others.
        maps: the CAMs, in the order of the page.
        image: whether the image has a panel.
        difference: whether the first CAM minus the second has a panel.
        difference_unit: `share` of each one's own maximum; `raw` values where both have one unit.
        loops: the loop count of CRT.
        refined: whether attention multiplies the transformers' CAMs.
        blocks: the first and the last block whose attention refines, from 0; None for all.
        pass_reduction: how the attention of the passes becomes one.
        threshold: share of a CAM's largest value, 0 … 1.
        opacity: of the colours, 0 … 1.
        colormap: its name.
        scale: what the last colour stands for: `map`, `shared` or `absolute`.
        absolute: the value of the last colour by unit, where `scale` is that.
        outline: whether masks have outlines.
        boxes: whether masks have boxes.
        cells: whether CAMs are drawn at their raw resolution.
        overlay: how a CAM lies over the image.
        settings: all that the schema has export, by their path in the page's state; those that are drawn here are
            attributes too.
        points: rows and columns of the page's grid.
        ground_truth: outlines and masks of the chosen classes.
        added_panels: CAMs that only the page has: that of the added panel, or one for each class of it.
    """

    classes: tuple[int, ...]
    maps: tuple[MapSpec, ...]
    image: bool
    difference: bool
    difference_unit: str
    loops: int
    refined: bool
    blocks: tuple[int, int] | None
    pass_reduction: PassReduction
    threshold: float
    opacity: float
    colormap: str
    scale: str
    absolute: dict[str, float]
    outline: bool
    boxes: bool
    cells: bool
    overlay: str
    settings: dict[str, Any]
    points: tuple[int, int]
    ground_truth: GroundTruth
    added_panels: tuple[AddedPanel, ...]

    @classmethod
    def of(cls, analysis: Analysis, details: dict[str, Any], *, panels: bool = True) -> ExportRequest:
        """Check every value that the browser sent.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.
            panels: whether at least one panel must be shown.

        Returns:
            The settings.

        Raises:
            InvalidSetting: a value is missing or unknown, or nothing is shown.
        """
        points = int(number(details, "rows", 1, POINTS)), int(number(details, "columns", 1, POINTS))
        ground_truth = _ground_truth(details.get("ground_truth"), points, analysis.prediction.classes)
        maps = _maps(analysis, details, ground_truth, points)
        added_panels = _added_panels(analysis, details.get("added_panel"), ground_truth, points)
        image = details.get("image") is True
        compared = len(maps) + sum(len(added.letters) for added in added_panels)
        if panels and not maps and not image and not added_panels:
            raise InvalidSetting("Nothing is shown that could be exported: switch a map on.")
        values = read_group(details)
        absolute: dict[str, float] = {}
        if not isinstance(details.get("absolute"), dict):
            raise InvalidSetting("The largest values of the absolute scale are missing: reload the page.")
        if values["scale"] == "absolute":
            absolute = {
                path.partition(".")[2]: vmax for path, vmax in read_group(details["absolute"], "absolute").items()
            }
            if None in absolute.values():
                raise InvalidSetting("The largest values of the absolute scale are missing: reload the page.")
        map_options(
            analysis, analysis.prediction.methods[0], details
        )  # also without a map, so that no value goes by unchecked
        own = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        return cls(
            classes=tuple(classes_of(analysis, details)),
            maps=maps,
            image=image,
            difference=details.get("difference") is True and compared == 2,
            difference_unit=values["compare.unit"],
            absolute=absolute,
            settings=values,
            points=points,
            ground_truth=ground_truth,
            added_panels=added_panels,
            **own,
        )


def _maps(
    analysis: Analysis, details: dict[str, Any], ground_truth: GroundTruth, points: tuple[int, int]
) -> tuple[MapSpec, ...]:
    """Each map with its own loops, refinement and classes; the same network may come twice."""
    specs = details.get("maps")
    if not isinstance(specs, list) or not all(isinstance(one, dict) for one in specs):
        raise InvalidSetting("The maps to be exported are not named: reload the page.")
    if len(specs) > (MOST_GRID_MAPS if all("classes" in one for one in specs) else MOST_MAPS):
        raise InvalidSetting("These are too many maps for one export: switch some off.")
    found: list[MapSpec] = []
    taken: Counter[str] = Counter()
    for one in specs:
        method, named = method_of(analysis, one), "classes" in one
        own = {name: one[name] for name in ("loops", "refined") if name in one}
        classes = tuple(classes_of(analysis, one if named else details))
        truth = _ground_truth(one.get("ground_truth"), points, analysis.prediction.classes) if named else ground_truth
        key = f"{method}_{_words_of(analysis, classes)}" if named else method
        taken[key] += 1
        key = f"{key}_{taken[key]}" if taken[key] > 1 else key
        options = map_options(analysis, method, details | own)
        found.append(MapSpec(key, method, choice(one, "letter", LETTERS), options, classes, truth, named))
    return tuple(found)


def _words_of(analysis: Analysis, classes: tuple[int, ...]) -> str:
    """Classes as a part of a file's name."""
    names = slug(" ".join(analysis.prediction.classes[index] for index in classes))
    return names or "-".join(["class", *(str(index + 1) for index in classes)])


def _ground_truth(payload: Any, points: tuple[int, int], classes: Sequence[str]) -> GroundTruth:
    if payload is None:
        return GroundTruth()
    if not isinstance(payload, dict) or not isinstance(payload.get("polygons"), list):
        raise InvalidSetting("The outlines of the ground truth cannot be read: reload the page.")
    polygons = payload["polygons"]
    if len(polygons) > RINGS or sum(len(ring) for ring in polygons if isinstance(ring, list)) > VERTICES:
        raise InvalidSetting("The outlines of the ground truth are too long to be exported: switch them off.")
    try:
        rings = [np.asarray(ring, np.float64) for ring in polygons]
    except (TypeError, ValueError, OverflowError):
        rings = []
    if len(rings) < len(polygons) or not all(_ring(ring) for ring in rings):
        raise InvalidSetting("The outlines of the ground truth must lie in the image: draw them again.")
    masks = {name: bits(payload[name], points) for name in ("inside", "ignore") if payload.get(name) is not None}
    cutoffs = payload.get("cutoffs", {})
    known = isinstance(cutoffs, dict) and set(cutoffs) <= set(classes)
    if not known or not all(is_number(cutoff) and 0 <= cutoff <= 1 for cutoff in cutoffs.values()):
        raise InvalidSetting("The cut-offs of the ground truth cannot be read: reload the page.")
    return GroundTruth(tuple(rings), **masks, cutoffs={name: float(cutoff) for name, cutoff in cutoffs.items()})


def _ring(points: np.ndarray) -> bool:
    return points.ndim == 2 and points.shape[1] == 2 and _between(points, 0, 1)


def bits(text: Any, points: tuple[int, int]) -> np.ndarray:
    """A mask sent as one bit per point, row by row.

    Args:
        text: base64.
        points: rows and columns.

    Returns:
        (rows, columns) bool.

    Raises:
        InvalidSetting: it has another length, or is no base64.
    """
    count = points[0] * points[1]
    data = np.frombuffer(_bytes(text, -(-count // 8)), np.uint8)
    return np.unpackbits(data)[:count].reshape(points).astype(bool)


def _added_panels(
    analysis: Analysis, payload: Any, ground_truth: GroundTruth, points: tuple[int, int]
) -> tuple[AddedPanel, ...]:
    """The CAM of the added panel, or a list of them, each of its own classes."""
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
    values = np.frombuffer(_bytes(payload.get("values"), 4 * h * w), "<f4").reshape(h, w)
    content_size = number(payload, "down", 0.01, CELLS), number(payload, "across", 0.01, CELLS)
    unit = choice(payload, "unit", UNIT_NAMES)
    if not _between(values, 0, 1e30):
        raise InvalidSetting("The additional map has values that cannot be drawn: choose another.")
    letters = choice({"letters": ""} | payload, "letters", (*LETTERS, "".join(LETTERS)))
    title, note = short_text(payload, "title"), short_text(payload, "note")
    classes: tuple[int, ...] = ()
    if "classes" in payload:
        classes = tuple(classes_of(analysis, payload))
        ground_truth = _ground_truth(payload.get("ground_truth"), points, analysis.prediction.classes)
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


def _bytes(text: Any, length: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        data = b""
    if len(data) != length:
        raise InvalidSetting("Numbers of this image did not arrive whole: try again.")
    return data


def _between(values: np.ndarray, low: float, high: float) -> bool:
    return bool(((values >= low) & (values <= high)).all())
