"""The viewer's files: ES modules, which the browser fetches as they stand, one HTML template and one style sheet.

There is no build step: `app.server.hosting` serves the modules, and node can import and test the same files. plotly.js,
which the charts load when the first of them comes into view, is served from the installed package plotly.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from functools import cache
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
ROUTE = "/viewer"
ENTRY = "main.mjs"
STANDALONE = "standalone/standalone.mjs"
"""The entry of a file without a server: `app.viewer.saved_page`."""
GALLERY, GALLERY_IMAGE = "gallery/gallery.mjs", "gallery/image_page.mjs"
"""The entries of the index of a gallery and of the page of one of its images: `app.gallery`."""
STATIC_IMPORT = re.compile(r"(?m)^(import .* from ')(\.[^']+)(';)$")
"""An import at the head of a module."""
LATER_IMPORT = re.compile(r"(\(\) => import\(')(\.[^']+)('\))")
"""The load of a module when it is first needed, in the one form of the viewer; types in comments have others."""
PLOTLY = "lib/plotly.min.js"
"""The address of plotly.js beside the modules; `charts/plotly.mjs` has the same."""


@cache
def modules(folder: Path = HERE) -> dict[str, bytes]:
    """The modules of the page, read once.

    Args:
        folder: of the viewer.

    Returns:
        Contents by the path in the folder, such as `main.mjs`.
    """
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.mjs"))}


def imported(name: str, *patterns: re.Pattern[str]) -> dict[str, str]:
    """The modules that a module imports.

    Args:
        name: of the module.
        patterns: `STATIC_IMPORT`, `LATER_IMPORT` or both.

    Returns:
        Names of modules, by the relative path in the source.
    """
    source = modules()[name].decode()
    paths = [path for pattern in patterns for _, path, _ in pattern.findall(source)]
    return {path: posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in paths}


@cache
def page_modules() -> list[str]:
    """The names of the modules that the page of the app loads at once; it loads others when they are needed."""
    found: set[str] = set()
    waiting = [ENTRY]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imported(name, STATIC_IMPORT).values()
    return sorted(found)


@cache
def plotly_js() -> bytes:
    """The minified plotly.js of the installed package plotly, which is not imported.

    Returns:
        The content.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package plotly is not installed: run pip install -r requirements.txt.")
    return (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_bytes()


@cache
def version(folder: Path = HERE) -> str:
    """A hash that changes with the name or content of any module, and with plotly: part of every address.

    A page of one release never gets a module of another one, whatever a cache holds.

    Args:
        folder: of the viewer.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256(package_version("plotly").encode())
    for name, content in modules(folder).items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


@cache
def served(folder: Path = HERE) -> dict[str, bytes]:
    """All scripts that the server offers.

    Args:
        folder: of the viewer.

    Returns:
        Contents by the path without the server's prefix.
    """
    scripts = {**modules(folder), PLOTLY: plotly_js()}
    return {f"{ROUTE}/{version(folder)}/{name}": content for name, content in scripts.items()}


@cache
def template(folder: Path = HERE) -> str:
    """`viewer.html`, with each line `<!-- part: PATH -->` replaced by that file.

    Args:
        folder: of the viewer.

    Returns:
        HTML.
    """
    text = (folder / "viewer.html").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*/*.html")):
        text = text.replace(f"<!-- part: {path.relative_to(folder).as_posix()} -->", path.read_text(encoding="utf-8"))
    return text


@cache
def style(folder: Path = HERE) -> str:
    """`viewer.css` and the style sheets of the features after it.

    Args:
        folder: of the viewer.

    Returns:
        CSS.
    """
    sheets = [folder / "viewer.css", *sorted(folder.glob("*/*.css"))]
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
