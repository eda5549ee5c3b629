"""The lines of the visitors: whose turn it is, and that the order shown is the order taken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.visitor_lines import VisitorLines

ASKED = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9)), max_size=24)


def lines_of(asked: list[tuple[str, int]]) -> VisitorLines[int]:
    lines: VisitorLines[int] = VisitorLines()
    for session, work in asked:
        lines.add(session, work)
    return lines


def test_visitors_take_turns():
    lines = lines_of([("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("c", 6)])
    assert list(lines) == [1, 4, 5, 2, 6, 3]


@given(ASKED)
def test_the_order_shown_is_the_order_taken(asked: list[tuple[str, int]]):
    lines = lines_of(asked)
    shown, count = list(lines), len(lines)
    taken = []
    while (work := lines.take(lambda session, work: True)) is not None:
        taken.append(work)
    assert taken == shown
    assert sorted(shown) == sorted({work for _, work in asked})
    assert count == len(shown) and len(lines) == 0


def test_shared_work_stays_for_those_who_have_not_left():
    lines = lines_of([("a", 1), ("b", 1), ("b", 2)])
    lines.remove("a", 1)
    lines.remove("a", 1)
    assert list(lines) == [1, 2]
    lines.remove("b", 1)
    assert list(lines) == [2]


def test_a_visitor_who_may_not_is_passed_by_and_keeps_the_place():
    lines = lines_of([("a", 1), ("b", 2)])
    assert lines.take(lambda session, work: session != "a") == 2
    assert lines.take(lambda session, work: False) is None
    assert list(lines) == [1]
