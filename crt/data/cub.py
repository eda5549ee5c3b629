"""CUB-200-2011: birds, one class and one box an image (Wah et al., 2011), whole or some of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from crt.data.base import ImageDataset, PixelBox, Sample
from crt.data.class_names import display_name
from crt.data.error_collector import ErrorCollector
from crt.data.files import FileIndex, slashes
from crt.data.text import clean, folded, read_text
from crt.errors import InvalidDataset, InvalidSetting, reason_of

CubSplit = Literal["train", "test"]
CubBoxes = Literal["none", "required"]
PER_PICTURE = ("image_class_labels.txt", "train_test_split.txt")
BOXES = "bounding_boxes.txt"


def is_cub(root: str | Path) -> bool:
    """Whether `read_cub` would find its `images.txt` here.

    Args:
        root: a folder.

    Returns:
        Whether it would.
    """
    return len(_places(Path(root).expanduser())) > 0


def read_cub(
    root: str | Path, split: str, *, classes: Sequence[str] | None = None, boxes: CubBoxes = "required"
) -> ImageDataset:
    """Read one split with classes and boxes, and masks where `segmentations/` has them; a single-label set.

    A sample's id is its path under `images/`, without the extension. Ids of images and classes may have gaps. Boxes are
    as the file has them: they may extend beyond the image.

    Args:
        root: the folder that holds `images.txt` and `classes.txt`, or one up to two folders above it. `segmentations/`
            is in the former or beside it, where its archive unpacks.
        split: `train` or `test`.
        classes: names as in `classes.txt`, with or without their number; all by default, in the order of their ids.
        boxes: "none" does not read `bounding_boxes.txt`; training from labels needs none. "required" reports every
            image without a box that has an area.

    Returns:
        The images. Their classes are as one writes them: "Black footed Albatross" for 001.Black_footed_Albatross.

    Raises:
        InvalidDataset: the message has every problem found.
        InvalidSetting: an unknown split or `boxes`.
    """
    if split not in get_args(CubSplit):
        raise InvalidSetting(f"The split is {split!r}: give {' or '.join(get_args(CubSplit))}.")
    if boxes not in get_args(CubBoxes):
        raise InvalidSetting(f"boxes is {boxes!r}: give {' or '.join(get_args(CubBoxes))}.")
    folder = _find(Path(root).expanduser())
    problems = ErrorCollector(f"CUB-200-2011 in {folder}")
    paths, names = (_table(folder / file, problems, whole=True) for file in ("images.txt", "classes.txt"))
    labels, training = (_table(folder / file, problems) for file in PER_PICTURE)
    corners = _table(folder / BOXES, problems) if boxes == "required" else {}
    _check_sides(training, problems)
    wanted = _chosen(names, classes, problems)
    images, masks = FileIndex(folder / "images"), [FileIndex(top, (".png",), first=".png") for top in _masks(folder)]
    samples, left_out = [], []
    for key, (listed,) in paths.items():
        path = slashes(listed)
        columns = {file: table.get(key) for file, table in zip(PER_PICTURE, (labels, training), strict=True)}
        if boxes == "required":
            columns[BOXES] = corners.get(key)
        for table, row in columns.items():
            if row is None:
                problems.add(f"not in {table}", key)
        label, side, box = (columns.get(file) for file in (*PER_PICTURE, BOXES))
        if label is None or side is None or label[0] not in wanted:
            if label is not None and label[0] not in names:
                problems.add("of a class that classes.txt does not have", f"{key} ({label[0]})")
            elif label is not None and side is not None and (side[0] == "1") == (split == "train"):
                left_out.append((f"of the class {display_name(names[label[0]][0])}, which was not chosen", path))
            continue
        if (side[0] == "1") != (split == "train"):
            continue
        found = () if box is None else _box(box, key, problems)
        sample = _sample(path, images, masks, problems)
        samples.append(replace(sample, labels=(wanted[label[0]],), boxes=found))
        if sample.mask is None and masks:
            left_out.append(("no mask in segmentations", path))
    if not samples and not len(problems):
        problems.add("no image of the classes in this split", split)
    problems.raise_if_any()
    classes = tuple(display_name(names[key][0]) for key in wanted)
    return ImageDataset(classes, tuple(samples), single_label=True, left_out=tuple(left_out))


def _check_sides(training: dict[str, tuple[str, ...]], problems: ErrorCollector) -> None:
    for key, (side, *_) in training.items():
        if side not in ("0", "1"):
            problems.add(f"neither 0 nor 1 in {PER_PICTURE[1]}", f"{key} ({side})")


def _sample(path: str, images: FileIndex, masks: Sequence[FileIndex], problems: ErrorCollector) -> Sample:
    """The image of a path below `images/` and its mask, without labels and boxes."""
    if (image := images.one(path)) is None:
        problems.add("no image", path)
    name = str(Path(path).with_suffix(""))
    mask = next((found for index in masks if (found := index.one(name)) is not None), None)
    return Sample(name, image or images.folder / path, (), mask)


def _masks(folder: Path) -> list[Path]:
    """Where `segmentations/` may be: its own archive unpacks it beside CUB_200_2011."""
    roots = (folder / "segmentations", folder.parent / "segmentations")
    return [path for root in roots for path in (root, root / "segmentations") if path.is_dir()]


def _find(root: Path) -> Path:
    places = _places(root)
    if len(places) > 1:
        several = ", ".join(str(path.relative_to(root)) for path in places)
        raise InvalidDataset(f"There are several data sets in {root} ({several}): give one of them.")
    if not places:
        raise InvalidDataset(f"There is no CUB-200-2011 in {root}; give the folder that holds images.txt.")
    return places[0]


def _places(root: Path) -> list[Path]:
    """The folder with `images.txt`: the root, that of the archive, or those up to two folders below the root."""
    for folder in (root, root / "CUB_200_2011"):
        if (folder / "images.txt").is_file():
            return [folder]
    listed = sorted(path for pattern in ("*/images.txt", "*/*/images.txt") for path in root.glob(pattern))
    return [path.parent for path in listed if (path.parent / "classes.txt").is_file() and path.is_file()]


def _table(file: Path, problems: ErrorCollector, *, whole: bool = False) -> dict[str, tuple[str, ...]]:
    """Lines "id value …" by id; an id that comes twice is a problem. `whole`: the value is the rest of the line."""
    try:
        lines = read_text(file).splitlines()
    except InvalidDataset as error:
        problems.add("unreadable file", f"{file.name} ({reason_of(error)})")
        return {}
    rows: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if not (words := line.split(None, 1 if whole else -1)):
            continue
        if len(words) < 2 or words[0] in rows:
            problems.add(f"a line without a value, or an id twice, in {file.name}", words[0])
            continue
        rows[words[0]] = tuple(map(str.strip, words[1:]))
    return rows


def _chosen(
    names: dict[str, tuple[str, ...]], classes: Sequence[str] | None, problems: ErrorCollector
) -> dict[str, int]:
    """Ids of the wanted classes -> their index."""
    order = sorted(names, key=lambda key: int(key) if key.isdigit() else 0)
    forms = [folded(display_name(names[key][0])) for key in order]
    for key, form in zip(order, forms, strict=True):
        if forms.count(form) > 1:
            problems.add("a class name twice in classes.txt", " ".join((key, *names[key])))
    if classes is None:
        return {key: index for index, key in enumerate(order)}
    by_name = {folded(form): key for key in order for form in _forms(names[key][0]) if form}
    chosen: dict[str, int] = {}
    for name in classes:
        key = by_name.get(folded(name))
        if key is None or key in chosen:
            problems.add("no such class in classes.txt, or given twice", name)
        else:
            chosen[key] = len(chosen)
    if not classes:
        problems.add("no class requested; there are", ", ".join(names[key][0] for key in order))
    return chosen


def _forms(name: str) -> tuple[str, str, str]:
    return clean(name), name.partition(".")[2], display_name(name)


def _box(words: Sequence[str], key: str, problems: ErrorCollector) -> tuple[PixelBox, ...]:
    """Left, top, width, height as text -> corners."""
    try:
        x, y, width, height = map(float, words)
    except ValueError:
        width = height = x = y = float("nan")
    if not (width > 0 and height > 0 and abs(x) < 1e6 and abs(y) < 1e6):
        problems.add("no box of four numbers with an area in bounding_boxes.txt", key)
        return ()
    return ((x, y, x + width, y + height),)
