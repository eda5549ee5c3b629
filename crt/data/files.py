"""Files found by the names that lists give them, whatever wrote the list: slashes, case, Unicode normal form."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from PIL import Image

from crt.data.formats import EXTENSIONS, FORMATS, HEAD_BYTES, format_name
from crt.data.text import folded
from crt.errors import InvalidDataset, reason_of

FOREIGN_EXTENSIONS = frozenset((
    ".jxl", ".jp2", ".j2k", ".jpx", ".jpf", ".psd", ".xcf", ".svg", ".pdf", ".eps", ".ico", ".tga",
    ".pcx", ".exr", ".hdr", ".dds", ".qoi", ".fits", ".dcm", ".cr2", ".cr3", ".nef", ".arw", ".dng",
    ".raf", ".rw2", ".orf", ".pef", ".raw",
))  # fmt: skip
"""Of images in formats that are not read."""
_SYSTEM_NAMES = ("__macosx", "thumbs.db", "desktop.ini", "@eadir")


class FileIndex:
    """The files below a folder, which is listed only if a name is not there as it is written."""

    def __init__(self, folder: Path, extensions: Sequence[str] = (), *, first: str = "") -> None:
        """Index a folder.

        Args:
            folder: which is listed only if a name is not there as it is written.
            extensions: those that a name without one may stand for, with their dot; those of images by default.
            first: the extension that is tried before the others and wins.
        """
        self.folder, self.first = folder, first
        self.extensions = frozenset(extensions) or EXTENSIONS | FOREIGN_EXTENSIONS

    def find(self, name: str) -> tuple[Path, ...]:
        """The files that a name means.

        A file of exactly this name wins; then one that differs in the Unicode normal form; then in case. Backslashes
        are slashes, and no name leads out of the folder.

        Args:
            name: with or without its extension.

        Returns:
            None, one, or several that fit equally.
        """
        plain = slashes(name).lstrip("/")
        if not plain or ".." in PurePosixPath(plain).parts:
            return ()
        try:
            for candidate in (plain, plain + self.first):
                if (self.folder / candidate).is_file():
                    return (self.folder / candidate,)
        except (OSError, ValueError):  # a name that no file can have
            return ()
        return self._closest(plain, self._names.get(folded(plain), [])) or self._closest(
            plain, self._stems.get(folded(plain), [])
        )

    def one(self, name: str) -> Path | None:
        """The file that a name means.

        Args:
            name: with or without its extension.

        Returns:
            The file; None without one.

        Raises:
            InvalidDataset: there are several; the message has them.
        """
        found = self.find(name)
        if len(found) > 1:
            several = ", ".join(path.name for path in found)
            raise InvalidDataset(f"{name} may mean each of {several}: rename one of them, or give the whole name.")
        return found[0] if found else None

    def _closest(self, name: str, paths: list[Path]) -> tuple[Path, ...]:
        exact = [path for path in paths if self._without(self._relative(path), name) == _composed(name)]
        paths = exact or paths
        readable = [path for path in paths if path.suffix.lower() in EXTENSIONS]
        paths = readable or paths
        first = [path for path in paths if self.first and path.suffix.lower() == self.first]
        distinct = {_composed(self._relative(path)): path for path in first or paths}  # one name in two normal forms
        return tuple(distinct.values())

    def _without(self, relative: str, name: str) -> str:
        """A file's name as `name` is written: with its extension if that has one."""
        return _composed(relative if folded(relative) == folded(name) else relative[: -len(Path(relative).suffix)])

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    @cached_property
    def _names(self) -> dict[str, list[Path]]:
        names: dict[str, list[Path]] = {}
        for path in walk(self.folder):
            if not is_system(path.relative_to(self.folder)):
                names.setdefault(folded(self._relative(path)), []).append(path)
        return names

    @cached_property
    def _stems(self) -> dict[str, list[Path]]:
        stems: dict[str, list[Path]] = {}
        for paths in self._names.values():
            for path in paths:
                if path.suffix.lower() in self.extensions:
                    stems.setdefault(folded(self._relative(path)[: -len(path.suffix)]), []).append(path)
        return stems


def slashes(name: str) -> str:
    """A path with slashes, without "./" at its beginning and blanks around it.

    Args:
        name: a path as a list writes it.

    Returns:
        The path.
    """
    plain = name.strip().replace("\\", "/")
    while plain.startswith("./"):
        plain = plain[2:].lstrip("/")
    return plain


def tails(name: str) -> Iterator[str]:
    """A path, then what is left of it without its first folder, the first two, …: `a/b/c`, `b/c`, `c`.

    Args:
        name: a path with slashes.

    Yields:
        The path and its ends.
    """
    parts = PurePosixPath(slashes(name)).parts
    for start in range(len(parts)):
        yield "/".join(parts[start:]).lstrip("/")


def walk(folder: Path) -> list[Path]:
    """All files below a folder. Links to folders are followed, each folder once, so that none is a circle.

    Args:
        folder: where to begin.

    Returns:
        The files, sorted.
    """
    files: list[Path] = []
    seen = {os.path.realpath(folder)}
    for top, folders, names in os.walk(folder, followlinks=True):
        files += [Path(top) / name for name in names]
        kept = []
        for name in sorted(folders, key=lambda name: (Path(top, name).is_symlink(), name)):
            target = os.path.realpath(Path(top, name))
            inside = Path(top, name).is_symlink() and Path(target).is_relative_to(os.path.realpath(folder))
            if target not in seen and not inside:  # the target of a link to the inside is listed without it
                seen.add(target)
                kept.append(name)
        folders[:] = kept
    return sorted(files)


def is_system(relative: Path) -> bool:
    """Whether a file or a folder on its path is one that systems add: hidden, `__MACOSX`, `Thumbs.db`.

    Args:
        relative: a path below a data set.

    Returns:
        Whether it is.
    """
    return any(part.startswith(".") or part.lower() in _SYSTEM_NAMES for part in relative.parts)


def why_left_out(path: Path) -> str | None:
    """Why a file is no image to read. Extensions in any case decide, and the content where the extension is none of an
    image; nothing is decoded.

    Args:
        path: the file.

    Returns:
        Words that a list of files can follow; None for an image.
    """
    suffix = path.suffix.lower()
    if suffix in EXTENSIONS:
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"cannot be opened ({reason_of(error)})"
    name = format_name(head)
    if suffix in FOREIGN_EXTENSIONS:
        # Raw files of cameras begin as a TIFF does.
        known = name if name not in (None, "TIFF") else suffix[1:].upper()
        return f"{known} is not supported, save as JPEG or PNG"
    if name == "HEIC" or _opens(path):
        return None
    if name in ("JPEG XL", "JPEG 2000", "AVIF", "TIFF"):
        return f"{name} is not supported, save as JPEG or PNG"
    return "not an image"


def _opens(path: Path) -> bool:
    try:
        with Image.open(path, formats=FORMATS):
            return True
    except Exception:  # noqa: BLE001 - Pillow's readers raise nearly any type at foreign bytes
        return False


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
