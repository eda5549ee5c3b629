"""Puts the viewer's HTML, CSS and JavaScript modules together into one Gradio component."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from app.payload import INLINE_BYTES

HERE = Path(__file__).parent
MODULES = ("colormaps", "arithmetic", "contour", "decode", "state", "draw", "page", "chart", "controls", "main")
_IMPORT = re.compile(r"^import\b[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)


@cache
def script() -> str:
    """The ES modules as the body of one function, in order of dependence: imports and exports fall away.

    A name may be defined at the top of one module only; a test holds that.
    """
    sources = [(HERE / f"{name}.mjs").read_text(encoding="utf-8") for name in MODULES]
    body = "\n".join(_EXPORT.sub("", _IMPORT.sub("", source)) for source in sources)
    return f'"use strict";\n{body}\nmount(element, trigger, props, watch);\n// events: "example"\n'


class Viewer(gr.HTML):
    """Shows a payload (`app.payload`): panels, class chart, controls. Its template holds no user text.

    `cards`: a list of {id, title, thumb} shown as examples. The event `example` carries the id of the one chosen.
    Names quoted in the script are taken for events by Gradio, so no property may be called like one of those.
    """

    def __init__(self, value: dict[str, Any] | None = None, *, cards: list[dict] | None = None, **props: Any) -> None:
        own = {
            "html_template": (HERE / "viewer.html").read_text(encoding="utf-8"),
            "css_template": (HERE / "viewer.css").read_text(encoding="utf-8"),
            "js_on_load": script(),
            "apply_default_css": False,
        }
        super().__init__(value, cards=cards or [], **{**props, **own})

    def postprocess(self, value: Any) -> Any:
        """A header dict, or (header, bytes of the maps) -> the header with the maps inside or the file they are in."""
        if not isinstance(value, tuple):
            return value
        header, data = value
        if len(data) <= INLINE_BYTES:
            return header | {"data": base64.b64encode(data).decode()}
        path = save_bytes_to_cache(data, "maps.bin", self.GRADIO_CACHE)
        self.temp_files.add(path)
        return header | {"file": path}

    def preprocess(self, payload: Any) -> None:
        """What the page shows never comes back to the server."""

    def get_block_name(self) -> str:
        """Gradio's own HTML component draws the shell."""
        return "html"

    def api_info(self) -> dict[str, Any]:
        """The header is JSON."""
        return {"type": "object"}
