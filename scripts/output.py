"""What every command shares: a bar over images, and its result as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from crt.errors import InvalidSetting
from crt.io_utils import write_text

FIGURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@contextmanager
def progress(total: int, what: str = "") -> Iterator[Callable[[], None]]:
    """A bar of `total` images; call what it gives once for each."""
    with tqdm(total=total, unit="image", desc=what or None, mininterval=5.0) as bar:

        def advance() -> None:
            bar.update()

        yield advance


def check_figure_path(path: Path | None) -> None:
    """Refuse a file for a figure whose name has no ending of an image. Raises InvalidSetting."""
    if path is not None and path.suffix.lower() not in FIGURE_SUFFIXES:
        raise InvalidSetting(f"A figure is a .png, .jpg or .webp file, not {path.name}.")


def write_json(path: Path, result: dict[str, Any]) -> None:
    """Write a result to a file, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(result, indent=1) + "\n")
