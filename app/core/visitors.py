"""Who waits for the networks, and where in their order: `app.core.turns`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from crt.errors import count_of


@dataclass(frozen=True)
class Wait:
    """Where a visitor stands.

    Attributes:
        ahead: pieces of work of others that are under way or come before.
        seconds: expected until the answer; None as long as no work has been measured.
    """

    ahead: int
    seconds: float | None


def sentence_of(wait: Wait | None) -> str:
    """Place and seconds, for the user.

    Args:
        wait: where a visitor stands; None for one who does not wait.

    Returns:
        A sentence; empty for None.
    """
    if wait is None:
        return ""
    place = f"Waiting for {count_of(wait.ahead, 'other request')}"
    return f"{place}." if wait.seconds is None else f"{place}, about {max(1, round(wait.seconds))} s."


@dataclass(frozen=True)
class Visitor:
    """Who waits for the work that is submitted.

    Attributes:
        session: Gradio's session hash.
        waiting: called about once in `REPORT_S` on the visitor's own thread while the work waits behind others, and
            with None when it no longer does.
        admitted: whether the work is a step of longer work that has begun, which no full queue refuses.
    """

    session: str = ""
    waiting: Callable[[Wait | None], object] | None = None
    admitted: bool = False


_visitor: ContextVar[Visitor | None] = ContextVar("visitor", default=None)


@contextmanager
def visiting(
    session: str, waiting: Callable[[Wait | None], object] | None = None, *, admitted: bool = False
) -> Iterator[None]:
    """A context in which work is that of a visitor; not for a block with a `yield` in it.

    Args:
        session: Gradio's session hash.
        waiting: as `Visitor` has it.
        admitted: as `Visitor` has it.

    Yields:
        Nothing.
    """
    token = _visitor.set(Visitor(session, waiting, admitted))
    try:
        yield
    finally:
        _visitor.reset(token)


def current_visitor() -> Visitor:
    """The visitor of the context; one without a session outside `visiting`."""
    return _visitor.get() or Visitor()
