"""Pictures sorted into one folder per class: `root/<class>/<picture>`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crt.datasets.base import ImageSet, Problems, Sample
from crt.errors import InvalidDataset

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def read_folders(root: str | Path, *, classes: Sequence[str] | None = None) -> ImageSet:
    """Every picture directly inside a class folder, labelled with that folder's name (a single-label set).

    Classes are the folder names sorted, or `classes` in the given order; pictures are sorted by name inside each.
    A sample's id is "<class>/<file name>". Folders and files whose name begins with a dot are left out.

    Raises InvalidDataset for no class folders, empty class folders, and requested classes without a folder.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise InvalidDataset(f"There is no folder {root}; give a folder that holds one folder of pictures per class.")
    folders = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise InvalidDataset(f"There are no class folders in {root}; sort the pictures into one folder per class.")
    wanted = (classes,) if isinstance(classes, str) else tuple(folders if classes is None else classes)
    problems = Problems(f"The picture folder {root}")
    if not wanted:
        problems.add("no class requested; there are folders for", ", ".join(folders))
    samples = []
    for label, name in enumerate(wanted):
        if name in wanted[:label]:
            problems.add("class requested twice", name)
        elif name not in folders:
            problems.add("no folder for a requested class", name)
        elif images := _pictures(root / name):
            samples += [Sample(f"{name}/{image.name}", image, (label,)) for image in images]
        else:
            problems.add(f"no picture ({', '.join(EXTENSIONS)}) in a class folder", name)
    problems.raise_if_any()
    return ImageSet(wanted, tuple(samples), single_label=True)


def _pictures(folder: Path) -> list[Path]:
    """The picture files directly inside a folder, by extension in any case, sorted by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()
    )
