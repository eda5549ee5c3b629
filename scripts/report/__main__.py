"""Write the pages that hold numbers from the JSON results, so that no number is written by hand.

    python -m scripts.report --results results --checkpoints checkpoints --output docs/results.md

Every measurement among `results/*.json` becomes a section of `docs/results.md`, with the command that made it; the
model card of each checkpoint takes the sections that are about it, and `README.md` the headline table.
"""

from __future__ import annotations

import sys

import tyro

from scripts.cli import run_cli
from scripts.report.pages import Report, report

if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Report, description=__doc__), report))
