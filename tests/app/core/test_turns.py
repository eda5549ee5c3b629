"""The order in which visitors get the networks, with fake work on the real thread."""

import threading
from collections.abc import Callable

import pytest

from app.core.tickets import VisitorLeft
from app.core.turns import FULL, QueueFull, Turns
from app.core.visitors import Visitor, Wait, current_visitor, visiting
from tests.helpers.until import until

PATIENCE = 60


class Gate:
    """Work that begins, and ends when it may."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, part: Callable) -> str:
        self.began.set()
        assert self.may_end.wait(PATIENCE)
        return "gate"


def result_of(ticket):
    """The ticket's result, which must come in time."""
    found: list = []

    def wait() -> None:
        try:
            found.append(("returned", ticket.result()))
        except Exception as error:  # noqa: BLE001 - it is raised below
            found.append(("raised", error))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "no result in time"
    kind, value = found[0]
    if kind == "raised":
        raise value
    return value


class Held:
    """Turns whose thread is held by a first piece of work, so that all others wait."""

    def __init__(self, **options) -> None:
        self.turns, self.gate, self.done = Turns(**options), Gate(), []
        self.first = self.turns.submit(self.gate, visitor=Visitor("first"))
        assert self.gate.began.wait(PATIENCE)

    def submit(self, session: str, name: str = "", **options):
        def work(part: Callable) -> str:
            self.done.append(name or session)
            return name or session

        return self.turns.submit(work, visitor=Visitor(session), **options)

    def go(self, *tickets) -> list[str]:
        """What was done, in order, once these tickets have their results."""
        self.gate.may_end.set()
        for ticket in tickets:
            result_of(ticket)
        return self.done


@pytest.fixture
def held():
    one = Held()
    yield one
    one.gate.may_end.set()


def test_visitors_take_turns_and_the_work_of_each_keeps_its_order(held):
    tickets = [held.submit("many", f"many{number}") for number in range(4)]
    tickets += [held.submit("few", "few0"), held.submit("few", "few1"), held.submit("one")]
    order = [held.turns.place(ticket) for ticket in tickets]
    assert held.go(*tickets) == ["many0", "few0", "one", "many1", "few1", "many2", "many3"]
    assert [wait.ahead for wait in order if wait] == [1, 4, 6, 7, 2, 5, 3]  # and the one that runs is ahead of all


