"""One writer to an output folder: a lock that the system takes back when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crt.errors import CrtError

LOCK_FILE = ".lock"


class FolderInUse(CrtError):
    """Another process writes into the folder."""


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Hold a folder as long as the block runs. A lock file left by a process that is gone is free.

    Args:
        folder: made if need be.

    Yields:
        Nothing.

    Raises:
        FolderInUse: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a+", encoding="utf-8") as file:
        try:
            # Not flock, which workers that load images would inherit and hold for a while after a kill.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # either, by the system
            file.seek(0)
            holder = file.read(100).strip() or "another process"
            raise FolderInUse(
                f"{folder} is being written by {holder}: wait for its end, or choose another output folder."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield  # closing the file gives it back
