"""The pipeline (`scripts.run_pipeline`): a row per stage and measure, and the published numbers beside it."""

from __future__ import annotations

import itertools
from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Chart, Line, Section, Table, numbers, setup_table
from scripts.report.verdict import too_few

STAGE_NAMES = {
    "seeds": "seeds",
    "random_walk": "after the random walk",
    "masks": "the pseudo masks",
    "predicted_masks": "DeepLab-V2 trained on them",
}
SHORT_NAMES = ("seeds", "random walk", "pseudo masks", "DeepLab-V2")
"""Of these stages, on the x axis of a chart."""
# Mean IoU over 21 classes of VOC 2012 of the seeds and of the masks made from them (train), as Table 4 of arXiv
# 2209.15211 or, where that lacks a method, its own paper has them, and of the segmentation network trained on the masks
# (val), as each method's own paper has it.
PUBLISHED = (
    ("IRNet (2019)", "ImageNet-1k", "48.8", "66.3", "63.5"),
    ("SEAM (2020)", "ImageNet-1k", "55.4", "63.6", "64.5"),
    ("AdvCAM (2021)", "ImageNet-1k", "55.6", "69.9", "68.1"),
    ("ReCAM (2022)", "ImageNet-1k", "56.6", "70.5", "68.5"),
    ("MCTformer (2022)", "ImageNet-1k", "61.7", "69.1", "71.9"),
    ("CRT (2022)", "ImageNet-1k", "57.7", "71.8", "71.2"),
    ("CLIMS (2022)", "foundation: CLIP", "56.6", "70.5", "70.4"),
    ("CLIP-ES (2023)", "foundation: CLIP", "70.8", "75.0", "73.8"),
)
PAPER_MIOU = {"seeds": 57.7, "masks": 71.8, "predicted_masks": 71.2}


STAGE_HEAD = ("stage", "images", "measure", "mIoU", "change", "pixel accuracy", "threshold")


def pipeline_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.run_pipeline` measured: a row per stage and measure, and the published numbers beside it."""
    protocol = result["protocol"]
    measures = tuple(dict.fromkeys(row["measure"] for row in result["stages"]))
    changes = {measure: _changes(_by_stage(result, measure)) for measure in measures}
    rows = tuple(
        (
            STAGE_NAMES[row["stage"]],
            f"{row['images']} of {row['split']}",
            row["measure"],
            *numbers(row["miou"]),
            changes[row["measure"]].get(row["stage"], "–"),
            *numbers(row["pixel_accuracy"]),
            "–" if row["threshold"] is None else f"{row['threshold']:.2f}",
        )
        for row in result["stages"]
    )
    minutes = tuple((stage, f"{seconds / 60:.0f}") for stage, seconds in result["seconds"].items())
    published = Table(("published, VOC 2012, 21 classes", "backbone", "seeds", "masks", "network on val"), PUBLISHED)
    facts = setup_table(
        seeds_and_random_walk="at the best threshold of a sweep on the same images, image labels given",
        masks_and_segmentations="as they are",
        segmentations="on images that no network has learned from",
        machine=protocol["machine"],
    )
    tables = [Table(STAGE_HEAD, rows), published]
    if minutes:
        tables.append(Table(("stage of the command", "minutes"), minutes, folded="Minutes by stage"))
    return Section(
        "From seeds to a segmentation network",
        (),
        protocol["command"],
        (*tables, facts),
        (f"No verdict: {too_few(1)}.",),
        (_stages_chart(result, measures),),
        weights_sha256=(protocol.get("seeds") or {}).get("weights", ""),
        order=2,
    )


def _by_stage(result: dict[str, Any], measure: str) -> dict[str, float]:
    """MIoU of the stages in their order."""
    found = {row["stage"]: row["miou"] for row in result["stages"] if row["measure"] == measure}
    return {stage: found[stage] for stage in STAGE_NAMES if stage in found}


def _changes(found: dict[str, float]) -> dict[str, str]:
    """What each stage adds to the mIoU of the one before."""
    return {after: f"{found[after] - found[before]:+.1f}" for before, after in itertools.pairwise(found)}


def _stages_chart(result: dict[str, Any], measures: tuple[str, ...]) -> Chart:
    """A line for each measure, and the paper's points."""
    places = {stage: place for place, stage in enumerate(STAGE_NAMES)}

    def line(name: str, found: dict[str, float]) -> Line:
        return Line(name, tuple(places[stage] for stage in found), tuple(found.values()))

    lines = [line(measure, _by_stage(result, measure)) for measure in measures]
    paper = line("paper, VOC-21", PAPER_MIOU)
    caption = "mIoU after each stage of the pipeline, a line for each set of classes and one for the paper."
    return Chart("mIoU by stage", "stage", "mIoU, %", (*lines, paper), caption, SHORT_NAMES, beside=STAGE_HEAD[0])
