"""The options of all commands: each has a help text, and those of one name mean the same."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.__main__ import DEVELOPERS, commands, grouped
from scripts.dev.cli_reference import help_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/command_line.md").read_text(encoding="utf-8")
ITEM = re.compile(r"- `(?P<term>[^`]+)`(?:: (?P<text>.*))?")
DEFAULT = re.compile(r" ?\((?:default: .*|required|repeatable)\)$")


class Option(NamedTuple):
    """One of a command, as the help has it."""

    command: str
    term: str
    text: str

    @property
    def name(self) -> str:
        """Without dashes and the group that it is in, such as `out` of `--train.out PATH`."""
        return self.term.split(maxsplit=1)[0].strip("-,").rpartition(".")[2]


def options_of(command: str, lines: list[str]) -> list[Option]:
    """Those among lines of Markdown."""
    found = map(ITEM.fullmatch, lines)
    return [Option(command, item["term"], DEFAULT.sub("", item["text"] or "")) for item in found if item]


@cache
def options() -> list[Option]:
    """Of the app and all commands: the page has those of users, whose text another test holds."""
    found: list[Option] = []
    for section in re.split(r"^#{2,4} ", PAGE, flags=re.MULTILINE)[1:]:
        title, *lines = section.splitlines()
        found += options_of(title, lines)
    for name in grouped(commands())[DEVELOPERS]:
        found += options_of(name, help_of(["-m", f"scripts.{name}"]))
    return found


def named(name: str) -> list[Option]:
    """All options of a name."""
    return [option for option in options() if option.name == name and option.term.startswith("-")]


def test_all_commands_are_read() -> None:
    without = {"dev.audit"}
    assert {option.command for option in options()} >= {*commands(), "The app"} - without


def test_every_option_has_a_help_text() -> None:
    assert not [f"{option.command} {option.term}" for option in options() if not option.text]


def test_an_option_without_a_help_text_is_found() -> None:
    lines = [
        "- `--seed INT`: (default: 0)",
        "- `--out PATH`: (required)",
        "- `PATH`",
        "- `--size INT`: Px. (default: 3)",
    ]
    assert [bool(option.text) for option in options_of("x", lines)] == [False, False, False, True]


@pytest.mark.parametrize(("name", "says"), [("json", "write"), ("out", "folder"), ("output", "file|page|module")])
def test_where_a_result_goes_is_named_in_one_way(name: str, says: str) -> None:
    """`--json`: a path of JSON; `--out`: a folder; `--output`: one file."""
    found = named(name)
    assert len(found) > 1
    for option in found:
        assert re.fullmatch(rf"--\S*{name} (\{{None\}}\|)?PATH", option.term), option
        assert re.search(says, option.text.lower()), option
