"""What every section of results is made of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the rows. `highlight`: columns whose largest number is worth marking.
    `caption`: what the table shows, in sentences made from its numbers.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    highlight: tuple[int, ...] = ()
    caption: tuple[str, ...] = ()


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
    `x_labels`: the names of x = 0, 1, …, where those are no numbers of a scale.
    """

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    caption: str
    x_labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """One measurement: how it was made, its tables and charts, and sentences on them. `weights_sha256`: the
    hash over the weights of the checkpoint that was measured, empty where it was none of those that come with this
    program.
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


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def numbers(*values: float | None) -> tuple[str, ...]:
    """Percentages as text; a dash for what was not measured."""
    return tuple("–" if value is None else f"{value:.1f}" for value in values)