def test_a_result_and_an_error_reach_the_one_who_waits():
    turns = Turns()
    assert result_of(turns.submit(lambda part: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        result_of(turns.submit(lambda part: 1 / 0))
    assert result_of(turns.submit(lambda part: threading.current_thread().name)).startswith("runs")
    assert turns.call(threading.get_ident) == result_of(turns.submit(lambda part: threading.get_ident()))


def test_parts_come_before_the_end_and_in_order():
    turns, may_end = Turns(), threading.Event()

    def work(part: Callable) -> str:
        part(1)
        part(2)
        assert may_end.wait(PATIENCE)
        part(3)
        return "end"

    ticket = turns.submit(work)
    parts = ticket.parts()
    assert [next(parts), next(parts)] == [1, 2]
    may_end.set()
    assert list(parts) == [3] and ticket.result() == "end" and ticket.result() == "end"


def test_work_that_waits_for_other_work_gets_an_error_and_no_deadlock():
    turns = Turns()
    with pytest.raises(RuntimeError, match="cannot wait"):
        result_of(turns.submit(lambda part: turns.submit(lambda _: 1).result()))
    assert result_of(turns.submit(lambda part: 2)) == 2


# Equal questions


def test_equal_questions_are_one_piece_of_work(held):
    tickets = [held.submit(session, "answer", key="question") for session in "abc"]
    other = held.submit("a", "other", key="another question")
    assert held.go(*tickets, other) == ["answer", "other"]
    assert [result_of(ticket) for ticket in tickets] == ["answer"] * 3


def test_a_question_is_not_kept_when_it_has_been_answered(held):
    first = held.submit("a", "answer", key="question")
    held.go(first)
    second = held.submit("a", "answer", key="question")
    assert held.go(second) == ["answer", "answer"]


def test_one_who_joins_work_that_runs_gets_its_parts_from_the_beginning():
    turns, may_end = Turns(), threading.Event()

    def work(part: Callable) -> str:
        part("early")
        assert may_end.wait(PATIENCE)
        part("late")
        return "end"

    first = turns.submit(work, visitor=Visitor("a"), key=1)
    assert next(first.parts()) == "early"
    second = turns.submit(lambda part: pytest.fail("asked again"), visitor=Visitor("b"), key=1)
    may_end.set()
    assert list(second.parts()) == ["early", "late"] and result_of(second) == "end"


def test_an_error_is_given_to_all_who_wait_and_not_kept(held):
    def broken(part: Callable) -> None:
        raise MemoryError

    tickets = [held.turns.submit(broken, visitor=Visitor(session), key=1) for session in "ab"]
    held.gate.may_end.set()
    for ticket in tickets:
        with pytest.raises(MemoryError):
            result_of(ticket)
    assert result_of(held.submit("a", "well", key=1)) == "well"


def test_equal_work_is_taken_at_the_best_place_of_those_who_wait(held):
    before = [held.submit("busy", f"busy{number}") for number in range(2)]
    late = held.submit("busy", "shared", key=1)
    joined = held.submit("quick", "shared", key=1)
    assert held.go(*before, late, joined) == ["busy0", "shared", "busy1"]


# Leaving


def test_one_who_leaves_is_out_of_the_order_at_once(held):
    gone, kept = held.submit("gone"), held.submit("kept")
    place = held.turns.place(kept)
    assert place and place.ahead == 2
    held.turns.leave("gone")
    place = held.turns.place(kept)
    assert place and place.ahead == 1  # while the thread is still held
    with pytest.raises(VisitorLeft):
        result_of(gone)
    assert held.go(kept) == ["kept"]
    assert held.turns.place(gone) is None


def test_one_who_leaves_takes_nothing_from_another_who_asks_the_same(held):
    gone, kept = held.submit("gone", "answer", key=1), held.submit("kept", "answer", key=1)
    gone.leave()
    with pytest.raises(VisitorLeft):
        result_of(gone)
    assert held.go(kept) == ["answer"] and result_of(kept) == "answer"


def test_one_claim_of_a_visitor_does_not_end_another_to_the_same_work(held):
    gone, kept = held.submit("me", "answer", key=1), held.submit("me", "answer", key=1)
    gone.leave()
    assert held.go(kept) == ["answer"]


def test_a_question_that_was_left_is_asked_anew(held):
    held.submit("a", "left", key=1).leave()
    assert held.go(held.submit("b", "asked", key=1)) == ["asked"]


def test_work_that_nobody_awaits_ends_at_its_next_pause():
    turns, began, go_on, ended = Turns(), threading.Event(), threading.Event(), []

    def work(part: Callable) -> None:
        began.set()
        assert go_on.wait(PATIENCE)
        try:
            turns.pause()
        except VisitorLeft:
            ended.append(True)
            raise

    ticket = turns.submit(work, visitor=Visitor("a"), key=1)
    assert began.wait(PATIENCE)
    turns.leave("a")
    with pytest.raises(VisitorLeft):
        result_of(ticket)
    go_on.set()
    assert result_of(turns.submit(lambda part: "anew", visitor=Visitor("b"), key=2)) == "anew"
    assert ended == [True]


def test_work_goes_on_for_one_who_joined_before_the_first_left():
    turns, began, go_on = Turns(), threading.Event(), threading.Event()

    def work(part: Callable) -> str:
        began.set()
        assert go_on.wait(PATIENCE)
        turns.pause()
        return "end"

    first = turns.submit(work, visitor=Visitor("a"), key=1)
    assert began.wait(PATIENCE)
    second = turns.submit(work, visitor=Visitor("b"), key=1)
    first.leave()
    go_on.set()
    assert result_of(second) == "end"


def test_leaving_twice_or_after_the_end_is_no_error():
    turns = Turns()
    ticket = turns.submit(lambda part: 1)
    assert result_of(ticket) == 1
    ticket.leave()
    ticket.leave()
    turns.leave("unknown")
    assert ticket.result() == 1


# Pauses


def steps_of(turns: Turns, done: list[str], name: str, count: int, ready: threading.Event) -> Callable:
    def work(part: Callable) -> str:
        part("began")
        assert ready.wait(PATIENCE)
        for step in range(count):
            done.append(f"{name}{step}")
            turns.pause()
        return name

    return work


def test_long_work_lets_one_piece_of_work_of_another_in_at_each_pause():
    turns, done, ready = Turns(), [], threading.Event()
    long = turns.submit(steps_of(turns, done, "long", 3, ready), visitor=Visitor("a"), kind="long")
    assert next(long.parts()) == "began"
    short = [
        turns.submit(lambda part, name=name: done.append(name), visitor=Visitor(session))
        for session, name in (("b", "b0"), ("b", "b1"), ("a", "mine"), ("c", "c0"))
    ]
    ready.set()
    result_of(long)
    for ticket in short:
        result_of(ticket)
    assert done == ["long0", "b0", "long1", "c0", "long2", "b1", "mine"]  # one's own work waits for the long one


def test_work_in_a_pause_does_not_pause_itself():
    turns, done, ready = Turns(), [], threading.Event()
    long = turns.submit(steps_of(turns, done, "long", 2, ready), visitor=Visitor("a"), kind="long")
    assert next(long.parts()) == "began"
    inner = turns.submit(steps_of(turns, done, "inner", 2, ready), visitor=Visitor("b"))
    last = turns.submit(lambda part: done.append("last"), visitor=Visitor("c"))
    ready.set()
    for ticket in (long, inner, last):
        result_of(ticket)
    assert done == ["long0", "inner0", "inner1", "long1", "last"]


def test_work_in_a_pause_has_its_own_context_and_an_error_there_stays_there():
    entered: list[str] = []

    class Between:
        def __enter__(self):
            entered.append("in")

        def __exit__(self, *_):
            entered.append("out")

    turns, done, ready = Turns(between=Between), [], threading.Event()
    long = turns.submit(steps_of(turns, done, "long", 1, ready), visitor=Visitor("a"), kind="long")
    assert next(long.parts()) == "began"
    broken = turns.submit(lambda part: 1 / 0, visitor=Visitor("b"))
    ready.set()
    assert result_of(long) == "long"
    with pytest.raises(ZeroDivisionError):
        result_of(broken)
    assert entered == ["in", "out"]


def test_longer_work_does_not_go_between_the_steps_of_shorter_work():
    now = [0.0]
    turns, done, ready = Turns(clock=lambda: now[0]), [], threading.Event()

    def lasting(seconds: float, name: str) -> Callable:
        def work(part: Callable) -> None:
            done.append(name)
            now[0] += seconds

        return work

    for kind, seconds in (("long", 10.0), ("short", 1.0)):
        result_of(turns.submit(lasting(seconds, kind), kind=kind))

    def paused(part: Callable) -> None:
        part("began")
        assert ready.wait(PATIENCE)
        now[0] += 2.0
        turns.pause()
        now[0] += 8.0

    running = turns.submit(paused, visitor=Visitor("a"), kind="long")
    assert next(running.parts()) == "began"
    later = turns.submit(lasting(10.0, "later"), visitor=Visitor("b"), kind="long")
    soon = turns.submit(lasting(1.0, "soon"), visitor=Visitor("c"), kind="short")
    assert turns.place(soon) == Wait(2, 10.0 + 10.0 + 1.0)
    ready.set()
    for ticket in (running, later, soon):
        result_of(ticket)
    assert done == ["long", "short", "soon", "later"]
    result_of(turns.submit(lasting(0.0, ""), kind="long"))
    assert turns._unit_seconds["long"] == pytest.approx(7.0)  # 10, 10 without the pause, 10, and 30 % of 0


def test_before_any_measurement_work_of_one_kind_is_compared_by_its_units():
    turns, done, ready = Turns(), [], threading.Event()
    running = turns.submit(steps_of(turns, done, "run", 2, ready), visitor=Visitor("a"), kind="run", units=2)
    assert next(running.parts()) == "began"
    larger = turns.submit(lambda part: done.append("larger"), visitor=Visitor("b"), kind="run", units=3)
    smaller = turns.submit(lambda part: done.append("smaller"), visitor=Visitor("c"), kind="run", units=1)
    ready.set()
    for ticket in (running, larger, smaller):
        result_of(ticket)
    assert done == ["run0", "smaller", "run1", "larger"]


def test_a_pause_outside_work_does_nothing():
    turns = Turns()
    turns.pause()
    assert turns.call(turns.pause) is None
    assert result_of(turns.submit(lambda part: 1)) == 1
    assert turns.call(turns.pause) is None


# Place, seconds and refusals


def test_one_who_waits_learns_the_place_until_the_work_runs(monkeypatch):
    monkeypatch.setattr("app.core.tickets.REPORT_S", 0.01)
    held, heard = Held(), []
    before = held.submit("a")
    go_on = threading.Event()

    def work(part: Callable) -> str:
        part("begun")
        assert go_on.wait(PATIENCE)
        return "end"

    ticket = held.turns.submit(work, visitor=Visitor("b", heard.append))
    assert held.turns.place(held.first) is None
    waiting = threading.Thread(target=result_of, args=(ticket,))
    waiting.start()
    until(lambda: len(heard) > 2)
    held.turns.leave("a")
    until(lambda: heard[-1].ahead == 1)
    held.gate.may_end.set()
    until(lambda: heard[-1] is None)
    go_on.set()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    assert heard.pop() is None and heard[0].ahead == 2 and {wait.ahead for wait in heard} == {2, 1}
    with pytest.raises(VisitorLeft):
        result_of(before)


def test_seconds_are_those_measured_of_a_kind_for_each_unit():
    now = [0.0]

    def lasting(part: Callable) -> None:
        now[0] += 6.0

    turns = Turns(clock=lambda: now[0])
    result_of(turns.submit(lasting, kind="run", units=3))
    gate = Gate()
    running = turns.submit(gate, visitor=Visitor("a"), kind="run", units=2)
    assert gate.began.wait(PATIENCE)
    now[0] += 1.0
    waiting = turns.submit(lasting, visitor=Visitor("b"), kind="run", units=5)
    unknown = turns.submit(lasting, visitor=Visitor("c"), kind="other")
    assert turns.place(waiting) == Wait(1, 3.0 + 10.0)
    assert turns.place(unknown) == Wait(2, None)
    now[0] += 60.0  # longer than expected
    assert turns.place(waiting) == Wait(1, 10.0)
    gate.may_end.set()
    for ticket in (running, waiting, unknown):
        result_of(ticket)


def test_a_full_queue_refuses_one_more_but_no_step_of_work_that_has_begun():
    held = Held(most=1)
    waiting = held.submit("a")
    with pytest.raises(QueueFull, match="queue is full"):
        held.submit("b")
    assert "queue is full" in FULL.lower()
    step = held.turns.submit(lambda part: "step", visitor=Visitor("c", admitted=True))
    held.go(waiting, step)
    assert result_of(held.submit("b")) == "b"


def test_work_has_the_context_of_its_visitor():
    turns = Turns()
    with visiting("me"):
        assert result_of(turns.submit(lambda part: current_visitor().session)) == "me"
    assert result_of(turns.submit(lambda part: current_visitor().session)) == ""


def test_many_visitors_who_come_join_and_leave_all_get_an_end():
    """Whatever the threads do, no one waits for ever, and nothing is left over."""
    turns, ended = Turns(most=10_000), []

    def work(part: Callable) -> int:
        part(0)
        turns.pause()
        return 1

    def visit(number: int) -> None:
        for turn in range(20):
            visitor = Visitor(f"session{number % 5}")
            ticket = turns.submit(work, visitor=visitor, key=(number + turn) % 3 or None)
            if (number + turn) % 4 == 0:
                turns.leave(visitor.session)
            try:
                ended.append(ticket.result())
            except VisitorLeft:
                ended.append(None)

    threads = [threading.Thread(target=visit, args=(number,), daemon=True) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert len(ended) == 160
    assert result_of(turns.submit(lambda part: "last")) == "last"
    assert not len(turns._waiting) and not turns._running and not turns._keys
