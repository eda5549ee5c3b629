"""Image labels in JSON: image -> labels, records, columns, or the layout of COCO."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from crt.data.error_collector import ErrorCollector
from crt.data.text import clean
from crt.errors import InvalidDataset, reason_of

IMAGE_NAMES = (
    "image", "images", "img", "image_path", "imagepath", "image_file", "image_name", "imagename", "filename",
    "file_name", "file", "filepath", "file_path", "path", "image_id", "imageid", "id", "name", "key", "uri", "photo",
)  # fmt: skip
"""What a column or a key with the image may be called, in order of preference."""
LABEL_NAMES = (
    "labels", "label", "classes", "class", "class_name", "classname", "class_names", "categories", "category", "tags",
    "tag", "targets", "target", "label_name", "class_label", "class_labels", "annotations", "annotation",
)  # fmt: skip
"""What a column or a key with the labels may be called."""

LabelRow = tuple[str, str, list[str]]
"""Where it is written, the image as it is named there, its labels."""


_WRAPPERS = ("data", "dataset", "images", "samples", "items", "records", "annotations", "labels")
"""What a file may call its only list."""
_COCO = "images need id and file_name, categories id and name, annotations image_id and category_id"


def rows_of_json(text: str, problems: ErrorCollector) -> tuple[list[LabelRow], tuple[str, ...]]:
    """Read the rows of a JSON text, or of one record per line.

    The forms are: {image: labels}; a list of records; such a list under one key; {"image": [...], "labels": [...]};
    COCO's. An image named twice in an object is refused, since only one of its labels would count.

    Args:
        text: of the file.
        problems: takes what is wrong with single records.

    Returns:
        The rows, and all classes in the order of the file, () if it has no list.

    Raises:
        InvalidDataset: no JSON, or none of these forms.
    """
    data = _parsed(text)
    if isinstance(data, dict) and isinstance(data.get("images"), list):
        if isinstance(data.get("categories"), list):
            return _of_coco(data, problems)
        if isinstance(data.get("annotations"), list):
            raise InvalidDataset(f"The file of labels has the form of COCO's but lacks its categories: {_COCO}.")
    if isinstance(data, dict):
        lists = [key for key, value in data.items() if isinstance(value, list | dict)]
        if len(lists) == 1 and str(lists[0]).lower() in _WRAPPERS:
            data = data[lists[0]]
    if isinstance(data, dict):
        data = _of_columns(data) or data
    if isinstance(data, dict):
        return [("", str(image), _labels(value)) for image, value in data.items()], ()
    if not isinstance(data, list):
        raise InvalidDataset("The file of labels holds neither a list nor an object: give image names with labels.")
    return _of_records(data, problems)


def _parsed(text: str) -> Any:
    def load(part: str) -> Any:
        # Python programs write NaN for an empty cell, which JSON does not have.
        return json.loads(part, object_pairs_hook=_without_duplicates, parse_constant=lambda _: None)

    try:
        try:
            return load(text)
        except json.JSONDecodeError as error:
            try:
                return [load(line) for line in text.splitlines() if line.strip()]
            except json.JSONDecodeError:
                raise InvalidDataset(f"The file of labels is not JSON: {reason_of(error)}.") from error
    except RecursionError as error:
        raise InvalidDataset("The file of labels is nested too deeply: give image names with labels.") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidDataset(f"The file of labels has {name!r} twice in one object: join its labels.")
        found[name] = value
    return found


def _value(record: object, names: Sequence[str]) -> Any:
    """What a record has under the first of these names, compared without regard to case."""
    if not isinstance(record, Mapping):
        return None
    lowered = {str(key).strip().lower(): value for key, value in record.items()}
    return next((lowered[name] for name in names if name in lowered), None)


def _labels(value: object) -> list[str]:
    """The labels in a value: a name, a list of names or of objects with one, a record, or class -> 0 or 1."""
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, (str, int, float)):
        return [clean(str(value))] if str(value).strip() else []
    if isinstance(value, Mapping):
        if (own := _value(value, LABEL_NAMES)) is not None:
            return _labels(own)
        if isinstance(name := _value(value, ("name",)), str):
            return _labels(name)
        return [clean(str(name)) for name, present in value.items() if present in (1, True)]
    if isinstance(value, Sequence):
        return [label for item in value for label in _labels(item)]
    return []


def _of_columns(data: Mapping[str, Any]) -> list[Any] | None:
    """Columns as data frames write them, lists or {row: value} -> records; None for another object."""
    columns = {key: list(value.values()) if isinstance(value, dict) else value for key, value in data.items()}
    named = {str(key).strip().lower() for key in columns}
    whole = all(isinstance(value, list) for value in columns.values()) and len({*map(len, columns.values())}) == 1
    if not whole or not named.intersection(IMAGE_NAMES) or not isinstance(_value(columns, IMAGE_NAMES)[:1], list):
        return None
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _of_records(records: Sequence[object], problems: ErrorCollector) -> tuple[list[LabelRow], tuple[str, ...]]:
    """Records with labels under one of `LABEL_NAMES`, or else with 0 and 1 for each class."""
    keys = {str(key).strip().lower() for record in records if isinstance(record, Mapping) for key in record}
    classes = () if keys.intersection(LABEL_NAMES) else _binary_keys(records)
    rows = []
    for number, record in enumerate(records, start=1):
        image = _value(record, IMAGE_NAMES)
        if isinstance(image, bool) or not isinstance(image, str | int) or not str(image).strip():
            problems.add(f"a record without an image ({', '.join(IMAGE_NAMES[:3])}, …)", f"record {number}")
            continue
        present = [name for name in classes if isinstance(record, Mapping) and record.get(name) in (1, True)]
        labels = [clean(name) for name in present] if classes else _labels(_value(record, LABEL_NAMES))
        rows.append((f"record {number}", str(image), labels))
    return rows, tuple(map(clean, classes))


def _binary_keys(records: Sequence[object]) -> tuple[str, ...]:
    """The keys, none of an image, under which all records have nothing but 1, 0 and -1, true and false."""
    found: dict[str, bool] = {}
    for record in records:
        for key, value in record.items() if isinstance(record, Mapping) else ():
            plain = value is None or (isinstance(value, int | float) and value in (-1, 0, 1))
            found[key] = found.get(key, True) and plain and str(key).strip().lower() not in IMAGE_NAMES
    return tuple(key for key, plain in found.items() if plain)


def _of_coco(data: Mapping[str, Any], problems: ErrorCollector) -> tuple[list[LabelRow], tuple[str, ...]]:
    """Images without an annotation are negatives; the classes are all categories in the order of their ids."""
    categories: dict[str, str] = {}
    images: dict[str, str] = {}
    for what, found, names in (
        ("categories", categories, ("name",)),
        ("images", images, ("file_name", "path", "coco_url", "flickr_url")),
    ):
        for number, item in enumerate(data[what], start=1):
            key, name = _id(item, "id"), _value(item, names)
            if key is None or not isinstance(name, str) or not name.strip():
                problems.add(f"{what} without id and {names[0]}", f"number {number}")
            elif key in found:
                problems.add(f"an id twice in {what}", key)
            else:
                found[key] = clean(name)
    labels: dict[str, list[str]] = {key: [] for key in images}
    annotations = data.get("annotations")
    if annotations is not None and not isinstance(annotations, list):
        problems.add("annotations that are no list", type(annotations).__name__)
        annotations = None
    for number, item in enumerate(annotations or (), start=1):
        image, category = _id(item, "image_id"), _id(item, "category_id")
        if image not in images:
            problems.add("an annotation of no image", f"annotation {number} (image_id {image or 'missing'})")
        elif category not in categories:
            problems.add("an annotation of no category", f"annotation {number} (category_id {category or 'missing'})")
        else:
            labels[image].append(categories[category])
    if len(problems):
        problems.hint(f"The layout is COCO's: {_COCO}.")
    order = sorted(categories, key=lambda key: (0, int(key), "") if key.isdecimal() else (1, 0, key))
    names = tuple(dict.fromkeys(categories[key] for key in order))
    return [(f"image {key}", image, labels[key]) for key, image in images.items()], names


def _id(item: object, name: str) -> str | None:
    """An id as text, since programs write it as a number or as text; None without one."""
    value = item.get(name) if isinstance(item, Mapping) else None
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) and str(value).strip() else None
