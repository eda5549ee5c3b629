"""Image labels in JSON: image -> labels, a list of records, or the layout of COCO."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from crt.datasets.base import Problems
from crt.datasets.text import clean
from crt.errors import InvalidDataset

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

Row = tuple[str, str, list[str]]
"""Where it is written, the image as it is named there, its labels."""


def rows_of_json(text: str, problems: Problems) -> tuple[list[Row], tuple[str, ...]]:
    """A JSON text, or one record per line -> rows, and all classes in the order of the file, () if it has no list.

    Raises InvalidDataset for what is no JSON, or of none of the three forms.
    """
    data = _parsed(text)
    if isinstance(data, dict) and isinstance(data.get("images"), list) and isinstance(data.get("categories"), list):
        return _of_coco(data, problems)
    if isinstance(data, dict):
        return [("", str(image), _labels(value)) for image, value in data.items()], ()
    if not isinstance(data, list):
        raise InvalidDataset("The file of labels holds neither a list nor an object: give image names with labels.")
    rows = []
    for number, record in enumerate(data, start=1):
        image = _value(record, IMAGE_NAMES)
        if not isinstance(image, str) or not image.strip():
            problems.add(f"a record without an image ({', '.join(IMAGE_NAMES[:3])}, …)", f"record {number}")
        else:
            rows.append((f"record {number}", image, _labels(record)))
    return rows, ()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            raise InvalidDataset(f"The file of labels is not JSON: {error}.") from error


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


def _of_coco(data: Mapping[str, Any], problems: Problems) -> tuple[list[Row], tuple[str, ...]]:
    """Images without an annotation are negatives; the classes are all categories in the order of their ids."""
    try:
        categories = {item["id"]: clean(str(item["name"])) for item in data["categories"]}
        images = {item["id"]: str(item.get("file_name") or item["path"]) for item in data["images"]}
        labels: dict[Any, list[str]] = {key: [] for key in images}
        for number, item in enumerate(data.get("annotations") or (), start=1):
            image, category = item["image_id"], item["category_id"]
            if image not in images:
                problems.add("an annotation of no image", f"annotation {number} (image_id {image})")
            elif category not in categories:
                problems.add("an annotation of no category", f"annotation {number} (category_id {category})")
            else:
                labels[image].append(categories[category])
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidDataset(
            f"The file of labels looks like COCO's but lacks {error}: "
            "images need id and file_name, categories id and name, annotations image_id and category_id."
        ) from error
    order = sorted(categories, key=lambda key: (not isinstance(key, int), key if isinstance(key, int) else str(key)))
    names = tuple(dict.fromkeys(categories[key] for key in order))
    return [(f"image {key}", image, labels[key]) for key, image in images.items()], names
