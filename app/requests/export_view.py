"""The CAMs on the screen, computed again from the Prediction, with their numbers and texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.analysis import Analysis
from app.requests.added_panels import AddedPanel
from app.requests.export_common import credit_lines, file_name, made_with
from app.requests.export_files import files_of, readme
from app.requests.export_panels import PanelData, added_panel_of, panel_of, plot_of, scaled, subject_of
from app.requests.export_request import ExportRequest, MapSpec
from app.requests.export_sheet import Exported, Sheet
from crt.checkpoint import CheckpointConfig
from crt.pass_reductions import attention_words, blocks_between
from crt.sheets.compare import settings_line
from crt.types import UNIT_NAMES
from crt.viz.contours import difference
from crt.viz.layer import MapLayer, Style
from crt.viz.plots import MapBlock, Plot, grid_of

END_LENGTH = 20  # characters of a class at an end of a colour bar
SCALES = {
    "map": "each map by its own largest value",
    "shared": "maps of one unit by the largest of them",
    "absolute": "fixed values",
}


@dataclass(frozen=True)
class ExportView(Exported):
    """The contents of the screen.

    Attributes:
        analysis: the image.
        shown: the settings of the page.
        config: of the checkpoint that made the Prediction.
        shots: panels by name, in the order of the page.
    """

    analysis: Analysis
    shown: ExportRequest
    config: CheckpointConfig
    shots: dict[str, PanelData]

    @classmethod
    def of(cls, analysis: Analysis, shown: ExportRequest, config: CheckpointConfig) -> ExportView:
        """Compute the CAMs that the page shows.

        Args:
            analysis: the image.
            shown: the settings of the page.
            config: of the checkpoint that made the Prediction.

        Returns:
            The contents of the screen.
        """
        prediction = analysis.prediction
        panels = [(one.letter, one.classes, (one.key, panel_of(prediction, shown, config, one))) for one in shown.maps]
        for added in shown.added_panels:
            classes = added.classes or shown.classes
            panels += [
                (letter, classes, added_panel_of(prediction, shown, added, letter)) for letter in added.letters or ("",)
            ]
        rows = list(dict.fromkeys(classes for _, classes, _ in panels))
        panels.sort(key=lambda panel: (panel[0], rows.index(panel[1])))  # A before B; in a grid, class by class
        return cls(analysis, shown, config, scaled(dict(panel for _, _, panel in panels), shown))

    @property
    def class_ids(self) -> tuple[int, ...]:
        """Class ids of the maps, each once; those chosen on the page if there are no maps."""
        return tuple(dict.fromkeys(index for wanted in self._wanted for index in wanted.classes)) or self.shown.classes

    @property
    def classes(self) -> list[str]:
        """Names of these classes."""
        return [self.analysis.prediction.classes[index] for index in self.class_ids]

    @property
    def name(self) -> str:
        """A file name of plain letters: the classes, and the image by its hash."""
        return file_name(self.analysis, self.classes)

    def files(self) -> dict[str, bytes]:
        """The raw maps and the masks."""
        return files_of(self)

    def readme(self) -> str:
        """One paragraph about the files."""
        return readme(self)

    def sheet(self) -> Sheet:
        """All panels."""
        height, width = self.analysis.prediction.source
        panels = [Plot("Image", f"{width} × {height} px")] if self.shown.image else []
        panels += [self._difference()] if self.shown.difference else []
        panels += [plot_of(shot, self.shown) for shot in self.shots.values()]
        added = any(one.classes for one in self.shown.added_panels)
        named = added or any(wanted.named for wanted in self.shown.maps)
        title = (", " if named else " + ").join(self.classes)
        style = Style(self.shown.colormap, self.shown.opacity, self.shown.ground_truth.rings)
        columns = len({wanted.method for wanted in self.shown.maps}) + added if named and not self._lettered else 0
        rows = grid_of([MapBlock(self.analysis.image, panel, style) for panel in panels], columns)
        return Sheet(f"Class activation maps: {title}", rows, title, self.notes())

    def notes(self) -> list[str]:
        """Lines under the figure: what is needed to read it and to make it again."""
        shown, prediction = self.shown, self.analysis.prediction
        notes = [settings_line(prediction, loops=shown.loops, refined=shown.refined)]
        if any(shot.unit == "product" for shot in self.shots.values()):
            notes.append(f"Refinement: {attention_words(shown.pass_reduction, blocks_between(shown.blocks))}.")
        several = max((len(one.classes) for one in self._wanted if one.classes), default=len(shown.classes)) > 1
        if several:
            notes.append("Several classes: each point shows the largest value among their maps.")
        outlined = ", white outline" if shown.outline else ""
        outside = ", the rest darkened" if shown.overlay == "mask" else ""
        fading = ", transparent at 0 and opaque from half of the scale on" if shown.overlay == "fade" else ""
        largest = ", the largest of the classes" if several else ""
        notes.append(
            f"Colours: {shown.colormap}, {SCALES[shown.scale]}{fading}. Threshold: {shown.threshold:.0%} of a map's "
            f"largest value{outlined}{outside}. p: probability by that network{largest}."
        )
        if shown.ground_truth.rings or any(shot.outlines for shot in self.shots.values()):
            notes.append("Dashed: ground truth. IoU: of the mask at the threshold with it.")
        for name, cutoff in shown.ground_truth.cutoffs.items():
            notes.append(f"Ground truth of {name}: a mask with soft edges, cut off at {cutoff:.0%}.")
        if shown.boxes:
            notes.append("Box: around the largest connected region of the mask at the threshold.")
        return [*notes, *credit_lines(self.analysis, self.config)]

    def settings(self) -> dict[str, Any]:
        """All settings that made the files, as JSON values."""
        shown, prediction = self.shown, self.analysis.prediction
        numbers = ("title", "note", "unit", "max_value", "vmax", "scores", "iou", "box")
        maps: dict[str, Any] = {k: {name: getattr(shot, name) for name in numbers} for k, shot in self.shots.items()}
        for wanted in shown.maps:
            names = [prediction.classes[index] for index in wanted.classes]
            maps[wanted.key] |= {"method": wanted.method, "classes": names, **wanted.options}
        for added in shown.added_panels:
            names = [prediction.classes[index] for index in added.classes]
            for letter in added.letters if names else ():
                maps[f"{added.key}_{letter.lower()}"]["classes"] = names
            if names and not added.letters:
                maps[added.key]["classes"] = names
        return {
            "classes": [{"index": index, "name": prediction.classes[index]} for index in shown.classes],
            "shown": {path: value for path, value in shown.settings.items() if "." not in path}
            | {name: getattr(shown, name) for name in ("absolute", "image", "difference", "difference_unit")},
            "maps": maps,
            "mask_cutoffs": shown.ground_truth.cutoffs,
            **made_with(self.analysis),
        }

    @property
    def _lettered(self) -> bool:
        """Whether two maps are compared; those of a grid of classes by networks have no letters."""
        return any(wanted.letter for wanted in self.shown.maps) or any(one.letters for one in self.shown.added_panels)

    @property
    def _wanted(self) -> tuple[MapSpec | AddedPanel, ...]:
        """The CAMs, those of the networks first."""
        return (*self.shown.maps, *self.shown.added_panels)

    def _difference(self) -> Plot:
        a, b = list(self.shots.values())[:2]
        raw = self.shown.difference_unit == "raw" and a.unit == b.unit
        values = difference(a.upsampled, b.upsampled, raw=raw, maxima=(a.max_value, b.max_value))
        unit = a.unit if raw else "share"
        vmax = float(np.abs(values).max(initial=0))
        if self.shown.scale != "map":
            vmax = 1.0 if not raw else max(a.vmax, b.vmax) if self.shown.scale == "shared" else a.vmax
        ends, title, note, truth = ("more B", "more A"), "A − B", "", a.outlines
        lettered = [(one.letter, one) for one in self.shown.maps]
        lettered += [(letter, one) for one in self.shown.added_panels for letter in one.letters if one.classes]
        lettered.sort(key=lambda pair: pair[0])
        subjects = [subject_of(self.analysis.prediction, one) for _, one in lettered]
        first, second = subjects if len(subjects) == 2 else ("", "")  # an added panel may have no class in its title
        if first != second:
            title, note, truth = f"{first} − {second}", f"A − B, {UNIT_NAMES[unit]}", (*a.outlines, *b.outlines)
            if max(len(first), len(second)) <= END_LENGTH:
                ends = f"more {second}", f"more {first}"
        layer = MapLayer(values, vmax, UNIT_NAMES[unit], faded=self.shown.overlay == "fade", outlined=False, ends=ends)
        return Plot(f"{title}, {UNIT_NAMES[unit]}", note, layer, truth=truth)
