"""The page in a process of its own, for commands that measure it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from crt.errors import InvalidSetting
from scripts.provenance import ROOT

START_S = 180.0
SERVER_STOP_S = 20.0


class Server:
    """`app.py` on a free port of this machine, with `words` as its further options.

    Its output goes into `log`, and uploads into the folder `cache`; servers that share one delete each other's. `root`
    is the folder of the program: this one, or that of another version.
    """

    def __init__(
        self, words: Sequence[str], log: Path | None = None, cache: Path | None = None, root: Path = ROOT
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.words = tuple(words)
        self.log = log
        self.root = root
        self.environment = os.environ | ({"GRADIO_TEMP_DIR": str(cache)} if cache is not None else {})
        self.url = f"http://127.0.0.1:{self.port}/"
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        """The number of its process. Raises InvalidSetting if it does not run."""
        if self._process is None:
            raise InvalidSetting("The page is not served: start it first.")
        return self._process.pid

    @property
    def resident_mib(self) -> float:
        """MiB of its process that are in memory; 0 where the system does not give it."""
        status = Path(f"/proc/{self.pid}/status")
        lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)

    def health(self) -> dict[str, Any]:
        """The answer of `/health`. Raises OSError if it does not answer."""
        try:
            with urlopen(f"{self.url}health", timeout=30) as answer:  # noqa: S310 - our own server on this machine
                return json.load(answer)
        except HTTPError as broken:  # 503, with a body like any other
            with broken:
                return json.load(broken)

    def start(self) -> None:
        """Return when the page answers. Raises InvalidSetting if it does not start."""
        words = [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(self.port), *self.words]
        with (self.log or Path(os.devnull)).open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                words, cwd=self.root, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S
        while not _answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise InvalidSetting(f"The page does not start: try {' '.join(['python app.py', *self.words])}.")
            time.sleep(0.3)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            process, self._process = self._process, None
            process.terminate()
            try:
                process.wait(SERVER_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def served(
    words: Sequence[str], log: Path | None = None, cache: Path | None = None, root: Path = ROOT
) -> Iterator[Server]:
    """A running page, ended afterwards. Raises InvalidSetting if it does not start."""
    server = Server(words, log, cache, root)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):  # noqa: S310 - our own server on this machine
            return True
    except HTTPError as refused:
        refused.close()
        return False
    except (URLError, TimeoutError, ConnectionError):
        return False
