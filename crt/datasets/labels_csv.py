"""Multi-label data of one's own: a table or a JSON file that gives the labels of each image."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from crt.datasets.base import ImageSet, Problems, Sample
from crt.datasets.files import EXTENSIONS, FOREIGN_EXTENSIONS, FileIndex, slashes, tails
from crt.datasets.labels_json import IMAGE_NAMES, LABEL_NAMES, Row, rows_of_json
from crt.datasets.tables import read_rows
from crt.datasets.text import clean, folded, natural, read_text
from crt.errors import InvalidDataset, InvalidSetting

SPLIT_NAMES = ("split", "subset", "set", "fold", "partition")
_YES, _NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "-1", "-1.0", "false", "no", "")
_SEPARATED = re.compile(r"[;|,]")
_ONE_LABEL = ("label", "class", "class_name", "classname", "category", "tag", "target", "label_name", "class_label")


def read_labels_file(
    file: str | Path,
    *,
    classes: Sequence[str] | None = None,
    image_root: str | Path | None = None,
    splits: Sequence[str] = (),
    encoding: str | None = None,
) -> ImageSet:
    """The images that a file of labels lists, each with any number of labels.

    file: a table (CSV, TSV, `;` or `|`, with or without a header) or JSON. Tables have an image per row with its labels
        in one cell (several separated by `;`, `|`, `,` or blanks), a row per image and label, or a column of 0 and 1
        per class. JSON is {image: [labels]}, a list of {"image": …, "labels": […]}, a record per line, or COCO's.
    classes: keep only these, in this order; images without them stay, as negatives. All by default: in the order of the
        columns or categories, or else sorted. Names are compared without regard to case.
    image_root: the folder that image names are relative to; that of the file by default.
    splits: rows of these splits only, where the table has a column "split"; required there if its values differ.
    encoding: of the file, if it is neither UTF-8 nor UTF-16.

    Image names may have backslashes, blanks, other case or another Unicode normal form than on disk, or lack their
    extension; of an absolute path that is not there the part below the root counts. A sample's id is the path below
    the root, or the name that the file gives. Raises InvalidDataset with every problem found; InvalidSetting for
    `classes` that are not there.
    """
    file = Path(file).expanduser()
    root = file.parent if image_root is None else Path(image_root).expanduser()
    if not file.is_file():
        raise InvalidDataset(f"There is no file {file}; give a CSV or JSON file of images and their labels.")
    problems = Problems(f"The labels in {file}")
    images = _Images(root, file.parent)
    text = read_text(file, encoding)
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        rows, order = rows_of_json(text, problems)
    else:
        try:
            rows, order = _rows_of_table(text, file, images.find, splits, classes or ())
        except csv.Error as error:
            raise InvalidDataset(f"{file} cannot be read as CSV: {error}.") from error
    names = _names(order or sorted({label for *_, labels in rows for label in labels}, key=natural))
    index_of = _chosen(names, classes)
    found: dict[Path, tuple[str, set[int]]] = {}
    left_out = []
    for where, image, labels in rows:
        try:
            path = images.find(image)
        except InvalidDataset as error:
            problems.add("several files for an image", str(error))
            continue
        if path is None:
            problems.add("no image", f"{image} ({where})" if where else image)
            continue
        name, kept = found.setdefault(path, (images.id_of(path), set()))
        for label in labels:
            if folded(label) in index_of:
                kept.add(index_of[folded(label)])
            else:
                left_out.append((f"labels of {names[folded(label)]}, which was not chosen", name))
    if not found and not len(problems):
        problems.add("no image with labels", file.name)
    problems.raise_if_any()
    wanted = tuple(names[key] for key in index_of)
    samples = (Sample(name, path, tuple(sorted(kept))) for path, (name, kept) in found.items())
    return ImageSet(wanted, tuple(samples), left_out=tuple(left_out))


class _Images:
    """Image files by the names in a list: below the root, beside the list, or where an absolute path says."""

    def __init__(self, root: Path, beside: Path) -> None:
        self.root = root
        self._indices = [FileIndex(folder) for folder in dict.fromkeys((root, beside))]
        self._known: dict[str, Path | None] = {}

    def find(self, name: str) -> Path | None:
        """The file, or None. Raises InvalidDataset where a name may mean several."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Path | None:
        plain = slashes(name)
        absolute = plain.startswith("/") or re.match(r"^[A-Za-z]:/", plain) is not None
        try:
            for base in (self.root, self._indices[-1].folder):
                if plain and (base / plain).is_file():  # also absolute paths, and those with ".."
                    return base / plain
        except (OSError, ValueError):
            return None
        own = {folded(part) for part in self.root.resolve().parts}
        for tail in tails(plain):
            for index in self._indices:
                if (path := index.one(tail)) is not None:
                    return path
            # A relative path may begin with folders that the root lies in; an absolute one is of another machine.
            if not absolute and folded(tail.partition("/")[0]) not in own:
                return None
        return None

    def id_of(self, path: Path) -> str:
        """The path below the root, or the whole one without its beginning "/"."""
        for base in (self.root, self._indices[-1].folder):
            if path.is_relative_to(base) and ".." not in path.relative_to(base).parts:
                return path.relative_to(base).as_posix()
        return path.resolve().as_posix().lstrip("/")


def _rows_of_table(
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


def _names(labels: Sequence[str]) -> dict[str, str]:
    """Folded names -> names as they are first written."""
    names: dict[str, str] = {}
    for label in labels:
        names.setdefault(folded(label), clean(label))
    return names


def _chosen(names: dict[str, str], classes: Sequence[str] | None) -> dict[str, int]:
    """Folded names -> labels, of all classes or those given."""
    if classes is None:
        return {key: index for index, key in enumerate(names)}
    keys = [folded(name) for name in ([classes] if isinstance(classes, str) else classes)]
    unknown = [name for name, key in zip(classes, keys, strict=False) if key not in names]
    if unknown or not keys or len(set(keys)) != len(keys):
        wrong = f"{', '.join(unknown)} is none of them" if unknown else "the list is empty or repeats a name"
        raise InvalidSetting(f"Choose classes from {', '.join(names.values())}: {wrong}.")
    return {key: index for index, key in enumerate(keys)}
