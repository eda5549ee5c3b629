"""One CAM of the page with its measures, computed again from the Prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.requests.added_panels import AddedPanel
from app.requests.export_common import percent
from app.requests.export_request import ExportRequest, MapSpec
from app.requests.ground_truth import GroundTruth
from crt.checkpoint import CheckpointConfig
from crt.errors import count_of
from crt.metrics.cam_boxes import largest_box
from crt.metrics.pixels import overlap
from crt.models.outputs import VitOutputs
from crt.prediction import Prediction
from crt.resample import upsample_cam
from crt.threshold import above_threshold
from crt.types import METHOD_TITLES, UNIT_NAMES
from crt.viz.layer import MapLayer
from crt.viz.plots import Plot

NOTES = {"resnet": "CNN alone", "crt_cnn": "CNN trained with the transformer"}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PanelData:
    """One CAM of the screen.

    Attributes:
        title: above it.
        note: below the title.
        unit: a key of `UNIT_NAMES`.
        cells: (h, w) float32, the largest over the classes.
        content_size: height and width of the image in cells.
        upsampled: `cells` on the page's grid, (rows, columns) float32.
        max_value: its largest value.
        vmax: the value of the last colour.
        scores: probability of each class by its name, 0 … 1.
        iou: of the mask at the threshold with the ground truth, 0 … 1; None without one.
        box: x0, y0, x1, y1 of the largest region, 0 … 1 of the image; None without one.
        outlines: (N, 2) float64 rings of its ground truth, x and y from 0 to 1.
    """

    title: str
    note: str
    unit: str
    cells: np.ndarray
    content_size: tuple[float, float]
    upsampled: np.ndarray
    max_value: float
    vmax: float
    scores: dict[str, float]
    iou: float | None
    box: Box | None
    outlines: tuple[np.ndarray, ...]


def panel_of(prediction: Prediction, shown: ExportRequest, config: CheckpointConfig, wanted: MapSpec) -> PanelData:
    """A CAM of a network, with the probability that this network gives to each class.

    Args:
        prediction: of the image.
        shown: the settings of the page.
        config: of the checkpoint.
        wanted: the CAM.

    Returns:
        The panel.
    """
    method, options = wanted.method, wanted.options
    cells = prediction.cams(method, classes=wanted.classes, **options).max(0)
    shares = prediction.probabilities(method, options["loops"], single_label=config.single_label)
    scores = {prediction.classes[index]: float(shares[index]) for index in wanted.classes}
    title = f"{subject_of(prediction, wanted)} by {METHOD_TITLES[method]}" if wanted.named else METHOD_TITLES[method]
    title = f"{wanted.letter}: {title}" if wanted.letter else title
    unit, note = "cam", NOTES.get(method, "")
    if isinstance(prediction.record(method), VitOutputs):
        unit = "product" if options["refined"] else "cam"
        count = [count_of(options["loops"], "loop")] if method == "crt" else []
        note = ", ".join([*count, "refined" if options["refined"] else "not refined"])
    return measured_panel(shown, title, note, unit, cells, prediction.content_size(method), scores, wanted.ground_truth)


def subject_of(prediction: Prediction, wanted: MapSpec | AddedPanel) -> str:
    """The classes of a CAM in words.

    Args:
        prediction: of the image.
        wanted: the CAM.

    Returns:
        Their names.
    """
    return " + ".join(prediction.classes[index] for index in wanted.classes)


def added_panel_of(
    prediction: Prediction, shown: ExportRequest, added: AddedPanel, letter: str
) -> tuple[str, PanelData]:
    """The CAM that only the page has.

    Args:
        prediction: of the image.
        shown: the settings of the page.
        added: the CAM.
        letter: A or B where two are compared, else empty.

    Returns:
        Its name among the files, and the panel.
    """
    key = f"{added.key}_{letter.lower()}" if letter else added.key
    title = f"{subject_of(prediction, added)} by {added.title}" if added.classes else added.title
    title = f"{letter}: {title}" if letter else title
    return key, measured_panel(
        shown, title, added.note, added.unit, added.values, added.content_size, {}, added.ground_truth
    )


def measured_panel(
    shown: ExportRequest,
    title: str,
    note: str,
    unit: str,
    cells: np.ndarray,
    content_size: tuple[float, float],
    scores: dict[str, float],
    truth: GroundTruth,
) -> PanelData:
    """A CAM with its measures at the threshold: IoU with the ground truth, and the box of the largest region.

    Args:
        shown: the settings of the page.
        title: above it.
        note: below the title.
        unit: a key of `UNIT_NAMES`.
        cells: (h, w) float32.
        content_size: height and width of the image in cells.
        scores: probability of each class by its name.
        truth: of its classes.

    Returns:
        The panel, with the largest value as that of the last colour.
    """
    max_value, upsampled = float(cells.max(initial=0)), upsample_cam(cells[None], content_size, shown.points)[0]
    level, (rows, columns) = shown.threshold * max_value, shown.points
    inside, mask = above_threshold(upsampled, level), truth.mask
    iou = float(overlap(inside, mask).iou) if mask is not None and level > 0 else None
    found = largest_box(inside) if shown.boxes and level > 0 else None
    box = (found.x0 / columns, found.y0 / rows, found.x1 / columns, found.y1 / rows) if found else None
    return PanelData(
        title, note, unit, cells, content_size, upsampled, max_value, max_value, scores, iou, box, truth.rings
    )


def scaled(shots: dict[str, PanelData], shown: ExportRequest) -> dict[str, PanelData]:
    """The panels with the value of their last colour; only CAMs of one unit share a scale.

    Args:
        shots: panels by name.
        shown: the settings of the page.

    Returns:
        Panels by name.
    """
    limits = {key: _vmax(shot, shots, shown) for key, shot in shots.items()}
    return {key: replace(shot, vmax=limits[key]) for key, shot in shots.items()}


def plot_of(shot: PanelData, shown: ExportRequest) -> Plot:
    """A panel as part of a figure, with its numbers below.

    Args:
        shot: the panel.
        shown: the settings of the page.

    Returns:
        The part.
    """
    probability = f"p {percent(max(shot.scores.values()))}" if shot.scores else ""
    iou = "" if shot.iou is None else f"IoU {shot.iou:.0%}"
    largest = f"largest value {shot.max_value:.3g}" if shot.max_value > 0 else "no evidence"
    line = " · ".join(part for part in (probability, iou, largest) if part)
    return Plot(shot.title, shot.note, layer_of(shot, shown), (line,), truth=shot.outlines)


def layer_of(shot: PanelData, shown: ExportRequest) -> MapLayer:
    """A CAM as the page draws it.

    Args:
        shot: the panel.
        shown: the settings of the page.

    Returns:
        The layer.
    """
    return MapLayer(
        values=_nearest(shot.cells, shot.content_size, shown.points) if shown.cells else shot.upsampled,
        vmax=shot.vmax,
        unit=UNIT_NAMES[shot.unit],
        level=shown.threshold * shot.max_value,
        masked=shown.overlay == "mask",
        faded=shown.overlay == "fade",
        outlined=shown.outline,
        smooth=not shown.cells,
        box=shot.box,
    )


def _vmax(shot: PanelData, shots: dict[str, PanelData], shown: ExportRequest) -> float:
    """The value of the last colour, as the scale has it; only maps of one unit share theirs."""
    if shown.scale == "shared":
        return max(other.max_value for other in shots.values() if other.unit == shot.unit)
    return shown.absolute.get(shot.unit, shot.max_value) if shown.scale == "absolute" else shot.max_value


def _nearest(cells: np.ndarray, content_size: tuple[float, float], points: tuple[int, int]) -> np.ndarray:
    """A map on the page's grid without interpolation: the value of the cell in which each point lies."""
    rows, columns = (
        np.minimum(((np.arange(count) + 0.5) * across / count).astype(int), side - 1)
        for count, across, side in zip(points, content_size, cells.shape, strict=True)
    )
    return cells[np.ix_(rows, columns)]
