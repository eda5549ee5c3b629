"""The MCP server seen by a client of the protocol: the tools, and their answers.

`gradio[mcp]` wants an older pydantic than the app, so it goes into an environment of its own above the one that runs
the tests.
"""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from crt.data import voc_palette
from crt.prediction import Prediction
from tests.app.test_api import PARAMETERS
from tests.helpers.missing import missing
from tests.helpers.tiny import CLASSES, tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600
"""Seconds; far more than any machine needs."""
pytestmark = pytest.mark.nightly

CLIENT = """
import asyncio, base64, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def main(url, path):
    with open(path, "rb") as file:
        image = "data:image/png;base64," + base64.b64encode(file.read()).decode()
    async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        listed = await session.list_tools()
        answers = {}
        for name, tool, arguments in json.loads(sys.argv[3]):
            answer = await session.call_tool(tool, {"image": image, **arguments})
            answers[name] = {"error": answer.isError, "content": [one.model_dump() for one in answer.content]}
    tools = {one.name: {"description": one.description, "schema": one.inputSchema} for one in listed.tools}
    print(json.dumps({"tools": tools, "answers": answers}, default=str))

asyncio.run(main(*sys.argv[1:3]))
"""
CALLS = [
    ("cams", "cams", {"size": "224", "loops": 2, "refined": True, "classes": "dog, cat"}),
    ("predict", "predict", {"size": "224"}),
    ("masks", "masks", {"size": "224", "method": "tscam", "threshold": 0.4, "classes": "cat"}),
    ("unknown class", "masks", {"classes": "wolf"}),
    ("unknown size", "predict", {"size": "1"}),
]


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The Python of an environment with `gradio[mcp]`, which finds all else where these tests do."""
    probe = subprocess.run(
        [sys.executable, "-m", "pip", "index", "versions", "mcp"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        missing("the package index cannot be reached, so gradio[mcp] cannot be installed")
    folder = tmp_path_factory.mktemp("mcp")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    made = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "below.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    wanted = f"gradio[mcp]=={gr.__version__}"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(made), "install", "--quiet", "--no-input", wanted], check=True
    )
    return made


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("image") / "noise.png"
    small = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((80, 60), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def server(python: Path, tmp_path_factory) -> Iterator[str]:
    """The address of `app.py` with a tiny checkpoint and an MCP server."""
    folder = tmp_path_factory.mktemp("app")
    checkpoint = tiny_checkpoint(folder / "tiny")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "files")}
    address = f"http://127.0.0.1:{port}"
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen(
            [python, "app.py", "--checkpoint", str(checkpoint)], cwd=ROOT, env=environment, stdout=log, stderr=log
        ) as app,
    ):
        try:
            until = time.monotonic() + LONGEST
            while not _is_well(address):
                assert app.poll() is None and time.monotonic() < until, (folder / "log.txt").read_text()
                time.sleep(0.2)
            yield address
        finally:
            app.terminate()


def _is_well(address: str) -> bool:
    try:
        with urlopen(f"{address}/health", timeout=5) as answer:
            return json.load(answer)["status"] == "ok"
    except (URLError, TimeoutError, ConnectionError):
        return False


@pytest.fixture(scope="module")
def reported(python: Path, server: str, image: Path) -> dict[str, Any]:
    """What a client lists and is answered."""
    url = f"{server}/gradio_api/mcp/"
    ran = subprocess.run(
        [python, "-c", CLIENT, url, str(image), json.dumps(CALLS)],
        capture_output=True, text=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def file_of(reported: dict[str, Any], name: str) -> bytes:
    """The file whose address is in an answer, as a client fetches it."""
    answer = reported["answers"][name]
    assert not answer["error"], answer
    text = answer["content"][-1]["text"]
    with urlopen(text[text.index("http://") :], timeout=60) as reply:
        return reply.read()


def test_the_tools_are_described_with_every_parameter(reported) -> None:
    assert set(reported["tools"]) == {"cams", "predict", "masks"}
    for name, tool in reported["tools"].items():
        assert len(tool["description"]) > 80, name
        assert tool["schema"]["required"] == ["image"]
        assert set(tool["schema"]["properties"]) == PARAMETERS[f"/{name}"]
        for label, one in tool["schema"]["properties"].items():
            assert one["type"] and len(one["description"]) > 15 and one["description"].endswith("."), (name, label)


def test_predict_gives_the_whole_prediction(reported, tmp_path: Path) -> None:
    (tmp_path / "prediction.npz").write_bytes(file_of(reported, "predict"))
    prediction = Prediction.load(tmp_path / "prediction.npz")
    assert prediction.classes == CLASSES and prediction.source == (60, 80)


def test_cams_are_those_of_the_prediction(reported, tmp_path: Path) -> None:
    (tmp_path / "prediction.npz").write_bytes(file_of(reported, "predict"))
    prediction = Prediction.load(tmp_path / "prediction.npz")
    with np.load(io.BytesIO(file_of(reported, "cams")), allow_pickle=False) as arrays:
        assert arrays["classes"].tolist() == ["dog", "cat"]
        wanted = prediction.cams("crt", loops=2, refined=True, classes=[1, 0])
        np.testing.assert_array_equal(arrays["crt"], wanted)


def test_masks_are_an_indexed_image_that_the_client_also_sees(reported) -> None:
    shown = reported["answers"]["masks"]["content"][0]
    assert (shown["type"], shown["mimeType"]) == ("image", "image/png")
    with Image.open(io.BytesIO(file_of(reported, "masks"))) as mask:
        assert (mask.mode, mask.size) == ("P", (80, 60))
        assert (mask.getpalette() or [])[:63] == voc_palette()[:21].ravel().tolist()
        assert set(np.unique(np.asarray(mask))) == {0, 1}


@pytest.mark.parametrize(
    ("name", "sentence"), [("unknown class", "Unknown class 'wolf'"), ("unknown size", "not one of")]
)
def test_what_cannot_be_is_an_error_with_a_sentence(reported, name: str, sentence: str) -> None:
    answer = reported["answers"][name]
    assert answer["error"]
    text = " ".join(one["text"] for one in answer["content"])
    assert sentence in text and "Traceback" not in text and str(ROOT) not in text
