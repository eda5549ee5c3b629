"""`pip install .`: what is in the wheel, and that `crt` imports what it requires."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import crt
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
FILES = ("requirements.txt", "requirements-dev.txt", "requirements-docs.txt")
OPTIONAL = {"pydensecrf2"}
"""What the library does without."""
OPTIONAL_MODULES = {"pydensecrf": ["pydensecrf2"]}
"""Their modules, which may not be installed."""
OTHERS = {"crt", "app", "spaces", "pydantic_core"}
"""Modules that are not installed by name: of this repository, of the image of a Space, and pydantic's other half."""


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements}


def pinned(file: str) -> list[Requirement]:
    """The packages that a file of requirements pins."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def imported(*folders: Path) -> set[str]:
    """The distributions whose modules the files in some folders import, at their top or inside a function."""
    modules: set[str] = set()
    for file in (file for folder in folders for file in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(str(node.module).partition(".")[0])
    found = {**OPTIONAL_MODULES, **packages_distributions()}
    return {canonicalize_name(found[module][0]) for module in modules - set(sys.stdlib_module_names) - OTHERS}


def test_the_library_requires_what_it_imports() -> None:
    needed, training = names(PROJECT["dependencies"]), names(EXTRAS["train"])
    without_training = [folder for folder in (ROOT / "crt").iterdir() if folder.is_dir() and folder.name != "train"]
    assert imported(ROOT / "crt") - training - OPTIONAL == needed, "one is missing, or nothing imports it"
    assert imported(*without_training) - OPTIONAL <= needed
    assert names(EXTRAS["crf"]) == OPTIONAL


def test_the_extras_ask_for_the_rest() -> None:
    needed = names(PROJECT["dependencies"])
    assert imported(ROOT / "app") - needed - {"starlette"} <= names(EXTRAS["app"])  # Starlette is Gradio's own
    assert "accelerate" in imported(ROOT / "crt" / "train") & names(EXTRAS["train"])
    assert names(EXTRAS["docs"]) == {canonicalize_name(one.name) for one in pinned("requirements-docs.txt")}
    assert names(EXTRAS["dev"]) == {canonicalize_name(one.name) for one in pinned("requirements-dev.txt")} - needed


def test_what_is_pinned_is_in_the_ranges() -> None:
    pins = {canonicalize_name(one.name): one for file in FILES for one in pinned(file)}
    ranges = [
        Requirement(text) for text in (*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra))
    ]
    for wanted in ranges:
        (version,) = pins[canonicalize_name(wanted.name)].specifier
        assert version.operator == "==" and wanted.specifier.contains(version.version), wanted
    assert SpecifierSet(PROJECT["requires-python"]).contains("3.13")


def test_every_pinned_package_has_a_reason() -> None:
    """The table of CONTRIBUTING.md, in italics what only the checks need."""
    table = (
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| package | why |")[2].partition("\n\n")[0]
    )
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.strip()][1:]
    told = [name.strip() for name, why in rows if why.strip()]
    run_time, *others = ([one.name for one in pinned(file)] for file in FILES)
    assert told == [*run_time, *(f"*{name}*" for group in others for name in group)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of these files, built beside a copy of them, so that nothing is left in the repository."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in ("crt", "app", "scripts"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "*.npz", "*.jpg"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "app.py"):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(made), str(source)], check=True)
    (found,) = made.glob("*.whl")
    return found


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if not name.startswith("crt_explorer-")}
        metadata = next(name for name in file.namelist() if name.endswith("/METADATA"))
        told = Parser().parsestr(file.read(metadata).decode())
    assert held == {f"{path.relative_to(ROOT)}" for path in (ROOT / "crt").rglob("*.py")} | {"crt/py.typed"}
    assert told["Version"] == crt.__version__ and told["License-Expression"] == "Apache-2.0"
    assert told["Requires-Python"] == PROJECT["requires-python"] == ">=3.11"
    assert set(told.get_all("Provides-Extra") or ()) == set(EXTRAS)
    without = [one for one in told.get_all("Requires-Dist") or () if "extra ==" not in one]
    assert names(without) == names(PROJECT["dependencies"])


def test_the_library_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """Unpacked outside the repository: checkpoint, image, CAM, mask and figure."""
    folder = tiny_checkpoint(tmp_path / "tiny")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")
    code = f"""
import sys, numpy as np
import crt
assert crt.__file__.startswith({str(tmp_path)!r}), crt.__file__
assert "torch" not in sys.modules
model = crt.load({str(folder)!r}, device="cpu")
prediction = model(np.zeros((40, 50, 3), np.uint8))
print(prediction.cam("cat").shape, prediction.mask("cat").dtype, len(prediction.figure().data))
try:
    crt.load("voc")
except crt.InvalidCheckpoint as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    refusal = "There is no folder voc: give a checkpoint folder or a Hub id user/name."
    assert ran.stdout.splitlines() == ["(40, 50) bool 4", refusal]
