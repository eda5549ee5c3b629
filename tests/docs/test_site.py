"""The site has every page of docs/, and its hooks handle links out of docs/. `scripts/test.sh` builds it strictly."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from scripts.dev.site_hooks import on_page_markdown, with_outside_links

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name for path in (ROOT / "docs").glob("*.md")}
README_LINES = 150


class SiteLoader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose `!ENV` is a tag of mkdocs."""


SiteLoader.add_constructor("!ENV", lambda loader, node: loader.construct_sequence(cast("yaml.SequenceNode", node))[-1])
SITE: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), SiteLoader)


def pages_of(entry: Any) -> list[str]:
    """The files of a part of the navigation."""
    if isinstance(entry, str):
        return [entry]
    return [page for part in (entry.values() if isinstance(entry, dict) else entry) for page in pages_of(part)]


def test_every_page_has_one_place_in_the_navigation() -> None:
    placed = pages_of(SITE["nav"])
    assert sorted(placed) == sorted(PAGES)
    assert SITE["strict"] is True and set(SITE["validation"]["links"].values()) == {"warn"}


def test_the_readme_leads_to_every_page_and_stays_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(docs/([\w.]+\.md)\)", text))
    assert linked | {"index.md", "changelog.md"} == PAGES
    assert "](CHANGELOG.md)" in text and text.count("\n") <= README_LINES


def test_the_readme_has_eight_features_of_at_most_twelve_words():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    features = re.findall(r"^- (.+)$", text.partition("## Features\n")[2].partition("\n## ")[0], re.MULTILINE)
    assert len(features) == 8 and max(len(one.split()) for one in features) <= 12


def test_the_checks_build_the_site() -> None:
    script = (ROOT / "scripts/test.sh").read_text(encoding="utf-8")
    assert re.search(r"^    check .*mkdocs build .*--strict", script, re.MULTILINE)
    assert [ROOT / hook for hook in SITE["hooks"]] == [ROOT / "scripts/dev/site_hooks.py"]
    assert SITE["theme"]["font"] is False  # the site makes no request to another machine


@pytest.mark.parametrize(
    ("markdown", "with_address", "without"),
    [
        ("[a](../X.md)", "[a](https://h/r/blob/main/X.md)", "a (`X.md`)"),
        ("[a b](../x/Y.md#z-1)", "[a b](https://h/r/blob/main/x/Y.md#z-1)", "a b (`x/Y.md`)"),
        ("[x/Y.md](../x/Y.md)", "[x/Y.md](https://h/r/blob/main/x/Y.md)", "x/Y.md"),
        ("[a](b.md) ![c](images/d.png) [e](https://f)", None, None),
    ],
)
def test_links_to_files_outside_lead_to_the_repository(
    markdown: str, with_address: str | None, without: str | None
) -> None:
    assert with_outside_links(markdown, "https://h/r/") == (with_address or markdown)
    assert with_outside_links(markdown, "") == (without or markdown)


def test_the_changelog_is_one_file() -> None:
    config = {"config_file_path": str(ROOT / "mkdocs.yml"), "repo_url": ""}
    page = SimpleNamespace(file=SimpleNamespace(src_uri="changelog.md"))
    text = on_page_markdown("# Changelog", page=page, config=config, files=None)
    assert text == with_outside_links((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), "")
