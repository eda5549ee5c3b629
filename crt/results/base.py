"""What every section of results is made of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the rows. `marked`: columns whose largest number is worth marking."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Section:
    """One measurement: how it was made, its tables, and what they say in sentences."""

    title: str
    notes: tuple[str, ...] = ()
    command: str = ""
    tables: tuple[Table, ...] = ()
    sentences: tuple[str, ...] = ()
    order: int = field(default=0, compare=False)


def numbers(*values: float | None) -> tuple[str, ...]:
    """Percentages as text; a dash for what was not measured."""
    return tuple("–" if value is None else f"{value:.1f}" for value in values)
