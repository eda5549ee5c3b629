"""The options of a command are named in the README."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import tyro

from crt.train.config import DataConfig
from crt.train.presets import PRESETS
from scripts.evaluate import COMMANDS
from scripts.train_crt import PRESETS as OFFERED

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_names_every_measure(name: str) -> None:
    assert f"evaluate {name}" in README


@pytest.mark.parametrize("layout", get_args(get_type_hints(DataConfig)["layout"]))
def test_the_readme_names_every_layout_of_data(layout: str) -> None:
    (line,) = [line for line in README.splitlines() if line.startswith("| `--data.layout`")]
    assert f"`{layout}`" in line


@pytest.mark.parametrize("preset", PRESETS)
def test_the_readme_names_every_preset(preset: str) -> None:
    assert OFFERED is PRESETS and f"`{preset}`" in README


def test_the_options_that_the_readme_explains_are_there() -> None:
    table = README.partition("| option of `train_crt` | effect |")[2].partition("\n\n")[0].splitlines()[2:]
    words = [line.split("`")[1].split() for line in table]
    assert len(words) > 3
    _, config = PRESETS["full"]
    values = {"--data.roots": ["VOC2012:train,val"], "--data.layout": ["labels"]}
    for option, *given in words:
        read = tyro.cli(type(config), args=[option, *values.get(option, given)], default=config)
        assert read != config, option
