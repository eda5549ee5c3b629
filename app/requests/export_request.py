"""The contents of the page, as the browser describes them in a request for a file: every value checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from app.core.analysis import Analysis
from app.requests.added_panels import LETTERS, AddedPanel, added_panels_of
from app.requests.export_common import slug
from app.requests.ground_truth import GroundTruth, ground_truth_of
from app.requests.settings import read_group
from app.requests.validation import choice, classes_of, map_options, method_of, number
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.pass_reductions import PassReduction

POINTS = 512  # of the grid on which the page draws, along a side
MOST_MAPS = 8
MOST_GRID_MAPS = 16
"""Maps of a grid of classes by networks."""


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
        ground_truth = ground_truth_of(details.get("ground_truth"), points, analysis.prediction.classes)
        maps = _maps(analysis, details, ground_truth, points)
        added_panels = added_panels_of(analysis, details.get("added_panel"), ground_truth, points)
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
        truth = ground_truth_of(one.get("ground_truth"), points, analysis.prediction.classes) if named else ground_truth
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
