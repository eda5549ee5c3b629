"""What a training run is made of, as frozen dataclasses: images, networks, phases and optimizers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crt.errors import InvalidSetting
from crt.train.ranges import ABOVE_ZERO, COUNT, NOT_NEGATIVE, SHARE, check_fields
from crt.types import MAX_LOOPS, Mode

Branches = Literal["pair", "cnn", "vit"]
Side = Literal["long", "short", "both"]
"""Which side of an image a size is about; `both` makes it a square, whatever its proportions were."""


@dataclass(frozen=True)
class DataConfig:
    """Where the images are."""

    roots: tuple[str, ...] = ()
    """Devkit folders (`.../VOC2012`), class-per-folder roots, folders of CUB-200-2011, or CSV and JSON files of labels;
    with splits of their own as `ROOT:SPLIT,SPLIT`."""
    splits: tuple[str, ...] = ("train_aug",)
    """Split names, read from every root that has none of its own; `train` for CUB. Not used by the folder layout and by
    a file of labels without a column `split`."""
    layout: Literal["voc", "folders", "cub", "labels"] = "voc"
    """`labels` is a table (CSV, TSV, with `;`) or a JSON file of images and their labels."""
    classes: tuple[str, ...] = ()
    """Keep these classes only; all of them if empty. Images of the VOC layout and of a file of labels that show none of
    them stay, as negatives."""
    class_names: tuple[str, ...] = ()
    """All classes of a data set of one's own in the VOC layout, in the order of its mask values. If empty they are
    VOC's, or those found in `Annotations` if no object of a split has a name of VOC's."""
    image_root: Path | None = None
    """The folder that image names in a file of labels are relative to; that of the file if none is given."""
    encoding: str | None = None
    """The encoding of a file of labels that is neither UTF-8 nor UTF-16, `cp1252` say."""
    repeat_below: float | None = None
    """Show images of classes rarer than this share of the images more often: the repeat factor sampling of LVIS."""
    workers: int = 1
    """Processes that read images; 0 reads in the training process."""

    def __post_init__(self) -> None:
        check_fields(self, workers=NOT_NEGATIVE, repeat_below=(lambda value: 0 < value <= 1, "above 0 and at most 1"))

    @property
    def sources(self) -> tuple[tuple[Path, tuple[str, ...]], ...]:
        """Every root with its splits. Raises InvalidSetting for a root whose list of splits has an empty name."""
        unset = self.layout == "labels" and self.splits == DataConfig.splits
        return tuple(split_root(root, () if unset else self.splits) for root in self.roots)


def split_root(root: str, splits: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    r"""Split `ROOT:SPLIT,SPLIT`. The colon of a drive (`C:\data`) and one in the name of a folder that exists are not
    taken for it.

    Args:
        root: with or without splits of its own.
        splits: of a root without any.

    Returns:
        The root and its splits.

    Raises:
        InvalidSetting: a name of a split is empty.
    """
    folder, names = _halves(root)
    if names is None:
        return Path(folder), splits
    own = tuple(name.strip() for name in names.split(","))
    if not all(own):
        raise InvalidSetting(f"{root} has an empty split name: give ROOT:SPLIT,SPLIT.")
    return Path(folder), own


def portable_root(root: str) -> str:
    """The name of a root's folder, with its splits if it has any, for records.

    Args:
        root: with or without splits of its own.

    Returns:
        The name.
    """
    folder, names = _halves(root)
    return Path(folder).name if names is None else f"{Path(folder).name}:{names}"


def _halves(root: str) -> tuple[str, str | None]:
    """A root, and the names of its splits as they stand; None for a root without any."""
    folder, colon, names = str(root).rpartition(":")
    if not colon or len(folder) < 2 or "/" in names or "\\" in names or Path(root).exists():
        return str(root), None
    return folder, names


@dataclass(frozen=True)
class ModelConfig:
    """Which networks, and what they start from.

    Attributes:
        branches: The pair, or one of them.
        vit: The transformer's name in timm.
        cnn: The CNN's name in timm.
        cnn_weights: As for the transformer.
        tile: Pixels of the side of the transformer's tiles.
        deconvolution: Give the transformer's head a learned deconvolution (Table 2).
    """

    branches: Branches = "pair"
    vit: str = "deit_tiny_patch16_224"
    cnn: str = "resnet50"
    vit_weights: str = "timm"
    """`timm` for its pretrained weights, `random`, or a safetensors file of a timm state dict."""
    cnn_weights: str = "timm"
    tile: int = 224
    deconvolution: bool = False
    mode: Literal["overlap", "non-overlap", "bilinear"] = "overlap"
    """How a crop larger than a tile goes through the transformer; with a deconvolution it is always one tile."""
    second_cnn: bool = False
    """Train a second CNN like the first in the place of the transformer: the comparison of the paper's Fig. 1."""

    @property
    def crop_mode(self) -> Mode:
        """How a crop goes through the transformer, with a deconvolution or without."""
        return "deconvolution" if self.deconvolution and not self.second_cnn else self.mode


