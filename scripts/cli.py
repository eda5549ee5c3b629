"""How every command reads its options and ends.

Exit codes: 0 done, 1 failed, 2 wrong usage (an option that is not there, or a value outside its range). What went wrong
is one line on stderr that begins with `error: `.
"""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import TypeVar

from crt.errors import CrtError, InvalidSetting, reason_of

DONE, FAILED, WRONG_USAGE = 0, 1, 2
FAULTS_OF_THE_DISK = (errno.EACCES, errno.EDQUOT, errno.EISDIR, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS)
"""What a user can put right; other errors of the system keep their traceback."""
_FRAME = "╭╮╰╯│ "
_BESIDE = ("Argument helptext", "For full helptext")

T = TypeVar("T")


class WrongUsage(InvalidSetting):
    """The words of a command line cannot be read."""


def parsed(parse: Callable[[], T]) -> T:
    """What `parse`, a call of tyro, returns. Raises WrongUsage; ends the process after `--help`."""
    told, started_as = io.StringIO(), sys.argv[0]
    sys.argv[0] = program()  # what tyro calls the command
    try:
        with redirect_stderr(told):
            return parse()
    except SystemExit as end:
        if end.code != WRONG_USAGE:
            raise
    finally:
        sys.argv[0] = started_as
    raise WrongUsage(sentence(told.getvalue()))


def sentence(box: str) -> str:
    """What tyro says in a frame of several lines, as one line that says where the options are listed."""
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
    return sys.argv[0] if module is None else f"python -m {module.removesuffix('.__main__')}"


def run_cli(parse: Callable[[], T], act: Callable[[T], object]) -> int:
    """Read the options by `parse`, a call of tyro, and do what the command does with them -> the exit code.

    An integer that `act` returns is the code. Raises what is no fault of the user.
    """
    try:
        code = act(parsed(parse))
    except CrtError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE if isinstance(error, InvalidSetting) else FAILED
    except OSError as error:
        if error.errno not in FAULTS_OF_THE_DISK or error.filename is None:
            raise
        print(f"error: {error.filename} cannot be used ({reason_of(error)}): choose another place.", file=sys.stderr)
        return FAILED
    return code if isinstance(code, int) else DONE
