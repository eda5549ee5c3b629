"""The lock is given out in order of arrival, and never lost."""

import threading

import pytest

from crt import fair_lock
from crt.fair_lock import FairLock
from tests.helpers.until import until

PATIENCE = 300


def joined(threads) -> None:
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_threads_are_served_in_the_order_of_their_arrival():
    lock, served, threads = FairLock(), [], []

    def ask(number):
        with lock:
            served.append(number)

    with lock:
        for number in range(20):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            until(lambda: len(lock._waiting) == len(threads))
    joined(threads)
    assert served == list(range(20))
    assert not lock.locked()


def test_a_loop_of_short_turns_lets_a_waiting_thread_in_after_one_turn():
    """With a plain lock the loop takes it again before the other thread has woken up."""
    lock, turns, came = FairLock(), [], threading.Event()

    def ask():
        came.set()
        with lock:
            turns.append("other")

    other = threading.Thread(target=ask)
    for turn in range(200):
        with lock:
            turns.append(turn)
            if turn == 2:
                other.start()
                assert came.wait(PATIENCE)
                until(lambda: lock._waiting)
    joined([other])
    assert turns.index("other") == 3


def test_only_one_thread_at_a_time():
    lock, inside, most = FairLock(), [], []

    def work():
        for _ in range(200):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    joined(threads)
    assert len(most) == 1600 and max(most) == 1


def test_an_exception_releases_it():
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    assert not lock.locked()
    with lock:
        assert lock.locked()


def test_the_holder_that_acquires_again_gets_an_error_and_no_deadlock():
    lock = FairLock()
    with lock:
        with pytest.raises(RuntimeError, match="already holds"):
            lock.acquire()
        assert lock.locked()
    assert not lock.locked()


def test_no_thread_releases_what_another_holds():
    lock = FairLock()
    with pytest.raises(RuntimeError, match="does not hold"):
        lock.release()
    errors = []

    def release():
        try:
            lock.release()
        except RuntimeError as error:
            errors.append(error)

    with lock:
        thread = threading.Thread(target=release)
        thread.start()
        joined([thread])
        assert len(errors) == 1 and lock.locked()


def test_whether_the_calling_thread_holds_the_lock():
    lock, seen = FairLock(), []
    assert not lock.held_here()
    with lock:
        thread = threading.Thread(target=lambda: seen.append(lock.held_here()))
        thread.start()
        joined([thread])
        assert lock.held_here() and seen == [False]
    assert not lock.held_here()


class Interrupted(BaseException):
    """As KeyboardInterrupt, raised where a thread waits."""


@pytest.mark.parametrize("handed", [False, True])
def test_a_thread_interrupted_while_it_waits_leaves_the_line(monkeypatch, handed):
    """Also if the lock was handed to it at that very moment."""
    lock, served, errors, entered, go = FairLock(), [], [], threading.Event(), threading.Event()

    class Broken(threading.Event):
        def wait(self, timeout=None):
            entered.set()
            assert go.wait(PATIENCE)
            if handed:
                super().wait(PATIENCE)
            raise Interrupted

    class BrokenTurn(fair_lock._Turn):
        def __init__(self, thread):
            super().__init__(thread)
            self.come = Broken()

    def first():
        try:
            lock.acquire()
        except Interrupted as error:
            errors.append(error)

    def second():
        with lock:
            served.append(True)

    monkeypatch.setattr(fair_lock, "_Turn", BrokenTurn)
    lock.acquire()
    one = threading.Thread(target=first)
    one.start()
    assert entered.wait(PATIENCE)
    monkeypatch.undo()
    two = threading.Thread(target=second)
    two.start()
    until(lambda: len(lock._waiting) == 2)
    go.set()
    if not handed:
        until(lambda: errors)
    lock.release()
    joined([one, two])
    assert len(errors) == 1 and served == [True] and not lock.locked()
