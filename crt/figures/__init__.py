"""Figures: maps laid over pictures, and sheets that put methods side by side."""

from crt.figures.colours import COLORMAP, colour, colour_bar, fit, outline, overlay
from crt.figures.compare import TITLES, Extra, attention_words, probabilities, settings_line, side_by_side
from crt.figures.sheet import Panel, contact_sheet

__all__ = [
    "COLORMAP",
    "TITLES",
    "Extra",
    "Panel",
    "attention_words",
    "colour",
    "colour_bar",
    "contact_sheet",
    "fit",
    "outline",
    "overlay",
    "probabilities",
    "settings_line",
    "side_by_side",
]
