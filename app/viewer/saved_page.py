"""The viewer and one run in one HTML file, which a browser opens from the disk without a server or a network.

The modules, the record and plotly.js are in it gzipped and in base64, so that no text of a user or a checkpoint becomes
markup or code. `standalone/boot.js` unpacks them; a Content-Security-Policy forbids every connection.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import posixpath
import re
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

from app.gradio_compat import theme_css
from app.theme import COLOURS, theme
from app.viewer.files import HERE, modules, plotly_js, style, template

PARTS_FOLDER = HERE / "standalone"
IMAGE_QUALITY = 80
"""Of the image as JPEG, so that the file of one at 336 pixels stays under 3 MB."""
BLOB_OF = "blob-of:"
"""Marks the import of a module by its path; `standalone/boot.js` has the same."""
_IMPORT = re.compile(r"(?m)^(import .* from ')(\.[^']+)(';)$")
_POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


def document(record: dict[str, Any]) -> bytes:
    """The file.

    Args:
        record: JSON values: `value`, the header of a run with its bytes in base64 as `data`; `results`, what the
            Results tab shows; `saved`, the screen that it opens with, as `app.requests.saved_screen` checks it.

    Returns:
        HTML in UTF-8.
    """
    record_text = _packed(json.dumps(record, separators=(",", ":")).encode())
    return "".join(part if part != "record" else record_text for part in _parts()).encode()


@cache
def linked_modules() -> list[tuple[str, str]]:
    """The modules, each after those that it imports.

    Returns:
        Path in the viewer's folder, and source with each relative import replaced by `BLOB_OF` and the path.

    Raises:
        graphlib.CycleError: modules import each other.
    """
    sources: dict[str, str] = {}
    imported: dict[str, list[str]] = {}
    for name, content in modules().items():
        folder, source = posixpath.dirname(name), content.decode()
        resolve = {path: posixpath.normpath(posixpath.join(folder, path)) for _, path, _ in _IMPORT.findall(source)}
        imported[name] = list(resolve.values())
        sources[name] = _IMPORT.sub(lambda found, to=resolve: f"{found[1]}{BLOB_OF}{to[found[2]]}{found[3]}", source)
    return [(name, sources[name]) for name in TopologicalSorter(imported).static_order()]


@cache
def _parts() -> list[str]:
    """The document in pieces, with the word `record` in the place of the record."""
    boot = (PARTS_FOLDER / "boot.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(boot.encode()).digest()).decode()
    content = {
        "policy": _POLICY.format(digest=digest),
        "style": "\n".join((theme_css(theme()), COLOURS, style())),
        "template": template(),
        "modules": _packed(json.dumps(linked_modules()).encode()),
        "record": "record",
        "plotly": _packed(plotly_js()),
        "boot": boot,
    }
    shell = (PARTS_FOLDER / "document.html").read_text(encoding="utf-8")
    pieces = re.split(rf"<!-- ({'|'.join(content)}) -->", shell)
    return [content[piece] if index % 2 else piece for index, piece in enumerate(pieces)]


def _packed(data: bytes) -> str:
    """Gzipped, in base64; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
