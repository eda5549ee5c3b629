"""Write the settings of the page as the module that it reads: `app/viewer/core/schema.mjs`.

    python -m app.viewer.schema

A test compares the committed file with `app.requests.settings`.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from app.requests.settings import SETTINGS, Setting
from app.viewer.files import HERE
from crt.io_utils import write_text

TYPES = {
    "flag": "boolean", "whole": "number", "number": "number", "choice": "string", "blocks": "Crt.Blocks",
    "panels": "Record<string, boolean>", "side": "Crt.Side",
    "added_panel": "Crt.AttentionPanel | Crt.ExplainerPanel | Crt.FilePanel",
    "classes": "number[]", "drawn": "Record<string, Crt.Shape[]>",
}  # fmt: skip
"""TypeScript's type of each type of setting."""
OUTPUT = HERE / "core" / "schema.mjs"


def module() -> str:
    """The ES module."""
    lines = "".join(f"  {json.dumps(_short(one), ensure_ascii=False)},\n" for one in SETTINGS)
    types: dict[str, Any] = {}
    for one in SETTINGS:
        inner = types
        *names, last = one.path.split(".")
        for name in names:
            inner = inner.setdefault(name, {})
        inner[last] = TYPES[one.type] + (" | null" if one.none else "")
    return (
        "// The settings of the page, written by `python -m app.viewer.schema` from app/requests/settings.py, which\n"
        "// explains each of these words.\n\n"
        f"/** All that a user can choose.\n * @typedef {{{_typed(types)}}} State\n */\n\n"
        f"/** @type {{readonly Crt.Setting[]}} */\nexport const SETTINGS = [\n{lines}];\n"
    )


def _short(setting: Setting) -> dict[str, Any]:
    """A setting without what it has not."""
    plain = Setting("", "", None)
    values = {one.name: getattr(setting, one.name) for one in fields(setting)}
    return {
        name: value
        for name, value in values.items()
        if name in ("path", "type", "default") or value != getattr(plain, name)
    }


def _typed(types: dict[str, Any]) -> str:
    """The type of an object, on one line."""
    inside = (f"{name}: {_typed(one) if isinstance(one, dict) else one}" for name, one in types.items())
    return f"{{ {', '.join(inside)} }}"


if __name__ == "__main__":
    write_text(OUTPUT, module())