@dataclass(frozen=True)
class Phase:
    """A stretch of epochs with one image size.

    Attributes:
        epochs: How many.
        side: Which side of an image is resized.
    """

    epochs: int
    crop: int
    """Pixels of the square crop."""
    resize: tuple[int, int]
    """The `side` is resized to a uniform integer between these two, both included."""
    loops: tuple[int, ...] = (3,)
    """The loop count of a step is drawn from these."""
    cnn_size: int | None = None
    """The CNN sees the crop at this size; None for the crop itself."""
    side: Side = "long"

    def __post_init__(self) -> None:
        sizes = (self.epochs, self.crop, *self.resize, *(() if self.cnn_size is None else (self.cnn_size,)))
        if min(sizes) < 1 or self.resize[0] > self.resize[1]:
            raise InvalidSetting(
                f"A phase of {self.epochs} epochs has a crop of {self.crop}, a CNN size of {self.cnn_size} and sizes "
                f"{self.resize}: give 1 or more for each, and the smaller size first."
            )
        if not self.loops or not all(0 <= count <= MAX_LOOPS for count in self.loops):
            raise InvalidSetting(
                f"The loop counts of a phase are {self.loops}: give one or more from 0 to {MAX_LOOPS}."
            )


@dataclass(frozen=True)
class OptimizerConfig:
    """One branch's optimizer; the learning rate follows `(1 - step / steps) ** power`, or falls in steps.

    Attributes:
        kind: SGD or AdamW.
        lr: The base learning rate.
        momentum: Of SGD.
        warmup_steps: Steps over which the rate grows from 0.
        power: Of the polynomial.
    """

    kind: Literal["sgd", "adamw"]
    lr: float
    weight_decay: float
    """Not for norms, biases, position embedding and class token."""
    decay_all: bool = False
    """Weight decay for these, too, as released."""
    momentum: float = 0.9
    head_factor: float = 10.0
    """The classifier's learning rate is this many times `lr`."""
    warmup_steps: int = 0
    power: float = 0.9
    lr_step_epochs: int | None = None
    """Multiply the rate by 0.1 every so many epochs, in the place of the polynomial."""
    clip: float | None = None
    """Bound of the gradient norm of the branch; None for no bound."""

    def __post_init__(self) -> None:
        check_fields(
            self,
            lr=ABOVE_ZERO,
            weight_decay=NOT_NEGATIVE,
            momentum=SHARE,
            head_factor=ABOVE_ZERO,
            warmup_steps=NOT_NEGATIVE,
            power=NOT_NEGATIVE,
            lr_step_epochs=COUNT,
            clip=ABOVE_ZERO,
        )


# The released optimizer passes weight_decay to SGD in the place of momentum: the momentum in force is 1e-4 (METHOD 6).
RELEASED_SGD = OptimizerConfig("sgd", lr=0.1, weight_decay=1e-4, decay_all=True, momentum=1e-4)
CNN_SGD = OptimizerConfig("sgd", lr=0.01, weight_decay=1e-4, warmup_steps=50)
VIT_ADAMW = OptimizerConfig("adamw", lr=1.5e-4, weight_decay=0.05, warmup_steps=50, clip=1.0)
