"""What the Results tab shows, as one figure and as data: what was measured of the networks."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.requests.export_common import rendered, versions
from app.requests.export_files import FIGURE_WORDS, SETTINGS_WORDS
from app.requests.export_sheet import Sheet
from app.requests.figure_options import SCREEN, FigureOptions
from crt.viz.chart_colours import DASHES, line_styles
from crt.viz.plots import Kind
from crt.viz.print_charts import LINES, Axis, Chart, Series, Table
from crt.viz.print_layout import Block, Words

PRINT_LINES: dict[str, str] = dict(zip(DASHES, (*LINES, LINES[1]), strict=True))
CHART_COLUMNS = 3
ROOM = 0.04  # of the x axis, beside its first and last place
MOST_CHART_TICKS = 12


@dataclass(frozen=True)
class ResultsView:
    """The contents of the Results tab.

    Attributes:
        sections: as in `results/summary.json`.
        name: of the files, without their ending.
    """

    sections: tuple[dict[str, Any], ...]
    name: str = "crt-results"

    def figures(self, kinds: Sequence[Kind], options: FigureOptions = SCREEN) -> dict[Kind, bytes]:
        """All of the sheet as one figure.

        Args:
            kinds: of files.
            options: for print.

        Returns:
            The bytes of the file of each kind.
        """
        return rendered(self.sheet(), kinds, self.settings(), options)

    def sheet(self) -> Sheet:
        """All sections below each other."""
        rows = [row for section in self.sections for row in _rows(section)] or [[Words("There are no results here.")]]
        return Sheet("Results", rows, "Results", columns=CHART_COLUMNS)

    def files(self) -> dict[str, bytes]:
        """The sections as JSON, and each table as CSV."""
        files = {"results.json": (json.dumps(list(self.sections), indent=1, ensure_ascii=False) + "\n").encode()}
        for section in self.sections:
            for number, table in enumerate(section["tables"], 1):
                words = re.sub(r"[^a-z0-9]+", "-", section["title"].lower()).strip("-")[:60]
                files[f"{words}-{number}.csv"] = _csv(table)
        return files

    def settings(self) -> dict[str, Any]:
        """Which weights were measured, and by which commands."""
        names = ("title", "command", "weights_sha256")
        return {
            "tab": "results",
            "sections": [{name: one[name] for name in names} for one in self.sections],
            **versions(),
        }

    def readme(self) -> str:
        """One paragraph about the files."""
        return (
            f"What was measured of the networks. {FIGURE_WORDS} results.json holds every section with its tables, "
            f"charts and the command that measures it; the CSV files are its tables. {SETTINGS_WORDS}"
        )


def _rows(section: dict[str, Any]) -> list[Sequence[Block]]:
    rows: list[Sequence[Block]] = [[Words(section["title"], heading=True)]]
    rows += [[Words(sentence)] for sentence in section["sentences"]]
    for table in section["tables"]:
        rows.append([Table(tuple(table["head"]), tuple(map(tuple, table["rows"])), _strong(table))])
        rows += [[Words(line)] for line in table["caption"]]
    charts = [_chart(chart) for chart in section["charts"]]
    rows += [charts[first : first + CHART_COLUMNS] for first in range(0, len(charts), CHART_COLUMNS)]
    rows += [[Words(note)] for note in section["notes"]]
    return [*rows, [Words(section["command"])]] if section["command"] else rows


def _strong(table: dict[str, Any]) -> tuple[tuple[int, ...], ...]:
    """For each row the columns in which it alone is largest, of those that are to be compared."""
    found: list[list[int]] = [[] for _ in table["rows"]]
    for column in table["highlight"]:
        values = {
            index: value for index, row in enumerate(table["rows"]) if (value := _number(row[column])) is not None
        }
        best = [index for index, value in values.items() if value == max(values.values())]
        if len(values) > 1 and len(best) == 1:
            found[best[0]].append(column)
    return tuple(map(tuple, found))


def _number(text: str) -> float | None:
    """The number that a text begins with."""
    found = re.match(r"\s*[-+]?\d+(\.\d+)?", text)
    return float(found[0]) if found else None


def _chart(chart: dict[str, Any]) -> Chart:
    lines = chart["lines"]
    places = sorted({place for line in lines for place in line["x"]})
    room = ROOM * (places[-1] - places[0]) if any(line["half_range"] for line in lines) else 0.0
    ticks = tuple(places) if len(places) <= MOST_CHART_TICKS else None
    styles = line_styles([line["name"] for line in lines])
    series = tuple(
        Series(
            line["name"],
            style.colour,
            tuple(zip(line["x"], line["y"], strict=True)),
            PRINT_LINES[style.dash],
            tuple(line["half_range"]),
            hollow=style.hollow,
        )
        for line, style in zip(lines, styles, strict=True)
    )
    x = Axis(chart["x"], places[0] - room, places[-1] + room, ticks, tuple(chart.get("x_labels", ())))
    return Chart(chart["title"], x, Axis(chart["y"]), series, chart["caption"])


def _csv(table: dict[str, Any]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([table["head"], *table["rows"]])
    return stream.getvalue().encode()
