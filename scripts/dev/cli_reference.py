"""Write docs/command_line.md: every option of the app and of each command, as their `--help` has them.

    python -m scripts.dev.cli_reference

A test compares the committed page with the commands.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from crt.errors import InvalidSetting
from crt.io_utils import write_text
from scripts.__main__ import DEVELOPERS, commands, grouped
from scripts.cli import run_cli

REPOSITORY = Path(__file__).resolve().parents[2]
HELP_WIDTH = 124
"""Columns of the terminal that the help is printed for: enough for the longest word, too few for two frames."""
SUBCOMMANDS: dict[str, tuple[str, ...]] = {
    "evaluate": ("seeds", "stored", "masks", "wsol", "pointing", "classification"),
    "run_pipeline": ("full",),
    "train_crt": ("full",),
    "train_deeplab": ("full",),
}
"""Command -> the subcommands whose options are listed. The presets of a training differ in their defaults alone."""
_SIDE = re.compile(r"^│ ?(.*?) *│$")
_WORKERS = re.compile(r"(Processes that share the images\. \(default: )\d+\)")
_COMMAND = re.compile(r"^(python|torchrun|accelerate) ")
_RULE = re.compile(r"^[─ ]+$")
INTRO = """\
# Command line

Written by `python -m scripts.dev.cli_reference` from the `--help` of each command.

`python -m scripts` lists the commands. Run them in the root of the repository with the Python of the environment, as
[Install](install.md) has it. Common to all of them:

- The exit code is 0 (done), 1 (failed) or 2 (wrong usage). An error is one line on stderr that begins with `error: `.
- An option that takes several values takes them with blanks between: `--scales 1 0.5 1.5`.
- A switch has two forms: `--resume` and `--no-resume`.
"""


@dataclass(frozen=True)
class Reference:
    """Where the page goes."""

    output: Path = Path("docs/command_line.md")
    """The page to write."""


def reference() -> str:
    """The page as Markdown. Raises InvalidSetting for a command whose help cannot be read."""
    found = commands()
    parts = [INTRO, "## The app", "", *help_of(["app.py"]), ""]
    for title, names in grouped(found).items():
        parts += [f"## {title}", ""]
        if title == DEVELOPERS:
            parts += ["| command | what it does |", "|---|---|"]
            parts += [f"| `python -m scripts.{name}` | {found[name]} |" for name in names]
            continue
        for name in names:
            parts += [f"### {name}", "", *help_of(["-m", f"scripts.{name}"]), ""]
            for subcommand in SUBCOMMANDS.get(name, ()):
                parts += [f"#### {name} {subcommand}", "", *help_of(["-m", f"scripts.{name}", subcommand]), ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def help_of(words: list[str]) -> list[str]:
    """The help of one command, by the words after `python`, as lines of Markdown. Raises InvalidSetting."""
    environment = {**os.environ, "COLUMNS": str(HELP_WIDTH), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(  # noqa: S603
        [sys.executable, *words, "--help"], cwd=REPOSITORY, env=environment, capture_output=True, check=False
    )
    if ran.returncode != 0:
        raise InvalidSetting(f"python {' '.join(words)} --help ends with {ran.returncode}: repair it first.")
    return markdown_of(ran.stdout.decode("utf-8"))


def markdown_of(text: str) -> list[str]:
    """What `--help` prints as Markdown.

    Args:
        text: the usage, a description, and frames with options, as tyro prints them without colours.

    Returns:
        Lines: the usage as code, the description, and a list of options for each frame but those of `--help` alone.
    """
    usage, _, rest = text.partition("\n\n")
    description, _, frames = rest.partition("╭─")
    lines = ["```text", *usage.strip().splitlines(), "```", ""]
    lines += [*_description(description), ""] if description.strip() else []
    for frame in re.split(r"^╭─", frames, flags=re.MULTILINE):
        title, _, body = frame.partition("\n")
        entries = _entries(body)
        if entries:
            lines += [f"**{title.strip('─╮ ').capitalize()}**", "", *entries, ""]
    return lines[:-1]


def _description(text: str) -> list[str]:
    """The docstring of a command. Its commands become code, and blank lines are single."""
    lines: list[str] = []
    for line in text.strip("\n").splitlines():
        code = f"    {line}" if _COMMAND.match(line) else line.rstrip()
        if code or (lines and lines[-1]):
            if code.startswith("    ") and lines and lines[-1] and not lines[-1].startswith("    "):
                lines.append("")
            lines.append(code)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _entries(body: str) -> list[str]:
    """The inside of a frame: what it is about, and one item for each option or subcommand."""
    rows = [found[1] for line in body.splitlines() if (found := _SIDE.match(line))]
    about: list[str] = []
    items: list[str] = []
    if any(map(_RULE.match, filter(None, rows))):
        at = next(index for index, row in enumerate(rows) if row and _RULE.match(row))
        about, rows = [" ".join(row.strip() for row in rows[:at]), ""], rows[at + 1 :]
    for row in filter(None, map(str.rstrip, rows)):
        if row.lstrip().startswith("• "):
            name, _, what = row.lstrip()[2:].partition(" ")
            items.append(f"- `{name}`: {what.strip()}" if what.strip() else f"- `{name}`")
        elif row.startswith(" "):
            items[-1] += f" {row.strip()}" if "`: " in items[-1] else f": {row.strip()}"
        elif row.startswith(("-", "[")) or row.isupper() or "  " in row:
            term, _, what = row.partition("  ")
            items.append(f"- `{term.strip()}`: {what.strip()}" if what.strip() else f"- `{term.strip()}`")
        elif row != "(required)":
            about += [row, ""]
    items = [item for item in items if not item.startswith("- `-h, --help`")]
    items = [_WORKERS.sub(r"\1all cores)", item.removesuffix(" (default: )")) for item in items]
    return [*about, *items] if items else []


def write_reference(config: Reference) -> None:
    """Write the page."""
    write_text(config.output, reference())


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Reference, description=__doc__), write_reference))
