"""The images of a folder, each with an id for the names of its files, and its mask."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from crt.data.files import FileIndex, is_system, tails, walk, why_left_out
from crt.errors import InvalidDataset

SLUG_LENGTH = 40
_OTHER = re.compile(r"[^a-z0-9]+")
_NOT_AN_IMAGE = "not an image"


@dataclass(frozen=True)
class SourceImage:
    """An image file.

    Attributes:
        path: of the file.
        name: its path below the folder, with slashes.
    """

    path: Path
    name: str

    @property
    def id(self) -> str:
        """Names the files of the image in the site: ASCII letters, digits and hyphens, different for each name."""
        slug = _OTHER.sub("-", PurePosixPath(self.name).stem.lower()).strip("-")[:SLUG_LENGTH].strip("-")
        digest = hashlib.sha256(self.name.encode(errors="surrogateescape")).hexdigest()[:10]
        return f"{slug}-{digest}" if slug else digest

    @property
    def shown_name(self) -> str:
        """The name as text that UTF-8 can hold."""
        return self.name.encode(errors="surrogateescape").decode(errors="replace")


def find_images(folder: Path, left_out: Sequence[Path] = ()) -> tuple[list[SourceImage], list[tuple[str, str]]]:
    """The images below a folder, by name.

    Args:
        folder: that is searched, with its subfolders. Hidden files are left out.
        left_out: folders that are not searched.

    Returns:
        The images; and of each file with an image of a format that is not read, its name and the reason.

    Raises:
        InvalidDataset: there is no such folder, or it has no image.
    """
    if not folder.is_dir():
        raise InvalidDataset(f"There is no folder {folder}: give a folder of images.")
    closed = [path.resolve() for path in left_out]
    images, unread = [], []
    for path in walk(folder):
        relative = path.relative_to(folder)
        if is_system(relative) or any(path.resolve().is_relative_to(one) for one in closed):
            continue
        found = SourceImage(path, relative.as_posix())
        reason = why_left_out(path)
        if reason is None:
            images.append(found)
        elif reason != _NOT_AN_IMAGE:
            unread.append((found.shown_name, f"{reason}."))
    if not images:
        raise InvalidDataset(f"There is no image in {folder}: give a folder of JPEG, PNG or other images.")
    return images, unread


def beside(index: FileIndex, image: SourceImage) -> Path | None:
    """The file in another folder that belongs to an image: of its path without the extension, or of the end of that.

    Args:
        index: of the other folder.
        image: the image.

    Returns:
        The file; None without one.

    Raises:
        InvalidDataset: there are several.
    """
    for name in tails(str(PurePosixPath(image.name).with_suffix(""))):
        found = index.one(name)
        if found is not None:
            return found
    return None
