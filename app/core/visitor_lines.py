"""Who is next: visitors in turns, what each asked for in the order of its arrival."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class VisitorLines(Generic[Item]):
    """One line of work per visitor. Work that several visitors wait for stands in the line of each.

    Not locked: the owner is.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[Item]] = OrderedDict()

    def __len__(self) -> int:
        return len({id(work) for line in self._lines.values() for work in line})

    def __iter__(self) -> Iterator[Item]:
        """Every piece of work, once, in the order in which it will be taken if nothing comes."""
        lines: list[list[Any]] = [list(line) for line in self._lines.values()]
        given: set[int] = set()
        while lines:
            for line in lines:
                while line and id(line[0]) in given:
                    line.pop(0)
                if line:
                    given.add(id(line[0]))
                    yield line.pop(0)
            lines = [line for line in lines if line]

    def add(self, session: str, work: Item) -> None:
        """Put work at the end of a visitor's line, unless it stands there.

        Args:
            session: Gradio's session hash.
            work: any object; the same one for all who wait for it.
        """
        line = self._lines.setdefault(session, deque())
        if work not in line:
            line.append(work)

    def remove(self, session: str, work: Item) -> None:
        """Take work out of a visitor's line, if it stands there.

        Args:
            session: Gradio's session hash.
            work: as it was added.
        """
        line = self._lines.get(session)
        if line is not None and work in line:
            line.remove(work)
            if not line:
                del self._lines[session]

    def take(self, allowed: Callable[[str, Item], bool]) -> Item | None:
        """Take the next work out of all lines; its visitor's turn comes again after everybody else's.

        Args:
            allowed: whether a visitor's next work may be taken now, by session and work.

        Returns:
            The work; None if there is none, or none is allowed.
        """
        for session, line in self._lines.items():
            if allowed(session, line[0]):
                work = line[0]
                self._lines.move_to_end(session)
                for other in list(self._lines):
                    self.remove(other, work)
                return work
        return None
