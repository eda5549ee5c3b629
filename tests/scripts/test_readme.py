"""The options of a command are named in the documentation."""

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
GENERATED = ("command_line.md", "results.md", "performance.md", "reliability.md")
TRAINING = (ROOT / "docs/training.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_describes_every_measure(name: str) -> None:
    pages = [path for path in (ROOT / "docs").glob("*.md") if path.name not in GENERATED]
    assert any(f"evaluate {name}" in path.read_text(encoding="utf-8") for path in pages)


@pytest.mark.parametrize("layout", get_args(get_type_hints(DataConfig)["layout"]))
def test_the_page_on_training_names_every_layout_of_data(layout: str) -> None:
    (line,) = [line for line in TRAINING.splitlines() if line.startswith("| `--data.layout`")]
    assert f"`{layout}`" in line


@pytest.mark.parametrize("preset", PRESETS)
def test_the_page_on_training_names_every_preset(preset: str) -> None:
    assert OFFERED is PRESETS and f"\n| `{preset}` |" in TRAINING


def test_the_options_that_the_page_on_training_explains_are_there() -> None:
    table = TRAINING.partition("| option of `train_crt` | effect |")[2].partition("\n\n")[0].splitlines()[2:]
    words = [line.split("`")[1].split() for line in table]
    assert len(words) > 3
    _, config = PRESETS["full"]
    values = {"--data.roots": ["VOC2012:train,val"], "--data.layout": ["labels"]}
    for option, *given in words:
        read = tyro.cli(type(config), args=[option, *values.get(option, given)], default=config)
        assert read != config, option
