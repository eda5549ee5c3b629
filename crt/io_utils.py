"""Files written whole or not at all, for everything that a kill or a full disk may interrupt. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; that file takes the place of `path` at the end of the block.

    The bytes are on disk before the name is changed. After an error in the block `path` is as it was, and the other
    file is gone. Raises OSError, for instance when the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
