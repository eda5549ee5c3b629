"""Fuzz a running page: hostile files, settings, links, names and requests, whose results are counted.

    python -m scripts.fuzz --json results/fuzz.json

Starts `app.py` and sends requests as browsers and programs do, with the files of `scripts.fuzz.corpus` and with values
drawn at random. A crash is a status of 500, a traceback, an error of the page's own, or a refusal that is no plain
sentence or that has a path of the server. The same seed sends the same requests. The command fails too if the server's
memory, without its cache of Predictions, grows by more than `--growth-mib` after every kind of request was answered
once.
"""

from __future__ import annotations

import sys

import tyro

from scripts.cli import run_cli
from scripts.fuzz.run import Fuzz, main

if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Fuzz, description=__doc__), main))
