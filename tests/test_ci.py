"""What runs the checks: `scripts/test.sh`, and the workflow that calls it in parts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "test.sh"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
JOBS: dict[str, Any] = CI["jobs"]


def commands(job: str) -> str:
    return "\n".join(step.get("run", "") for step in JOBS[job]["steps"])


def test_every_part_of_the_checks_has_a_job() -> None:
    parts = re.findall(r"bash scripts/test\.sh --only (\w+)", "".join(map(commands, JOBS)))
    offered = re.search(r"^    all \| (.+)\) ;;$", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    assert offered is not None and list(dict.fromkeys(parts)) == offered[1].split(" | ")
    assert "--only unit --coverage" in commands("coverage")
    assert {"wheel", "docker", "nightly"} < set(JOBS)
    assert "--nightly" in commands("nightly")


def test_the_nightly_job_runs_at_night_and_on_demand_and_the_others_do_not_run_twice() -> None:
    events = CI[True]  # YAML 1.1 reads `on` as a truth value
    assert {"schedule", "workflow_dispatch", "push", "pull_request"} == set(events)
    for name, job in JOBS.items():
        runs_at_night = "event_name == 'schedule'" in job["if"]
        assert runs_at_night is (name == "nightly")


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
