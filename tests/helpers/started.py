"""The app started as a host would start it: from a folder of its own, with the host's environment."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

LONGEST = 600
"""Seconds; far more than any machine needs."""


def seconds_until_well(folder: Path, arguments: list[str], environment: dict[str, str]) -> float:
    """Seconds from `python arguments` in `folder` until `/health` is ok; fails if it ends, or never is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": "", **environment, "GRADIO_SERVER_PORT": str(port)}
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            while time.monotonic() < began + LONGEST and server.poll() is None:
                time.sleep(0.2)
                try:
                    with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                        if json.load(answer)["status"] == "ok":
                            return time.monotonic() - began
                except URLError:
                    continue
            raise AssertionError("the app did not get well")
        finally:
            server.terminate()
