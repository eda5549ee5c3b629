"""A figure for print as a file: PNG, PDF or SVG, each from the same matplotlib figure.

In PDF and SVG text is text and lines are paths.
"""

from __future__ import annotations

import io
import threading
import warnings
from typing import Any, Literal, get_args

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from crt.errors import InvalidSetting
from crt.viz.sheet import printable

Kind = Literal["png", "pdf", "svg"]
DPI = 300
_RENDERING = threading.Lock()  # matplotlib's settings and fonts belong to the process


def render(figure: Figure, kind: Kind, *, title: str = "", description: str = "", dpi: int = DPI) -> bytes:
    """Write a figure as the bytes of a file; the same figure gives the same bytes.

    Args:
        figure: of `lay_out`.
        kind: PNG (RGB), PDF or SVG.
        title: for the metadata.
        description: for the metadata.
        dpi: pixels an inch of a PNG.

    Returns:
        The file.

    Raises:
        InvalidSetting: another kind.
    """
    title, description = printable(title), printable(description)
    stream = io.BytesIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "crt", "pdf.fonttype": 42}
    with _RENDERING, mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # `families` has named the characters
        if kind == "png":
            figure.set_dpi(dpi)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            info = PngInfo()
            info.add_itxt("Title", title)
            info.add_itxt("Description", description)
            pixels = np.asarray(canvas.buffer_rgba())[..., :3]
            Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG", dpi=(dpi, dpi), pnginfo=info)
        elif kind == "pdf":
            figure.savefig(
                stream, format="pdf", metadata={"Title": title, "Subject": description, "CreationDate": None}
            )
        elif kind == "svg":
            figure.savefig(stream, format="svg", metadata={"Title": title, "Description": description, "Date": None})
        else:
            raise InvalidSetting(f"There is no figure of the kind {kind!r}: choose {', '.join(get_args(Kind))}.")
    return stream.getvalue()
