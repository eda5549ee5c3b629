"""What a command loads before it reads its options: `--help` answers without the networks' libraries."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.__main__ import commands

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    *("torch", "timm", "torchvision", "gradio", "accelerate", "pytorch_grad_cam", "transformers", "tensorboard"),
    *("sklearn", "scipy", "skimage", "matplotlib", "cv2", "plotly", "pandas", "huggingface_hub", "playwright"),
)
"""Packages that take a tenth of a second or much more to import."""

LOADED = """
import contextlib, io, json, runpy, sys

def loaded():
    return {name.partition(".")[0] for name in sys.modules}

reported, before = {}, loaded()
for target in sys.argv[1:]:
    sys.argv = [target, "--help"]
    out, code = io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            if target.endswith(".py"):
                runpy.run_path(target, run_name="__main__")
            else:
                runpy.run_module(target, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code
    reported[target] = [code or 0, "--help" in out.getvalue(), sorted(loaded() - before)]
    before = loaded()
print(json.dumps(reported))
"""
COMMANDS = ["app.py", *(f"scripts.{name}" for name in commands())]


@pytest.fixture(scope="module")
def loaded() -> dict[str, tuple[int, bool, list[str]]]:
    """Command -> exit code of `--help`, whether it printed one, and the packages that no command before it loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *COMMANDS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_heavy_package(command: str, loaded: dict[str, tuple[int, bool, list[str]]]) -> None:
    code, helped, packages = loaded[command]
    assert code == 0 and helped
    assert sorted(set(HEAVY) & set(packages)) == []


IMPORTED = """
import sys

before = set(sys.modules)
import crt

print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def test_importing_the_library_loads_nothing_but_python() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) <= {"crt", *sys.stdlib_module_names}


def test_help_of_explain_takes_less_than_two_seconds_of_the_processor() -> None:
    """Seconds of the processor, which do not depend on how busy the machine is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "scripts.explain", "--help"], cwd=ROOT, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


PAGE_IMPORTED = """
import sys
import app.page

print(*{name.partition(".")[0] for name in sys.modules})
"""
NOT_FOR_THE_PAGE = (
    *("pytorch_grad_cam", "ttach", "sklearn", "accelerate", "tensorboard", "transformers", "plotly", "matplotlib"),
    *("fontTools", "scipy", "timm", "torchvision"),
)
"""Packages for one tool of the page, for none, or for the networks, which load while the page is open: each would make
its start longer."""


def test_the_page_starts_without_what_one_tool_needs() -> None:
    ran = subprocess.run([sys.executable, "-c", PAGE_IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted(set(NOT_FOR_THE_PAGE) & set(ran.stdout.split())) == []


PREDICTION_IMPORTED = """
import sys
import crt

crt.Prediction
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_a_stored_prediction_is_read_without_the_networks_libraries() -> None:
    command = [sys.executable, "-c", PREDICTION_IMPORTED]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "crt" in ran.stdout.split()
    assert sorted({"timm", "torchvision", "matplotlib", "gradio"} & set(ran.stdout.split())) == []
