"""The files of PASCAL VOC's devkit layout: where it lies, split files, and the class names in annotations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from crt.data.error_collector import ErrorCollector
from crt.data.files import FOREIGN_EXTENSIONS, FileIndex, is_system, slashes, tails, walk
from crt.data.formats import EXTENSIONS
from crt.data.text import clean, decode, read_text
from crt.errors import InvalidDataset, reason_of

_FLAG = re.compile(r"^(.*\S)\s+[+-]?[01]$")  # "id -1", "id 0", "id 1": the form of ImageSets/Main
_PATH = re.compile(
    rf"^[\"']?(.+?(?:{'|'.join(re.escape(ext) for ext in sorted(EXTENSIONS | FOREIGN_EXTENSIONS, reverse=True))}))"
    r"[\"']?(?:[\s,;].*)?$",
    re.IGNORECASE,
)
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
_DECLARED = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)


def find_voc(root: str | Path) -> Path:
    """The devkit's folder. VOC2012 comes first where there are several years.

    Args:
        root: that folder, `VOCdevkit`, or the folder that holds `VOCdevkit`.

    Returns:
        The folder of one year.

    Raises:
        InvalidDataset: none of them is a devkit.
    """
    root = Path(root).expanduser()
    years = [path for top in (root, root / "VOCdevkit") for path in sorted(top.glob("VOC20*"), reverse=True)]
    for folder in (root, root / "VOC2012", root / "VOCdevkit" / "VOC2012", *years):
        if (folder / "ImageSets").is_dir():
            return folder
    raise InvalidDataset(
        f"There is no VOC 2012 devkit in {root}; give the folder that holds ImageSets, JPEGImages and Annotations."
    )


def read_ids(voc: Path, split: str, images: FileIndex, problems: ErrorCollector, lists: Sequence[str]) -> list[str]:
    """The ids of a split file in order.

    Args:
        voc: the devkit's folder.
        split: a file name without .txt.
        images: the files of the images.
        problems: takes what is wrong with the file.
        lists: folders of ImageSets in order of preference.

    Returns:
        The ids; none for an unusable file.
    """
    files = [voc / "ImageSets" / kind / f"{split}.txt" for kind in lists]
    file = next((path for path in files if path.is_file()), None)
    if file is None:
        known = sorted({path.stem for path in (voc / "ImageSets").glob("*/*.txt")})
        problems.add("no such split", f"ImageSets/{lists[0]}/{split}.txt (there are: {', '.join(known) or 'none'})")
        return []
    ids: dict[str, None] = {}
    try:
        lines = read_text(file).splitlines()
    except InvalidDataset as error:
        problems.add("unreadable split file", str(error))
        return []
    for line in filter(None, map(str.strip, lines)):
        name = _id_of(line, images)
        if name in ids:
            problems.add(f"listed twice in {file.name}", name)
        ids[name] = None
    if not ids:
        problems.add("empty split file", file.relative_to(voc))
    return list(ids)


def _id_of(line: str, images: FileIndex) -> str:
    """A line of a split file -> the id: the whole line, or what stands before a flag, or the first of its paths."""
    plain = slashes(line)
    if images.find(plain):
        return _without_extension(plain)
    if (flagged := _FLAG.match(plain)) is not None:
        plain = flagged[1]
    if (path := _PATH.match(plain)) is None:
        # A path without an extension, such as JPEGImages/2007_000032: the longest part that is there.
        return next((tail for tail in tails(plain) if images.find(tail)), plain)
    # Lists of other projects hold "/JPEGImages/<id>.jpg /SegmentationClass/<id>.png".
    names = [_without_extension(tail) for tail in tails(path[1])]
    return next((name for name in names if images.find(name)), names[-1])


def _without_extension(name: str) -> str:
    suffix = Path(name).suffix
    return name[: -len(suffix)] if suffix.lower() in EXTENSIONS | FOREIGN_EXTENSIONS else name


def annotations_of(voc: Path) -> FileIndex:
    """The annotations of a devkit by their ids.

    Args:
        voc: the devkit's folder.

    Returns:
        The index of their files.
    """
    return FileIndex(voc / "Annotations", (".xml",), first=".xml")


def find_annotation(annotations: FileIndex, name: str, problems: ErrorCollector) -> ElementTree.Element | None:
    """The annotation of an id.

    Args:
        annotations: of `annotations_of`.
        name: the id.
        problems: takes one that is not there or not readable.

    Returns:
        The root of the XML, as `read_annotation` gives it; None with a problem.
    """
    try:
        file = annotations.one(name)
        if file is None:
            problems.add("no annotation in Annotations", name)
            return None
        return read_annotation(file)
    except InvalidDataset as error:
        problems.add("unreadable annotation", f"{name} ({reason_of(error)})")
        return None


def names_in_all(voc: Path) -> set[str]:
    """The class names of all readable annotations, whatever split they belong to.

    Args:
        voc: the devkit's folder.

    Returns:
        The names.
    """
    found: set[str] = set()
    for path in walk(voc / "Annotations"):
        if path.suffix.lower() == ".xml" and not is_system(path.relative_to(voc)):
            try:
                found |= names_of(read_annotation(path))
            except InvalidDataset:
                continue  # the split that needs it reports it
    return found - {""}


def names_of(annotation: ElementTree.Element) -> set[str]:
    """The class names of all objects of an annotation.

    Args:
        annotation: the root of the XML.

    Returns:
        The names, "" for an object without one; empty for an image without objects.
    """
    # Only the direct children: body parts ("head", "hand") have names of their own further down.
    return {clean(item.findtext("name") or "") for item in annotation.findall("object")}


def read_annotation(file: Path) -> ElementTree.Element:
    """Read an XML file in its declared encoding.

    Args:
        file: the annotation.

    Returns:
        Its root, all tags in lower case and without their name spaces.

    Raises:
        InvalidDataset: the file cannot be read, or is XML of another kind, which would pass for an image without
            objects.
    """
    try:
        root = _root(file.read_bytes())
    except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
        raise InvalidDataset(f"it cannot be read as XML: {reason_of(error)}.") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2].lower()
    if root.tag != "annotation" and root.find("object") is None:
        raise InvalidDataset(f"its root is <{root.tag}>, not <annotation>.")
    return root


def _root(data: bytes) -> ElementTree.Element:
    """The root of an XML file in its declared encoding, those of several bytes a character included.

    Raises ParseError, UnicodeError (a ValueError) and LookupError for an encoding that there is not.
    """
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        # expat has no GBK or Shift JIS, and no UTF-16 that declares itself as UTF-8.
        declared = _DECLARATION.match(data)
        encoding = declared[1].decode("ascii") if declared else None
        text = decode(data, encoding)
        return ElementTree.fromstring(_DECLARED.sub("", text, count=1).strip())
