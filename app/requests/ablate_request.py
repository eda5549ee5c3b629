"""The contents of the Ablate tab for an export: cells of its grids and ladder, or its charts, all checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from app.core.analysis import Analysis
from app.requests.added_panels import short_text
from app.requests.settings import read_group
from app.requests.validation import choice, is_number, method_of, number
from crt.checkpoint import Method
from crt.errors import InvalidSetting
from crt.viz.chart_colours import TONES, tone_colour
from crt.viz.print_charts import LINES, Axis, Chart, Series

MOST_ROWS, MOST_CELLS = 12, 12
MOST_CHARTS, MOST_SERIES, MOST_POINTS, MOST_AXIS_TICKS = 8, 16, 400, 40
LARGEST_VALUE = 1e12


@dataclass(frozen=True)
class AblateCell:
    """One CAM.

    Attributes:
        title: above it.
        note: below the title.
        line: below the CAM.
        method: the network.
        loops: its loop count.
        refined: whether attention multiplies it.
    """

    title: str
    note: str
    line: str
    method: Method
    loops: int
    refined: bool


@dataclass(frozen=True)
class AblateRow:
    """CAMs at one input size and cut-merge mode.

    Attributes:
        title: of the row.
        size: one of the page's sizes.
        mode: the cut-merge mode.
        trouble: why there are no CAMs, or empty.
        cells: the CAMs.
    """

    title: str
    size: str
    mode: str
    trouble: str
    cells: tuple[AblateCell, ...]


@dataclass(frozen=True)
class AblateRequest:
    """The open part of the tab with its sentences.

    Attributes:
        show: one of `SHOWS`.
        readings: sentences above the figure.
        rows: of CAMs.
        charts: of numbers.
    """

    show: str
    readings: tuple[str, ...]
    rows: tuple[AblateRow, ...]
    charts: tuple[Chart, ...]

    @classmethod
    def of(cls, analysis: Analysis, details: dict[str, Any]) -> AblateRequest:
        """Check every value that the browser sent.

        Args:
            analysis: the image on the page with its Prediction.
            details: values from the browser, not to be trusted.

        Returns:
            The request.

        Raises:
            InvalidSetting: a value is missing or unknown, or nothing is shown.
        """
        payload = details.get("ablate")
        if not isinstance(payload, dict):
            raise InvalidSetting("The settings of the ablation are missing: reload the page.")
        show = read_group(payload, "ablate")["ablate.show"]
        rows = tuple(_row(analysis, row) for row in _dicts(payload, "rows", MOST_ROWS))
        charts = tuple(_chart(chart) for chart in _dicts(payload, "charts", MOST_CHARTS))
        if not any(row.cells for row in rows) and not charts:
            raise InvalidSetting("Nothing is shown that could be exported: run it first.")
        readings = tuple(text for part in _list(payload, "readings", 4) if (text := _sentence(part)))
        return cls(show, readings, rows, charts)


def _row(analysis: Analysis, row: dict[str, Any]) -> AblateRow:
    cells = tuple(_cell(analysis, cell) for cell in _dicts(row, "cells", MOST_CELLS))
    texts = {name: short_text(row, name) for name in ("title", "size", "mode")}
    return AblateRow(**texts, trouble=_sentence(row.get("trouble", "")), cells=cells)


def _cell(analysis: Analysis, cell: dict[str, Any]) -> AblateCell:
    return AblateCell(
        title=short_text(cell, "title"),
        note=_sentence(cell.get("note", "")),
        line=_sentence(cell.get("line", "")),
        method=method_of(analysis, cell),
        loops=int(number(cell, "loops", 0, 1000)),
        refined=cell.get("refined") is True,
    )


def _chart(chart: dict[str, Any]) -> Chart:
    series = tuple(_series(one) for one in _dicts(chart, "series", MOST_SERIES))
    if not series:
        raise InvalidSetting("A chart has no line: reload the page.")
    return Chart(
        title=short_text(chart, "title"),
        x=_axis(chart, "x"),
        y=_axis(chart, "y"),
        series=series,
        caption=_sentence(chart.get("caption", "")),
        marks=tuple(
            (_finite(mark, "x"), _finite(mark, "y"), _tone(mark), short_text(mark, "text"))
            for mark in _dicts(chart, "marks", MOST_SERIES)
        ),
        guides=tuple(
            (_finite(guide, "x"), short_text(guide, "text")) for guide in _dicts(chart, "guides", MOST_SERIES)
        ),
    )


def _axis(chart: dict[str, Any], name: str) -> Axis:
    axis = chart.get(name)
    if not isinstance(axis, dict):
        raise InvalidSetting("An axis of a chart is missing: reload the page.")
    low, high = (None if axis.get(end) is None else _finite(axis, end) for end in ("low", "high"))
    if low is not None and high is not None and low >= high:
        raise InvalidSetting("An axis of a chart ends before it begins: reload the page.")
    ticks = None if axis.get("ticks") is None else tuple(map(_value, _list(axis, "ticks", MOST_AXIS_TICKS)))
    return Axis(short_text(axis, "label"), low, high, ticks, percent=axis.get("percent") is True)


def _series(one: dict[str, Any]) -> Series:
    points = _list(one, "points", MOST_POINTS)
    if not points or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise InvalidSetting("The points of a chart cannot be read: reload the page.")
    pairs = tuple((_value(x), _value(y)) for x, y in points)
    return Series(short_text(one, "name"), _tone(one), pairs, choice(one, "line", LINES))


def _tone(one: dict[str, Any]) -> str:
    """A colour of the page by its name, or a share of its ramp from first (0) to last (1)."""
    tone = one.get("tone")
    return tone_colour(float(tone) if is_number(tone) and 0 <= tone <= 1 else choice(one, "tone", TONES))


def _finite(values: dict[str, Any], name: str) -> float:
    return _value(values.get(name))


def _value(value: Any) -> float:
    if not is_number(value) or not -LARGEST_VALUE <= value <= LARGEST_VALUE:
        raise InvalidSetting("The numbers of a chart cannot be drawn: reload the page.")
    return float(value)


def _dicts(values: dict[str, Any], name: str, most: int) -> list[dict[str, Any]]:
    found = _list(values, name, most)
    if not all(isinstance(one, dict) for one in found):
        raise InvalidSetting(f"The {name} of the ablation cannot be read: reload the page.")
    return found


def _list(values: dict[str, Any], name: str, most: int) -> list[Any]:
    found = values.get(name, [])
    if not isinstance(found, list) or len(found) > most:
        raise InvalidSetting(f"The {name} of the ablation cannot be read: reload the page.")
    return found


def _sentence(value: Any) -> str:
    """Words of the page, of any length up to a paragraph. Raises InvalidSetting for what is no text."""
    if not isinstance(value, str):
        raise InvalidSetting("The words of the ablation must be text: reload the page.")
    return re.sub(r"\s+", " ", value)[:800]
