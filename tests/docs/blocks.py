"""The code in the documentation: fenced blocks, and commands inside sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_BY_HELP = "command_line.md"
"""Its commands are those of the commands' own help."""
GENERATED = ("results.md", "performance.md", "reliability.md")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEEDS = re.compile(r"<!-- needs: (\w+) -->\s*$")
_INDENTED = re.compile(r"^    (python .+)$", re.MULTILINE)
_INLINE = re.compile(r"`((?:python|torchrun|accelerate launch) [^`…]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block. `needs`: what keeps it from running here, such as `server`; empty for nothing."""

    page: str
    number: int
    language: str
    text: str
    needs: str = ""

    @property
    def id(self) -> str:
        """For the name of a test."""
        return f"{self.page}-{self.number}"


def pages() -> list[Path]:
    """The README and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks_of(path: Path) -> Iterator[Block]:
    """The fenced blocks of a page in order."""
    text = path.read_text(encoding="utf-8")
    for number, found in enumerate(_FENCE.finditer(text), 1):
        needs = _NEEDS.search(text[: found.start()])
        yield Block(path.name, number, found[1], found[2], needs[1] if needs else "")


def lines_of(shell: str) -> list[str]:
    """The commands of a block of the shell: continued lines joined, comments left out, `a && b` taken apart."""
    lines = [re.sub(r"\s+#\s.*$", "", line) for line in shell.replace("\\\n", " ").splitlines()]
    return [part.strip() for line in lines if line.strip() for part in line.split("&&")]


def commands_in(path: Path) -> list[str]:
    """Every command of a page: of its shell blocks, of the results' commands, and of its sentences."""
    if path.name == WRITTEN_BY_HELP:
        return []
    text = path.read_text(encoding="utf-8")
    found = [line for block in blocks_of(path) if block.language == "sh" for line in lines_of(block.text)]
    prose = _FENCE.sub("", text)
    return [*found, *_INDENTED.findall(prose), *_INLINE.findall(prose)]
