"""The Dockerfile's steps, as far as they can be checked without an engine: what it copies is all that the app needs."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.helpers.started import seconds_until_well

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()


def steps(name: str) -> list[str]:
    """The arguments of every instruction of a kind, in order."""
    return [line.partition(" ")[2] for line in LINES if line.startswith(f"{name} ")]


def test_it_is_the_python_and_the_requirements_of_the_readme():
    assert steps("FROM") == ["python:3.11-slim"]
    assert any("pip install" in step and "-r requirements.txt" in step for step in steps("RUN"))
    assert steps("CMD") == ['["python", "app.py"]']
    assert steps("USER") == ["crt"]  # not root, and 1000, as a Space wants it
    assert any("--uid 1000" in step for step in steps("RUN"))


def test_what_it_copies_is_let_through():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for step in steps("COPY") for word in step.split()[:-1] if not word.startswith("--")}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.nightly
def test_what_it_copies_is_enough(tmp_path):
    """The app starts from the copied files alone, with the image's environment, and its health check answers."""
    for step in steps("COPY"):
        *names, _ = [word for word in step.split() if not word.startswith("--")]
        for name in names:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, tmp_path / name)
    (name, host), *_ = [step.split("=") for step in steps("ENV")]
    assert seconds_until_well(tmp_path, json.loads(steps("CMD")[0])[1:], {name: host}) > 0
