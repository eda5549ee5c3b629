"""Boxes from a text file, for images of any reader; an image may have several."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from crt.data.base import ImageDataset, PixelBox, Sample
from crt.data.error_collector import ErrorCollector
from crt.data.files import tails
from crt.data.image_size import upright_size
from crt.data.tables import read_rows
from crt.data.text import folded, read_text
from crt.errors import InvalidDataset, InvalidImage, reason_of

COLUMNS = ("id", "x0", "y0", "x1", "y1")
WSOL_BOXES, WSOL_SIZES = "localization.txt", "image_sizes.txt"
"""Names in the metadata folders of wsolevaluation (Choe et al. 2020), `metadata/<data set>/<split>/`."""
_OTHER_NAMES = {
    "id": ("id", "image", "image_id", "imageid", "filename", "file_name", "file", "path", "name", "img"),
    "x0": ("x0", "xmin", "x_min", "left", "x"),
    "y0": ("y0", "ymin", "y_min", "top", "y"),
    "x1": ("x1", "xmax", "x_max", "right"),
    "y1": ("y1", "ymax", "y_max", "bottom"),
    "width": ("width", "w", "box_width", "bbox_width"),
    "height": ("height", "h", "box_height", "bbox_height"),
}
_FROM_ZERO = {"x1": "x0", "y1": "y0", "x2": "x1", "y2": "y1"}


def with_boxes(images: ImageDataset, file: str | Path) -> ImageDataset:
    """The same images with the boxes of a file.

    Boxes all of whose numbers lie between 0 and 1, but for rounding, are shares of the images' sides. Other columns do
    not matter; an id may come several times. Ids are those of the samples, with or without the file's extension, paths
    that end with them, or names of files that only one image has.

    Args:
        images: that get boxes.
        file: a table whose columns are id, x0, y0, x1, y1 in pixels, in any order, or xmin, ymin, xmax, ymax, or x, y
            with width and height; without a header the columns are id, x0, y0, x1, y1, as in the `localization.txt` of
            wsolevaluation. Commas, semicolons or tabs separate them, blanks around them do not matter. Or a folder that
            holds `localization.txt`. Where `image_sizes.txt` (id, width, height) lies beside that file, boxes are in
            pixels of these sizes and are scaled to the images.

    Returns:
        The images in their order, each with at least one box in its own pixels.

    Raises:
        InvalidDataset: images without a box, ids of no image, boxes without an area or beside their image; the message
            has every problem found.
    """
    file = Path(file).expanduser()
    if file.is_dir():
        file = file / WSOL_BOXES
    if not file.is_file():
        raise InvalidDataset(
            f"{file} cannot be read, since it is no file: give a table of boxes, or a folder with {WSOL_BOXES}."
        )
    problems = ErrorCollector(f"The boxes in {file}")
    ids = SampleIds(images.samples)
    found: dict[str, list[PixelBox]] = {}
    for number, name, box in _boxes(file):
        key = ids.find(name)
        if key is None:
            problems.add("of no image", name)
        elif box is None:
            problems.add("not four numbers with an area", f"line {number} ({name})")
        else:
            found.setdefault(key, []).append(box)
    for sample in images.samples:
        if sample.id not in found:
            problems.add("no box for", sample.id)
    sizes = _sizes(file.with_name(WSOL_SIZES), ids, problems) if file.name == WSOL_BOXES else {}
    problems.raise_if_any()
    shares = all(-0.05 <= value <= 1.05 for boxes in found.values() for box in boxes for value in box)
    samples = []
    for sample in images.samples:
        boxes = _in_pixels(sample, found[sample.id], (1.0, 1.0) if shares else sizes.get(sample.id), problems)
        samples.append(replace(sample, boxes=boxes))
    problems.raise_if_any()
    return replace(images, samples=tuple(samples))


class SampleIds:
    """The samples by every form of their id: with or without extension, slashes, case, normal form.

    Args:
        samples: of one data set.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._exact: dict[str, str] = {}
        self._folded: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}
        for sample in samples:
            bare, _, suffix = sample.id.rpartition(".")
            forms = [sample.id, sample.id + sample.image.suffix]
            forms += [bare] if bare and "/" not in suffix else []
            for form in forms:
                self._exact.setdefault(form, sample.id)
                self._folded.setdefault(folded(form), set()).add(sample.id)
        self._exact |= {sample.id: sample.id for sample in samples}
        for sample in samples:  # the name of a file alone
            name = sample.id.rpartition("/")[2]
            for form in dict.fromkeys((name, name + sample.image.suffix, PurePosixPath(name).stem)):
                self._names.setdefault(folded(form), set()).add(sample.id)

    def find(self, name: str) -> str | None:
        """The id of the sample that a name means, by the longest end of it that is one.

        Args:
            name: as a file gives it.

        Returns:
            The id, or None where there is none or where there are several.
        """
        for tail in tails(name):
            if tail in self._exact:
                return self._exact[tail]
            close = self._folded.get(folded(tail), set())
            if len(close) == 1:
                return next(iter(close))
        alike = self._names.get(folded(name), set())
        return next(iter(alike)) if len(alike) == 1 else None


