"""How every command reads its options and ends.

Exit codes: 0 done, 1 failed, 2 wrong usage (an option that is not there, or a value outside its range). What went wrong
is one line on stderr that begins with `error: `.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import TypeVar

from crt.errors import CrtError, InvalidSetting, reason_of
from crt.usage import WRONG_USAGE, parsed

DONE, FAILED = 0, 1
FAULTS_OF_THE_DISK = (
    errno.EACCES,
    errno.EDQUOT,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.ENOTEMPTY,
    errno.EPERM,
    errno.EROFS,
)
"""What a user can put right; other errors of the system keep their traceback."""

T = TypeVar("T")


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
