"""Write the constants that the page shares with the library: `app/viewer/core/constants.mjs`.

    python -m scripts.dev.constants

A test compares the committed file with the library.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from crt.io_utils import atomic_path
from crt.pass_reductions import DEFAULT_REDUCTION, PASS_REDUCTIONS
from scripts.cli import run_cli


@dataclass(frozen=True)
class Constants:
    """Where the module goes."""

    output: Path = Path("app/viewer/core/constants.mjs")


def module() -> str:
    """The ES module."""
    entries = (f"  {name}: {json.dumps(reduction.to_json())},\n" for name, reduction in PASS_REDUCTIONS.items())
    return (
        "// How the attention of several passes becomes one: crt.pass_reductions, written by `python -m "
        "scripts.dev.constants`.\n\n"
        "/** @type {Record<string, Crt.PassReduction>} */\n"
        f"export const PASS_REDUCTIONS = {{\n{''.join(entries)}}};\n\n"
        "/** @type {string} */\n"
        f"export const DEFAULT_REDUCTION = {json.dumps(DEFAULT_REDUCTION)};\n"
    )


def main(config: Constants) -> None:
    """Write the module."""
    with atomic_path(config.output) as temporary:
        temporary.write_text(module(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Constants, description=__doc__), main))
