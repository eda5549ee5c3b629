"""Whatever results are missing, the pages are made of the others, and what there is no result of is left out."""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crt.checkpoint import read_config
from scripts.report.pages import RESULTS_PAGE, Pages, compose
from scripts.report.sections import KINDS, SEVERAL, Measured, read_file
from tests.scripts.report.rules import most_numbers, numbers_in, sections_of

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "checkpoints").glob("*/config.json"))
CHECKPOINTS = {path.parent.name: read_config(path.parent) for path in CONFIGS}
DEFAULTS = CHECKPOINTS["voc"].defaults
FILES = sorted(path.name for path in (ROOT / "results").glob("*.json") if path.name != "summary.json")
OF_ALL = {"Set-up", "Headline", "Claims of the paper", "Do loops help at test"}
WITHOUT_A_FILE = {"Faults that the tests bring about"}


@cache
def measured(name: str) -> tuple[Measured, ...]:
    """The sections of a result of the repository."""
    return tuple(read_file(ROOT / "results" / name, DEFAULTS))


def made_of(found: list[Measured]) -> Pages:
    """The pages of those results."""
    return compose(sorted(found, key=lambda one: one.section.order), DEFAULTS, CHECKPOINTS, ROOT / "checkpoints")


def titles(made: Pages) -> set[str]:
    """Of the sections of all pages."""
    return {part.partition("\n")[0] for text in made.pages.values() for part in sections_of(text)}


def keeps_to_the_rules(made: Pages) -> bool:
    """No link leads to a heading that is not there, and no sentence has many numbers."""
    text = made.pages[RESULTS_PAGE]
    linked = set(re.findall(r"\[([^\]]+)\]\(#", text))
    headings = set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))
    cards = set(re.findall(r"\[([^\]]+)\]\([./\w]+results\.md#", "".join(made.cards.values())))
    texts = (*made.pages.values(), *made.cards.values())
    return linked | cards <= headings and all(len(numbers_in(most_numbers(one))) <= 2 for one in texts)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_takes_its_sections_along_and_no_others(name: str) -> None:
    others = [one for other in FILES if other != name for one in measured(other)]
    made, kept = made_of(others), {one.section.title for one in others}
    assert titles(made) == kept | OF_ALL | WITHOUT_A_FILE and keeps_to_the_rules(made)


@pytest.mark.parametrize("name", FILES)
def test_a_file_alone_gives_its_own_sections(name: str) -> None:
    made = made_of(list(measured(name)))
    assert titles(made) - OF_ALL - WITHOUT_A_FILE == {one.section.title for one in measured(name)}
    assert keeps_to_the_rules(made)
    assert all(title in made.pages[RESULTS_PAGE] or title not in titles(made) for title in OF_ALL)


def test_without_any_result_there_are_only_the_faults() -> None:
    made = made_of([])
    assert titles(made) == WITHOUT_A_FILE and set(made.pages) == {RESULTS_PAGE, "performance", "reliability"}
    assert made.headline.rows == () and all("Not measured." in card for card in made.cards.values())


def parts_of(kind: str, result: dict[str, Any]) -> list[dict[str, Any]]:
    """A result without each of its networks, stages or measurements in turn."""
    if kind == "bench":
        names = list(result["bench"])
        return [result | {"bench": {key: result["bench"][key] for key in names if key != name}} for name in names]
    if kind == "stages":
        stages = {row["stage"] for row in result["stages"]}
        return [result | {"stages": [row for row in result["stages"] if row["stage"] != name]} for name in stages]
    if kind in ("methods", "definitions"):
        networks = ("crt_loops", "tscam", "resnet", "crt_cnn")
        kept = [{key: row for key, row in result["methods"].items() if not key.startswith(one)} for one in networks]
        without_defaults = {key: row for key, row in result["methods"].items() if key not in ("crt", "crt_unrefined")}
        return [result | {"methods": methods} for methods in (*kept, without_defaults)]
    return []


@pytest.mark.parametrize("name", FILES)
def test_a_result_may_lack_a_part(name: str) -> None:
    first = measured(name)[0]
    for part in parts_of(first.kind, copy.deepcopy(first.result)):
        made = SEVERAL[first.kind](part, DEFAULTS) if first.kind in SEVERAL else (KINDS[first.kind](part, DEFAULTS),)
        assert keeps_to_the_rules(made_of([Measured(first.kind, part, section) for section in made]))


def test_the_parts_are_of_every_kind_that_has_some() -> None:
    counts = {measured(name)[0].kind: len(parts_of(measured(name)[0].kind, measured(name)[0].result)) for name in FILES}
    assert {kind for kind, count in counts.items() if count} == {"bench", "stages", "methods", "definitions"}
