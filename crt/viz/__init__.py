"""Figures: maps laid over images, and sheets that put methods side by side."""

from crt.viz.colours import COLORMAP, colour, colour_bar, fit, outline, overlay
from crt.viz.sheet import Panel, contact_sheet

__all__ = [
    "COLORMAP",
    "Panel",
    "colour",
    "colour_bar",
    "contact_sheet",
    "fit",
    "outline",
    "overlay",
]
