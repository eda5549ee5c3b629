"""Load test: simulated users send requests for some minutes, and the results are counted.

    python -m scripts.loadtest --users 30 --minutes 5 --json results/load.json

Starts `app.py`. Each user is a gradio_client in a thread: an image, one of the three endpoints, a pause,
and again. One more uses the page in Debian's chromium (`pip install -r requirements-dev.txt`), gives it images and
changes the input size. A user who is refused because the page is busy tries again later. `--restart` ends the server
half way through and starts it anew; users then connect again, and the page by itself.
"""

from __future__ import annotations

import sys

import tyro

from scripts.cli import run_cli
from scripts.loadtest.run import main
from scripts.loadtest.users import Load

if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Load, description=__doc__), main))
