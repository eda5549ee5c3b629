"""One line for a command line that cannot be read, by any parser.

The app and the commands share this. No option is known here.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import TypeVar

from crt.errors import InvalidSetting

WRONG_USAGE = 2
"""The exit code of a program whose command line cannot be read."""
_FRAME = "╭╮╰╯│ "
_BESIDE = ("Argument helptext", "For full helptext")

T = TypeVar("T")


class WrongUsage(InvalidSetting):
    """The words of a command line cannot be read."""


def parsed(parse: Callable[[], T]) -> T:
    """Read a command line; ends the process after `--help`.

    Args:
        parse: a call of tyro, which prints a frame of several lines and exits where it cannot read something.

    Returns:
        What it returns.

    Raises:
        WrongUsage: it cannot read something.
    """
    output, started_as = io.StringIO(), sys.argv[0]
    sys.argv[0] = program()  # what tyro calls the command
    try:
        with redirect_stderr(output):
            return parse()
    except SystemExit as end:
        if end.code != WRONG_USAGE:
            raise
    finally:
        sys.argv[0] = started_as
    raise WrongUsage(sentence(output.getvalue()))


def sentence(box: str) -> str:
    """Put tyro's message, a frame of several lines, into one line that names the list of options.

    Args:
        box: what it printed.

    Returns:
        One line without a full stop at its end.
    """
    parts: list[list[str]] = [[]]
    for line in box.splitlines()[1:]:  # the first is a title that the text repeats
        words = line.strip(_FRAME)
        if words.strip("─-"):
            parts[-1].append(words)
        elif words:
            parts.append([])
    kept = [" ".join(part).rstrip(".") for part in parts if part and not part[0].startswith(_BESIDE)]
    return ". ".join([*kept, f"All options: {program()} --help"])


def program() -> str:
    """How the running command is started."""
    module = getattr(sys.modules["__main__"].__spec__, "name", None)
    if module is not None:
        return f"python -m {module.removesuffix('.__main__')}"
    return f"python {sys.argv[0]}" if sys.argv[0].endswith(".py") else sys.argv[0]
