"""The paper's numbers, and tables with a column of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from scripts.report.base import Table
from scripts.report.spread import Rows, cell, named, spread

# Tables 1, 3 and 2 of arXiv 2209.15211: VOC 2012 train, mIoU of the seeds over all 21 classes (of the masks for the
# loops), by row.
PAPER: dict[str, dict[str, str]] = {
    "consistency": {"λ = 0": "40.8", "λ = 0.01": "47.7", "λ = 0.1": "51.5", "λ = 0.2": "50.6"},
    "loops": {f"{k} in training": value for k, value in enumerate(("69.9", "70.4", "71.4", "71.8", "71.7"))},
    "modes": {
        "one tile of 224": "51.5",
        "overlap, 336": "57.6",
        "side by side, 448": "57.9",
        "interpolated to 28 × 28": "53.2",
        "deconvolution to 28 × 28": "29.2",
    },
}
SEEDS, MASKS = "paper: seeds, 21 classes", "paper: masks, 21 classes"


def table_of(title: str, rows: Rows, columns: Sequence[tuple[str, str]], paper: tuple[str, str] | None = None) -> Table:
    """A line per name; `columns`: heads and kinds of map; `paper`: its column's head, and its numbers' key in PAPER."""
    body = []
    for name, mine in named(rows).items():
        cells = [cell(spread(mine, keys)) for _, keys in columns]
        body.append((name, *cells, *([PAPER[paper[1]].get(name, "–")] if paper else [])))
    return Table((title, *(head for head, _ in columns), *([paper[0]] if paper else [])), tuple(body))


def titled(table: Table, title: str, *sentences: str) -> Table:
    """The table with a heading, and with those sentences under it that are not empty."""
    return dataclasses.replace(table, title=title, caption=tuple(filter(None, sentences)))
