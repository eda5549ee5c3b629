"""What every page and model card keeps to: short sentences and plain words; and what the generated ones keep to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.report.verdict import VERDICT_MARKS, marked
from tests.scripts.report.rules import most_numbers, numbers_in, sections_of, sentences

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs" / f"{name}.md" for name in ("results", "performance", "reliability")]
CARDS = sorted((ROOT / "checkpoints").glob("*/README.md"))
WRITTEN_BY_HELP = ROOT / "docs/command_line.md"
BY_HAND = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path not in (*PAGES, WRITTEN_BY_HELP)),
]
ONLY_TABLES = ROOT / "docs/glossary.md"
NUMBERS = 2
NO_WORDS = re.compile(
    r"\b(pictures?|walked|told|nobody|looks?(?! up\b)|looked|asks for|asked for|sees|has seen|normalis\w+"
    r"|(?:it|this) is no)\b",
    re.IGNORECASE,
)
"""Words that the texts have others for, and sentences on what a thing is not."""
STATES_A_TARGET = re.compile(r"\b(aims?|aimed|missed|reached|still to do)\b", re.IGNORECASE)
AIMS = re.compile(r"\b(aims?|aimed)\b", re.IGNORECASE)
VERDICT_MARK = re.compile("[✔✘]")


@pytest.mark.parametrize("path", [*PAGES, *CARDS, *BY_HAND], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_has_more_than_two_numbers(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = most_numbers(text)
    assert (sentences(text) or path == ONLY_TABLES) and len(numbers_in(found)) <= NUMBERS, found


@pytest.mark.parametrize("path", [*PAGES, *CARDS, *BY_HAND], ids=lambda path: str(path.relative_to(ROOT)))
def test_the_words_are_plain(path: Path) -> None:
    assert not NO_WORDS.findall(path.read_text(encoding="utf-8"))


def test_words_that_are_not_plain_are_found() -> None:
    assert NO_WORDS.findall("A network sees it. This is no mask; look at a normalised picture that was asked for.") == [
        "sees", "This is no", "look", "normalised", "picture", "asked for",
    ]  # fmt: skip
    assert not NO_WORDS.findall("Look up a term. There is no connection. A normalized image.")


def test_numbers_are_counted_and_references_are_none() -> None:
    assert numbers_in("From 1.5 to -2.0 it is +3 %, at 224 × 224 px.") == ["1.5", "-2.0", "+3", "224", "224"]
    assert numbers_in("Table 4, Fig. 6, Eq. 1, section 11 and arXiv 2209.15211 are of (2022).") == []
    assert numbers_in("`a 1 b` of VOC 2012, CUB-200-2011, ResNet-50, deit_tiny_patch16_224 and float32.") == []
    text = "# 1 2 3\n\n| 1 | 2 | 3 |\n\nOne 1. Two 2, 2\nand 2.\n\n    4 5 6\n\n![In 1, 2, 3 and 4](x.svg)\n\n- a 7\n"
    assert sentences(text) == ["One 1.", "Two 2, 2 and 2.", "In 1, 2, 3 and 4", "a 7"]
    assert most_numbers(text) == "In 1, 2, 3 and 4"
    assert sentences("---\na: 1 2 3\n---\n```json\n1 2 3\n```\n") == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_section_ends_with_the_command_that_makes_it(path: Path) -> None:
    found = sections_of(path.read_text(encoding="utf-8"))
    assert len(found) > 3
    for part in found:
        command = re.search(r"\*\*Reproduce\*\*\n\n    (?:python -m|bash) .+\n*$", part)
        assert command and part.count("**Reproduce**") == 1, part[:60]


def test_pages_and_their_makers_state_results_and_no_targets() -> None:
    """Targets live in tests, such as those of `tests/scripts/report/test_pages.py`."""
    folders = ((ROOT / "docs", "*.md"), (ROOT / "scripts/report", "*.py"), (ROOT / "checkpoints", "*/README.md"))
    paths = [path for folder, pattern in folders for path in folder.glob(pattern)]
    for path in (*paths, *BY_HAND, ROOT / "results/summary.json"):
        assert not STATES_A_TARGET.findall(path.read_text(encoding="utf-8")), path


def test_no_code_states_an_aim() -> None:
    paths = [path for name in ("crt", "app", "scripts") for path in (ROOT / name).rglob("*") if path.is_file()]
    read = [path for path in paths if path.suffix in (".py", ".mjs", ".html", ".css", ".sh")]
    assert len(read) > 100
    for path in read:
        assert not AIMS.findall(path.read_text(encoding="utf-8")), path


def test_verdicts_have_the_marks_of_one_module() -> None:
    makers = [path for path in (ROOT / "scripts/report").glob("*.py") if VERDICT_MARK.search(path.read_text("utf-8"))]
    assert [path.name for path in makers] == ["verdict.py"]
    words = {marked(verdict) for verdict in VERDICT_MARKS}
    assert words == {"✔ holds", "✘ does not hold", "inconclusive"}
    for path in (*PAGES, *CARDS):
        for line in path.read_text(encoding="utf-8").splitlines():
            if VERDICT_MARK.search(line):
                cells = [cell.strip() for cell in line.strip("|").split("|") if VERDICT_MARK.search(cell)]
                assert cells and all(cell.partition(" (")[0] in words for cell in cells), line
