"""The viewer and one run in one HTML file, which a browser opens from the disk without a server or a network.

The modules, the record and plotly.js are in it gzipped and in base64, so that no text of a user or a checkpoint becomes
markup or code. `standalone/boot.js` unpacks them; a Content-Security-Policy forbids every connection. The pages of a
gallery (`app.gallery`) are made of the same parts, with what they share in files beside them.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from app.gradio_compat import theme_css
from app.theme import COLOURS, theme
from app.viewer.files import (
    HERE,
    LATER_IMPORT,
    STANDALONE,
    STATIC_IMPORT,
    imported,
    modules,
    plotly_js,
    style,
    template,
)

PARTS_FOLDER = HERE / "standalone"
DOCUMENT_SHELL = PARTS_FOLDER / "document.html"
"""The page of one image, with a comment in the place of each part."""
IMAGE_QUALITY = 80
"""Of the image as JPEG, so that the file of one at 336 pixels stays under 3 MB."""
BLOB_OF = "blob-of:"
"""Marks the import of a module by its path; `standalone/boot.js` has the same."""
_COMMENTS = re.compile(r"(?m)^[ \t]*(?:/\*\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*)[ \t]*\n")
"""Comments that have lines of their own, a third of the modules: a page does without them."""
_RECORD = "record"
_HEADING = '<h1 class="saved-heading">CRT explorer</h1>\n'
_DATA = '<script type="text/plain" id="crt-{}">{}</script>'
_POLICY = (
    "default-src 'none'; script-src '{digest}' {scripts}blob:; style-src {files}'unsafe-inline'; "
    "img-src {files}data: blob:; base-uri 'none'; form-action 'none'"
)
_FILES = "'self' file: "


def document(record: dict[str, Any]) -> bytes:
    """The file.

    Args:
        record: JSON values: `value`, the header of a run with its bytes in base64 as `data`; `results`, what the
            Results tab shows; `saved`, the screen that it opens with, as `app.requests.saved_screen` checks it.

    Returns:
        HTML in UTF-8.
    """
    return with_record(_parts(), record)


def with_record(parts: list[str], record: Any) -> bytes:
    """A page with its record.

    Args:
        parts: of the page, as `filled` gives them.
        record: JSON values.

    Returns:
        HTML in UTF-8.
    """
    text = gzip_base64(json.dumps(record, separators=(",", ":")).encode())
    return "".join(part if part != _RECORD else text for part in parts).encode()


def filled(shell: Path, content: dict[str, str], *, beside: bool = False) -> list[str]:
    """A shell with its parts, in pieces.

    Args:
        shell: HTML that has `<!-- NAME -->` in the place of each part; `boot`, `policy` and `record` need not be given.
        content: HTML or CSS by name.
        beside: whether the page loads scripts, styles and images from files beside it.

    Returns:
        The pieces, with the word `record` in the place of the record.
    """
    boot = (PARTS_FOLDER / "boot.js").read_text(encoding="utf-8")
    digest = f"sha256-{base64.b64encode(hashlib.sha256(boot.encode()).digest()).decode()}"
    files = _FILES if beside else ""
    policy = _POLICY.format(digest=digest, scripts=files, files=files)
    known = {**content, "boot": boot, "policy": policy, "record": _RECORD}
    text = shell.read_text(encoding="utf-8")
    pieces = re.split(rf"<!-- ({'|'.join(known)}) -->", text)
    return [known[piece] if index % 2 else piece for index, piece in enumerate(pieces)]


def packed_modules() -> str:
    """The modules as `standalone/boot.js` unpacks them."""
    return gzip_base64(json.dumps(linked_modules()).encode())


def page_style() -> str:
    """The CSS of the viewer and of its theme, light and dark."""
    return "\n".join((theme_css(theme()), COLOURS, style()))


@cache
def linked_modules() -> list[tuple[str, str]]:
    """The modules, each after those that it imports.

    Returns:
        Path in the viewer's folder, and source without comments, with each relative import replaced by `BLOB_OF` and
        the path, also where a module is loaded later.

    Raises:
        graphlib.CycleError: modules import each other.
    """
    sources: dict[str, str] = {}
    needed: dict[str, list[str]] = {}
    for name, content in modules().items():
        source = _COMMENTS.sub("", content.decode())
        to = imported(name, STATIC_IMPORT, LATER_IMPORT)
        for pattern in (STATIC_IMPORT, LATER_IMPORT):
            source = pattern.sub(lambda found, to=to: f"{found[1]}{BLOB_OF}{to[found[2]]}{found[3]}", source)
        sources[name], needed[name] = source, list(to.values())
    return [(name, sources[name]) for name in TopologicalSorter(needed).static_order()]


def gzip_base64(data: bytes) -> str:
    """Compress bytes for a page.

    Args:
        data: any bytes.

    Returns:
        Gzipped, in base64; the same bytes give the same text.
    """
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


@cache
def _parts() -> list[str]:
    """The document in pieces."""
    return filled(
        DOCUMENT_SHELL,
        {
            "style": page_style(),
            "entry": STANDALONE,
            "heading": _HEADING,
            "template": template(),
            "modules": _DATA.format("modules", packed_modules()),
            "plotly": _DATA.format("plotly", gzip_base64(plotly_js())),
        },
    )
