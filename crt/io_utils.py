"""Files written whole or not at all, for everything that a kill or a full disk may interrupt. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A context with a path beside `path` to write to; that file takes the place of `path` at the end of the block.

    The bytes are on disk before the name is changed. After an error in the block `path` is as it was, and the other
    file is gone.

    Args:
        path: the file that is made or replaced.

    Yields:
        The path to write to, in the same folder and with another name.

    Raises:
        OSError: for instance when the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, whole or not at all.

    Args:
        path: the file, which is replaced if it is there.
        text: all that it will hold.

    Raises:
        OSError: for instance when the disk is full; `path` is as it was then.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
