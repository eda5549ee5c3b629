"""Where Debian's chromium is, which draws charts and opens pages."""

from __future__ import annotations

import shutil

from crt.errors import InvalidSetting


def find_chromium() -> str:
    """The path of the program. Raises InvalidSetting where it is not installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise InvalidSetting("chromium is missing: apt-get install chromium.")
    return program
