"""Image labels in a table: an image per row, a row per image and label, or a column of 0 and 1 per class."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from crt.datasets.files import EXTENSIONS, FOREIGN_EXTENSIONS, slashes
from crt.datasets.labels_json import IMAGE_NAMES, LABEL_NAMES, Row
from crt.datasets.tables import read_rows
from crt.datasets.text import clean, folded
from crt.errors import InvalidDataset

SPLIT_NAMES = ("split", "subset", "set", "fold", "partition")
_YES, _NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "-1", "-1.0", "false", "no", "")
_SEPARATED = re.compile(r"[;|,]")
_ONE_LABEL = ("label", "class", "class_name", "classname", "category", "tag", "target", "label_name", "class_label")


def rows_of_table(
    text: str, file: Path, find: Callable[[str], Path | None], splits: Sequence[str], classes: Sequence[str]
) -> tuple[list[Row], tuple[str, ...]]:
    """A table -> its rows, and its classes in the order of their columns, () where they have none."""

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
    others = [place for place in range(width) if place != at]
    if has_header:
        body = _of_splits(head, body, splits, file)
        named = [head.index(name) for name in LABEL_NAMES if name in head and head.index(name) != at]
        if named:
            columns = named[:1]
            if named[0] == len(head) - 1:
                columns += range(len(head), width)  # rows that are longer than the header go on with labels
            return _cells(body, at, columns, split_blanks=head[named[0]] not in _ONE_LABEL, classes=classes), ()
        others = [place for place in others if place < len(head) and head[place] not in SPLIT_NAMES]
        if others and _is_binary(body, others):
            names = tuple(clean(first[place]) for place in others)
            return [
                (
                    f"line {number}",
                    row[at],
                    [name for name, place in zip(names, others, strict=True) if _yes(row[place])],
                )
                for number, row in body
            ], names
        if len(others) > 1:
            raise InvalidDataset(
                f"{file} has several columns beside the image ({', '.join(first[place] for place in others)}): "
                "call one of them `labels`, or give 0 and 1 in all of them."
            )
    elif len(others) > 1 and _is_binary(body, others):
        raise InvalidDataset(f"{file} has 0 and 1 in several columns but no header: give one with the class names.")
    return _cells(body, at, others, split_blanks=False, classes=classes), ()


def _is_binary(body: Sequence[tuple[int, list[str]]], columns: Sequence[int]) -> bool:
    return all(row[place].lower() in (*_YES, *_NO) for _, row in body for place in columns)


def _yes(cell: str) -> bool:
    return cell.lower() in _YES


def _image_column(
    head: Sequence[str], body: Sequence[tuple[int, list[str]]], is_image: Callable[[str], bool]
) -> int | None:
    """The column with the images: by its name if it holds any, else the one that holds most; None without one."""
    few = [row for _, row in body[:50]]
    counts = [sum(bool(row[place]) and is_image(row[place]) for row in few) for place in range(len(few[0]))]
    for name in IMAGE_NAMES:
        if name in head and counts[head.index(name)]:
            return head.index(name)
    return counts.index(max(counts)) if any(counts) else None


def _of_splits(
    head: Sequence[str], body: list[tuple[int, list[str]]], splits: Sequence[str], file: Path
) -> list[tuple[int, list[str]]]:
    """The rows of the splits asked for, where there is a column of splits."""
    at = next((head.index(name) for name in SPLIT_NAMES if name in head), None)
    if at is None:
        return body
    values = sorted({row[at] for _, row in body})
    wanted = {folded(split) for split in splits}
    kept = [(number, row) for number, row in body if folded(row[at]) in wanted]
    if not kept and len(values) > 1:
        raise InvalidDataset(f"{file} has the splits {', '.join(values)}: choose among them.")
    return kept or body


def _cells(
    body: Sequence[tuple[int, list[str]]],
    at: int,
    columns: Sequence[int],
    *,
    split_blanks: bool,
    classes: Sequence[str],
) -> list[Row]:
    """Rows whose labels are words in cells.

    Blanks separate labels in a column of `split_blanks`, or if each word is a label by itself elsewhere, and not
    inside a name of `classes`.
    """
    pieces = {(number, place): _pieces(row[place]) for number, row in body for place in columns}
    separated = any(len(found) > 1 for found in pieces.values())
    whole = {folded(piece) for found in pieces.values() for piece in found}
    given = {folded(name) for name in classes}

    def words(piece: str) -> list[str]:
        parts = piece.split()
        if folded(piece) in given or len(parts) < 2:
            return [piece]
        known = all(folded(part) in whole or folded(part) in given for part in parts)
        return parts if known or (split_blanks and not separated and not given) else [piece]

    return [
        (f"line {number}", row[at], [w for place in columns for piece in pieces[number, place] for w in words(piece)])
        for number, row in body
    ]


def _pieces(cell: str) -> list[str]:
    """The labels of a cell by `;`, `|` and `,`; also of a list as Python and JSON write it."""
    if cell.startswith(("[", "(", "{")) and cell.endswith(("]", ")", "}")):
        cell = ",".join(part.strip().strip("'\"") for part in cell[1:-1].split(","))
    return [clean(part) for part in _SEPARATED.split(cell) if part.strip()]
