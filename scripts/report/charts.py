"""The charts of the results as SVG: the same bytes whenever the numbers are the same."""

from __future__ import annotations

import io
import re
import threading
from typing import Any

from scripts.report.base import Chart

# Okabe and Ito (2008), distinguishable with most colour vision deficiencies; the marks differ without any colour.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKS = "osD^vX"
DENSE = 20  # points of a line from which none is marked
APART = 0.012  # of the width that lines with spreads lie apart, so that their bars do not cover each other
WIDE = 84  # letters that fit into the legend side by side
SETTINGS: Any = {"svg.hashsalt": "crt", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}
_RENDERING = threading.Lock()  # matplotlib's settings belong to the process


def slug(text: str) -> str:
    """A title as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def svg(chart: Chart) -> bytes:
    """A chart of at least one point as an image on white, error bars where there is a spread."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    from crt.viz.fonts import families

    positions = sorted({x for line in chart.lines for x in line.x})
    apart = APART * (positions[-1] - positions[0]) if any(line.half_range for line in chart.lines) else 0.0
    text = "".join([chart.title, chart.x, chart.y, *chart.x_labels, *(line.name for line in chart.lines)])
    fonts: Any = {"font.family": ["sans-serif", *more]} if (more := families(text)[1:]) else {}
    with _RENDERING, mpl.rc_context(SETTINGS | fonts):
        figure = Figure(figsize=(5.2, 3.4), facecolor="white", layout="constrained")
        axes = figure.subplots()
        for index, line in enumerate(chart.lines):
            shift = apart * (index - (len(chart.lines) - 1) / 2)
            axes.errorbar(
                [x + shift for x in line.x],
                line.y,
                yerr=line.half_range or None,
                label=line.name,
                color=COLOURS[index % len(COLOURS)],
                marker=MARKS[index % len(MARKS)] if len(line.x) < DENSE else "",
                markersize=4,
                capsize=2,
                linewidth=1.4,
                elinewidth=0.8,
            )
        if chart.x_labels:
            axes.set_xticks(range(len(chart.x_labels)), chart.x_labels)
        elif len(positions) < DENSE:
            axes.set_xticks(positions, [f"{position:g}" for position in positions])
        axes.set_title(chart.title, fontsize=10, loc="left")
        axes.set_xlabel(chart.x)
        axes.set_ylabel(chart.y)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        if len(chart.lines) > 1:
            columns = max(1, min(len(chart.lines), WIDE // (3 + max(len(line.name) for line in chart.lines))))
            figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
        stream = io.BytesIO()
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None, "Creator": None})
    return stream.getvalue()
