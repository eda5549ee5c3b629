"""The table of the README: the headline measures of CRT here, beside those of the paper."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crt.checkpoint import Defaults
from crt.errors import InvalidDataset, count_of
from scripts.report.base import Table, numbers
from scripts.report.evaluation import REPORTED_SPLIT, measure_of, with_defaults
from scripts.report.localization import PUBLISHED_BOXES
from scripts.report.markdown import table_lines
from scripts.report.overview import Setup
from scripts.report.pipeline import PAPER_MIOU
from scripts.report.sections import Measured

TABLE_BEGIN = "<!-- results: written by python -m scripts.report -->"
TABLE_END = "<!-- end of results -->"
PAPER_ROW = "CRT (2022)"
"""The row of published numbers of boxes that is the paper's."""
SEEDS_MEASURE = "VOC 2012, seeds, mIoU"
STAGE_MEASURES = {
    "seeds": SEEDS_MEASURE,
    "masks": "VOC 2012, pseudo masks, mIoU",
    "predicted_masks": "VOC 2012, DeepLab-V2 trained on them, mIoU",
}
"""Stages of the pipeline, each over all 21 classes."""
BOX_MEASURES = {"top1": "CUB, Top-1", "top5": "CUB, Top-5", "gt_known": "CUB, GT-known"}
"""Measures of boxes in the order of the published columns."""
PAPER_IMAGES = {
    **dict.fromkeys((SEEDS_MEASURE, STAGE_MEASURES["masks"]), "all of train"),
    STAGE_MEASURES["predicted_masks"]: "all of val",
    **dict.fromkeys(BOX_MEASURES.values(), "all of test, 200 classes"),
}
"""By the measure."""


def headline_table(found: Iterable[Measured], setups: Iterable[Setup], defaults: Defaults) -> Table:
    """The headline measures of all results; a row for each that there is a result of.

    Args:
        found: the results with their sections.
        setups: what they were measured with, by the titles of the sections.
        defaults: the settings of CRT's rows.

    Returns:
        Rows of our number, the paper's, both images and our networks. The seeds are those of `val` if there is an
        evaluation of it over all classes; of several the one at most scales.
    """
    by_name = {one.name: one for one in setups}
    known = [one for one in found if one.section.title in by_name]
    rows: dict[str, tuple[str, str, str, Setup]] = {}
    for one in known:
        setup = by_name[one.section.title]
        if one.kind == "stages":
            for row in one.result["stages"]:
                if row["measure"] == "VOC-21" and (title := STAGE_MEASURES.get(row["stage"])) is not None:
                    ours, paper = numbers(row["miou"], PAPER_MIOU[row["stage"]])
                    rows[title] = (ours, paper, f"{row['images']} of {row['split']}", setup)
        if one.kind == "definitions" and (boxes := one.result["methods"].get("crt")) is not None:
            images = f"{setup.images.replace(' images', '')}, {one.result['classes']} classes"
            for (measure, title), paper in zip(BOX_MEASURES.items(), _published(), strict=True):
                rows[title] = (numbers(boxes[measure])[0], paper, images, setup)
    if (seeds := _reported_seeds(known, defaults)) is not None:
        miou, one = seeds
        setup = by_name[one.section.title]
        ours, paper = numbers(miou, PAPER_MIOU["seeds"])
        images = f"{setup.images.replace(' images', '')}, {count_of(len(one.result['protocol']['scales']), 'scale')}"
        rows[SEEDS_MEASURE] = (ours, paper, images, setup)
    body = tuple(
        (title, *rows[title][:3], PAPER_IMAGES[title], f"{rows[title][3].networks}, {rows[title][3].seeds}")
        for title in PAPER_IMAGES
        if title in rows
    )
    return Table(("measure", "ours", "paper", "our images", "the paper's images", "our networks"), body)


def _reported_seeds(found: Iterable[Measured], defaults: Defaults) -> tuple[float, Measured] | None:
    """MIoU of CRT's seeds over all classes on the images that chose nothing, and the result that has it."""
    values: dict[int, tuple[float, Measured]] = {}
    for one in found:
        if one.kind == "methods" and one.result["protocol"]["split"] == REPORTED_SPLIT:
            crt = with_defaults(one.result, defaults)["methods"].get("crt")
            if crt is not None and measure_of(one.result) == "VOC-21":
                values[len(one.result["protocol"]["scales"])] = (crt["miou_best"], one)
    return values[max(values)] if values else None


def _published() -> tuple[str, ...]:
    """The paper's numbers of boxes."""
    return next(row[2:] for row in PUBLISHED_BOXES if row[0] == PAPER_ROW)


def write_front_page(path: Path, table: Table) -> None:
    """Put the table between the marks of a page.

    Args:
        path: the README; nothing is done where there is none, or one without marks.
        table: without a row there is none on the page.

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
    lines = table_lines(table) if table.rows else []
    path.write_text("\n".join((f"{before}{begin}", *lines, f"{end}{after}")), encoding="utf-8")
