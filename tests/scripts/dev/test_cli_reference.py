"""The page of the command line is what the commands print today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.__main__ import DEVELOPERS, commands, grouped
from scripts.dev.cli_reference import SUBCOMMANDS, Reference, markdown_of, write_reference
from scripts.evaluate import COMMANDS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/command_line.md").read_text(encoding="utf-8")
HELP = """\
usage: python -m scripts.x [-h] [OPTIONS] PATH

What it does, in a sentence.


python -m scripts.x --root A --out
    B
    python -m scripts.x --root C


A second paragraph.

╭─ positional arguments ──────────╮
│ PATH      The image. (required) │
╰─────────────────────────────────╯
╭─ options ───────────────────────╮
│ -h, --help                      │
│           show this             │
│ --size {None}|INT               │
│           Pixels of the         │
│           side. (default: 3)    │
│ --names [STR [STR ...]]         │
│           Of classes. (default: )│
│ --device STR  (default: auto)   │
╰─────────────────────────────────╯
╭─ view options ──────────────────╮
│ What is seen.                   │
│ ─────────────────────────────── │
│ --view.size INT  Px. (default: 1)│
╰─────────────────────────────────╯
╭─ subcommands ───────────────────╮
│ (required)                      │
│   • full   on a GPU,            │
│            long                 │
│   • short                       │
╰─────────────────────────────────╯
"""


@pytest.mark.slow
def test_the_page_is_what_the_commands_print(tmp_path: Path) -> None:
    write_reference(Reference(tmp_path / "page.md"))
    written = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert written == PAGE, "run python -m scripts.dev.cli_reference"


def test_every_command_has_a_place_on_the_page() -> None:
    groups = grouped(commands())
    for name in commands():
        assert (f"| `python -m scripts.{name}` |" if name in groups[DEVELOPERS] else f"\n### {name}\n") in PAGE, name
    assert SUBCOMMANDS["evaluate"] == tuple(COMMANDS)
    for section in PAGE.split("\n### ")[1:]:
        name = section.partition("\n")[0]
        assert ("**Subcommands**" in section) is (name in SUBCOMMANDS), name


def test_help_becomes_markdown() -> None:
    assert markdown_of(HELP) == [
        "```text",
        "usage: python -m scripts.x [-h] [OPTIONS] PATH",
        "```",
        "",
        "What it does, in a sentence.",
        "",
        "    python -m scripts.x --root A --out",
        "    B",
        "    python -m scripts.x --root C",
        "",
        "A second paragraph.",
        "",
        "**Positional arguments**",
        "",
        "- `PATH`: The image. (required)",
        "",
        "**Options**",
        "",
        "- `--size {None}|INT`: Pixels of the side. (default: 3)",
        "- `--names [STR [STR ...]]`: Of classes.",
        "- `--device STR`: (default: auto)",
        "",
        "**View options**",
        "",
        "What is seen.",
        "",
        "- `--view.size INT`: Px. (default: 1)",
        "",
        "**Subcommands**",
        "",
        "- `full`: on a GPU, long",
        "- `short`",
    ]


@pytest.mark.parametrize("pattern", [r"[╭╰│─]", r"`: *$", r"\(default: \)", r"all cores\) \d"])
def test_nothing_of_the_frames_is_left(pattern: str) -> None:
    assert not re.search(pattern, PAGE, re.MULTILINE)
