"""Write the constants that the page shares with the library: `app/viewer/core/constants.mjs`.

    python -m scripts.dev.constants

A test compares the committed file with the library.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from crt.io_utils import write_text
from crt.pass_reductions import DEFAULT_REDUCTION, PASS_REDUCTIONS
from scripts.cli import run_cli


@dataclass(frozen=True)
class Constants:
    """Where the module goes."""

    output: Path = Path("app/viewer/core/constants.mjs")
    """The ES module to write."""


def module() -> str:
    """The ES module."""
    from crt.analysis.explainers import EXPLAINERS
    from crt.types import METHOD_TITLES, UNIT_NAMES
    from crt.viz.contours import SPECK_PIXELS
    from crt.viz.label_colours import LABEL_COLOURS

    reductions = {name: reduction.to_json() for name, reduction in PASS_REDUCTIONS.items()}
    explainers = {name: {"title": one.title, "slow": one.slow} for name, one in EXPLAINERS.items()}
    return (
        "// What the page shares with the library, written by `python -m scripts.dev.constants`.\n\n"
        "/** How the attention of several passes becomes one: crt.pass_reductions.\n"
        " *  @type {Record<string, Crt.PassReduction>} */\n"
        f"export const PASS_REDUCTIONS = {_object(reductions)};\n\n"
        "/** @type {string} */\n"
        f"export const DEFAULT_REDUCTION = {json.dumps(DEFAULT_REDUCTION)};\n\n"
        "/** Other explainers, by the names that links hold: crt.analysis.explainers.\n"
        " *  @type {Record<string, { title: string, slow: boolean }>} */\n"
        f"export const EXPLAINERS = {_object(explainers)};\n\n"
        "/** Names of the networks: crt.types. */\n"
        f"export const METHOD_TITLES = {json.dumps(METHOD_TITLES, ensure_ascii=False)};\n\n"
        "/** What the values of a map are in: crt.types.\n"
        " *  @type {Record<Crt.Unit, string>} */\n"
        f"export const UNIT_NAMES = {json.dumps(UNIT_NAMES, ensure_ascii=False)};\n\n"
        "/** Parts of a mask with fewer pixels have no outline: crt.viz.contours. */\n"
        f"export const SPECK_PIXELS = {SPECK_PIXELS};\n\n"
        "/** RGB of masks over images: crt.viz.colours.\n"
        " *  @type {Crt.RGB[]} */\n"
        f"export const LABEL_COLORS = {json.dumps(LABEL_COLOURS)};\n"
    )


def _object(entries: dict[str, Any]) -> str:
    """A JavaScript object with an entry a line."""
    return "{\n" + "".join(f"  {json.dumps(name)}: {json.dumps(value)},\n" for name, value in entries.items()) + "}"


def main(config: Constants) -> None:
    """Write the module."""
    write_text(config.output, module())


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Constants, description=__doc__), main))
