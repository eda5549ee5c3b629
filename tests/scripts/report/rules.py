"""The sentences of a page, and the numbers in one."""

from __future__ import annotations

import re

_FRONT = re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_NO_PROSE = re.compile(r"^(?:\||#|    |<).*$", re.MULTILINE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_REFERENCE = re.compile(
    r"`[^`]*`|\b3\.1[123]\b|(?:Table|Fig\.|Eq\.|section) \d+|arXiv [\d.]+|\b(?:VOC|CUB)[ -]?\d[\d-]*|\(\d{4}\)"
)
"""Names with numbers in them: code, versions of Python, parts of the paper, data sets and years."""
_NUMBER = re.compile(r"(?<![\w.])(?<!\w-)[+−-]?\d+(?:[.,]\d+)*")


def sentences(text: str) -> list[str]:
    """The sentences of a page in Markdown: of its paragraphs, lists and the words for its images.

    Tables, headings, code and the front matter have none.
    """
    plain = _NO_PROSE.sub("", _FENCED.sub("", _FRONT.sub("", text)))
    plain = _LINK.sub(r"\1", _IMAGE.sub(r"\1", plain))
    paragraphs = re.split(r"\n\s*\n|^- ", plain, flags=re.MULTILINE)
    joined = [" ".join(paragraph.split()) for paragraph in paragraphs]
    return [one for paragraph in joined if paragraph for one in re.split(r"(?<=[.!?])\s+(?=[A-Z`(])", paragraph)]


def numbers_in(sentence: str) -> list[str]:
    """The numbers of a sentence, without those in names and references."""
    return _NUMBER.findall(_REFERENCE.sub("", sentence))


def most_numbers(text: str) -> str:
    """The sentence with the most numbers; empty without a sentence."""
    return max(sentences(text), key=lambda one: len(numbers_in(one)), default="")


def sections_of(text: str) -> list[str]:
    """The parts below the headings of the second level."""
    return re.split(r"^## ", text, flags=re.MULTILINE)[1:]
