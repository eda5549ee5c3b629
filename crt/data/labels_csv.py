"""Multi-label data of one's own: a table or a JSON file that gives the labels of each image."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from crt.data.base import ImageDataset, Sample
from crt.data.error_collector import ErrorCollector
from crt.data.files import FileIndex, slashes, tails
from crt.data.labels_json import LabelRow, rows_of_json
from crt.data.labels_table import rows_of_table
from crt.data.text import clean, folded, natural, read_text
from crt.errors import InvalidDataset, InvalidSetting, reason_of

_JSON = re.compile(r"""\s*(\{\s*["}]|\[\s*[\[{"\]])""")  # an image may be called [1].jpg
FILLERS = frozenset(("nan", "null", "none", "n/a", "<na>", "nil"))
"""What programs write into a cell without a value, in lower case."""


def read_labels_file(
    file: str | Path,
    *,
    classes: Sequence[str] | None = None,
    image_root: str | Path | None = None,
    splits: Sequence[str] = (),
    encoding: str | None = None,
) -> ImageDataset:
    """Read the images that a file of labels lists, each with any number of labels.

    Image names may have backslashes, blanks, other case or another Unicode normal form than on disk, or lack their
    extension; of an absolute path that is not there the part below the root counts. A sample's id is the path below the
    root, or the name that the file gives.

    Args:
        file: a table (CSV, TSV, `;` or `|`, with or without a header) or JSON. Tables have an image per row with its
            labels in one cell (several separated by `;`, `|`, `,` or blanks), a row per image and label, or a column of
            0 and 1 per class. JSON is {image: [labels]}, a list of {"image": …, "labels": […]}, a record per line, or
            COCO's.
        classes: keep only these, in this order; images without them stay, as negatives. All by default: in the order of
            the columns or categories, or else sorted. Names are compared without regard to case.
        image_root: the folder that image names are relative to; that of the file by default.
        splits: rows of these splits only, where the table has a column "split"; it must then have one of them. Required
            there if its values differ.
        encoding: of the file, if it is neither UTF-8 nor UTF-16.

    Returns:
        The images.

    Raises:
        InvalidDataset: the message has every problem found.
        InvalidSetting: `classes` that are not there.
    """
    file = Path(file).expanduser()
    root = file.parent if image_root is None else Path(image_root).expanduser()
    if not file.is_file():
        raise InvalidDataset(f"There is no file {file}; give a CSV or JSON file of images and their labels.")
    problems = ErrorCollector(f"The labels in {file}")
    images = _Images(root, file.parent)
    text = read_text(file, encoding, can_declare=True)
    left_out: list[tuple[str, str]] = []
    if _JSON.match(text.lstrip("\ufeff")):
        rows, order = rows_of_json(text, problems)
    else:
        try:
            rows, order, left_out = rows_of_table(text, file, images.find, splits, classes or ())
        except csv.Error as error:
            raise InvalidDataset(f"{file} cannot be read as CSV: {reason_of(error)}.") from error
    if not order:
        rows = _without_fillers(rows, classes or (), left_out)
    names = _names(order or sorted({label for *_, labels in rows for label in labels}, key=natural))
    if not names:
        if not len(problems):
            problems.add("no label of any image; give them under `labels`", file.name)
        problems.raise_if_any()
    index_of = _chosen(names, classes)
    found: dict[Path, tuple[str, set[int]]] = {}
    for where, image, labels in rows:
        try:
            path = images.find(image)
        except InvalidDataset as error:
            problems.add("several files for an image", reason_of(error))
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
    return ImageDataset(wanted, tuple(samples), left_out=tuple(left_out))


class _Images:
    """Image files by the names in a list: below the root, beside the list, or at an absolute path."""

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
        absolute = plain.startswith("/") or re.match(r"^[A-Za-z]+:/", plain) is not None  # also addresses
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


def _without_fillers(rows: list[LabelRow], classes: Sequence[str], left_out: list[tuple[str, str]]) -> list[LabelRow]:
    """The rows without the words that programs write into an empty cell, unless they are names of `classes`."""
    fillers = FILLERS.difference(map(folded, [classes] if isinstance(classes, str) else classes))
    for _, image, labels in rows:
        left_out += [(f"the word {label} in place of a label", image) for label in labels if folded(label) in fillers]
    return [
        (where, image, [label for label in labels if folded(label) not in fillers]) for where, image, labels in rows
    ]


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
