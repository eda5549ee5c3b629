"""What the Results tab shows, as one figure and as data: what was measured of the networks."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.requests.export_common import versions
from app.requests.export_files import FIGURE_WORDS, SETTINGS_WORDS
from app.requests.export_sheet import Exported, Sheet
from crt.errors import InvalidSetting
from crt.viz.chart_colours import DASHES, line_styles
from crt.viz.print_charts import LINES, Axis, Chart, Series, Table
from crt.viz.print_layout import Block, Words

PRINT_LINES: dict[str, str] = dict(zip(DASHES, (*LINES, LINES[1]), strict=True))
CHART_COLUMNS = 3
ROOM = 0.04  # of the x axis, beside its first and last place
MOST_CHART_TICKS = 12


SETUP_HEAD = ("measurement", "networks", "images", "trainings")
CLAIM_HEAD = ("claim", "verdict", "difference", "paper", "ours", "95 % interval", "seeds", "source")


@dataclass(frozen=True)
class ResultsView(Exported):
    """The contents of the Results tab.

    Attributes:
        summary: as `results/summary.json` holds it, with the keys of `app.viewer.viewer.NO_RESULTS`.
        unfolded: the sections in sight, counted from 0; the data are of all.
    """

    summary: dict[str, Any]
    unfolded: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """A file name of plain letters."""
        return "crt-results"

    @classmethod
    def of(cls, summary: dict[str, Any], details: dict[str, Any]) -> ResultsView:
        """Check what the browser sent.

        Args:
            summary: see above.
            details: values from the browser, not to be trusted; `unfolded` has the numbers of sections.

        Returns:
            The contents.

        Raises:
            InvalidSetting: `unfolded` is no list of numbers of sections.
        """
        unfolded, places = details.get("unfolded"), range(len(summary["sections"]))
        if not isinstance(unfolded, list) or not all(type(one) is int and one in places for one in unfolded):
            raise InvalidSetting("The sections to export are unknown: reload the page.")
        return cls(summary, tuple(dict.fromkeys(unfolded)))

    def sheet(self) -> Sheet:
        """What the tab begins with, and below it the sections in sight."""
        rows = [*self._overview(), *(row for one in self.unfolded for row in _rows(self.summary["sections"][one]))]
        return Sheet("Results", rows or [[Words("No section is unfolded.")]], "Results", columns=CHART_COLUMNS)

    def files(self) -> dict[str, bytes]:
        """The summary as JSON, and each table as CSV."""
        files = {"results.json": (json.dumps(self.summary, indent=1, ensure_ascii=False) + "\n").encode()}
        tables = {
            "set-up": _setups(self.summary),
            "claims": _claims(self.summary),
            "iou-by-class": _classes(self.summary),
        }
        files |= {f"{name}.csv": _csv(table.head, table.rows) for name, table in tables.items() if table.rows}
        for section in self.summary["sections"]:
            for number, table in enumerate(section["tables"], 1):
                words = re.sub(r"[^a-z0-9]+", "-", section["title"].lower()).strip("-")[:60]
                files[f"{words}-{number}.csv"] = _csv(table["head"], table["rows"])
        return files

    def settings(self) -> dict[str, Any]:
        """Which weights were measured, and by which commands."""
        names = ("title", "command", "weights_sha256")
        return {
            "tab": "results",
            "sections": [{name: one[name] for name in names} for one in self.summary["sections"]],
            **versions(),
        }

    def readme(self) -> str:
        """One paragraph about the files."""
        return (
            f"What was measured of the networks. {FIGURE_WORDS} results.json holds the set-up, the paper's claims and "
            "every section with its tables, charts and the command that measures it; the CSV files are its tables. "
            f"{SETTINGS_WORDS}"
        )

    def _overview(self) -> list[Sequence[Block]]:
        """Set-up, the claims, mIoU against loops, and IoU by class; what the summary lacks is left out."""
        rows: list[Sequence[Block]] = []
        for title, table in (("Set-up", _setups(self.summary)), ("Claims of the paper", _claims(self.summary))):
            rows += [[Words(title, heading=True)], [table]] if table.rows else []
        rows += [[chart] for chart in _headline(self.summary)]
        classes = _classes(self.summary)
        if classes.rows:
            rows += [[Words("IoU by class", heading=True)], [Words(self.summary["per_class"]["caption"])], [classes]]
        return rows


def _setups(summary: dict[str, Any]) -> Table:
    """Networks, images and seeds of each measurement."""
    keys = ("name", "networks", "images", "seeds")
    return Table(SETUP_HEAD, tuple(tuple(one[key] for key in keys) for one in summary["setups"]))


def _claims(summary: dict[str, Any]) -> Table:
    """A row for each difference of a claim."""
    return Table(
        CLAIM_HEAD,
        tuple(
            (
                claim["sentence"],
                claim["verdict"],
                row["name"],
                signed(row["paper"]),
                signed(row["ours"]),
                " to ".join(map(signed, row["interval"])) if row["interval"] else "–",
                str(row["seeds"]),
                claim["source"],
            )
            for claim in summary["claims"]
            for row in claim["rows"]
        ),
    )


def _headline(summary: dict[str, Any]) -> list[Chart]:
    """The mIoU against loops of the measurement and the refinement that the tab opens with."""
    return [
        _chart(
            {
                "title": "mIoU against loops",
                "x": "loops at test",
                "y": "mIoU, %",
                "lines": one["lines"],
                "caption": f"{one['network']}. Refinement: {one['refinement']}. Best threshold.",
            }
        )
        for one in summary["headline"]
        if [one["network"], one["refinement"]] == summary["shown"]
    ]


def _classes(summary: dict[str, Any]) -> Table:
    """Classes × networks in percent, the best of each class bold."""
    about = summary["per_class"] or {"networks": [], "classes": [], "values": []}
    rows = [
        (name, *(one_digit(value) for value in values))
        for name, values in zip(about["classes"], about["values"], strict=True)
    ]
    best = [_largest(values) for values in about["values"]]
    return Table(("class", *about["networks"]), tuple(rows), tuple(best))


def _largest(values: list[float]) -> tuple[int, ...]:
    """The column, counted with that of the class, of the one value that is largest as it is written."""
    written = [float(one_digit(value)) for value in values]
    best = [column for column, value in enumerate(written, 1) if value == max(written)]
    return tuple(best) if len(best) == 1 else ()


def one_digit(value: float) -> str:
    """A number as the tab writes it: what lies between two is rounded up, as JavaScript does, and not to the even one.

    Args:
        value: 0 or more.

    Returns:
        One digit after the point.
    """
    return str(Decimal(value).quantize(Decimal("0.1"), ROUND_HALF_UP))


def signed(value: float | None) -> str:
    """A difference as the tab writes it.

    Args:
        value: in points; None where there is none.

    Returns:
        One digit after the point, with its sign; a dash for None.
    """
    if value is None:
        return "–"
    text = one_digit(abs(value))
    return f"+{text}" if value > 0 or text == "0.0" else f"−{text}"


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


def _csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([head, *rows])
    return stream.getvalue().encode()
