"""What every section of results is made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the rows. `highlight`: columns whose largest number is worth marking.
    `caption`: sentences on how to read the table. `title`: a heading above it. `folded`: the line that unfolds a long
    table on a page; empty for a table that is in sight.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    highlight: tuple[int, ...] = ()
    caption: tuple[str, ...] = ()
    title: str = ""
    folded: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a chart. `half_range`: half the range of each y over seeds, or nothing."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    half_range: tuple[float, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Lines over one x. `caption`: what they show, which is also the alternative text of the image.
    `x_labels`: the names of x = 0, 1, …, where those are no numbers of a scale. `joined`: whether the x follow each
    other, so that lines join the points. `beside`: the first head cell of the table that it stands beside.
    """

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    caption: str
    x_labels: tuple[str, ...] = ()
    joined: bool = True
    beside: str = ""


@dataclass(frozen=True)
class Section:
    """One measurement: its tables and charts, and short sentences above (`notes`) and below them (`sentences`); how it
    was made is the last table, of `setup_table`. `weights_sha256`: the hash over the weights of the checkpoint that was
    measured, empty where it was none of those that come with this program.
    `networks`: the hashes of the weights of each network in it, for a checkpoint that was measured whole and comes
    without some of them. `page`: the file in docs/ that it belongs to.
    """

    title: str
    notes: tuple[str, ...] = ()
    command: str = ""
    tables: tuple[Table, ...] = ()
    sentences: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    weights_sha256: str = ""
    networks: tuple[str, ...] = ()
    page: str = "results"
    order: int = field(default=0, compare=False)


SETUP_HEAD = ("set-up", "value")
NOT_RECORDED = "not recorded"


def setup_table(**facts: str | None) -> Table:
    """How a section was measured, by the names of the facts, whose underscores are spaces; None leaves one out."""
    rows = tuple((name.replace("_", " "), text) for name, text in facts.items() if text is not None)
    return Table(SETUP_HEAD, rows)


def with_facts(section: Section, *facts: tuple[str, str]) -> Section:
    """The section with more rows in the table of how it was measured."""
    known = [table for table in section.tables if table.head == SETUP_HEAD] or [Table(SETUP_HEAD, ())]
    others = tuple(table for table in section.tables if table.head != SETUP_HEAD)
    grown = replace(known[0], rows=(*known[0].rows, *facts))
    return replace(section, tables=(*others, grown))


MANY_ROWS = 10
"""Rows up to which a table of classes is in sight on a page."""


def folded(table: Table, summary: str) -> Table:
    """The table under a line that unfolds it, if it is long."""
    return replace(table, folded=summary) if len(table.rows) > MANY_ROWS else table


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def numbers(*values: float | None) -> tuple[str, ...]:
    """Percentages as text; a dash for what was not measured."""
    return tuple("–" if value is None else f"{value:.1f}" for value in values)
