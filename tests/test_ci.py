"""What runs the checks: `scripts/test.sh`, and the workflow that calls it in parts."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.narrow import present

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "test.sh"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI, NIGHTLY = (
    yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    for name in ("ci.yml", "nightly.yml")
)
JOBS: dict[str, Any] = CI["jobs"]


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def test_every_part_of_the_checks_has_a_job() -> None:
    parts = re.findall(r"bash scripts/test\.sh --only (\w+)", "".join(map(commands, JOBS.values())))
    offered = re.search(r"^    all \| (.+)\) ;;$", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    assert offered is not None and list(dict.fromkeys(parts)) == offered[1].split(" | ")
    assert "--only unit --coverage" in commands(JOBS["coverage"])
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert options["coverage"]["report"]["fail_under"] >= 90
    assert {"wheel", "docker"} < set(JOBS)


def test_the_nightly_tests_run_at_night_and_on_demand_where_every_browser_can_be_installed() -> None:
    assert set(CI[True]) == {"push", "pull_request", "workflow_dispatch"}  # YAML 1.1 reads `on` as a truth value
    assert set(NIGHTLY[True]) == {"schedule", "workflow_dispatch"}
    (job,) = NIGHTLY["jobs"].values()
    assert "bash scripts/test.sh --nightly" in commands(job)
    assert job["container"]["image"] == "python:3.11-bookworm"  # its user is root, and its firefox-esr is no snap
    assert "--nightly" not in "".join(map(commands, JOBS.values()))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_readme_has_a_badge_of_each_workflow(path: Path) -> None:
    page = f"../../actions/workflows/{path.name}"
    assert f"]({page}/badge.svg)]({page})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("absent", ["firefox-esr", "WebKitWebDriver", "Xvfb"])
def test_a_browser_that_the_nightly_tests_lack_is_an_error_in_ci(absent: str, tmp_path: Path) -> None:
    """With a set-up environment, and no programs but these."""
    for folder in ("scripts", "bin", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    copy = tmp_path / "scripts" / "test.sh"
    copy.write_bytes(SCRIPT.read_bytes())
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-docs.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".venv" / "requirements.sha256").write_text(f"{hashlib.sha256().hexdigest()}\n", encoding="utf-8")
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    for name in ("bash", "dirname", "cat", "sha256sum", "cut"):
        (tmp_path / "bin" / name).symlink_to(present(shutil.which(name)))
    for name in {"node", "npm", "chromium", "firefox-esr", "WebKitWebDriver", "Xvfb"} - {absent}:
        (tmp_path / "bin" / name).symlink_to("/bin/true")
    ran = subprocess.run(
        ["bash", str(copy), "--only", "unit", "--nightly"],
        capture_output=True, text=True, check=False, env={"PATH": str(tmp_path / "bin"), "CI": "true"},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"error: the tests need {absent}: install it.\n")


def test_the_unit_tests_run_on_every_python_that_the_script_and_the_package_take() -> None:
    matrix = JOBS["unit"]["strategy"]["matrix"]["python"]
    pattern = re.search(r"=~ (\^\S+) \]\]", SCRIPT.read_text(encoding="utf-8"))
    assert pattern is not None
    taken = [minor for minor in range(8, 20) if re.match(pattern[1], f"3.{minor}.1")]
    assert matrix == [f"3.{minor}" for minor in taken] == ["3.11", "3.12", "3.13"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_read_only_and_pin_every_action_by_its_commit(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())
    used = re.findall(r"uses: (.+)", text)
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used), used
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["--only", "half"], {}, "error: --only is lint, unit or browser, not 'half'.\n"),
        (["--only"], {}, "error: --only is lint, unit or browser, not ''.\n"),
        (
            [],
            {"CRT_PYTHON": "/bin/true"},
            "error: CRT_PYTHON=/bin/true is not Python 3.11, 3.12 or 3.13: give the path of one.\n",
        ),
    ],
)
def test_the_script_refuses_wrong_words_before_it_makes_anything(
    words: list[str], environment: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "scripts").mkdir()
    copy = tmp_path / "scripts" / "test.sh"
    copy.write_bytes(SCRIPT.read_bytes())
    ran = subprocess.run(
        ["bash", str(copy), *words], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["scripts"]


def test_the_script_makes_its_environment_with_the_python_that_is_chosen(tmp_path: Path) -> None:
    """As far as the first step of the installation, which finds no requirements here."""
    (tmp_path / "scripts").mkdir()
    copy = tmp_path / "scripts" / "test.sh"
    copy.write_bytes(SCRIPT.read_bytes())
    chosen = {**os.environ, "CRT_PYTHON": sys.executable}
    ran = subprocess.run(["bash", str(copy)], capture_output=True, text=True, check=False, env=chosen)
    assert ran.returncode != 0 and "requirements.txt" in ran.stderr
    made = subprocess.run([tmp_path / ".venv/bin/python", "-V"], capture_output=True, text=True, check=True).stdout
    assert made.split()[1] == sys.version.split()[0]


HOOKS: dict[str, Any] = {
    hook["id"]: hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repository["hooks"]
}


def test_the_checks_before_a_commit_fetch_nothing() -> None:
    assert {"large-files", "merge-markers", "trailing-whitespace", "end-of-file", "ruff", "ruff-format"} < set(HOOKS)
    assert all(
        hook["language"] == "system" and hook["entry"].startswith((".venv/bin/", "npm run ")) for hook in HOOKS.values()
    )


def test_what_the_hooks_forbid_is_not_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    most = int(HOOKS["large-files"]["entry"].rpartition("=")[2]) * 1024
    for name in filter(None, listed.split("\0")):
        file = ROOT / name
        if not file.is_file():  # deleted and not yet committed
            continue
        assert file.stat().st_size <= most or re.search(HOOKS["large-files"]["exclude"], name), f"{name} is large"
        data = file.read_bytes()
        if b"\0" in data:
            continue
        assert b"\r\n" not in data, f"{name} has line ends of Windows"
        assert not data or (data.endswith(b"\n") and not data.endswith(b"\n\n")), (
            f"{name} ends in no newline, or several"
        )
        if not re.search(HOOKS["trailing-whitespace"]["exclude"], name):
            assert not re.search(rb"[ \t]\n", data), f"{name} has whitespace at the end of a line"
