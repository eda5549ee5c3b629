"""Tables in text files, whatever separates their columns, with or without a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

SEPARATORS = ("\t", ";", ",", "|")
_SNIFFED_ROWS = 200


def read_rows(text: str, fits: Callable[[Sequence[str]], bool]) -> list[tuple[int, list[str]]]:
    """A table -> (line number from 1, cells without blanks around them) of each row that is not empty.

    fits: whether a row looks as it should when split rightly; the separator by which most rows do wins, among equals
        the one that gives more columns. Excel's first line `sep=;` names it. Raises csv.Error.
    """
    lines = text.splitlines(keepends=True)
    skipped = 0
    if lines and lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) <= 5:
        named = lines[0].strip()[4:] or "\t"
        return _split("".join(lines[1:]), named, 1)
    if lines and lines[0].strip().lower() == "sep=\\t":
        return _split("".join(lines[1:]), "\t", 1)
    sample = "".join(lines[:_SNIFFED_ROWS])

    def score(separator: str) -> tuple[int, int]:
        rows = [row for _, row in _split(sample, separator, skipped)]
        return sum(len(row) > 1 and fits(row) for row in rows), sum(map(len, rows))

    best = max(SEPARATORS, key=score)
    return _split(text, best, skipped)


def _split(text: str, separator: str, skipped: int) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells):
            rows.append((reader.line_num + skipped, cells))
    return rows
