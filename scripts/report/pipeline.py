"""The pipeline (`scripts.run_pipeline`): a row per stage and measure, and the published numbers beside it."""

from __future__ import annotations

import itertools
from typing import Any

from crt.checkpoint import Defaults
from scripts.report.base import Section, Table, numbers
from scripts.report.verdict import Paired

STAGE_NAMES = {
    "seeds": "seeds",
    "random_walk": "after the random walk",
    "masks": "the pseudo masks",
    "predicted_masks": "DeepLab-V2 trained on them",
}
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
PAPER_MIOU = {"seeds": 57.7, "random_walk": 71.8, "predicted_masks": 71.2}


def pipeline_section(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.run_pipeline` measured: a row per stage and measure, and the published numbers beside it."""
    protocol = result["protocol"]
    rows = tuple(
        (
            STAGE_NAMES[row["stage"]],
            f"{row['images']} of {row['split']}",
            row["measure"],
            *numbers(row["miou"], row["pixel_accuracy"]),
            "–" if row["threshold"] is None else f"{row['threshold']:.2f}",
        )
        for row in result["stages"]
    )
    minutes = ", ".join(f"{stage} {seconds / 60:.0f}" for stage, seconds in result["seconds"].items())
    sentences = [
        _steps(measure, {row["stage"]: row["miou"] for row in result["stages"] if row["measure"] == measure})
        for measure in dict.fromkeys(row["measure"] for row in result["stages"])
    ]
    published = Table(("published, VOC 2012, 21 classes", "backbone", "seeds", "masks", "network on val"), PUBLISHED)
    how = (
        f"{protocol['machine']}; minutes: {minutes}. Seeds and random-walk pseudo labels at the best "
        "threshold of a sweep on the same images, image labels given; masks and segmentations as they are, the "
        "latter on images that no network has learned from."
    )
    return Section(
        "From seeds to a segmentation network",
        (how,),
        protocol["command"],
        (Table(("stage", "images", "measure", "mIoU", "pixel accuracy", "threshold"), rows), published),
        (*sentences, *_paper(result)),
        weights_sha256=(protocol.get("seeds") or {}).get("weights", ""),
        order=1,
    )


def _steps(measure: str, found: dict[str, float]) -> str:
    """What each step gains or loses, in a sentence."""
    words = [f"{STAGE_NAMES[stage]} {found[stage]:.1f}" for stage in STAGE_NAMES if stage in found]
    names = [stage for stage in STAGE_NAMES if stage in found]
    changes = [f"{found[after] - found[before]:+.1f}" for before, after in itertools.pairwise(names)]
    return f"{measure}: {', '.join(words)}" + (f" (step by step {', '.join(changes)})." if changes else ".")


def _paper(result: dict[str, Any]) -> tuple[str, ...]:
    """The gain from seeds to masks beside the paper's, over the same 21 classes."""
    found = {row["stage"]: row["miou"] for row in result["stages"] if row["measure"] == "VOC-21"}
    if not {"seeds", "random_walk"} <= found.keys():
        return ()
    gain, theirs = found["random_walk"] - found["seeds"], PAPER_MIOU["random_walk"] - PAPER_MIOU["seeds"]
    images = next(row["images"] for row in result["stages"] if row["stage"] == "seeds")
    sentence = (
        f"The paper's claim that the walk lifts CRT's seeds {Paired((gain,)).statement()}: {gain:+.1f} points over 21 "
        f"classes, {theirs:+.1f} in the paper, which had all images of VOC 2012 and not {images}."
    )
    return (sentence,)