def _table(file: Path) -> list[tuple[int, list[str]]]:
    try:
        return read_rows(read_text(file), lambda row: len(row) >= 3)
    except csv.Error as error:
        raise InvalidDataset(f"{file} cannot be read as CSV: {reason_of(error)}.") from error


def _boxes(file: Path) -> list[tuple[int, str, PixelBox | None]]:
    """(line, id, box or None where it is none) of every row."""
    rows = _table(file)
    if not rows:
        raise InvalidDataset(f"{file} is empty: it needs the columns {', '.join(COLUMNS)}.")
    columns, sized = _header(rows[0][1], file)
    body = rows if columns is None else rows[1:]
    at = columns or {name: column for column, name in enumerate(COLUMNS)}
    return [(number, _cell(row, at["id"]), _box(row, at, sized=sized)) for number, row in body]


def _header(row: Sequence[str], file: Path) -> tuple[dict[str, int] | None, bool]:
    """Where the columns are and whether they give width and height; None for a table without a header."""
    if len(row) >= len(COLUMNS) and all(_number(cell) is not None for cell in row[1:5]):
        return None, False
    cells = [cell.lower() for cell in row]
    if {"x1", "y1", "x2", "y2"} <= set(cells) and not {"x0", "y0"} & set(cells):  # corners that count from 1
        cells = [_FROM_ZERO.get(cell, cell) for cell in cells]
    at = {
        column: next(cells.index(name) for name in names if name in cells)
        for column, names in _OTHER_NAMES.items()
        if any(name in cells for name in names)
    }
    corners = all(name in at for name in COLUMNS)
    sized = not corners and all(name in at for name in ("id", "x0", "y0", "width", "height"))
    if not corners and not sized:
        missing = [name for name in COLUMNS if name not in at]
        raise InvalidDataset(f"{file} lacks the columns {', '.join(missing)}: it needs {', '.join(COLUMNS)}.")
    return at, sized


def _cell(row: Sequence[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))  # a decimal comma, where semicolons separate
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _box(row: Sequence[str], at: dict[str, int], *, sized: bool) -> PixelBox | None:
    names = ("x0", "y0", "width", "height") if sized else COLUMNS[1:]
    x0, y0, right, bottom = (_number(_cell(row, at[name])) for name in names)
    if x0 is None or y0 is None or right is None or bottom is None:
        return None
    x1, y1 = (x0 + right, y0 + bottom) if sized else (right, bottom)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _sizes(file: Path, ids: SampleIds, problems: ErrorCollector) -> dict[str, tuple[float, float]]:
    """Width and height that boxes are in, by id; nothing without the file."""
    sizes: dict[str, tuple[float, float]] = {}
    for number, row in _table(file) if file.is_file() else ():
        key = ids.find(row[0])
        width, height = (_number(_cell(row, column)) or 0.0 for column in (1, 2))
        if key is None:
            continue
        if width <= 0 or height <= 0:
            problems.add(f"not a width and a height in {file.name}", f"line {number} ({row[0]})")
        sizes[key] = (width, height)
    return sizes


def _in_pixels(
    sample: Sample, boxes: Sequence[PixelBox], size: tuple[float, float] | None, problems: ErrorCollector
) -> tuple[PixelBox, ...]:
    """Boxes in pixels of `size` -> in those of the image; as they are where no size is known.

    A box that lies beside the image is a problem.
    """
    try:
        width, height = upright_size(sample.image)
    except InvalidImage as error:
        if size is None:
            return tuple(boxes)  # the reader of the image raises its own error
        raise InvalidDataset(f"The image of {sample.id} cannot be read, so its boxes cannot be scaled.") from error
    across, down = (1.0, 1.0) if size is None else (width / size[0], height / size[1])
    scaled = tuple((x0 * across, y0 * down, x1 * across, y1 * down) for x0, y0, x1, y1 in boxes)
    if any(x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0 for x0, y0, x1, y1 in scaled):
        problems.add("a box beside the image, so of another size or another image", f"{sample.id} ({width}x{height})")
    return scaled
