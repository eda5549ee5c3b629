"""The page's charts have the colours of `crt.viz.chart_colours`, chosen by the same rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.theme import ACCENT, COLOURS, DARK_ACCENT
from crt.types import METHODS
from crt.viz.chart_colours import DARK_RAMP, DARK_TONES, RAMP, TONES, line_styles

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "app/viewer/charts/colors.mjs"
PROGRAM = """
const { lineStyles, toneOf } = await import(process.argv[1]);
const found = JSON.parse(process.argv[2]).map((names) => lineStyles(names)
  .map(({ color, dash, marks }) => [toneOf(color), dash, marks === 'hollow']));
console.log(JSON.stringify(found));
"""
RESULTS = json.loads((ROOT / "results/summary.json").read_text(encoding="utf-8"))
CHARTS = [[line["name"] for line in chart["lines"]] for one in RESULTS["sections"] for chart in one["charts"]]
OTHERS = [
    *([f"{k} loops, {k}" for k in range(n)] for n in range(10)),
    ["Paper", "paper's", "its cnn", "crt", "ts-cam", "resnet", "a1", "a2"],
]


def test_the_page_has_these_colours() -> None:
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w{6});", rule)) for rule in COLOURS.split(".dark"))
    for found, tones, accent, ramp in ((light, TONES, ACCENT, RAMP), (dark, DARK_TONES, DARK_ACCENT, DARK_RAMP)):
        assert found == {f"crt-{method}": tones[method] for method in METHODS} | {
            "crt-accent": accent, "ramp-first": ramp[0], "ramp-last": ramp[1],
        }  # fmt: skip
    styles = (ROOT / "app/viewer/viewer.css").read_text(encoding="utf-8")
    without_theme = dict(re.findall(r"--(\w+): var\(--crt-\w+, (#\w{6})\);", styles))
    assert without_theme == {method: TONES[method] for method in METHODS} | {"accent": ACCENT}
    assert {ACCENT, DARK_ACCENT}.isdisjoint([*TONES.values(), *DARK_TONES.values(), *RAMP, *DARK_RAMP])


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_page_chooses_the_same_styles() -> None:
    charts = CHARTS + OTHERS
    command = ["node", "--input-type=module", "-e", PROGRAM, MODULE.as_uri(), json.dumps(charts)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    ours = [[[style.tone, style.dash, style.hollow] for style in line_styles(names)] for names in charts]
    assert json.loads(done.stdout) == ours
