"""Commands where pydensecrf2 is not installed: those that need the dense CRF say so before they begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.in_process import run_command

MISSING = "error: The dense CRF is not installed: install pydensecrf2, or go on without it.\n"
FOLDERS = ("--root", "none", "--out", "new")


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crt.pseudo_labels.crf.DenseCRF2D", None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ("make_irn_labels", *FOLDERS, "--seeds", "seeds"),
        ("make_pseudo_masks", *FOLDERS, "--seeds", "seeds", "--threshold", "0.15", "--crf"),
        ("predict_masks", *FOLDERS, "--checkpoint", "none"),
        ("run_pipeline", "two-cores", *FOLDERS),
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_needs_it_is_refused_before_it_begins(words: tuple[str, ...], tmp_path: Path) -> None:
    command, *arguments = words
    done = run_command(f"scripts.{command}", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", MISSING)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("make_pseudo_masks", *FOLDERS, "--seeds", "seeds", "--threshold", "0.15"),
        ("predict_masks", *FOLDERS, "--checkpoint", "none", "--no-crf"),
        ("run_pipeline", "two-cores", *FOLDERS, "--last", "seeds"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_goes_without_it_goes_on(words: tuple[str, ...]) -> None:
    """As far as to what is not there."""
    command, *arguments = words
    done = run_command(f"scripts.{command}", *arguments)
    assert done.returncode == 1 and "none" in done.stderr and "CRF" not in done.stderr
