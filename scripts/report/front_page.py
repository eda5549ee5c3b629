"""The table of the README: the headline measures of CRT here, beside those of the paper."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crt.errors import InvalidDataset
from scripts.report.base import Table, numbers
from scripts.report.overview import Setup
from scripts.report.sections import Measured

TABLE_BEGIN = "<!-- results: written by python -m scripts.report -->"
TABLE_END = "<!-- end of results -->"
PAPER_ROW = "CRT (2022)"
"""The row of a section's published numbers that is the paper's."""
STAGE_MEASURES = {
    "seeds": "VOC 2012, seeds, mIoU",
    "random_walk": "VOC 2012, pseudo masks, mIoU",
    "predicted_masks": "VOC 2012, DeepLab-V2 trained on them, mIoU",
}
"""Stages of the pipeline in the order of the published columns, each over all 21 classes."""
BOX_MEASURES = {"top1": "CUB, Top-1", "top5": "CUB, Top-5", "gt_known": "CUB, GT-known"}
"""Measures of boxes in the order of the published columns."""


def headline_table(found: Iterable[Measured], setups: Iterable[Setup]) -> Table:
    """The headline measures of all results; a row for each that there is a result of.

    Args:
        found: the results with their sections.
        setups: what they were measured with, by the titles of the sections.

    Returns:
        Rows of our number, the paper's, our images and our networks.
    """
    by_name = {one.name: one for one in setups}
    rows: list[tuple[str, ...]] = []
    for one in found:
        setup = by_name.get(one.section.title)
        if setup is None:
            continue
        networks = f"{setup.networks}, {setup.seeds}"
        if one.kind == "stages":
            stages = {row["stage"]: row for row in one.result["stages"] if row["measure"] == "VOC-21"}
            for (stage, title), paper in zip(STAGE_MEASURES.items(), _published(one), strict=True):
                if (row := stages.get(stage)) is not None:
                    rows.append((title, *numbers(row["miou"]), paper, f"{row['images']} of {row['split']}", networks))
        if one.kind == "definitions" and (boxes := one.result["methods"].get("crt")) is not None:
            images = f"{setup.images.replace(' images', '')}, {one.result['classes']} classes"
            for (measure, title), paper in zip(BOX_MEASURES.items(), _published(one), strict=True):
                rows.append((title, *numbers(boxes[measure]), paper, images, networks))
    return Table(("measure", "ours", "paper", "our images", "our networks"), tuple(rows))


def _published(one: Measured) -> tuple[str, ...]:
    """The paper's numbers in a section, without its name and backbone."""
    return next(row[2:] for table in one.section.tables for row in table.rows if row[0] == PAPER_ROW)


def write_front_page(path: Path, table: Table) -> None:
    """Put the table between the marks of a page.

    Args:
        path: the README; nothing is done where there is none, or one without marks.
        table: with at least one row.

    Raises:
        InvalidDataset: the second mark is missing.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = text.partition(TABLE_BEGIN)
    if not begin:
        return
    _, end, after = rest.partition(TABLE_END)
    if not end:
        raise InvalidDataset(f"{path} has no {TABLE_END}: write it below the table.")
    lines = ["| " + " | ".join(table.head) + " |", "|---" * len(table.head) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    path.write_text(f"{before}{begin}\n" + "\n".join(lines) + f"\n{end}{after}", encoding="utf-8")
