"""The process that `scripts.gallery` starts: settings as JSON on stdin, lines of JSON on stdout.

Each image gives a line `{"done", "total", "state"}`. The last line is `{"result"}`, `{"error", "usage"}` for an error
that the user can put right (`usage`: whether an option is wrong), or `{"errno", "filename"}` for one of the disk.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from crt.errors import CrtError, InvalidSetting

DONE, INTERRUPTED = 0, 130


def main() -> int:
    """Read, build, write -> the exit code: 0 where the last line gives how it ended."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as lines:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no line of ours

        def send(values: dict[str, Any]) -> None:
            lines.write(f"{json.dumps(values)}\n")
            lines.flush()

        try:
            send(_ended(send))
        except KeyboardInterrupt:
            return INTERRUPTED
    return DONE


def _ended(send: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Build -> the last line."""
    # PyTorch and Gradio are slow to import, and what is wrong with the settings is known before.
    from app.gallery.build import build_gallery  # noqa: PLC0415
    from app.gallery.settings import GallerySettings  # noqa: PLC0415

    # The sentence of a checkpoint that cannot be used is in the last line; a traceback is not.
    logging.getLogger("app.core.engine").addFilter(lambda record: record.exc_info is not None)
    try:
        settings = GallerySettings.from_json(json.load(sys.stdin))
        result = build_gallery(
            settings, lambda done, total, state: send({"done": done, "total": total, "state": state})
        )
    except CrtError as error:
        return {"error": str(error), "usage": isinstance(error, InvalidSetting)}
    except OSError as error:
        if error.filename is None:
            raise
        return {"errno": error.errno, "filename": str(error.filename)}
    return {"result": asdict(result)}


if __name__ == "__main__":
    sys.exit(main())
