"""How the process takes memory from the system."""

from __future__ import annotations

import ctypes
import os

M_ARENA_MAX = -8  # glibc's malloc.h
ARENAS = 2


def limit_arenas() -> bool:
    """Keep glibc to two memory pools for all threads -> whether it did; call it before threads start.

    By default every thread may get a pool of its own, up to eight per core, and what a thread has freed stays in its
    pool. The server's threads come and go, so that each figure may fill another pool. Does nothing where
    `MALLOC_ARENA_MAX` is set in the environment, or with another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is None or "MALLOC_ARENA_MAX" in os.environ:
        return False
    return mallopt(M_ARENA_MAX, ARENAS) == 1
