"""What the Ablate tab shows, made again: maps of other sizes, modes and loop counts, or its charts."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from app.core.analysis import Analysis, Explorer
from app.core.input_sizes import settings_of
from app.core.models import Model
from app.requests.ablate_request import AblateCell, AblateRequest, AblateRow
from app.requests.export_common import credit_lines, file_name, made_with, percent
from app.requests.export_files import FIGURE_WORDS, SETTINGS_WORDS, packed
from app.requests.export_panels import PanelData, layer_of, panel_of, scaled
from app.requests.export_request import ExportRequest, MapSpec
from app.requests.export_sheet import Exported, Sheet
from app.requests.validation import map_options
from crt.errors import InvalidSetting
from crt.metrics.pixels import overlap
from crt.prediction import Prediction
from crt.sheets.compare import settings_line
from crt.threshold import above_threshold
from crt.viz.layer import Style
from crt.viz.plots import MapBlock, Plot
from crt.viz.print_charts import Chart
from crt.viz.print_layout import Block, Words

WIDTH = 1.5  # inches of a map
CHART_WIDTH = 3.2  # inches of a chart
IN_A_ROW = 2
STEPS = 100  # thresholds at which the ladder looks for the best
PARTS = {"sizes": "Sizes and loops", "modes": "Modes and refinement", "curves": "Curves", "ladder": "Ablation ladder"}


@dataclass(frozen=True)
class AblateView(Exported):
    """The open part of the Ablate tab.

    Attributes:
        analysis: the image.
        shown: the settings of the page.
        wanted: the cells and charts of the tab.
        model: the checkpoint.
        shots: panels by name.
        raw: (K, h, w) float32 CAMs of each panel.
        where: row and cell of each panel.
    """

    analysis: Analysis
    shown: ExportRequest
    wanted: AblateRequest
    model: Model
    shots: dict[str, PanelData]
    raw: dict[str, np.ndarray]
    where: dict[str, tuple[AblateRow, AblateCell]]

    @classmethod
    def of(cls, analysis: Analysis, details: dict[str, Any], model: Model, explorer: Explorer) -> AblateView:
        """Check what the browser sent and make the CAMs from the Predictions of this session.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.
            model: the checkpoint.
            explorer: whose cache has the Predictions.

        Returns:
            The contents of the tab.

        Raises:
            InvalidSetting: wrong values, or a Prediction that is no longer in the cache.
        """
        shown, wanted = ExportRequest.of(analysis, details, panels=False), AblateRequest.of(analysis, details)
        shots: dict[str, PanelData] = {}
        raw: dict[str, np.ndarray] = {}
        where: dict[str, tuple[AblateRow, AblateCell]] = {}
        for number, row in enumerate(wanted.rows, 1):
            prediction = _seen(explorer, analysis, row, model) if row.cells else None
            for place, cell in enumerate(row.cells, 1):
                if prediction is None:
                    continue
                own = {"loops": cell.loops, "refined": cell.refined}
                options = map_options(replace(analysis, prediction=prediction), cell.method, details | own)
                key = f"row{number}_cell{place}"
                spec = MapSpec(key, cell.method, "", options, shown.classes, shown.ground_truth)
                shots[key] = panel_of(prediction, shown, model.config, spec)
                raw[key] = prediction.cams(cell.method, classes=shown.classes, **options)
                where[key] = row, cell
        return cls(analysis, shown, wanted, model, scaled(shots, shown), raw, where)

    @property
    def classes(self) -> list[str]:
        """Names of the chosen classes."""
        return [self.analysis.prediction.classes[index] for index in self.shown.classes]

    @property
    def name(self) -> str:
        """A file name of plain letters."""
        return file_name(self.analysis, self.classes, f"ablate-{self.wanted.show}")

    def sheet(self) -> Sheet:
        """The grid, the ladder or the charts."""
        rows: list[Sequence[Block]] = [[Words(text)] for text in self.wanted.readings]
        if self.wanted.show == "ladder":
            blocks = [self._rung(key) for key in self.shots]
            rows += [blocks[first : first + 3] for first in range(0, len(blocks), 3)]
        else:
            for row in self.wanted.rows:
                if row.cells:
                    rows.append([self._cell(key) for key, (one, _) in self.where.items() if one is row])
        troubles = dict.fromkeys(row.trouble for row in self.wanted.rows if not row.cells)
        for trouble in troubles:
            which = ", ".join(row.title for row in self.wanted.rows if not row.cells and row.trouble == trouble)
            rows.append([Words(f"{which}: {trouble}")])
        charts = self.wanted.charts
        rows += [charts[first : first + IN_A_ROW] for first in range(0, len(charts), IN_A_ROW)]
        title = f"{' + '.join(self.classes)}: {PARTS[self.wanted.show]}"
        width = CHART_WIDTH if charts else 2 * WIDTH if self.wanted.show == "ladder" else WIDTH
        return Sheet(title, rows, title, self.notes(), width, 1 if charts else 2)

    def notes(self) -> list[str]:
        """Lines below the figure: the settings that make it again."""
        shown = self.shown
        notes = [settings_line(self.analysis.prediction, loops=shown.loops, refined=shown.refined)]
        if self.shots:
            notes.append(f"Colours: {shown.colormap}. Threshold: {shown.threshold:.0%} of a map's largest value.")
        if self.shots and shown.ground_truth.rings:
            notes.append("Dashed: ground truth. IoU: of the mask at the threshold with it.")
        return [*notes, *credit_lines(self.analysis, self.model.config)]

    def files(self) -> dict[str, bytes]:
        """The raw maps as one npz and their numbers as CSV, or each chart as CSV."""
        files = {f"chart-{number}.csv": _chart_csv(chart) for number, chart in enumerate(self.wanted.charts, 1)}
        if self.shots:
            arrays = {"classes": np.array(self.classes), "indices": np.array(self.shown.classes)}
            for key, maps in self.raw.items():
                arrays |= {key: maps, f"{key}.content_size": np.array(self.shots[key].content_size)}
            files |= {"maps.npz": packed(arrays), "maps.csv": self._csv()}
        return files

    def settings(self) -> dict[str, Any]:
        """All that made the files, as JSON values."""
        shown, prediction = self.shown, self.analysis.prediction
        names = (
            "blocks",
            "pass_reduction",
            "threshold",
            "opacity",
            "colormap",
            "scale",
            "absolute",
            "outline",
            "cells",
        )
        return {
            "tab": "ablate",
            "show": self.wanted.show,
            "classes": [{"index": index, "name": prediction.classes[index]} for index in shown.classes],
            "shown": {name: getattr(shown, name) for name in (*names, "overlay")},
            "maps": {key: self._about(key) for key in self.shots},
            "charts": [asdict(chart) for chart in self.wanted.charts],
            "mask_cutoffs": shown.ground_truth.cutoffs,
            **made_with(self.analysis),
        }

    def readme(self) -> str:
        """One paragraph about the files."""
        data = (
            "maps.npz holds the raw maps (K, h, w) of each cell and NAME.content_size, the height and width of the "
            "image in cells; maps.csv and settings.json say what each name is. "
            if self.shots
            else ""
        )
        data += "chart-N.csv are the numbers of each chart. " if self.wanted.charts else ""
        return f"Ablation on one image of {', '.join(self.classes)}. {FIGURE_WORDS} {data}{SETTINGS_WORDS}"

    def _cell(self, key: str) -> MapBlock:
        (row, cell), shot = self.where[key], self.shots[key]
        line = " · ".join(part for part in (_iou(shot.iou), f"p {percent(max(shot.scores.values()))}") if part)
        return self._block(
            Plot(f"{row.title}, {cell.title}", cell.note, layer_of(shot, self.shown), (line,), barred=False)
        )

    def _rung(self, key: str) -> MapBlock:
        _, cell = self.where[key]
        best = self._best(key)
        found = f"best IoU {percent(best[1])}, at {best[0]:.0%}; at {self.shown.threshold:.0%} " if best else ""
        lines = [cell.line, f"{found}{_iou(self.shots[key].iou)}".strip()]
        plot = Plot(
            cell.title, cell.note, layer_of(self.shots[key], self.shown), tuple(filter(None, lines)), barred=False
        )
        return self._block(plot)

    def _block(self, panel: Plot) -> MapBlock:
        return MapBlock(
            self.analysis.image, panel, Style(self.shown.colormap, self.shown.opacity, self.shown.ground_truth.rings)
        )

    def _best(self, key: str) -> tuple[float, float] | None:
        """The threshold with the highest IoU of a map, the lowest of equals, and that IoU; None without a mask."""
        shot, mask = self.shots[key], self.shown.ground_truth.mask
        if mask is None or not shot.max_value > 0:
            return None
        steps = range(1, STEPS + 1)
        found = [float(overlap(above_threshold(shot.upsampled, k / STEPS * shot.max_value), mask).iou) for k in steps]
        return (1 + int(np.argmax(found))) / STEPS, max(found)

    def _about(self, key: str) -> dict[str, Any]:
        row, cell = self.where[key]
        shot = self.shots[key]
        best = self._best(key)
        return {
            "row": row.title, "cell": cell.title, "size": row.size, "mode": row.mode, "method": cell.method,
            "loops": cell.loops, "refined": cell.refined, "unit": shot.unit, "max_value": shot.max_value,
            "vmax": shot.vmax,
            "scores": shot.scores, "iou": shot.iou, "best": {"threshold": best[0], "iou": best[1]} if best else None,
        }  # fmt: skip

    def _csv(self) -> bytes:
        names = ("row", "cell", "size", "mode", "method", "loops", "refined", "unit", "max_value", "iou")
        rows = [[key, *(about[name] for name in names)] for key in self.shots if (about := self._about(key))]
        return _lines([["name", *names], *rows])


def _seen(explorer: Explorer, analysis: Analysis, row: AblateRow, model: Model) -> Prediction:
    """What the networks saw of the image at a size and mode. Raises InvalidSetting where that is not kept."""
    settings, _ = settings_of(row.size, row.mode, analysis.image)
    found = explorer.runs.cached(analysis.session, analysis.image, settings, model)
    if found is None and analysis.example is not None:
        found = analysis.example.stored(model.sha256, settings)
    if found is None:
        raise InvalidSetting(f"The maps of {row.title} are no longer kept here: run them again.")
    return found


def _chart_csv(chart: Chart) -> bytes:
    rows = [[one.name, *point] for one in chart.series for point in one.points]
    return _lines([["line", chart.x.label, chart.y.label], *rows])


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode(errors="replace")


def _iou(iou: float | None) -> str:
    return "" if iou is None else f"IoU {percent(iou)}"
