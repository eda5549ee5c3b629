"""Text files as people save them: UTF-8 or UTF-16, with or without a byte order mark, in any line ends."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

from crt.data.formats import HEAD_BYTES, format_name
from crt.errors import InvalidDataset, reason_of

_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, encoding: str | None = None, *, can_declare: bool = False) -> str:
    """Read a text file: by its byte order mark, else in a given encoding, else UTF-8 or UTF-16 as its bytes show.

    Args:
        path: the file.
        encoding: a name of Python's.
        can_declare: whether who reads the message can give the encoding.

    Returns:
        The text.

    Raises:
        InvalidDataset: a file that is not there, in another encoding, or of a format that is no text, such as that of
            spreadsheets; or an encoding that does not exist.
    """
    try:
        data = path.read_bytes()
        if (name := format_name(data[:HEAD_BYTES])) not in (None, "HTML", "SVG"):
            raise InvalidDataset(f"{path} is a {name} file and no text: save its content as text in UTF-8, or as CSV.")
        return decode(data, encoding)
    except OSError as error:
        raise InvalidDataset(f"{path} cannot be read: {reason_of(error)}.") from error
    except LookupError as error:
        raise InvalidDataset(
            f"There is no text encoding {encoding!r}: give one such as utf-8, cp1252 or gb18030."
        ) from error
    except UnicodeError as error:
        name = encoding or "UTF-8 or UTF-16"
        choice = ", or give its encoding" if can_declare else ""
        raise InvalidDataset(f"{path} is not text in {name}: save it as UTF-8{choice}.") from error


def decode(data: bytes, encoding: str | None = None) -> str:
    """Decode bytes as `read_text` does.

    Args:
        data: of a file.
        encoding: a name of Python's.

    Returns:
        The text.

    Raises:
        UnicodeDecodeError: the bytes are in another encoding.
        LookupError: the encoding is unknown.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name)
    if encoding is not None:
        return data.decode(encoding)
    # Of UTF-16 without a mark every other byte of ASCII, such as the line ends and separators, is zero.
    if not data.count(0):
        return data.decode("utf-8")
    text = data.decode("utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be")
    # Without a line end or a separator it is text of one byte a character with a stray zero, or no text.
    if not any(mark in text for mark in "\n\r\t,;|<") and 3 * data.count(0) < len(data):
        raise UnicodeDecodeError("utf-16", data, 0, len(data), "there is no separator in it")
    return text


def clean(text: str) -> str:
    """A name without blanks around it, in the composed normal form (NFC).

    Args:
        text: as it was given.

    Returns:
        The name.
    """
    return unicodedata.normalize("NFC", text.strip())


def folded(text: str) -> str:
    """What two names share that differ in case or in the Unicode normal form only.

    Args:
        text: a name.

    Returns:
        The same for both.
    """
    return unicodedata.normalize("NFC", clean(text).casefold())


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which class 10 comes after class 9.

    Args:
        text: a name.

    Returns:
        The key.
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", folded(text))
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts)
