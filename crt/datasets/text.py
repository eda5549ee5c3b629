"""Text files as people save them: UTF-8 or UTF-16, with or without a byte order mark, in any line ends."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

from crt.errors import InvalidDataset

_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, encoding: str | None = None) -> str:
    """The text of a file: by its byte order mark, else in `encoding`, else UTF-8 or UTF-16 as its bytes show.

    Raises InvalidDataset for a file that is not there, in another encoding, or for an encoding that does not exist.
    """
    try:
        return decode(path.read_bytes(), encoding)
    except OSError as error:
        raise InvalidDataset(f"{path} cannot be read: {error.strerror}.") from error
    except LookupError as error:
        raise InvalidDataset(f"There is no text encoding {encoding!r}: give utf-8, cp1252 or gb18030, say.") from error
    except UnicodeError as error:
        name = encoding or "UTF-8 or UTF-16"
        raise InvalidDataset(f"{path} is not text in {name}: save it as UTF-8, or give its encoding.") from error


def decode(data: bytes, encoding: str | None = None) -> str:
    """Bytes -> text as `read_text`. Raises UnicodeError, and LookupError for an unknown encoding."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name)
    if encoding is not None:
        return data.decode(encoding)
    # Of UTF-16 without a mark every other byte of ASCII, such as the line ends and separators, is zero.
    if data[1::2].count(0) > data[::2].count(0):
        return data.decode("utf-16-le")
    if data[::2].count(0):
        return data.decode("utf-16-be")
    return data.decode("utf-8")


def clean(text: str) -> str:
    """A name without blanks around it, in the composed normal form (NFC)."""
    return unicodedata.normalize("NFC", text.strip())


def folded(text: str) -> str:
    """What two names share that differ in case or in the Unicode normal form only."""
    return unicodedata.normalize("NFC", clean(text).casefold())


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which class 10 comes after class 9."""
    parts = re.findall(r"[0-9]+|[^0-9]+", folded(text))
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts)
