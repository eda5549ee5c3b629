"""A lock that is given out in order of arrival."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """Mutual exclusion between threads, first come, first served.

    `threading.Lock` keeps no order: a thread that releases it and acquires it again at once usually gets it before
    those that wait. Here a release passes the lock to the thread that has waited longest, so every waiting thread is
    served after at most one turn of each thread that was there before. An exception inside `with` releases it.

    Not re-entrant: `acquire` raises RuntimeError in the thread that holds it, which would otherwise wait for itself.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()  # held for a few instructions only
        self._waiting: deque[_Turn] = deque()
        self._owner: int | None = None

    def acquire(self) -> None:
        """Wait until all threads that came before are done.

        Raises:
            RuntimeError: this thread holds the lock already.
        """
        me = threading.get_ident()
        with self._guard:
            if self._owner == me:
                raise RuntimeError("This thread already holds the lock: release it first.")
            if self._owner is None:
                self._owner = me
                return
            turn = _Turn(me)
            self._waiting.append(turn)
        try:
            turn.come.wait()
        except BaseException:  # interrupted: no thread may wait for one that is gone
            with self._guard:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._pass_on()
            raise

    def release(self) -> None:
        """Hand the lock to the thread that has waited longest.

        Raises:
            RuntimeError: this thread does not hold it.
        """
        with self._guard:
            if self._owner != threading.get_ident():
                raise RuntimeError("This thread does not hold the lock: acquire it first.")
            self._pass_on()

    def locked(self) -> bool:
        """Whether a thread holds it."""
        return self._owner is not None

    def held_here(self) -> bool:
        """Whether the calling thread holds it."""
        return self._owner == threading.get_ident()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _pass_on(self) -> None:
        """Give the lock to the next thread before this one can request it again; the guard is held."""
        if not self._waiting:
            self._owner = None
            return
        turn = self._waiting.popleft()
        self._owner = turn.thread
        turn.come.set()


class _Turn:
    """A thread that waits, and the event that is set when it holds the lock."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.come = threading.Event()
