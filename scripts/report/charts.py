"""The charts of the results as Plotly figures, on white, so that they can be read on a light and on a dark page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scripts.report.base import Chart, Line

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from crt.viz.chart_colours import LineStyle

MARKS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "x", "cross")
DENSE = 20  # points of a joined line from which none is marked
APART = 0.012  # of the width that lines with spreads lie apart, so that their bars do not cover each other
SIDE_BY_SIDE = 0.12  # of the distance between two names of x, by which points that no line joins lie apart
GRID = "#dddddd"
FONT = "system-ui, sans-serif"
TITLE, TEXT = 16, 13  # px of the letters
WIDTH, PLOT = 640, 300  # px of the image, and down the axes
EDGE = 10  # px around the image that nothing stands in
AXES_SIDES = 80  # px beside the axes that numbers and names take at most
KEY = 56  # px that the sign of a line and the room beside it take in the legend
KEY_ROW = 19  # px of a row of the legend
LINE = 1.35  # height of a line of text, in its size
TURNED = 60  # degrees


def slug(text: str) -> str:
    """A title as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def figure(chart: Chart) -> Figure:
    """A chart of at least one point, error bars where there is a spread, the legend below where there are two lines."""
    from plotly.graph_objects import Figure

    from crt.viz.chart_colours import TONES, line_styles

    title = _lines(chart.title, TITLE, WIDTH - 2 * EDGE)
    top = EDGE + LINE * TITLE * len(title) + EDGE
    below, turned = _below(chart)
    keys = _key_rows([line.name for line in chart.lines])
    height = round(top + PLOT + below + KEY_ROW * keys + (EDGE if keys else 0) + EDGE)
    layout = {
        "template": {},
        "width": WIDTH,
        "height": height,
        "margin": {"l": EDGE, "r": EDGE, "t": round(top), "b": EDGE},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "font": {"family": FONT, "size": TEXT, "color": TONES["ink"]},
        "title": {
            "text": "<br>".join(map(plotly_text, title)),
            "font": {"size": TITLE},
            "x": EDGE / WIDTH, "xanchor": "left",
            "y": 1 - (EDGE + TITLE) / height, "yanchor": "bottom",  # the foot of the first line
        },
        "showlegend": len(chart.lines) > 1,
        "legend": {
            "orientation": "h", "x": EDGE / WIDTH, "xref": "container", "xanchor": "left",
            "y": EDGE / height, "yref": "container", "yanchor": "bottom", "itemsizing": "trace",
        },
        "xaxis": _axis(chart.x, WIDTH - AXES_SIDES) | _ticks(chart) | {"showline": True, "tickangle": turned},
        "yaxis": _axis(chart.y, PLOT) | {"showgrid": True, "zeroline": True, "zerolinecolor": TONES["soft"]},
    }  # fmt: skip
    styles = line_styles([line.name for line in chart.lines])
    traces = [_trace(chart, k, style) for k, style in enumerate(styles)]
    return Figure({"data": traces, "layout": layout})


def plotly_text(text: str) -> str:
    """Text that Plotly draws as it is: it reads a few tags and entities of HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _trace(chart: Chart, k: int, style: LineStyle) -> dict[str, Any]:
    line = chart.lines[k]
    shift = _apart(chart) * (k - (len(chart.lines) - 1) / 2)
    marked = style.hollow or not chart.joined or len(line.x) < DENSE
    mark = (
        {"symbol": "circle-open", "size": 11, "line": {"width": 2}}
        if style.hollow
        else {"symbol": MARKS[k % len(MARKS)]}
    )
    bars = {"type": "data", "array": list(line.half_range), "color": style.colour, "thickness": 1.2, "width": 3}
    return {
        "type": "scatter",
        "uid": f"line{k}",
        "name": "<br>".join(map(plotly_text, _lines(line.name, TEXT, WIDTH - 2 * EDGE - KEY))),
        "x": [x + shift for x in line.x],
        "y": list(line.y),
        "mode": "+".join(["lines"] * (chart.joined and not style.hollow) + ["markers"] * marked),
        "line": {"color": style.colour, "width": 2, "dash": style.dash},
        "marker": {"color": style.colour, "size": 8} | mark,
        "cliponaxis": False,
        **({"error_y": bars} if line.half_range else {}),
    }  # fmt: skip


def _axis(name: str, length: float) -> dict[str, Any]:
    from crt.viz.chart_colours import TONES

    return {
        "title": {
            "text": "<br>".join(map(plotly_text, _lines(name, TEXT, length))), "standoff": 8, "font": {"size": TEXT},
        },
        "automargin": True,
        "ticklabeloverflow": "allow",
        "showgrid": False,
        "gridcolor": GRID,
        "linecolor": TONES["soft"],
        "tickcolor": TONES["soft"],
        "ticks": "outside",
        "ticklen": 4,
        "zeroline": False,
    }  # fmt: skip


def _ticks(chart: Chart) -> dict[str, Any]:
    """Where the names or the numbers of x stand; Plotly's choice where there are many numbers."""
    if chart.x_labels:
        places = list(range(len(chart.x_labels)))
        texts = [plotly_text(name) for name in chart.x_labels]
        return {"tickmode": "array", "tickvals": places, "ticktext": texts, "range": [-0.5, len(places) - 0.5]}
    positions = _positions(chart.lines)
    if len(positions) >= DENSE:
        return {}
    return {"tickmode": "array", "tickvals": positions, "ticktext": [f"{position:g}" for position in positions]}


def _positions(lines: Sequence[Line]) -> list[float]:
    return sorted({x for line in lines for x in line.x})


def _apart(chart: Chart) -> float:
    """How far lines lie from their neighbours, in x."""
    if not chart.joined:
        return SIDE_BY_SIDE
    positions = _positions(chart.lines)
    return APART * (positions[-1] - positions[0]) if any(line.half_range for line in chart.lines) else 0.0


def _below(chart: Chart) -> tuple[float, int]:
    """Pixels that numbers or names and the name of the axis take below the axes, and by how much names are turned."""
    from crt.viz.fonts import Typeface

    name = LINE * TEXT * len(_lines(chart.x, TEXT, WIDTH - AXES_SIDES)) + EDGE
    longest = max((Typeface(TEXT).getlength(label) for label in chart.x_labels), default=0.0)
    if longest * len(chart.x_labels) <= WIDTH - AXES_SIDES:
        return LINE * TEXT + EDGE + name, 0
    return longest + EDGE + name, -TURNED


def _key_rows(names: Sequence[str]) -> int:
    """Rows of the legend: one where all names fit, else columns as wide as the longest name."""
    from crt.viz.fonts import Typeface

    if len(names) < 2:
        return 0
    widths = [Typeface(TEXT).getlength(name) + KEY for name in names]
    room = WIDTH - 2 * EDGE
    across = len(names) if sum(widths) <= room else max(1, int(room // max(widths)))
    return -(-len(names) // across)


def _lines(text: str, size: int, width: float) -> list[str]:
    """The lines of a text that is no wider than `width` px, measured in the widest of the usual fonts."""
    from crt.viz.fonts import Typeface
    from crt.viz.sheet import printable, wrap

    return wrap(printable(text), Typeface(size), int(width))
