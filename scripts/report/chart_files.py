"""The figures of the charts as SVG files, each drawn anew only when its figure has changed.

kaleido lets chromium draw them. Which version of Plotly, kaleido or chromium drew a file, and with which fonts, is not
part of its stamp: other bytes would say the same, and whoever has the same results needs no chromium. Delete a file to
have it drawn by what is installed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crt.errors import InvalidSetting, reason_of
from crt.io_utils import write_text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FORMAT = 1
"""Of the files: a change of `cleaned` that is to reach all of them counts it up."""
DRAW_S = 600
"""Seconds that all charts may take."""
_STAMP = re.compile(r'<svg data-figure="([0-9a-f]{64})"')
_RANDOM = re.compile(r'id="defs-([0-9a-f]{6})"')
"""Plotly's id of a drawing, by chance, which stands in all its other ids."""
_REFERENCE = re.compile(r"""(?:id="|url\(['"]?#|href="#)[^"')]*""")


def write_charts(folder: Path, figures: Mapping[str, Figure]) -> list[str]:
    """Draw the figures whose file is missing or of another figure, and delete the SVG files of none.

    `figures`: by the names of their files. Gives the names of those drawn. Raises InvalidSetting, before any file is
    changed, where one has to be drawn and kaleido or chromium is missing or fails.
    """
    stamps = {name: stamp(one) for name, one in figures.items()}
    changed = [name for name in figures if stamp_of(folder / name) != stamps[name]]
    drawn = draw([figures[name] for name in changed]) if changed else []
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in zip(changed, drawn, strict=True):
        write_text(folder / name, cleaned(svg, stamps[name]))
    for old in folder.glob("*.svg"):
        if old.name not in figures:
            old.unlink()
    return changed


def stamp(figure: Figure) -> str:
    """SHA-256 of what a figure consists of, 64 hexadecimal digits."""
    parts: dict[str, Any] = figure.to_plotly_json()
    layout = {name: value for name, value in parts["layout"].items() if name != "template"}  # Plotly's, empty here
    text = json.dumps([FORMAT, parts["data"], layout], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def stamp_of(path: Path) -> str | None:
    """The stamp in an SVG file; None without the file or where it has none."""
    found = _STAMP.match(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found[1] if found else None


def cleaned(svg: str, stamp: str) -> str:
    """The SVG with its stamp, ids that follow from it in place of random ones, and a line's end."""
    random = _RANDOM.search(svg)
    if random is not None:
        svg = _REFERENCE.sub(lambda found: found[0].replace(random[1], stamp[:6]), svg)
    return svg.replace("<svg ", f'<svg data-figure="{stamp}" role="img" ', 1).rstrip() + "\n"


def draw(figures: Sequence[Figure]) -> list[str]:
    """The figures as SVG. Raises InvalidSetting where kaleido or chromium is missing or fails."""
    from scripts.chromium import find_chromium

    try:
        import kaleido
        from kaleido import errors
    except ImportError as error:
        raise InvalidSetting(
            "kaleido, which draws the charts, is missing: pip install -r requirements-dev.txt."
        ) from error
    program = find_chromium()

    async def in_one_browser() -> list[bytes]:
        async with asyncio.timeout(DRAW_S), kaleido.Kaleido(path=program, mathjax=False) as browser:
            return [await browser.calc_fig(one, opts={"format": "svg"}) for one in figures]

    try:
        with ThreadPoolExecutor(1) as thread:  # where the caller has no event loop
            return [svg.decode() for svg in thread.submit(asyncio.run, in_one_browser()).result()]
    except (
        errors.BrowserClosedError, errors.BrowserFailedError, errors.JavascriptError, errors.KaleidoError, TimeoutError,
    ) as error:  # fmt: skip
        raise InvalidSetting(f"chromium cannot draw the charts: {reason_of(error)}.") from error
