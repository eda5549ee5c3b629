"""The Dockerfile's steps, as far as they can be checked without an engine: what it copies is all that the app needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.helpers.started import seconds_until_well

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
RUNTIME = max(number for number, line in enumerate(LINES) if line.startswith("FROM "))
"""Where the last stage begins, which is the image."""


def steps(name: str, lines: list[str] = LINES) -> list[str]:
    """The arguments of every instruction of a kind, in order."""
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{name} ")]


def copied_files() -> list[str]:
    """What the last stage copies out of the repository."""
    copies = [step for step in steps("COPY", LINES[RUNTIME:]) if "--from=" not in step]
    return [word for step in copies for word in step.split()[:-1] if not word.startswith("--")]


def requirement_names(lines: list[str]) -> set[str]:
    return {Requirement(line).name for line in lines if line and not line.startswith("#")}


def test_it_is_the_python_of_the_readme_and_no_root() -> None:
    assert steps("FROM") == ["python:3.11-slim AS builder", "python:3.11-slim"]
    assert steps("CMD") == ['["python", "app.py"]']
    assert steps("USER", LINES[RUNTIME:]) == ["crt"]
    assert any("--uid 1000" in step for step in steps("RUN", LINES[RUNTIME:]))  # as a Space wants it


def test_compilers_stay_in_the_first_stage() -> None:
    assert any("g++" in step for step in steps("RUN", LINES[:RUNTIME]))
    assert not any("apt-get" in step or "pip" in step for step in steps("RUN", LINES[RUNTIME:]))
    assert "--from=builder /opt/venv /opt/venv" in steps("COPY")  # a venv works only at the path where it was made
    assert "PATH=/opt/venv/bin:$PATH" in steps("ENV")


def test_pytorch_is_without_cuda_unless_a_build_argument_adds_it() -> None:
    (argument,) = steps("ARG")
    assert argument == "TORCH_INDEX=https://download.pytorch.org/whl/cpu"
    (install,) = [step for step in steps("RUN") if "/bin/pip install" in step]
    assert '--extra-index-url "$TORCH_INDEX"' in install and "-r runtime.txt" in install


def test_what_only_training_needs_is_not_installed(tmp_path: Path) -> None:
    """The line of the Dockerfile, run on the requirements of today."""
    (install,) = [step for step in steps("RUN") if "/bin/pip install" in step]
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    subprocess.run(["sh", "-c", install.partition(" && ")[0]], cwd=tmp_path, check=True)
    kept, every = (
        requirement_names((tmp_path / name).read_text(encoding="utf-8").splitlines())
        for name in ("runtime.txt", "requirements.txt")
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    train, app = (requirement_names(project["optional-dependencies"][extra]) for extra in ("train", "app"))
    assert every - kept == train - app - requirement_names(project["dependencies"])


def test_what_it_copies_is_let_through() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    assert {*copied_files(), "requirements.txt"} == kept
    assert all((ROOT / name).exists() for name in kept)


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on this machine that answers every request with a status -> its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is http.server's
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_reads_the_state_of_the_app(status: int, healthy: bool) -> None:
    (check,) = steps("HEALTHCHECK")
    program, *words = json.loads(check.partition("CMD ")[2])
    assert program == "python"
    with answering(status) as port:
        words = [word.replace(":7860/", f":{port}/") for word in words]
        ran = subprocess.run([sys.executable, *words], capture_output=True, check=False)
    assert (ran.returncode == 0) is healthy


@pytest.mark.nightly
def test_what_it_copies_is_enough(tmp_path: Path) -> None:
    """The app starts from the copied files alone, with the image's environment, and its health check answers."""
    for name in copied_files():
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    environment = dict(step.split("=") for step in steps("ENV") if not step.startswith("PATH="))
    assert seconds_until_well(tmp_path, json.loads(steps("CMD")[0])[1:], environment) > 0
