"""The benchmark of the page: what its JSON holds, measured with a tiny checkpoint."""

import json
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from crt.errors import InvalidSetting
from scripts.bench import frontend as frontend_bench
from tests.helpers.tiny import tiny_checkpoint

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_result_is_complete(tmp_path):
    pytest.importorskip("playwright")
    pixels = np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    words = ["--checkpoint", tiny_checkpoint(tmp_path / "tiny"), "--image", tmp_path / "image.png"]
    words += ["--repeats", "2", "--json", tmp_path / "results" / "viewer.json"]
    # Another process: the browser of the other tests may already be driven in this one.
    subprocess.run(
        [sys.executable, "-m", "scripts.bench.frontend", *map(str, words)], cwd=frontend_bench.ROOT, check=True
    )
    result = json.loads((tmp_path / "results" / "viewer.json").read_text())
    assert [(row["maps"], row["zoom"]) for row in result["redraws"]] == [
        (maps, zoom) for maps in range(1, 5) for zoom in (1, 3)
    ]
    for row in result["redraws"]:
        for name in ("frame_ms", "script_ms"):
            assert set(row[name]) == {"median", "p10", "p90", "max"}
            assert 0 < row[name]["p10"] <= row[name]["median"] <= row[name]["p90"] <= row[name]["max"]
        assert min(row["canvas_px"]) > 100
        assert row["frame_ms"]["max"] >= row["script_ms"]["median"]
    assert result["redraws"][0]["canvas_px"] > result["redraws"][-1]["canvas_px"]
    assert result["worst_median_ms"] == max(row["frame_ms"]["median"] for row in result["redraws"])
    assert result["first_map_s"]["median"] > 0
    assert set(result["machine"]) == {"cpu", "cores", "system"}
    assert result["machine"]["cores"] >= 1
    assert result["repeats"] == 2 and {"version", "commit"} <= result.keys()
    assert result["command"] == "python -m scripts.bench.frontend --checkpoint tiny --image image.png --repeats 2"
    assert str(tmp_path) not in json.dumps(result)


def test_the_command_is_short_where_nothing_was_chosen():
    assert frontend_bench.command(frontend_bench.FrontendBench()) == "python -m scripts.bench.frontend"


def test_wrong_settings_are_refused():
    unusable: tuple[dict[str, Any], ...] = ({"repeats": 0}, {"pixel_ratio": 9.0})
    for wrong in unusable:
        with pytest.raises(InvalidSetting, match="at least 1 redraw"):
            frontend_bench.FrontendBench(**wrong)


def test_the_spread_of_numbers():
    assert frontend_bench.percentiles([1.0, 2.0, 3.0]) == {"median": 2.0, "p10": 1.2, "p90": 2.8, "max": 3.0}
