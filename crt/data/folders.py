"""Images sorted into one folder per class: `root/<class>/…/<image>`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crt.data.base import ImageDataset, Sample
from crt.data.error_collector import ErrorCollector
from crt.data.files import is_system, walk, why_left_out
from crt.data.text import clean, folded
from crt.errors import InvalidDataset

SYSTEM = "a file of the system, not an image"
SPLITS = frozenset(("train", "training", "trn", "val", "valid", "validation", "dev", "test", "testing", "eval"))
"""What the folders around the class folders are called where there is one for each split."""


def read_folders(root: str | Path, *, classes: Sequence[str] | None = None) -> ImageDataset:
    """Read every image in a class folder and below it, labelled with that folder's name (a single-label set).

    A sample's id is "<class>/<path below it>". Names are compared in their composed form (NFC), or without regard to
    case where that is unique. An image is a file with the extension of a format that `load_image` reads, in any case,
    or with the content of one. Hidden files, `__MACOSX` and the like, and what is no image are in
    `ImageDataset.left_out`.

    Args:
        root: the folder of class folders.
        classes: names in the order wanted; all folder names, sorted, by default.

    Returns:
        The images, sorted by path inside each class.

    Raises:
        InvalidDataset: no class folders, folders of splits instead, empty class folders, or requested classes
            without a folder.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise InvalidDataset(f"There is no folder {root}; give a folder that holds one folder of images per class.")
    folders: dict[str, list[Path]] = {}
    left_out = []
    for path in sorted(root.iterdir()):
        if is_system(path.relative_to(root)):
            left_out.append((SYSTEM, path.name))
        elif path.is_dir():
            folders.setdefault(clean(path.name), []).append(path)
        else:
            left_out.append((why_left_out(path) or "an image outside the class folders", path.name))
    if not folders:
        raise InvalidDataset(f"There are no class folders in {root}; sort the images into one folder per class.")
    if classes is None and {folded(name) for name in folders} <= SPLITS:
        raise InvalidDataset(
            f"The folders in {root} are splits and no classes ({', '.join(sorted(folders))}): give one of them, which "
            "holds one folder of images per class."
        )
    wanted = (classes,) if isinstance(classes, str) else tuple(sorted(folders) if classes is None else classes)
    problems = ErrorCollector(f"The image folder {root}")
    if not wanted:
        problems.add("no class requested; there are folders for", ", ".join(sorted(folders)))
    samples, names = [], []
    for label, name in enumerate(wanted):
        folder = _named(name, folders)
        names.append(folder or clean(name))
        if folder is None:
            problems.add("no folder for a requested class", name)
        elif folder in names[:label]:
            problems.add("class requested twice", name)
        else:
            images = [(path, f"{folder}/{relative}") for path, relative in _images(folder, folders[folder], left_out)]
            samples += [Sample(name, path, (label,)) for path, name in images]
            if not images:
                _add_empty(folder, left_out, problems)
    left_out += [("a class that was not chosen", name) for name in sorted(set(folders).difference(names))]
    problems.raise_if_any()
    return ImageDataset(tuple(names), tuple(samples), single_label=True, left_out=tuple(left_out))


def _named(name: str, folders: dict[str, list[Path]]) -> str | None:
    """The folder that a class name means: the same, or the only one that differs in case."""
    if clean(name) in folders:
        return clean(name)
    close = [folder for folder in folders if folded(folder) == folded(name)]
    return close[0] if len(close) == 1 else None


def _images(name: str, folders: list[Path], left_out: list[tuple[str, str]]) -> list[tuple[Path, str]]:
    """The images below the folders of a class, each with its path there; other files are added to `left_out`."""
    images = []
    for folder in folders:
        for path in walk(folder):
            relative = path.relative_to(folder)
            if is_system(relative):
                left_out.append((SYSTEM, f"{name}/{relative.as_posix()}"))
            elif (reason := why_left_out(path)) is not None:
                left_out.append((reason, f"{name}/{relative.as_posix()}"))
            else:
                images.append((path, relative.as_posix()))
    return images


def _add_empty(name: str, left_out: list[tuple[str, str]], problems: ErrorCollector) -> None:
    """A class folder without an image is a problem; its message depends on what it holds instead."""
    reasons = sorted({reason for reason, item in left_out if item.startswith(f"{name}/")})
    problems.add("no image that can be read in a class folder", f"{name} ({'; '.join(reasons)})" if reasons else name)
