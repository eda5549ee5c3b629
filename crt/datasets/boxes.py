"""Boxes from a CSV file, for pictures of any reader; a picture may have several."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

from crt.datasets.base import Box, ImageSet, Problems
from crt.errors import InvalidDataset

COLUMNS = ("id", "x0", "y0", "x1", "y1")


def with_boxes(images: ImageSet, file: str | Path) -> ImageSet:
    """The same pictures with the boxes of a CSV file whose columns are id, x0, y0, x1, y1 in pixels, in any order.

    Other columns do not matter; an id may come several times. Ids are those of the samples, with or without the file's
    extension. Raises InvalidDataset with every problem found: pictures without a box, ids of no picture, boxes without
    an area.
    """
    file = Path(file).expanduser()
    problems = Problems(f"The boxes in {file}")
    ids = {form: sample.id for sample in images.samples for form in (sample.id, sample.id.rpartition(".")[0]) if form}
    ids |= {sample.id: sample.id for sample in images.samples}
    found: dict[str, list[Box]] = {}
    for number, row in enumerate(_rows(file), start=2):
        name = ids.get((row["id"] or "").strip())
        if name is None:
            problems.add("of no picture", row["id"])
        elif (box := _box(row)) is None:
            problems.add("not four numbers with an area", f"line {number} ({row['id']})")
        else:
            found.setdefault(name, []).append(box)
    for sample in images.samples:
        if sample.id not in found:
            problems.add("no box for", sample.id)
    problems.raise_if_any()
    return replace(images, samples=tuple(replace(s, boxes=tuple(found[s.id])) for s in images.samples))


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise InvalidDataset(f"{file} lacks the columns {', '.join(missing)}: it needs {', '.join(COLUMNS)}.")
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidDataset(f"{file} cannot be read as CSV: {error}.") from error


def _box(row: dict[str, str]) -> Box | None:
    try:
        x0, y0, x1, y1 = (float(row[name]) for name in COLUMNS[1:])
    except (TypeError, ValueError):
        return None
    return (x0, y0, x1, y1) if all(map(math.isfinite, (x0, y0, x1, y1))) and x1 > x0 and y1 > y0 else None
