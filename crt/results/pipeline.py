"""The pipeline (`scripts.run_pipeline`): a row per stage and measure, and the published numbers beside it."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from crt.results.base import Section, Table, numbers

STAGES = {
    "seeds": "seeds",
    "walked": "after the random walk",
    "masks": "the pseudo masks",
    "segmented": "DeepLab-V2 trained on them",
}
# Mean IoU of the seeds and of the masks made from them, as METHOD section 10 and the papers have them.
PUBLISHED = (
    ("IRNet (2019)", "ImageNet-1k", "48.8", "66.3"),
    ("SEAM (2020)", "ImageNet-1k", "55.4", "63.6"),
    ("ReCAM (2022)", "ImageNet-1k", "56.6", "70.5"),
    ("MCTformer (2022)", "ImageNet-1k", "61.7", "69.1"),
    ("CRT (2022)", "ImageNet-1k", "57.7", "71.8"),
)


def pipeline(result: dict[str, Any], defaults: Defaults) -> Section:  # noqa: ARG001 - the kinds are called alike
    """What `scripts.run_pipeline` measured: a row per stage and measure, and the published numbers beside it."""
    protocol = result["protocol"]
    rows = tuple(
        (
            STAGES[row["stage"]],
            f"{row['images']} of {row['split']}",
            row["measure"],
            *numbers(row["miou"], row["pixel_accuracy"]),
            "–" if row["threshold"] is None else f"{row['threshold']:.2f}",
        )
        for row in result["stages"]
    )
    minutes = ", ".join(f"{stage} {seconds / 60:.0f}" for stage, seconds in result["seconds"].items())
    gains = []
    for measure in dict.fromkeys(row["measure"] for row in result["stages"]):
        found = {row["stage"]: row["miou"] for row in result["stages"] if row["measure"] == measure}
        if {"seeds", "walked"} <= found.keys():
            gains.append(f"On {measure} the walk takes the seeds from {found['seeds']:.1f} to {found['walked']:.1f}.")
    published = Table(("published (VOC 2012 train, 21 classes)", "backbone", "seeds", "masks"), PUBLISHED)
    how = (
        f"{protocol['machine']}; minutes: {minutes}. Seeds and walked seeds at the best threshold of a sweep on the "
        "same pictures, image labels given; masks and segmentations as they are."
    )
    return Section(
        "From seeds to a segmentation network",
        (how,),
        protocol["command"],
        (Table(("stage", "pictures", "measure", "mIoU", "pixel accuracy", "threshold"), rows), published),
        tuple(gains),
        order=1,
    )
