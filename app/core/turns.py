"""The order in which visitors get the networks: one thread, one piece of work of each visitor after another.

A visitor who sends much waits behind those who send little. Long work pauses between its steps, and each pause lets
one shorter piece of work of another visitor in. Equal questions are one piece of work while it waits or runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import Any

from app.core.tickets import LEFT, Ticket, VisitorLeft, Work
from app.core.visitor_lines import VisitorLines
from app.core.visitors import Visitor, Wait, current_visitor
from crt.errors import CrtError

MOST_WAITING = 24
NEWEST_SHARE = 0.3
"""What the newest measurement counts in the expected seconds of a kind of work."""
FULL = "The queue is full: try again in a minute."


class QueueFull(CrtError):
    """As much work waits as may."""


class Turns:
    """Runs work on one thread in a fair order: visitors in turns, the work of each in the order of its arrival.

    Args:
        most: pieces of work that may wait; one more is refused.
        initializer: called once on the thread.
        between: makes the context around work that runs in a pause of other work.
        clock: seconds.
    """

    def __init__(
        self,
        most: int = MOST_WAITING,
        initializer: Callable[[], object] | None = None,
        between: Callable[[], AbstractContextManager[object]] = nullcontext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self._between, self._clock = between, clock
        self._pool = ThreadPoolExecutor(1, "runs", initializer=initializer)
        self._guard = threading.Lock()  # held for a few instructions only, never while anything else is called
        self._waiting: VisitorLines[Work] = VisitorLines()
        self._running: list[Work] = []  # the last one runs; those before it pause
        self._thread: int | None = None  # that runs them
        self._keys: dict[Hashable, Work] = {}
        self._unit_seconds: dict[str, float] = {}

    def submit(
        self,
        function: Callable[[Callable[[Any], None]], Any],
        *,
        visitor: Visitor | None = None,
        key: Hashable | None = None,
        answers: Callable[[Any], bool] | None = None,
        kind: str = "",
        units: float = 1.0,
    ) -> Ticket:
        """Put work into the order, or join work that waits or runs and answers the same question.

        Args:
            function: called on the thread of all work, in the context of this call, with `part`, which hands a value
                to all who wait.
            visitor: who waits; that of the context if None.
            key: names the question; equal keys are one piece of work. None for work of its own.
            answers: whether work of another key answers the question too.
            kind: what the expected seconds are measured for.
            units: how much of its kind the work is.

        Returns:
            The visitor's claim.

        Raises:
            QueueFull: too much work waits.
            RuntimeError: the call is made by work, which would wait for itself.
        """
        visitor, context = visitor or current_visitor(), copy_context()
        if threading.get_ident() == self._thread:
            raise RuntimeError("Work cannot wait for other work: call it directly.")
        with self._guard:
            if (work := self._answering(key, answers)) is not None:
                return self._joined(work, visitor)
            if not visitor.admitted and len(self._waiting) >= self.most + (not self._running):
                raise QueueFull(FULL)
            work = Work(lambda part: context.run(function, part), kind, units, key)
            if key is not None:
                self._keys[key] = work
            ticket = self._joined(work, visitor)
        self._pool.submit(self._next)
        return ticket

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function on the thread of all work, before there is any.

        Args:
            function: without arguments.

        Returns:
            What it returns.
        """
        return self._pool.submit(function).result()

    def pause(self) -> None:
        """Called by long work between two of its steps: lets one shorter piece of work of another visitor in.

        Does nothing in work that itself runs in a pause, or on another thread.

        Raises:
            VisitorLeft: no visitor waits for the work any more, so that it should end.
        """
        if threading.get_ident() != self._thread or not self._running:
            return
        with self._guard:
            current = self._running[-1]
            if not current.tickets:
                self._forget(current)
                raise VisitorLeft(LEFT)
            if len(self._running) > 1:
                return
            work = self._take(within=current)
        if work is not None:
            began = self._clock()
            with self._between():
                self._run(work)
            current.lent += self._clock() - began

    def leave(self, session: str) -> None:
        """A visitor has gone, or wants none of its answers any more.

        Args:
            session: Gradio's session hash.
        """
        with self._guard:
            known = (*self._waiting, *self._running)
            tickets = [ticket for work in known for ticket in work.tickets if ticket.visitor.session == session]
        self._leave(tickets)

    def place(self, ticket: Ticket) -> Wait | None:
        """Where a visitor stands.

        Args:
            ticket: its claim.

        Returns:
            The place; None if its work runs or has ended.
        """
        with self._guard:
            order = list(self._waiting)
            if ticket.work not in order:
                return None
            before = order[: order.index(ticket.work)]
            times = [self._expected(work) for work in (*before, ticket.work)]
            times += [self._remaining(work) for work in self._running]
            known = [seconds for seconds in times if seconds is not None]
            total = sum(known) if len(known) == len(times) else None
            return Wait(len(before) + len(self._running), total)

    def _answering(self, key: Hashable | None, answers: Callable[[Any], bool] | None) -> Work | None:
        """Work of this key, or of another one that answers the question; the guard is held."""
        if key is None or key in self._keys or answers is None:
            return self._keys.get(key)
        return next((work for other, work in self._keys.items() if answers(other)), None)

    def _joined(self, work: Work, visitor: Visitor) -> Ticket:
        """A further ticket for work; the guard is held."""
        ticket = Ticket(work, visitor, self.place, self._leave)
        for part in work.parts:
            ticket.send("part", part)
        work.tickets.append(ticket)
        if work not in self._running:
            self._waiting.add(visitor.session, work)
            ticket.send("waits")
        return ticket

    def _next(self) -> None:
        """Run what is next, if it has not run in a pause or been left."""
        self._thread = threading.get_ident()
        with self._guard:
            work = self._take()
        if work is not None:
            self._run(work)

    def _take(self, within: Work | None = None) -> Work | None:
        """The next work, now running; the guard is held. `within`: work that pauses for shorter work of others."""
        owners = {ticket.visitor.session for ticket in within.tickets} if within else set()
        work = self._waiting.take(
            lambda session, work: session not in owners and (within is None or self._fits(work, within))
        )
        if work is not None:
            work.began = self._clock()
            self._running.append(work)
        return work

    def _fits(self, work: Work, paused: Work) -> bool:
        """Whether work is expected to take no longer than the rest of work that pauses. Where this is not known, yes,
        unless both are of one kind and it has more units.
        """
        seconds, rest = self._expected(work), self._remaining(paused)
        if seconds is None or rest is None:
            return work.kind != paused.kind or work.units <= paused.units
        # Of work that takes longer than expected as much again is expected.
        return seconds <= (rest or self._elapsed(paused))

    def _run(self, work: Work) -> None:
        """Run work and hand what becomes of it to all who wait."""

        def part(value: Any) -> None:
            with self._guard:
                work.parts.append(value)
                tickets = list(work.tickets)
            for ticket in tickets:
                ticket.send("part", value)

        try:
            end = ("returned", work.function(part))
        except BaseException as error:  # noqa: BLE001 - it is raised where the visitor waits
            end = ("raised", error)
        with self._guard:
            self._running.remove(work)
            self._forget(work)
            tickets, work.tickets = work.tickets, []
            if end[0] == "returned" and work.units > 0:
                self._measured(work.kind, self._elapsed(work) / work.units)
        for ticket in tickets:
            ticket.send(*end)

    def _leave(self, tickets: Collection[Ticket]) -> None:
        with self._guard:
            for ticket in tickets:
                work = ticket.work
                if ticket not in work.tickets:
                    continue
                work.tickets.remove(ticket)
                session = ticket.visitor.session
                if any(other.visitor.session == session for other in work.tickets):
                    continue
                self._waiting.remove(session, work)
                if not work.tickets and work not in self._running:
                    self._forget(work)
        for ticket in tickets:
            ticket.send("raised", VisitorLeft(LEFT))

    def _forget(self, work: Work) -> None:
        """Keep later visitors from joining work; the guard is held."""
        if work.key is not None and self._keys.get(work.key) is work:
            del self._keys[work.key]

    def _measured(self, kind: str, seconds: float) -> None:
        before = self._unit_seconds.get(kind, seconds)
        self._unit_seconds[kind] = before + NEWEST_SHARE * (seconds - before)

    def _expected(self, work: Work) -> float | None:
        """Seconds of work; None before any of its kind has been measured."""
        seconds = self._unit_seconds.get(work.kind)
        return None if seconds is None else seconds * work.units

    def _remaining(self, work: Work) -> float | None:
        """Seconds until the end of work that runs or pauses."""
        expected = self._expected(work)
        return None if expected is None else max(0.0, expected - self._elapsed(work))

    def _elapsed(self, work: Work) -> float:
        """Seconds that work has run, without its pauses."""
        return self._clock() - work.began - work.lent
