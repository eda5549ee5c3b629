"""The claims of the paper that a checkpoint's evaluations are about. A checkpoint is one training: no verdict."""

from __future__ import annotations

from typing import Any

from crt.checkpoint import Defaults
from scripts.report import localization, pipeline
from scripts.report.claim import Claim, Gap, claim
from scripts.report.evaluation import with_defaults
from scripts.report.verdict import Paired

RIVALS = {"resnet": ("ResNet alone", "IRNet (2019)"), "tscam": ("TS-CAM", None), "tscam_default": ("TS-CAM", None)}
"""Networks that CRT is compared with: their names here, and the row of `pipeline.PUBLISHED` with their mIoU."""


def evaluation_claims(result: dict[str, Any], defaults: Defaults, subject: str) -> list[Claim]:
    """CRT against the networks alone, where the default settings were measured."""
    methods = with_defaults(result, defaults)["methods"]
    if "crt" not in methods:
        return []
    seeds = {name: float(value) for name, _, value, *_ in pipeline.PUBLISHED}
    compared: dict[str, Gap] = {}
    for key, (name, row) in RIVALS.items():  # a later row of one network replaces an earlier one
        if key in methods:
            paper = None if row is None else seeds["CRT (2022)"] - seeds[row]
            compared[name] = Gap(Paired((methods["crt"]["miou_best"] - methods[key]["miou_best"],)), paper)
    if not compared:
        return []
    sentence = "CRT has a higher mIoU than a CNN alone and than TS-CAM."
    return [
        claim(
            "crt-above-others",
            sentence,
            compared,
            source="Table 4",
            subject=subject,
            command=result["protocol"]["command"],
            difference="CRT minus {}",
            x="CRT minus this network",
            y="mIoU, points",
        )
    ]


def pipeline_claims(result: dict[str, Any], defaults: Defaults, subject: str) -> list[Claim]:  # noqa: ARG001 - called alike
    """The random walk, over the classes that the paper measures."""
    found = {row["stage"]: row["miou"] for row in result["stages"] if row["measure"] == "VOC-21"}
    if not {"seeds", "random_walk"} <= found.keys():
        return []
    paper = pipeline.PAPER_MIOU["masks"] - pipeline.PAPER_MIOU["seeds"]
    compared = {"after the walk minus before": Gap(Paired((found["random_walk"] - found["seeds"],)), paper)}
    return [
        claim(
            "random-walk",
            "The random walk raises the mIoU of CRT's seeds.",
            compared,
            source="Table 4",
            subject=subject,
            command=result["protocol"]["command"],
            x="CRT's seeds",
            y="mIoU, points",
        )
    ]


def localization_claims(result: dict[str, Any], defaults: Defaults, subject: str) -> list[Claim]:  # noqa: ARG001
    """The order CRT, TS-CAM, CAM by GT-known localization, all refined as CRT is by default."""
    found = {name: row["gt_known"] for name, row in result["methods"].items()}
    tscam = "tscam_default" if "tscam_default" in found else "tscam"
    if not {"crt", tscam, "resnet"} <= found.keys():
        return []
    published = {(name, backbone): float(known) for name, backbone, *_, known in localization.PUBLISHED_BOXES}
    paper = published["CRT (2022)", "DeiT-S"] - published["TS-CAM (2021)", "DeiT-S"]
    compared = {
        "CRT − TS-CAM": Gap(Paired((found["crt"] - found[tscam],)), paper),
        "TS-CAM − CNN": Gap(Paired((found[tscam] - found["resnet"],))),
    }
    return [
        claim(
            "boxes",
            "CRT finds more boxes than TS-CAM, and TS-CAM more than a CNN alone.",
            compared,
            source="CUB-200-2011",
            subject=subject,
            command=result["protocol"]["command"],
            x="refined alike",
            y="GT-known, points",
        )
    ]
