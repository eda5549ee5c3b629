"""Known vulnerabilities of the installed packages, by pip-audit; prints SKIPPED where no service answers.

    python -m scripts.dev.audit

Ends with 1 for a finding that `EXPLAINED` does not explain. Without a network, or with a package index that has no
vulnerabilities, it ends with 0 and prints that nothing was checked: first it queries an old release with a known one,
and only where the answer names it the answers about the others count.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from scripts.cli import run_cli

EXPLAINED: dict[str, str] = {}
"""Id of a finding -> why it does not concern this program."""
KNOWN = "jinja2==2.4.1"
"""A release with a vulnerability that every service lists."""
SKIPPED = "SKIPPED: no service for vulnerabilities answers here, so the packages were not checked."
AUDIT_LIMIT_S = 120


def audit(explained: Mapping[str, str] = EXPLAINED) -> tuple[int, list[str]]:
    """Check everything installed -> exit status, lines to print."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "known.txt"
        listed.write_text(f"{KNOWN}\n", encoding="utf-8")
        known = _answer("--requirement", str(listed), "--no-deps", "--disable-pip")
    if known is None or not findings(known):
        return 0, [SKIPPED]
    found = _answer("--local")
    if found is None:
        return 0, [SKIPPED]
    return judge_findings(found, explained)


def judge_findings(found: list[dict[str, Any]], explained: Mapping[str, str]) -> tuple[int, list[str]]:
    """The findings of pip-audit -> exit status, lines to print."""
    lines, open_ = [], 0
    for package, finding in findings(found):
        names = [finding["id"], *finding.get("aliases", [])]
        reason = next((explained[name] for name in names if name in explained), None)
        open_ += reason is None
        fixed = ", ".join(finding.get("fix_versions") or ["no release"])
        lines.append(f"{package} {names[0]}: {reason or f'not explained; fixed in {fixed}'}")
    unknown = [one["name"] for one in found if "skip_reason" in one]
    if unknown:
        lines.append(f"Not known to the service: {', '.join(unknown)}.")
    checked = len(found) - len(unknown)
    lines.append(f"{checked} packages checked, {open_} findings without an explanation.")
    return int(open_ > 0), lines


def findings(found: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Package and finding, for each."""
    return [(f"{one['name']} {one['version']}", finding) for one in found for finding in one.get("vulns", [])]


def _answer(*words: str) -> list[dict[str, Any]] | None:
    """pip-audit's answer, or None if it has none."""
    command = [sys.executable, "-m", "pip_audit", *words, "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run([*command, "--timeout", "5"], capture_output=True, text=True, timeout=AUDIT_LIMIT_S)  # noqa: S603, PLW1510 - it ends with 1 for findings
        return json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None


@dataclass(frozen=True)
class Audit:
    """No options."""


def main(config: Audit) -> int:  # noqa: ARG001 - it has no options
    """Print what was found -> the exit code."""
    status, lines = audit()
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Audit, description=__doc__), main))
