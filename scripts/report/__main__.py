"""Write the pages that hold numbers from the JSON results, so that no number is written by hand.

    python -m scripts.report --results results --checkpoints checkpoints --out docs/results.md

Every measurement among `results/*.json` becomes a section of `docs/results.md`, with the command that made it; the
model card of each checkpoint takes the sections that are about it.
"""

from __future__ import annotations

import sys

import tyro

from crt.errors import CrtError
from scripts.report.pages import Report, report

if __name__ == "__main__":
    try:
        report(tyro.cli(Report, description=__doc__))
    except CrtError as error:
        sys.exit(f"error: {error}")
