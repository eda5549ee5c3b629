"""The files that a visitor of the repository is led by: forms, policies and their agreement with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import crt
from app.cli import AppConfig

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_bug_feature_and_question_have_a_form() -> None:
    assert {path.stem for path in FORMS} == {"bug", "feature", "question"}
    bug = {field["id"] for field in read_yaml(ROOT / ".github/ISSUE_TEMPLATE/bug.yml")["body"]}
    assert {"happened", "expected", "version", "checkpoint", "browser"} <= bug


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_github_shows(path: Path) -> None:
    form = read_yaml(path)
    assert {"name", "description", "body"} <= set(form)
    identifiers = [field["id"] for field in form["body"]]
    assert len(identifiers) == len(set(identifiers))
    assert any(field.get("validations", {}).get("required") for field in form["body"])
    for field in form["body"]:
        assert field["type"] in ("input", "textarea") and field["attributes"]["label"]


def test_every_kind_of_dependency_is_updated() -> None:
    updates = read_yaml(ROOT / ".github" / "dependabot.yml")["updates"]
    assert [one["package-ecosystem"] for one in updates] == ["pip", "github-actions", "docker", "npm"]


def test_security_names_the_present_version_and_options_that_are_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    supported = dict(re.findall(r"^\| (\d+\.\d+) \| (yes|no) \|$", text, re.MULTILINE))
    assert supported[".".join(crt.__version__.split(".")[:2])] == "yes"
    guarded = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    options = {word.replace("-", "_") for word in re.findall(r"`--([a-z-]+)`", guarded)}
    assert options and options <= set(AppConfig.__dataclass_fields__)


@pytest.mark.parametrize("name", ["SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_links_lead_to_files_and_headings_that_are_there(name: str) -> None:
    for link in re.findall(r"\]\((?!https:)([^)]+)\)", (ROOT / name).read_text(encoding="utf-8")):
        file, _, heading = link.partition("#")
        text = (ROOT / file).read_text(encoding="utf-8")
        headings = {line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")}
        assert not heading or heading in headings


def test_the_check_list_names_the_one_command() -> None:
    text = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    assert "`bash scripts/test.sh` passes" in text and text.count("- [ ] ") >= 8


def test_the_version_is_the_newest_one_of_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    assert text.count("\n## ") == 1 + len(released) and text.index("## [Unreleased]") < text.index(released[0][0])
    assert released == sorted(released, key=lambda one: tuple(map(int, one[0].split("."))), reverse=True)
    citation = read_yaml(ROOT / "CITATION.cff")
    assert released[0] == (crt.__version__, str(citation["date-released"])) and citation["version"] == crt.__version__


def test_the_changelog_sorts_changes_by_their_kind() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for section in text.split("\n## ")[1:]:
        found = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert set(found) <= set(kinds) and len(found) == len(set(found))
