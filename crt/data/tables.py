"""Tables in text files, whatever separates their columns, with or without a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

SEPARATORS = ("\t", ";", ",", "|")
_BLANK = " "
_SNIFFED_ROWS = 200


def read_rows(text: str, fits: Callable[[Sequence[str]], bool]) -> list[tuple[int, list[str]]]:
    """Split a table into cells.

    Args:
        text: of the file. Excel's first line `sep=;` names the separator.
        fits: whether a row has the expected form; the separator by which most rows have it wins, among
            equals the one that gives more columns, and blanks where none of them does.

    Returns:
        (line number from 1, cells without blanks around them) of each row that is not empty.

    Raises:
        csv.Error: the table is damaged; also for a quote that is not closed: the rows behind it would vanish in one
        cell.
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
        try:
            rows = [row for _, row in _split(sample, separator, skipped, strict=False)]
        except csv.Error:  # the separator that wins raises it again
            return 0, 0
        return sum(len(row) > 1 and fits(row) for row in rows), sum(map(len, rows))

    best = max(SEPARATORS, key=score)
    if not score(best)[0] and score(_BLANK)[0]:
        best = _BLANK
    return _split(text, best, skipped)


def _split(text: str, separator: str, skipped: int, *, strict: bool = True) -> list[tuple[int, list[str]]]:
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=separator, skipinitialspace=True, strict=strict)
    rows = []
    for row in reader:
        cells = [cell.strip() for cell in row if separator != _BLANK or cell.strip()]
        if any(cells):
            rows.append((reader.line_num + skipped, cells))
    return rows
