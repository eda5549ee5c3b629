"""Joins the viewer's files: ES modules to one script, parts of the page to one template, style sheets to one sheet.

There is no build step and no npm: a module becomes a function that returns what it exports, called once, in the order
of the imports. The modules stay plain ES modules that node can import and test.
"""

from __future__ import annotations

import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

HERE = Path(__file__).parent
_IMPORT = re.compile(r"^import \{(?P<names>[^}]*)\} from '\./(?P<module>[\w-]+)\.mjs';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (?P<name>\w+))", re.MULTILINE)
_PART = re.compile(r"<!-- part: (?P<name>[\w-]+) -->")
_STRAY = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


@cache
def script(entry: str = "main", folder: Path = HERE) -> str:
    """All modules that `entry` needs as one script, which defines `exports_of.<module>` for each.

    Imports must be named, of modules beside it; exports must stand before a function, const or class. Raises ValueError
    for anything else, and for modules that import each other.
    """
    sources: dict[str, str] = {}
    wanted = [entry]
    while wanted:
        module = wanted.pop()
        if module not in sources:
            sources[module] = (folder / f"{module}.mjs").read_text(encoding="utf-8")
            wanted += [found["module"] for found in _IMPORT.finditer(sources[module])]
    needs = {name: {found["module"] for found in _IMPORT.finditer(text)} for name, text in sources.items()}
    try:
        order = list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())
    except CycleError as error:
        raise ValueError(f"These modules import each other: {' '.join(error.args[1])}.") from error
    return "const exports_of = {};\n" + "\n".join(_wrapped(name, sources[name]) for name in order)


def _wrapped(module: str, source: str) -> str:
    names = [found["name"] for found in _EXPORT.finditer(source)]
    body = _EXPORT.sub("", _IMPORT.sub(_bound, source))
    if stray := _STRAY.search(body):
        raise ValueError(f"{module}.mjs: {stray[0]!r} is an import or export that the bundle does not know.")
    return f"exports_of['{module}'] = (() => {{\n{body}\nreturn {{ {', '.join(names)} }};\n}})();"


def _bound(found: re.Match[str]) -> str:
    names = [" ".join(name.split()) for name in found["names"].split(",") if name.strip()]
    bound = ", ".join(name.replace(" as ", ": ") for name in names)
    return f"const {{ {bound} }} = exports_of['{found['module']}'];\n"


@cache
def template(folder: Path = HERE) -> str:
    """`viewer.html` with each `<!-- part: NAME -->` replaced by `parts/NAME.html`."""
    shell = (folder / "viewer.html").read_text(encoding="utf-8")
    return _PART.sub(lambda found: (folder / "parts" / f"{found['name']}.html").read_text(encoding="utf-8"), shell)


@cache
def style(folder: Path = HERE) -> str:
    """`viewer.css` and the style sheets of the parts after it."""
    sheets = [folder / "viewer.css", *sorted((folder / "parts").glob("*.css"))]
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
