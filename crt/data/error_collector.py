"""All problems of a data set in one message."""

from __future__ import annotations

from crt.errors import InvalidDataset

SHOWN_PER_KIND = 20


class ErrorCollector:
    """Collects the problems of a dataset, so that one run of a reader reports all of them."""

    def __init__(self, subject: str) -> None:
        """Start without problems.

        Args:
            subject: how the message begins, such as "The VOC split 'train' in /data/VOC2012".
        """
        self.subject = subject
        self._found: dict[str, list[str]] = {}
        self._hints: dict[str, None] = {}

    def __len__(self) -> int:
        return sum(len(items) for items in self._found.values())

    def add(self, kind: str, item: object) -> None:
        """Note one problem.

        Args:
            kind: the heading it is listed under.
            item: what it concerns (an id, a path).
        """
        self._found.setdefault(kind, []).append(str(item))

    def hint(self, sentence: str) -> None:
        """Note what a user may do about the problems.

        Args:
            sentence: with which the message ends.
        """
        self._hints[sentence] = None

    def message(self) -> str:
        """One sentence, then a line for each kind with its first items."""
        count = len(self)
        lines = [f"{self.subject} has {count} problem{'s' * (count != 1)}; put these right and read it again:"]
        for kind, items in self._found.items():
            more = f" ... and {len(items) - SHOWN_PER_KIND} more" if len(items) > SHOWN_PER_KIND else ""
            lines.append(f"- {kind} ({len(items)}): {', '.join(items[:SHOWN_PER_KIND])}{more}")
        return "\n".join([*lines, *self._hints])

    def raise_if_any(self) -> None:
        """Raise what was gathered; do nothing when there was no problem.

        Raises:
            InvalidDataset: there were problems; the message lists them.
        """
        if self._found:
            raise InvalidDataset(self.message())
