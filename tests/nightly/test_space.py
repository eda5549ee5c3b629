"""A Hugging Face Space works from this repository unchanged: its front matter, and its start."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.helpers.started import seconds_until_well

ROOT = Path(__file__).parents[2]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def matter() -> dict:
    _, head, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head)


def test_the_front_matter_is_what_a_space_takes(matter):
    assert matter["sdk"] == "gradio"
    assert {matter["colorFrom"], matter["colorTo"]} <= COLOURS
    assert len(matter["short_description"]) <= 60
    assert matter["title"] and matter["emoji"] and matter["license"] == "apache-2.0" and matter["tags"]


def test_its_versions_are_those_of_the_requirements(matter):
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert matter["sdk_version"] == pins["gradio"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={matter['python_version']}"


@pytest.mark.nightly
def test_it_starts(matter, tmp_path):
    """From the files of the repository alone, with the variables that a Space sets."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone")
    for name in filter(None, listed.stdout.decode().split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    space = {"SYSTEM": "spaces", "SPACE_ID": "somebody/crt", "SPACE_HOST": "somebody-crt.hf.space"}
    space |= {"GRADIO_SERVER_NAME": "0.0.0.0", "HF_HUB_OFFLINE": "1"}
    assert seconds_until_well(tmp_path, [matter["app_file"]], space) > 0
