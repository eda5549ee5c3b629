"""The maps on the screen, computed again from the Prediction, with the numbers and words that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.requests.export_common import credit_lines, file_name, made_with, percent, rendered
from app.requests.export_files import files_of, readme
from app.requests.export_request import UNITS, ExportRequest, MapSpec
from crt.checkpoint import CheckpointConfig
from crt.metrics.boxes import largest_box
from crt.metrics.localization import overlap
from crt.models.outputs import VitOutputs
from crt.pass_reductions import blocks_between
from crt.resample import upsample_cam
from crt.threshold import above_threshold
from crt.viz import TITLES, attention_words, probabilities, settings_line
from crt.viz.contours import difference
from crt.viz.layer import MapLayer, Style
from crt.viz.plots import Kind, Plot, plot

SCALES = {
    "map": "each map by its own largest value",
    "shared": "maps of one unit by the largest of them",
    "absolute": "fixed values",
}
NOTES = {"resnet": "CNN trained alone", "crt_cnn": "CNN trained with the transformer"}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PanelData:
    """One map of the screen.

    `cells`: (h, w) float32, the largest over the classes; `fine`: the same on the page's grid. `top`: its largest
    value. `reach`: the value of the last colour. `scores`: probability of each class. `box`: x0, y0, x1, y1, 0 to 1.
    """

    title: str
    note: str
    unit: str
    cells: np.ndarray
    content_size: tuple[float, float]
    fine: np.ndarray
    top: float
    reach: float
    scores: dict[str, float]
    iou: float | None
    box: Box | None


@dataclass(frozen=True)
class ExportView:
    """What is on the screen: the analysis, its settings and its maps by name, in the order of the page."""

    look: Analysis
    shown: ExportRequest
    config: CheckpointConfig
    shots: dict[str, PanelData]

    @classmethod
    def of(cls, look: Analysis, shown: ExportRequest, config: CheckpointConfig) -> ExportView:
        """Compute the maps that the page shows. `config`: of the checkpoint that made the Prediction."""
        shots = {wanted.key: _shot(look, shown, config, wanted) for wanted in shown.maps}
        if (extra := shown.extra) is not None:
            shots["extra"] = _measured(shown, extra.title, extra.note, extra.unit, extra.values, extra.content_size, {})
        reaches = {key: _reach(shot, shots, shown) for key, shot in shots.items()}
        shots = {key: replace(shot, reach=reaches[key]) for key, shot in shots.items()}
        return cls(look, shown, config, shots)

    @property
    def classes(self) -> list[str]:
        """Names of the chosen classes."""
        return [self.look.prediction.classes[index] for index in self.shown.classes]

    @property
    def name(self) -> str:
        """A file name of plain letters: the classes, and the image by its hash."""
        return file_name(self.look, self.classes)

    def files(self) -> dict[str, bytes]:
        """The raw maps and the masks."""
        return files_of(self)

    def readme(self) -> str:
        """One paragraph about the files."""
        return readme(self)

    def figures(self, kinds: Sequence[Kind]) -> dict[Kind, bytes]:
        """All panels as one figure, as the bytes of a file of each kind."""
        height, width = self.look.prediction.source
        panels = [Plot("Image", f"{width} × {height} px")] if self.shown.image else []
        panels += [self._difference()] if self.shown.difference else []
        panels += [self._panel(shot) for shot in self.shots.values()]
        title = " + ".join(self.classes)
        style = Style(self.shown.colormap, self.shown.opacity, self.shown.truth.rings)
        drawn = plot(self.look.image, panels, style, title=title, notes=self.notes())
        return rendered(drawn, kinds, f"Class activation maps: {title}", self.settings())

    def notes(self) -> list[str]:
        """What a reader has to know to read the figure and to make it again."""
        shown, prediction = self.shown, self.look.prediction
        notes = [settings_line(prediction, loops=shown.loops, refined=shown.refined)]
        if any(shot.unit == "product" for shot in self.shots.values()):
            notes.append(f"Refinement: {attention_words(shown.pass_reduction, blocks_between(shown.blocks))}.")
        if len(shown.classes) > 1:
            notes.append("Several classes: each point shows the largest value among their maps.")
        outlined = ", white outline" if shown.outline else ""
        outside = ", the rest darkened" if shown.overlay == "mask" else ""
        several = ", the largest of the classes" if len(shown.classes) > 1 else ""
        notes.append(
            f"Colours: {shown.colormap}, {SCALES[shown.scale]}. Threshold: {shown.threshold:.0%} of a map's largest "
            f"value{outlined}{outside}. p: probability by that network{several}."
        )
        if shown.truth.rings:
            notes.append("Dashed: ground truth. IoU: of the mask at the threshold with it.")
        if shown.boxes:
            notes.append("Box: around the largest connected region of the mask at the threshold.")
        return [*notes, *credit_lines(self.look, self.config)]

    def settings(self) -> dict[str, Any]:
        """All that made the files, as JSON values."""
        shown, prediction = self.shown, self.look.prediction
        choices = (
            "loops",
            "refined",
            "blocks",
            "pass_reduction",
            "threshold",
            "opacity",
            "colormap",
            "scale",
            "absolute",
        )
        more = ("outline", "boxes", "cells", "overlay", "image", "difference")
        numbers = ("title", "note", "unit", "top", "reach", "scores", "iou", "box")
        maps: dict[str, Any] = {k: {name: getattr(shot, name) for name in numbers} for k, shot in self.shots.items()}
        for wanted in shown.maps:
            maps[wanted.key] |= {"method": wanted.method, **wanted.options}
        return {
            "classes": [{"index": index, "name": prediction.classes[index]} for index in shown.classes],
            "shown": {name: getattr(shown, name) for name in (*choices, *more)},
            "maps": maps,
            **made_with(self.look),
        }

    def _panel(self, shot: PanelData) -> Plot:
        shown = self.shown
        values = _nearest(shot.cells, shot.content_size, shown.points) if shown.cells else shot.fine
        layer = MapLayer(
            values=values,
            top=shot.reach,
            unit=UNITS[shot.unit],
            level=shown.threshold * shot.top,
            masked=shown.overlay == "mask",
            outlined=shown.outline,
            smooth=not shown.cells,
            box=shot.box,
        )
        probability = f"p {percent(max(shot.scores.values()))}" if shot.scores else ""
        iou = "" if shot.iou is None else f"IoU {shot.iou:.0%}"
        largest = f"largest value {shot.top:.3g}" if shot.top > 0 else "no evidence"
        return Plot(shot.title, shot.note, layer, (" · ".join(part for part in (probability, iou, largest) if part),))

    def _difference(self) -> Plot:
        a, b = list(self.shots.values())[:2]
        values = difference(a.fine, b.fine, alike=a.unit == b.unit)
        unit = UNITS[a.unit if a.unit == b.unit else "share"]
        top = float(np.abs(values).max(initial=0))
        layer = MapLayer(values, top, unit, outlined=False, ends=("more B", "more A"))
        return Plot("A − B", f"in {unit}", layer)


def _shot(look: Analysis, shown: ExportRequest, config: CheckpointConfig, wanted: MapSpec) -> PanelData:
    """A map of a network, with the probability that this network gives to each class."""
    method, options = wanted.method, wanted.options
    cells = look.prediction.cams(method, classes=shown.classes, **options).max(0)
    shares = probabilities(look.prediction, method, loops=options["loops"], single_label=config.single_label)
    scores = {look.prediction.classes[index]: float(shares[index]) for index in shown.classes}
    title = f"{wanted.letter}: {TITLES[method]}" if wanted.letter else TITLES[method]
    unit, note = "cam", NOTES.get(method, "")
    if isinstance(look.prediction.record(method), VitOutputs):
        unit = "product" if options["refined"] else "cam"
        count = [f"{options['loops']} {'loop' if options['loops'] == 1 else 'loops'}"] if method == "crt" else []
        note = ", ".join([*count, "refined" if options["refined"] else "not refined"])
    return _measured(shown, title, note, unit, cells, look.prediction.content_size(method), scores)


def _measured(
    shown: ExportRequest,
    title: str,
    note: str,
    unit: str,
    cells: np.ndarray,
    content_size: tuple[float, float],
    scores: dict[str, float],
) -> PanelData:
    """A map with what is measured at the threshold: IoU with the truth, and the box of the largest region."""
    top, fine = float(cells.max(initial=0)), upsample_cam(cells[None], content_size, shown.points)[0]
    level, truth, (rows, columns) = shown.threshold * top, shown.truth, shown.points
    inside, mask = above_threshold(fine, level), truth.mask
    iou = float(overlap(inside, mask).iou) if mask is not None and level > 0 else None
    found = largest_box(inside) if shown.boxes and level > 0 else None
    box = (found.x0 / columns, found.y0 / rows, found.x1 / columns, found.y1 / rows) if found else None
    return PanelData(title, note, unit, cells, content_size, fine, top, top, scores, iou, box)


def _reach(shot: PanelData, shots: dict[str, PanelData], shown: ExportRequest) -> float:
    """The value of the last colour, as the scale has it; only maps of one unit share theirs."""
    if shown.scale == "shared":
        return max(other.top for other in shots.values() if other.unit == shot.unit)
    return shown.absolute.get(shot.unit, shot.top) if shown.scale == "absolute" else shot.top


def _nearest(cells: np.ndarray, content_size: tuple[float, float], points: tuple[int, int]) -> np.ndarray:
    """A map on the page's grid without interpolation: the value of the cell in which each point lies."""
    rows, columns = (
        np.minimum(((np.arange(count) + 0.5) * across / count).astype(int), side - 1)
        for count, across, side in zip(points, content_size, cells.shape, strict=True)
    )
    return cells[np.ix_(rows, columns)]
