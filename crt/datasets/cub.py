"""CUB-200-2011: birds, one class and one box a picture (Wah et al., 2011), whole or some of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from crt.datasets.base import Box, ImageSet, Problems, Sample, written
from crt.errors import InvalidDataset, InvalidSetting

CubSplit = Literal["train", "test"]
PER_PICTURE = ("image_class_labels.txt", "train_test_split.txt", "bounding_boxes.txt")


def is_cub(root: str | Path) -> bool:
    """Whether `read_cub` would find its `images.txt` here."""
    return any((folder / "images.txt").is_file() for folder in _places(Path(root).expanduser()))


def read_cub(root: str | Path, split: str, *, classes: Sequence[str] | None = None) -> ImageSet:
    """One split with classes and boxes, and masks where `segmentations/` has them; a single-label set.

    root: the folder that holds `images.txt`, or the one around it.
    split: `train` or `test`.
    classes: names as in `classes.txt`, with or without their number; all by default, in the order of their ids. Those
    of the result are as one writes them: "Black footed Albatross" for 001.Black_footed_Albatross.
    A sample's id is its path under `images/`, without the extension. Ids of pictures and classes may have gaps. Boxes
    are as the file has them: they may reach over the edge of the picture.

    Raises InvalidDataset with every problem found; InvalidSetting for an unknown split.
    """
    if split not in get_args(CubSplit):
        raise InvalidSetting(f"The split is {split!r}: give {' or '.join(get_args(CubSplit))}.")
    folder = _find(Path(root).expanduser())
    problems = Problems(f"CUB-200-2011 in {folder}")
    paths, names = (_table(folder / file, problems) for file in ("images.txt", "classes.txt"))
    labels, training, corners = (_table(folder / file, problems) for file in PER_PICTURE)
    wanted = _chosen(names, classes, problems)
    samples = []
    for key, (path, *_) in paths.items():
        told = [table.get(key) for table in (labels, training, corners)]
        for table, row in zip(PER_PICTURE, told, strict=True):
            if row is None:
                problems.add(f"not in {table}", key)
        label, side, box = told
        if label is None or side is None or label[0] not in wanted:
            if label is not None and label[0] not in names:
                problems.add("of a class that classes.txt does not have", f"{key} ({label[0]})")
            continue
        if (side[0] == "1") != (split == "train"):
            continue
        image = folder / "images" / path
        if not image.is_file():
            problems.add("no picture", path)
        mask = (folder / "segmentations" / path).with_suffix(".png")
        found = () if box is None else _box(box, key, problems)
        name = str(Path(path).with_suffix(""))
        samples.append(Sample(name, image, (wanted[label[0]],), mask if mask.is_file() else None, found))
    if not samples and not len(problems):
        problems.add("no picture of the classes in this split", split)
    problems.raise_if_any()
    return ImageSet(tuple(written(names[key][0]) for key in wanted), tuple(samples), single_label=True)


def _find(root: Path) -> Path:
    for folder in _places(root):
        if (folder / "images.txt").is_file():
            return folder
    raise InvalidDataset(f"There is no CUB-200-2011 in {root}; give the folder that holds images.txt.")


def _places(root: Path) -> tuple[Path, Path]:
    return root, root / "CUB_200_2011"


def _table(file: Path, problems: Problems) -> dict[str, tuple[str, ...]]:
    """Lines "id value …" by id; an id that comes twice is a problem."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        problems.add("unreadable file", f"{file.name} ({error})")
        return {}
    rows: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if not (words := line.split()):
            continue
        if len(words) < 2 or words[0] in rows:
            problems.add(f"a line without a value, or an id twice, in {file.name}", words[0])
            continue
        rows[words[0]] = tuple(words[1:])
    return rows


def _chosen(names: dict[str, tuple[str, ...]], classes: Sequence[str] | None, problems: Problems) -> dict[str, int]:
    """Ids of the wanted classes -> their index."""
    order = sorted(names, key=lambda key: int(key) if key.isdigit() else 0)
    if classes is None:
        return {key: index for index, key in enumerate(order)}
    by_name = {form: key for key in order for form in _forms(names[key][0])}
    chosen: dict[str, int] = {}
    for name in classes:
        if name not in by_name or by_name[name] in chosen:
            problems.add("no such class in classes.txt, or given twice", name)
        else:
            chosen[by_name[name]] = len(chosen)
    if not classes:
        problems.add("no class requested; there are", ", ".join(names[key][0] for key in order))
    return chosen


def _forms(name: str) -> tuple[str, str, str]:
    return name, name.partition(".")[2], written(name)


def _box(words: Sequence[str], key: str, problems: Problems) -> tuple[Box, ...]:
    """Left, top, width, height as text -> corners."""
    try:
        x, y, width, height = map(float, words)
    except ValueError:
        width = height = x = y = float("nan")
    if not (width > 0 and height > 0 and abs(x) < 1e6 and abs(y) < 1e6):
        problems.add("no box of four numbers with an area in bounding_boxes.txt", key)
        return ()
    return ((x, y, x + width, y + height),)
