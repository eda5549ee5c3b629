"""The charts as Plotly figures: names and numbers, what colours and marks mean, and that texts have room."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plotly.graph_objects import Figure

from crt.checkpoint import Defaults
from crt.viz.chart_colours import RAMP, TONES
from scripts.report.base import Chart, Line
from scripts.report.charts import APART, DENSE, EDGE, SIDE_BY_SIDE, WIDTH, figure
from scripts.report.sections import KINDS
from tests.helpers.ablation_sample import whole


def parts_of(chart: Chart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout of a chart's figure."""
    drawn = figure(chart)
    assert isinstance(drawn, Figure)
    found = drawn.to_plotly_json()
    return found["data"], found["layout"]


def chart_of(*names: str, joined: bool = True, x_labels: tuple[str, ...] = (), half: tuple[float, ...] = ()) -> Chart:
    lines = tuple(Line(name, (0, 1), (i, 2), half) for i, name in enumerate(names))
    return Chart("Title", "x axis", "y axis", lines, "says", x_labels, joined)


@pytest.fixture(scope="module")
def ablations() -> dict[str, Chart]:
    return {chart.title: chart for chart in KINDS["rows"](whole(), Defaults()).charts}


def test_a_figure_has_the_names_and_numbers_of_its_chart(ablations: dict[str, Chart]) -> None:
    for chart in ablations.values():
        traces, layout = parts_of(chart)
        assert layout["title"]["text"] == chart.title
        assert (layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]) == (chart.x, chart.y)
        assert [one["name"] for one in traces] == [line.name for line in chart.lines]
        assert [one["y"] for one in traces] == [list(line.y) for line in chart.lines]
        assert [one.get("error_y", {}).get("array", []) for one in traces] == [
            list(one.half_range) for one in chart.lines
        ]
        assert layout["showlegend"] == (len(traces) > 1)
        assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "white"  # whatever the theme of the page
    _, layout = parts_of(ablations["Consistency"])
    assert layout["xaxis"]["ticktext"] == ["0", "0.01", "0.1", "0.2"]
    assert parts_of(ablations["Input size"])[1]["xaxis"]["tickvals"] == [224, 336, 448, 560]


def test_colours_are_those_of_the_networks_the_ramp_or_neutral(ablations: dict[str, Chart]) -> None:
    def colours(title: str) -> list[str]:
        return [one["line"]["color"] for one in parts_of(ablations[title])[0]]

    assert colours("Input size") == [TONES["crt"], TONES["tscam"], TONES["resnet"]]
    counted = colours("Loops at test")
    assert (counted[0], counted[-1]) == RAMP and len(set(counted)) == 5
    assert colours("Consistency")[-1] == TONES["crt_cnn"]
    for title in ("Attention of the passes", "The same loops in both"):
        assert set(colours(title)) == {TONES["ink"], TONES["soft"]}


def test_the_paper_is_a_hollow_mark_and_our_marks_are_filled(ablations: dict[str, Chart]) -> None:
    *ours, paper = parts_of(ablations["Cut and merge"])[0]
    assert (paper["name"], paper["mode"], paper["marker"]["symbol"]) == ("paper", "markers", "circle-open")
    assert all(one["mode"] == "markers" and "open" not in one["marker"]["symbol"] for one in ours)
    ours, paper = parts_of(chart_of("VOC-21", "paper, VOC-21"))[0]
    assert (ours["mode"], paper["mode"]) == ("lines+markers", "markers")


def test_lines_of_one_chart_differ_without_colour() -> None:
    traces, _ = parts_of(chart_of(*(f"CRT, way {letter}" for letter in "abcdefg")))
    assert len({(one["marker"]["symbol"], one["line"]["dash"]) for one in traces}) == 7


def test_what_has_bars_does_not_cover_each_other() -> None:
    def shifts(chart: Chart) -> list[float]:
        return [round(one["x"][0], 9) for one in parts_of(chart)[0]]

    assert shifts(chart_of("a", "b")) == [0, 0]
    assert shifts(chart_of("a", "b", half=(1, 1))) == [-APART / 2, APART / 2]
    assert shifts(chart_of("a", "b", "c", joined=False, x_labels=("p", "q"))) == [-SIDE_BY_SIDE, 0, SIDE_BY_SIDE]


def test_points_of_names_are_not_joined_and_long_names_are_turned() -> None:
    points = chart_of("a", "b", joined=False, x_labels=("one", "two"))
    traces, layout = parts_of(points)
    assert {one["mode"] for one in traces} == {"markers"} and layout["xaxis"]["tickangle"] == 0
    assert layout["xaxis"]["range"] == [-0.5, 1.5]  # names at the ends have room
    names = ("a name of more letters than half of the width of the chart", "another name of as many letters as that")
    turned = parts_of(dataclasses.replace(points, x_labels=names))[1]
    assert turned["xaxis"]["tickangle"] == -60 and turned["height"] > layout["height"] + 100


def test_many_points_are_marked_only_where_no_line_joins_them() -> None:
    many = tuple(map(float, range(DENSE + 1)))
    line = Chart("T", "x", "y", (Line("a", many, many),), "says")
    (joined,), layout = parts_of(line)
    assert joined["mode"] == "lines" and "tickvals" not in layout["xaxis"]
    (marked,), _ = parts_of(dataclasses.replace(line, joined=False, x_labels=tuple("abcdefghijklmnopqrstu")))
    assert marked["mode"] == "markers"
    few = tuple(map(float, range(DENSE - 1)))
    (one,), layout = parts_of(dataclasses.replace(line, lines=(Line("a", few, few),)))
    assert one["mode"] == "lines+markers" and layout["xaxis"]["ticktext"][1] == "1"


def test_texts_are_no_markup_and_no_wider_than_the_chart() -> None:
    words = "A title of many words that go on and on " * 4
    traces, layout = parts_of(
        dataclasses.replace(
            chart_of("<b>a</b> & b", "$b$"), title=f"<i>{words}", x=words, y=words, x_labels=("<p>", "q")
        )
    )
    assert traces[0]["name"] == "&lt;b>a&lt;/b> &amp; b" and layout["xaxis"]["ticktext"] == ["&lt;p>", "q"]
    assert layout["title"]["text"].startswith("&lt;i>A title") and layout["title"]["text"].count("<br>") >= 2
    assert layout["title"]["x"] == EDGE / WIDTH and "<br>" in layout["yaxis"]["title"]["text"]
    assert layout["height"] > parts_of(chart_of("a", "b"))[1]["height"]


def test_the_legend_has_room_for_all_its_rows() -> None:
    heights = [parts_of(chart_of(*(f"a long name of line {i}" for i in range(n))))[1]["height"] for n in (1, 2, 3, 7)]
    assert heights == sorted(heights) and heights[0] < heights[1] <= heights[2] < heights[3]
