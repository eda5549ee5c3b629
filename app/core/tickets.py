"""Claims of visitors to work of the networks: what it reports reaches each of them on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from app.core.visitors import Visitor, Wait
from crt.errors import CrtError

REPORT_S = 1.0
"""Seconds between two reports to a visitor who waits."""
LEFT = "Cancelled."


class VisitorLeft(CrtError):
    """The visitor no longer waits for the answer."""


@dataclass(eq=False)
class Work:
    """A function, and who waits for it.

    Attributes:
        function: called with `part`, which hands a value to all who wait.
        kind: what the expected seconds are measured for.
        units: how much of its kind it is.
        key: names the question; None for work of its own.
        tickets: of those who wait.
        parts: what it has reported.
        began: seconds of the clock.
        lent: seconds of other work in its pauses.
    """

    function: Callable[[Callable[[Any], None]], Any]
    kind: str
    units: float
    key: Hashable | None
    tickets: list[Ticket] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    began: float = 0.0
    lent: float = 0.0


class Ticket:
    """One visitor's claim to a piece of work.

    Args:
        work: the piece of work.
        visitor: who waits.
        place: where the ticket stands in the order; None if its work runs or has ended.
        leave: takes the tickets out of the order.
    """

    def __init__(
        self,
        work: Work,
        visitor: Visitor,
        place: Callable[[Ticket], Wait | None],
        leave: Callable[[Collection[Ticket]], None],
    ) -> None:
        self.work, self.visitor = work, visitor
        self._place, self._leave = place, leave
        self._news: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._result: tuple[str, Any] | None = None
        self._reported = False  # whether the visitor has been given a place

    def send(self, kind: str, value: Any = None) -> None:
        """Hand news of the work to the visitor, from any thread.

        Args:
            kind: `part`, `waits`, `returned` or `raised`; the last two end the work.
            value: the part, the result or the exception.
        """
        self._news.put((kind, value))

    def parts(self) -> Iterator[Any]:
        """What the work reports before it ends, from its beginning on, also to one who came later.

        Yields:
            The values given to the `part` of the work.

        Raises:
            VisitorLeft: the visitor has left.
            Exception: what the work has raised.
        """
        while self._result is None:
            try:
                kind, value = self._news.get(timeout=REPORT_S if self.visitor.waiting else None)
            except Empty:
                self._report()
                continue
            if kind == "part":
                if self._reported:
                    self._report()
                yield value
            elif kind == "waits":
                self._report()
            else:
                self._result = kind, value
        if self._result[0] == "raised":
            raise self._result[1]

    def result(self) -> Any:
        """Wait for the end of the work.

        Returns:
            What it returned.

        Raises:
            VisitorLeft: the visitor has left.
            Exception: what the work has raised.
        """
        for _ in self.parts():
            pass
        return self._result[1] if self._result else None

    def leave(self) -> None:
        """Wait no longer. Work that is awaited by no other visitor leaves the order, or ends at its next pause."""
        self._leave([self])

    def _report(self) -> None:
        place = self._place(self)
        if place is not None and not place.ahead:
            place = None
        if self.visitor.waiting is not None and (place is not None or self._reported):
            self.visitor.waiting(place)
            self._reported = place is not None
