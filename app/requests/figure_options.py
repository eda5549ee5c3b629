"""How a figure is made for print, as the browser asks for it: every value checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from app.requests.validation import choice, number
from crt.errors import InvalidSetting
from crt.viz.print_size import PrintSize

Caption = Literal["figure", "file"]
WIDTHS = (85, 180)  # millimetres: one column and two of a journal's page
FONTS = (6.0, 12.0)  # points of the smallest text
LINES = (0.5, 3.0)  # what the widths of lines are multiplied by
CAPTIONS = ("figure", "file")


@dataclass(frozen=True)
class FigureOptions:
    """How a figure is made.

    Attributes:
        size: on the printed page; None for panels of a fixed size, as many in a row as there are.
        letters: whether panels have letters.
        caption: whether the title and the settings stand in the figure, or in a text file beside it.
    """

    size: PrintSize | None = None
    letters: bool = False
    caption: Caption = "figure"

    @classmethod
    def of(cls, details: dict[str, Any]) -> FigureOptions:
        """Check what the browser sent.

        Args:
            details: values from the browser, not to be trusted: `figure`, or nothing.

        Returns:
            The options; without `figure` those of a figure that is not made for print.

        Raises:
            InvalidSetting: a value is missing or out of range.
        """
        payload = details.get("figure")
        if payload is None:
            return cls()
        if not isinstance(payload, dict):
            raise InvalidSetting("The settings of the figure cannot be read: reload the page.")
        width = payload.get("width")
        size = None
        if width is not None:
            if width not in WIDTHS or isinstance(width, bool):
                raise InvalidSetting(f"A figure is {' or '.join(map(str, WIDTHS))} mm wide: choose one.")
            size = PrintSize(float(width), number(payload, "font", *FONTS), number(payload, "lines", *LINES))
        caption = cast("Caption", choice(payload, "caption", CAPTIONS))
        return cls(size, payload.get("letters") is True, caption)


SCREEN = FigureOptions()
"""A figure that is not made for print."""
