"""The check for known vulnerabilities: it fails on what is not explained, and prints when no service answered."""

import json
import subprocess
from types import SimpleNamespace

import pytest

from scripts.dev import audit as script
from scripts.dev.audit import EXPLAINED, KNOWN, SKIPPED, audit, judge_findings

OLD = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3"]}]}
GOOD = {"name": "tqdm", "version": "4", "vulns": []}
BAD = {"name": "pillow", "version": "9", "vulns": [{"id": "PYSEC-2", "aliases": ["CVE-2"], "fix_versions": []}]}
ABSENT = {"name": "torch", "skip_reason": "Dependency not found"}


def answering(monkeypatch, known: object, local: object) -> list[list[str]]:
    """pip-audit's place is taken: the answers about the known release, and about what is installed."""
    asked = []

    def run(command, **keywords):
        asked.append(command)
        answer = local if "--local" in command else known
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(stdout=answer if isinstance(answer, str) else json.dumps({"dependencies": answer}))

    monkeypatch.setattr(script.subprocess, "run", run)
    return asked


@pytest.mark.parametrize(
    "known",
    [
        "",  # it could not ask at all
        [{"name": "jinja2", "skip_reason": "not found"}],  # an index without vulnerabilities
        [{"name": "jinja2", "version": "2.4.1", "vulns": []}],
        subprocess.TimeoutExpired("pip_audit", 1),
    ],
)
def test_it_prints_that_nothing_was_checked_where_no_service_answers(monkeypatch, known):
    asked = answering(monkeypatch, known, [BAD])
    assert audit() == (0, [SKIPPED])
    assert len(asked) == 1 and "pip_audit" in asked[0]


def test_a_clean_installation_passes(monkeypatch):
    answering(monkeypatch, [OLD], [GOOD, ABSENT])
    assert audit() == (
        0,
        ["Not known to the service: torch.", "1 packages checked, 0 findings without an explanation."],
    )


def test_a_finding_fails_unless_it_is_explained(monkeypatch):
    answering(monkeypatch, [OLD], [GOOD, BAD])
    status, lines = audit()
    assert status == 1 and lines[0] == "pillow 9 PYSEC-2: not explained; fixed in no release"
    for name in ("PYSEC-2", "CVE-2"):
        status, lines = judge_findings([BAD], {name: "we never call it."})
        assert status == 0 and lines[0] == "pillow 9 PYSEC-2: we never call it."
    assert judge_findings([BAD], {"CVE-3": "another"})[0] == 1


def test_every_explanation_is_one():
    assert all(len(reason) > 30 and reason.endswith(".") for reason in EXPLAINED.values())
    assert KNOWN.count("==") == 1
