"""Image labels in a table: an image per row, a row per image and label, or a column of 0 and 1 per class."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from crt.data.files import EXTENSIONS, FOREIGN_EXTENSIONS, slashes
from crt.data.labels_json import IMAGE_NAMES, LABEL_NAMES, LabelRow
from crt.data.tables import read_rows
from crt.data.text import clean, folded
from crt.errors import InvalidDataset

SPLIT_NAMES = ("split", "subset", "set", "fold", "partition")
_YES, _NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "-1", "-1.0", "false", "no", "")
_SEPARATED = re.compile(r"[;|,\r\n]")
_WITHIN = re.compile(r"[\s/+&]+")  # between labels, or inside the name of one
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?$")
_ROW_NUMBERS = ("", "index", "unnamed: 0", "no", "no.", "nr", "#")
_ONE_LABEL = ("label", "class", "class_name", "classname", "category", "tag", "target", "label_name", "class_label")


def rows_of_table(
    text: str, file: Path, find: Callable[[str], Path | None], splits: Sequence[str], classes: Sequence[str]
) -> tuple[list[LabelRow], tuple[str, ...], list[tuple[str, str]]]:
    """Read the rows of a table.

    Args:
        text: of the file.
        file: its path, for messages.
        find: from a name to the image's file, or None.
        splits: rows of these splits only, where there is such a column.
        classes: names that are requested.

    Returns:
        The rows, the classes in the order of their columns, () where they have none, and what is left out.

    Raises:
        InvalidDataset: the table cannot be read.
    """

    def is_named(cell: str) -> bool:
        return Path(slashes(cell)).suffix.lower() in EXTENSIONS | FOREIGN_EXTENSIONS

    def is_image(cell: str) -> bool:
        try:
            return is_named(cell) or find(cell) is not None
        except InvalidDataset:
            return True

    rows = read_rows(text, lambda row: any(map(is_image, row)))
    if not rows:
        raise InvalidDataset(f"{file} is empty: give an image and its labels in each row.")
    first = rows[0][1]
    head = [cell.lower() for cell in first]
    known = any(cell in (*IMAGE_NAMES, *LABEL_NAMES) for cell in head)
    has_header = not any(map(is_named if known else is_image, first))
    body = rows[1:] if has_header else rows
    width = max(len(row) for _, row in rows)
    if not body or width < 2:
        raise InvalidDataset(f"{file} has no row with an image and a label: separate them by commas or semicolons.")
    body = [(number, row + [""] * (width - len(row))) for number, row in body]
    at = _image_column(head if has_header else [], body, is_image)
    if at is None:
        raise InvalidDataset(f"{file} has no column with images that are there: call it `image`, or check the paths.")
    others = [column for column in range(width) if column != at]
    if has_header:
        body, left_out = _of_splits(head, body, splits, file)
        named = [head.index(name) for name in LABEL_NAMES if name in head and head.index(name) != at]
        if named:
            # Of class numbers and class names beside each other the names.
            columns = [column for column in named if not _all_match(_NUMBER, body, column)][:1] or named[:1]
            named = columns
            if named[0] == len(head) - 1:
                columns += range(len(head), width)  # rows that are longer than the header go on with labels
            unread = [name for column, name in enumerate(first) if column not in (at, *columns) and name]
            left_out += [("columns that are not read", name) for name in unread if name.lower() not in SPLIT_NAMES]
            split_blanks = head[named[0]] not in _ONE_LABEL
            return _cells(body, at, columns, split_blanks=split_blanks, classes=classes), (), left_out
        others = [column for column in others if column >= len(head) or head[column] not in SPLIT_NAMES]
        others = [
            column for column in others if any(row[column] for _, row in body) or "".join(first[column : column + 1])
        ]
        if len(others) > 1:
            numbering = [column for column in others if _is_numbering(head, body, column)]
            others = [column for column in others if column not in numbering]
            left_out += [("columns that are not read", first[column] or f"number {column + 1}") for column in numbering]
        if others and _is_binary(body, others):
            names = tuple(clean("".join(first[column : column + 1])) for column in others)
            _check_names(names, file)
            return (
                [
                    (
                        f"line {number}",
                        row[at],
                        [name for name, column in zip(names, others, strict=True) if _yes(row[column])],
                    )
                    for number, row in body
                ],
                names,
                left_out,
            )
        if len(others) > 1:
            raise InvalidDataset(
                f"{file} has several columns beside the image ({_titles(first, others)}): "
                "call one of them `labels`, or give 0 and 1 in all of them."
            )
        return _cells(body, at, others, split_blanks=False, classes=classes), (), left_out
    if _is_binary(body, others) and (len(others) > 1 or any(_number(row[others[0]]) == -1 for _, row in body)):
        raise InvalidDataset(
            f"{file} has only the numbers 0, 1 and -1 beside the images and no header: give one with the class names."
        )
    return _cells(body, at, others, split_blanks=False, classes=classes), (), []


def _titles(first: Sequence[str], columns: Sequence[int]) -> str:
    return ", ".join(
        first[column] if column < len(first) and first[column] else "one without a name" for column in columns
    )


def _check_names(names: Sequence[str], file: Path) -> None:
    """Raise InvalidDataset for columns of 0 and 1 that do not name their class, or name one twice."""
    if not all(names):
        raise InvalidDataset(f"{file} has a column of 0 and 1 without a name: write its class into the first row.")
    keys = [folded(name) for name in names]
    if twice := next((name for name, key in zip(names, keys, strict=True) if keys.count(key) > 1), None):
        raise InvalidDataset(f"{file} has several columns of 0 and 1 for the class {twice}: join them, or rename one.")


def _is_numbering(head: Sequence[str], body: Sequence[tuple[int, list[str]]], column: int) -> bool:
    """Whether a column numbers the rows or the images, and gives no labels."""
    name = head[column] if column < len(head) else ""
    return (name in _ROW_NUMBERS or name in IMAGE_NAMES) and not _is_binary(body, [column])


def _all_match(pattern: re.Pattern[str], body: Sequence[tuple[int, list[str]]], column: int) -> bool:
    """Whether every cell of a column that is not empty matches, and there is one."""
    cells = [row[column] for _, row in body if row[column]]
    return bool(cells) and all(map(pattern.match, cells))


def _number(cell: str) -> float | None:
    return float(cell) if _NUMBER.match(cell) else None


def _is_binary(body: Sequence[tuple[int, list[str]]], columns: Sequence[int]) -> bool:
    return all(row[column].lower() in (*_YES, *_NO) for _, row in body for column in columns)


def _yes(cell: str) -> bool:
    return cell.lower() in _YES


def _image_column(
    head: Sequence[str], body: Sequence[tuple[int, list[str]]], is_image: Callable[[str], bool]
) -> int | None:
    """The column with the images: by its name if it holds any, else the one that holds most; None without one."""
    few = [row for _, row in body[:50]]
    counts = [sum(bool(row[column]) and is_image(row[column]) for row in few) for column in range(len(few[0]))]
    for name in IMAGE_NAMES:
        if name in head and counts[head.index(name)]:
            return head.index(name)
    return counts.index(max(counts)) if any(counts) else None


def _of_splits(
    head: Sequence[str], body: list[tuple[int, list[str]]], splits: Sequence[str], file: Path
) -> tuple[list[tuple[int, list[str]]], list[tuple[str, str]]]:
    """The rows of the splits asked for, where there is a column of splits, and the others as left out."""
    at = next((head.index(name) for name in SPLIT_NAMES if name in head), None)
    if at is None:
        return body, []
    values = sorted({row[at] for _, row in body})
    wanted = {folded(split) for split in splits}
    kept = [(number, row) for number, row in body if folded(row[at]) in wanted]
    if not kept and (wanted or len(values) > 1):
        have = ", ".join(value or "one without a name" for value in values)
        several = f"the splits {have}: choose among them" if len(values) > 1 else f"only the split {have}: choose it"
        raise InvalidDataset(f"{file} has {several}.")
    others = [(number, row) for number, row in body if kept and folded(row[at]) not in wanted]
    reason = "rows of the split {}, which was not chosen"
    return kept or body, [(reason.format(row[at] or "without a name"), f"line {number}") for number, row in others]


def _cells(
    body: Sequence[tuple[int, list[str]]],
    at: int,
    columns: Sequence[int],
    *,
    split_blanks: bool,
    classes: Sequence[str],
) -> list[LabelRow]:
    """Rows whose labels are words in cells.

    Blanks separate labels in a column of `split_blanks`, or if each word is a number or a label by itself elsewhere,
    and not inside a name of `classes`; `/`, `+` and `&` in the latter case only.
    """
    pieces = {(number, column): _pieces(row[column]) for number, row in body for column in columns}
    separated = any(len(found) > 1 for found in pieces.values())
    whole = {folded(piece) for found in pieces.values() for piece in found}
    given = {folded(name) for name in classes}

    def words(piece: str) -> list[str]:
        if folded(piece) in given:
            return [piece]
        for parts in (piece.split(), _WITHIN.split(piece)):
            known = all(folded(part) in whole or folded(part) in given or _NUMBER.match(part) for part in parts)
            if len(parts) > 1 and known:
                return parts
        if split_blanks and not separated and not given:
            return [part for part in piece.split() if any(map(str.isalnum, part))] or [piece]
        return [piece]

    return [
        (f"line {number}", row[at], [w for column in columns for piece in pieces[number, column] for w in words(piece)])
        for number, row in body
    ]


def _pieces(cell: str) -> list[str]:
    """The labels of a cell by `;`, `|` and `,`; also of a list as Python and JSON write it."""
    if cell.startswith(("[", "(", "{")) and cell.endswith(("]", ")", "}")):
        cell = ",".join(part.strip().strip("'\"") for part in cell[1:-1].split(","))
    return [clean(part) for part in _SEPARATED.split(cell) if part.strip()]
