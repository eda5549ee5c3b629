"""SVG files of charts: drawn only when their figure has changed, and the same for the same figure."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from plotly.graph_objects import Figure

from crt.errors import InvalidSetting
from scripts.cli import run_cli
from scripts.report import chart_files
from scripts.report.base import Chart, Line
from scripts.report.chart_files import cleaned, stamp, stamp_of, write_charts
from scripts.report.charts import figure

CHART = Chart("Time by tiles", "tiles", "seconds", (Line("a", (0, 1), (2, 3), (0.5, 0.5)),), "says")
OTHERS = (
    dataclasses.replace(CHART, title="Other"),
    dataclasses.replace(CHART, x="other"),
    dataclasses.replace(CHART, lines=(Line("a", (0, 1), (2, 3.0001), (0.5, 0.5)),)),
    dataclasses.replace(CHART, lines=(Line("a", (0, 1), (2, 3), (0.5, 0.6)),)),
    dataclasses.replace(CHART, lines=(Line("b", (0, 1), (2, 3), (0.5, 0.5)),)),
    dataclasses.replace(CHART, x_labels=("p", "q")),
)
RAW = (
    '<svg class="main-svg" width="9"><defs id="defs-2737e5"><clipPath id="clip2737e5xy"/></defs>'
    """<g clip-path="url(#clip2737e5xy)"/><g clip-path="url('#clip2737e5xy')"/><use href="#m2737e5"/>"""
    '<path d="M2737e5,1"/><text>2737e5</text></svg>'
)
"""As plotly.js writes one; the path and the text hold the digits of the random id by chance."""


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many figures each call of `draw` gets, which draws nothing."""
    counts: list[int] = []

    def draw(figures: Sequence[Figure]) -> list[str]:
        counts.append(len(figures))
        return [RAW] * len(figures)

    monkeypatch.setattr(chart_files, "draw", draw)
    return counts


def test_a_chart_is_drawn_when_its_figure_has_changed(tmp_path: Path, drawn: list[int]) -> None:
    folder = tmp_path / "figures"
    figures = {"one.svg": figure(CHART), "two.svg": figure(OTHERS[0])}
    assert write_charts(folder, figures) == ["one.svg", "two.svg"]
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write_charts(folder, figures) == [] and drawn == [2]
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    (folder / "old.svg").write_text("<svg/>")
    (folder / "notes.txt").write_text("kept")
    assert write_charts(folder, figures | {"two.svg": figure(OTHERS[1])}) == ["two.svg"] and drawn == [2, 1]
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "one.svg", "two.svg"]
    (folder / "one.svg").write_text("<svg/>")  # by another program, without a stamp
    (folder / "two.svg").unlink()
    assert write_charts(folder, figures) == ["one.svg", "two.svg"]


def test_a_stamp_is_of_all_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stamp(figure(CHART)) == stamp(figure(CHART))
    stamps = {stamp(figure(chart)) for chart in (CHART, *OTHERS)}
    assert len(stamps) == 1 + len(OTHERS)
    monkeypatch.setattr(chart_files, "FORMAT", chart_files.FORMAT + 1)
    assert stamp(figure(CHART)) not in stamps


def test_a_stamp_does_not_depend_on_the_default_style_of_plotly(monkeypatch: pytest.MonkeyPatch) -> None:
    from plotly import io

    before = stamp(figure(CHART))
    monkeypatch.setattr(io.templates, "default", "plotly_dark")
    assert stamp(figure(CHART)) == before


def test_the_ids_of_a_file_follow_from_its_figure(tmp_path: Path) -> None:
    mark = "ab12cd" + "0" * 58
    text = cleaned(RAW, mark)
    assert text.startswith(f'<svg data-figure="{mark}" role="img" class="main-svg"') and text.endswith("</svg>\n")
    assert text == cleaned(RAW.replace("2737e5", "ffffff"), mark).replace("ffffff", "2737e5")  # but for what is drawn
    for part in ('id="defs-ab12cd"', 'id="clipab12cdxy"', "url(#clipab12cdxy)", "url('#clipab12cdxy')", '"#mab12cd"'):
        assert part in text
    assert '<path d="M2737e5,1"/><text>2737e5</text>' in text
    (tmp_path / "a.svg").write_text(text, encoding="utf-8")
    assert stamp_of(tmp_path / "a.svg") == mark and stamp_of(tmp_path / "b.svg") is None


def without_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


def without_kaleido(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)


@pytest.mark.parametrize(
    ("take_away", "sentence"),
    [
        (without_chromium, "chromium is missing: apt-get install chromium."),
        (without_kaleido, "kaleido, which draws the charts, is missing: pip install -r requirements-dev.txt."),
    ],
)
def test_what_is_missing_is_said_only_when_a_chart_has_to_be_drawn(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    take_away: Callable[[pytest.MonkeyPatch], None],
    sentence: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(chart_files, "draw", lambda figures: [RAW] * len(figures))
        write_charts(tmp_path, {"one.svg": figure(CHART)})
    before = (tmp_path / "one.svg").read_bytes()
    take_away(monkeypatch)
    assert write_charts(tmp_path, {"one.svg": figure(CHART)}) == []
    with pytest.raises(InvalidSetting):
        write_charts(tmp_path, {"two.svg": figure(OTHERS[0])})
    assert [path.name for path in tmp_path.iterdir()] == ["one.svg"] and (tmp_path / "one.svg").read_bytes() == before
    assert run_cli(lambda: {"one.svg": figure(OTHERS[1])}, lambda figures: write_charts(tmp_path, figures)) != 0
    assert capsys.readouterr().err == f"error: {sentence}\n"


def test_a_chromium_that_does_not_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidSetting, match="chromium cannot draw the charts"):
        write_charts(tmp_path / "figures", {"one.svg": figure(CHART)})
    assert not (tmp_path / "figures").exists()
