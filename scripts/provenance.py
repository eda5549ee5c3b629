"""How a command was started, and which command starts it again, for the record of what it makes."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess  # nosec B404
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from crt import __version__
from crt.train.config import portable_root

ROOT = Path(__file__).resolve().parents[1]


def run_record(module: str, presets: Collection[str] = (), argv: Sequence[str] | None = None) -> dict[str, Any]:
    """`preset`, `command` and `commit` of a run of `python -m module`.

    The preset is the first word of the command line if that is one of `presets`, else None. The command has the names
    of folders instead of absolute paths. The commit is None outside a git checkout, and ends in `+changes` where
    files of it were changed. `argv`: the words after the module; those of this process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    preset = words[0] if words and words[0] in presets else None
    command = shlex.join(["python", "-m", module, *(_portable(word) for word in words)])
    return {"preset": preset, "command": command, "commit": _commit()}


def program() -> dict[str, str | None]:
    """`version` and `commit` of this program, for the record of a measurement; the commit as in `run_record`."""
    return {"version": __version__, "commit": _commit()}


def _portable(word: str) -> str:
    option, equals, value = word.partition("=")
    if option.startswith("--") and equals:
        return f"{option}={_portable(value)}"
    return portable_root(word) if Path(word).is_absolute() else word


def _commit() -> str | None:
    head, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return head and (f"{head}+changes" if changes else head)


def _git(*words: str) -> str | None:
    """What git answers in this repository, or None where there is no git or no repository of its own."""
    if not (ROOT / ".git").exists():
        return None
    try:
        answer = subprocess.run(  # nosec B607  # noqa: S603
            ["git", "-C", str(ROOT), *words],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def command_of(
    program: str, config: Any, *, usual: Any = None, always: Collection[str] = (), leave: Collection[str] = ()
) -> str:
    """The command of this config, without the folders of one machine.

    It has the fields that need a value, those `always` wanted, and those that differ from their default, or from those
    of `usual` where a preset has others; fields of fields too, called `view.size`. `program`: what stands before, with
    a preset or a subcommand. `leave`: fields that do not decide what is done, such as where the result goes.
    """
    return shlex.join([*program.split(), *_options(config, usual, always, leave)])


def _options(
    config: Any, usual: Any, always: Collection[str] = (), leave: Collection[str] = (), prefix: str = ""
) -> list[str]:
    words: list[str] = []
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), f"{prefix}{field.name}"
        default = _default(field) if usual is None else getattr(usual, field.name)
        if name in leave:
            continue
        if dataclasses.is_dataclass(value):
            words += _options(value, default, always, leave, f"{name}.")
        elif name in always or _default(field) is dataclasses.MISSING or value != default:
            option = name if value is not False else f"{prefix}no-{field.name}"
            words.append(f"--{option.replace('_', '-')}")
            if not isinstance(value, bool):
                words += map(_word, value if isinstance(value, tuple) else (value,))
    return words


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _word(value: Any) -> str:
    return value.resolve().name if isinstance(value, Path) else _portable(str(value))
