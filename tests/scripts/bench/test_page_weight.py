"""The benchmark of a first visit: what it counts, measured with a tiny checkpoint, and reported."""

import json
import shutil
import subprocess
import sys

import pytest

from crt.checkpoint import Defaults
from crt.errors import InvalidSetting
from scripts.bench.page_weight import GRADIO, THE_APP, Loaded, PageWeightBench, bench_page_weight, is_of_gradio
from scripts.provenance import ROOT
from scripts.report.latency import page_weight_section
from tests.helpers.tables import as_dict
from tests.helpers.tiny import tiny_checkpoint

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SERVER = "http://127.0.0.1:7860/"


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_first_visit_stays_on_this_machine(tmp_path):
    pytest.importorskip("playwright")
    words = ["--checkpoint", tiny_checkpoint(tmp_path / "tiny"), "--json", tmp_path / "page_weight.json"]
    # Another process: the browser of the other tests may already be driven in this one.
    subprocess.run([sys.executable, "-m", "scripts.bench.page_weight", *map(str, words)], cwd=ROOT, check=True)
    result = json.loads((tmp_path / "page_weight.json").read_text())
    assert result["elsewhere"] == 0 and result["command"].endswith("scripts.bench.page_weight --checkpoint tiny")
    for counts in result["page"].values():
        assert 0 < counts["scripts"] < counts["requests"] and 0 < counts["script_bytes"] < counts["bytes"]
    assert {"version", "commit"} <= result.keys() and str(tmp_path) not in json.dumps(result)


def loaded(*requests: tuple[str, str, int]) -> Loaded:
    """Addresses, kinds and bytes of what has come."""
    found = Loaded()
    for number, (url, kind, size) in enumerate(requests):
        found.sent({"requestId": str(number), "request": {"url": url}, "type": kind})
        found.finished({"requestId": str(number), "encodedDataLength": size})
    return found


def test_requests_are_counted_by_their_owner():
    found = loaded(
        (SERVER, "Document", 100),
        (f"{SERVER}viewer/1/main.mjs", "Script", 20),
        (f"{SERVER}theme.css?v=1", "Stylesheet", 7),
        (f"{SERVER}gradio.js", "Script", 3),
        ("https://example.org/font.woff2", "Font", 9),
        ("data:image/png;base64,AA", "Image", 9),
    )
    result = found.result(SERVER)
    assert result["page"][THE_APP] == {"requests": 2, "scripts": 1, "bytes": 120, "script_bytes": 20}
    assert result["page"][GRADIO] == {"requests": 2, "scripts": 1, "bytes": 10, "script_bytes": 3}
    assert result["elsewhere"] == 1


def test_an_answer_that_has_not_ended_is_a_request_without_bytes():
    found = loaded((SERVER, "Document", 100))
    found.sent({"requestId": "stream", "request": {"url": f"{SERVER}gradio_api/heartbeat"}})
    assert found.result(SERVER)["page"][THE_APP] == {"requests": 2, "scripts": 0, "bytes": 100, "script_bytes": 0}


def test_only_files_of_its_page_are_gradios():
    assert is_of_gradio("/theme.css") and is_of_gradio("/gradio.js")
    assert not any(map(is_of_gradio, ("/", "/assets", "/viewer/1/main.mjs", "/gradio_api/info")))


def test_a_version_is_reported_beside_another():
    def version(size: int, scripts: int = 10) -> dict:
        counts = {"requests": 2 * size, "scripts": scripts, "bytes": 1000 * size, "script_bytes": 500 * size}
        return {"page": {THE_APP: counts, GRADIO: counts}, "elsewhere": 0}

    result = version(10) | {"command": "c", "chromium": "1"}
    table, setup = page_weight_section(result, Defaults()).tables
    assert table.rows == ((THE_APP, "20", "10", "5", "10"), (GRADIO, "20", "10", "5", "10"))
    assert as_dict(setup)["requests to other machines"] == "0"
    table, _ = page_weight_section(result | {"against": version(20) | {"commit": "abc"}}, Defaults()).tables
    assert table.rows[2][0] == f"{THE_APP}, commit abc" and table.rows[-1][1:] == ("0.50", "1.00", "0.50", "0.50")
    table, _ = page_weight_section(result | {"against": version(20, 0) | {"commit": "abc"}}, Defaults()).tables
    assert table.rows[-1][2] == "–"  # all scripts of that version are in its page


def test_a_folder_without_a_page_is_refused(tmp_path):
    with pytest.raises(InvalidSetting, match=r"no app\.py"):
        bench_page_weight(PageWeightBench(against=tmp_path))
