"""How commands end: 0 done, 1 failed, 2 wrong usage, and one line on stderr that begins with `error: `."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

import pytest
import tyro

from crt.errors import InvalidCheckpoint, InvalidDataset, InvalidImage, InvalidSetting
from crt.train.lock import FolderInUse
from scripts.__main__ import commands
from scripts.cli import run_cli
from tests.helpers.in_process import run_command

COMMANDS = [f"scripts.{name}" for name in commands()]


@dataclass(frozen=True)
class Options:
    """A command for these tests."""

    size: int = 3

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InvalidSetting(f"The size is {self.size}: give at least 1.")


def is_one_error(text: str) -> bool:
    return text.startswith("error: ") and text.count("\n") == 1 and text.endswith("\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_wrong_usage_of_every_command(command: str) -> None:
    done = run_command(command, "--no-such-option", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_error(done.stderr) and done.stderr.endswith(
        f" All options: python -m {command.removesuffix('.__main__')} --help\n"
    )


@pytest.mark.parametrize(
    "command",
    ["evaluate seeds", "evaluate pointing", "evaluate wsol", "tune_localization", "make_cams", "predict_masks"],
)
def test_the_precision_of_trainings_alone_is_no_choice_elsewhere(command: str) -> None:
    name, *words = command.split()
    done = run_command(f"scripts.{name}", *words, "--precision", "fp16")
    assert done.returncode == 2 and "fp16" in done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--size", "large"], "--size"),
        (["--size", "0"], "The size is 0: give at least 1. All options:"),
        (["--sizes", "4"], "Unrecognized options: --sizes, 4. Perhaps you meant: --size INT"),
        (["--size"], "--size"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(words: list[str], expected: str, capsys) -> None:
    assert run_cli(lambda: tyro.cli(Options, args=words), lambda options: pytest.fail("it ran")) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and is_one_error(printed.err) and expected in printed.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSetting("Give 3."), 2),
        (InvalidCheckpoint("Give 3."), 1),
        (InvalidDataset("Give 3."), 1),
        (InvalidImage("Give 3."), 1),
        (FolderInUse("Give 3."), 1),
    ],
)
def test_errors_of_the_user_have_a_code(error: Exception, code: int, capsys) -> None:
    def act(options: Options) -> None:
        raise error

    assert run_cli(lambda: tyro.cli(Options, args=[]), act) == code
    assert capsys.readouterr().err == "error: Give 3.\n"


@pytest.mark.parametrize(("returned", "code"), [(None, 0), ({"size": 3}, 0), (0, 0), (1, 1)])
def test_a_command_ends_with_its_exit_code(returned: object, code: int) -> None:
    assert run_cli(lambda: tyro.cli(Options, args=[]), lambda options: returned) == code


def test_a_disk_that_refuses_is_no_traceback(capsys) -> None:
    def act(options: Options) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "maps.npz")

    assert run_cli(lambda: tyro.cli(Options, args=[]), act) == 1
    expected = "error: maps.npz cannot be used (No space left on device): choose another place.\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("name", ["README.md", "README.md/more/x.json", "full", "x" * 300])
def test_a_place_that_cannot_be_used_is_no_traceback(name: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "README.md").touch()
    (tmp_path / "full" / "inner").mkdir(parents=True)
    (tmp_path / "new").mkdir()

    def act(options: Options) -> None:
        (tmp_path / "new").replace(tmp_path / name) if name == "full" else (tmp_path / name).mkdir(parents=True)

    assert run_cli(lambda: tyro.cli(Options, args=[]), act) == 1
    assert is_one_error(printed := capsys.readouterr().err) and "choose another place" in printed


@pytest.mark.parametrize("error", [ValueError("unexpected"), FileNotFoundError(errno.ENOENT, "no", "x"), OSError("no")])
def test_other_errors_keep_their_traceback(error: Exception) -> None:
    def act(options: Options) -> None:
        raise error

    with pytest.raises(type(error)):
        run_cli(lambda: tyro.cli(Options, args=[]), act)


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "none.jpg", "--checkpoint"],
        ["evaluate", "seeds", "--root", "none", "--checkpoint"],
        ["make_cams", "--root", "none", "--out", "new", "--checkpoint"],
        ["pack_checkpoint", "--out", "new", "--name", "x", "--runs"],
    ],
)
def test_what_is_not_there_is_a_failure(words: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    command, *arguments = words
    done = run_command(f"scripts.{command}", *arguments, "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert is_one_error(done.stderr) and "nowhere" in done.stderr and list(tmp_path.iterdir()) == []
