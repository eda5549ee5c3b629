"""Everything a training run is made of, as frozen dataclasses, and the presets of METHOD section 6."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from crt.errors import InvalidSetting
from crt.types import MAX_LOOPS, Precision

Branches = Literal["pair", "cnn", "vit"]
Side = Literal["long", "short", "both"]
"""Which side of an image a size is about; `both` makes it a square, whatever its proportions were."""


def _check(config: Any, **wanted: tuple[Callable[[Any], object], str]) -> None:
    """Hold fields against their ranges; None stands for a field that is not in use.

    `wanted`: by field, what must be true of the value, and that range in words. Raises InvalidSetting for the first
    that is outside.
    """
    for name, (holds, range_) in wanted.items():
        value = getattr(config, name)
        if value is not None and not holds(value):
            raise InvalidSetting(f"{name} is {value}: give {range_}.")


_COUNT = (lambda value: value >= 1, "1 or more")
_NOT_NEGATIVE = (lambda value: 0 <= value < math.inf, "a number of 0 or more")
_ABOVE_ZERO = (lambda value: 0 < value < math.inf, "a number above 0")
_SHARE = (lambda value: 0 <= value < 1, "0 or more and less than 1")


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
        _check(self, workers=_NOT_NEGATIVE, repeat_below=(lambda value: 0 < value <= 1, "above 0 and at most 1"))

    @property
    def sources(self) -> tuple[tuple[Path, tuple[str, ...]], ...]:
        """Every root with its splits. Raises InvalidSetting for a root whose list of splits has an empty name."""
        return tuple(split_root(root, self.splits) for root in self.roots)


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
    """The name of a root's folder, with its splits if it has any: what a record says of it.

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
        _check(
            self,
            lr=_ABOVE_ZERO,
            weight_decay=_NOT_NEGATIVE,
            momentum=_SHARE,
            head_factor=_ABOVE_ZERO,
            warmup_steps=_NOT_NEGATIVE,
            power=_NOT_NEGATIVE,
            lr_step_epochs=_COUNT,
            clip=_ABOVE_ZERO,
        )


# The released optimizer hands weight_decay to SGD in the place of momentum: the momentum in force is 1e-4 (METHOD 6).
RELEASED_SGD = OptimizerConfig("sgd", lr=0.1, weight_decay=1e-4, decay_all=True, momentum=1e-4)
CNN_SGD = OptimizerConfig("sgd", lr=0.01, weight_decay=1e-4, warmup_steps=50)
VIT_ADAMW = OptimizerConfig("adamw", lr=1.5e-4, weight_decay=0.05, warmup_steps=50, clip=1.0)


@dataclass(frozen=True)
class RunConfig:
    """What every training run has.

    Attributes:
        out: The folder that receives the config, the log, the resumable state and the trained weights.
        seed: Of starting weights, order and crops.
    """

    out: Path = Path("runs/out")
    batch: int = 16
    """Images of a step over all processes."""
    seed: int = 0
    precision: Precision = "auto"
    """`auto` takes bfloat16 where the processor or GPU has instructions for it; a resumed run keeps its choice."""
    checkpoint_minutes: float = 3.0
    """Minutes between writes of the resumable state."""
    resume: bool = False
    """Go on from the state in `out`, if there is one."""
    max_steps: int | None = None
    """Stop after this many steps, as an interruption would; for tests."""

    def __post_init__(self) -> None:
        _check(self, batch=_COUNT, seed=_NOT_NEGATIVE, checkpoint_minutes=_NOT_NEGATIVE, max_steps=_COUNT)

    def to_json(self) -> dict[str, Any]:
        """The config as plain JSON values."""
        return json.loads(json.dumps(dataclasses.asdict(self), default=str))


RUN_ONLY = ("out", "resume", "max_steps", "checkpoint_minutes")
"""Fields of `RunConfig` that do not decide the weights."""


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """One training run of the pair, or of one branch.

    Attributes:
        out: The folder that receives the config, the log, the resumable state and the trained weights.
        data: The images.
        model: The networks.
        schedule: Phases, one after another.
        cnn_optimizer: Of the CNN.
        vit_optimizer: Of the transformer.
    """

    out: Path = Path("runs/crt")
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    schedule: tuple[Phase, ...] = (Phase(8, 336, (210, 420)),)
    cnn_optimizer: OptimizerConfig = CNN_SGD
    vit_optimizer: OptimizerConfig = VIT_ADAMW
    lambda_cam: float = 0.1
    """λ of Eq. 2."""
    lambda_cam_from_epoch: int = 1
    """λ is 0 before this epoch, counted from 0."""
    lambda_cam_ramp_epochs: int = 0
    """λ grows to its value in equal steps over so many epochs before it is reached; 0 switches it on at once."""
    lambda_cam_period: int | None = None
    """λ is 0 and in force by turns, in periods of so many epochs: METHOD section 9, which counts epochs from 1."""
    consistency_size: int | None = None
    """Maps are compared at this size in pixels; None for the crop, as released."""
    ema_decay: float | None = None
    """Export an exponential moving average of the weights that keeps this share of itself at every step (less in the
    first ones); the weights of the last step are then exported into the subfolder `last`. None for no average."""
    compile: bool = False
    """On one GPU: fuse the layers' operations and record every kind of step as a CUDA graph. It takes a minute to
    prepare and rounds otherwise."""
    preview: int = 6
    """Images whose maps are drawn after each epoch."""
    preview_split: str | None = None
    """The split that these images come from, `val` say; None for the training images themselves."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(
            self,
            schedule=(bool, "one phase or more"),
            lambda_cam=_NOT_NEGATIVE,
            lambda_cam_from_epoch=_NOT_NEGATIVE,
            lambda_cam_ramp_epochs=_NOT_NEGATIVE,
            lambda_cam_period=_COUNT,
            consistency_size=_COUNT,
            ema_decay=_SHARE,
            preview=_NOT_NEGATIVE,
        )

    @property
    def epochs(self) -> int:
        """Epochs of the whole schedule."""
        return sum(phase.epochs for phase in self.schedule)

    def phase_of(self, epoch: int) -> Phase:
        """The phase of an epoch.

        Args:
            epoch: from 0.

        Returns:
            The phase.

        Raises:
            InvalidSetting: the schedule is shorter.
        """
        for phase in self.schedule:
            if epoch < phase.epochs:
                return phase
            epoch -= phase.epochs
        raise InvalidSetting(f"The schedule has {self.epochs} epochs, not {epoch}.")

    def lambda_cam_at(self, epoch: int) -> float:
        """λ in force in an epoch (Eq. 2).

        Args:
            epoch: from 0.

        Returns:
            λ; 0 unless both branches are trained.
        """
        if self.model.branches != "pair" or epoch < self.lambda_cam_from_epoch:
            return 0.0
        period = self.lambda_cam_period
        if period is not None and ((epoch + 1) // period) % 2 == 0:
            return 0.0
        return self.lambda_cam * min(1.0, (epoch - self.lambda_cam_from_epoch + 1) / (self.lambda_cam_ramp_epochs + 1))


@dataclass(frozen=True)
class MaskRunConfig(RunConfig):
    """A training from label masks, which adds a network to a checkpoint: `out` becomes that checkpoint with it.

    Attributes:
        epochs: Epochs of the training.
    """

    checkpoint: str = "checkpoints/voc"
    """The checkpoint that the network is for."""
    epochs: int = 3
    crop: int = 512
    """Pixels of the square crop."""
    rescale: tuple[float, float] = (0.5, 1.5)
    """Images are resized by a factor drawn from this range before they are cropped."""
    workers: int = 1
    """Processes that read images; 0 reads in the training process."""

    def __post_init__(self) -> None:
        super().__post_init__()
        between = (lambda value: 0 < value[0] <= value[1] < math.inf, "two numbers above 0, the smaller first")
        _check(self, epochs=_COUNT, crop=_COUNT, rescale=between, workers=_NOT_NEGATIVE)

    def deciding(self) -> dict[str, Any]:
        """The values that decide the weights, without the folders of one machine."""
        return {k: v for k, v in self.portable().items() if k not in (*RUN_ONLY, "workers")}

    def portable(self) -> dict[str, Any]:
        """As `to_json`, without the folders of one machine."""
        paths = ("out", "checkpoint", "weights")
        return {k: Path(v).name if k in paths else v for k, v in self.to_json().items()}


PAPER = TrainConfig(
    model=ModelConfig(vit="deit_small_patch16_224", cnn="resnet152"),
    schedule=(Phase(10, 336, (210, 420), loops=(3,)),),
    cnn_optimizer=RELEASED_SGD,
    vit_optimizer=RELEASED_SGD,
)
FULL = TrainConfig()
TWO_CORES = TrainConfig(
    schedule=(
        Phase(4, 224, (160, 320), loops=(0, 1), cnn_size=160),
        Phase(2, 224, (160, 320), loops=(0, 2, 3)),
    ),
    consistency_size=112,
)
TWO_CORES_BF16 = TrainConfig(
    schedule=(
        Phase(6, 224, (160, 320), loops=(0, 1), cnn_size=160),
        Phase(2, 336, (210, 420), loops=(0, 1, 3), cnn_size=256),
    ),
    consistency_size=112,
)
_CUB = DataConfig(splits=("train",), layout="cub")
_CUB_ADAMW = OptimizerConfig("adamw", lr=5e-4, weight_decay=5e-4, head_factor=1.0, lr_step_epochs=30)
CUB_PAPER = TrainConfig(
    batch=64,
    data=_CUB,
    model=ModelConfig(vit="deit_small_patch16_224"),
    schedule=(Phase(60, 224, (256, 256), side="both"),),
    cnn_optimizer=_CUB_ADAMW,
    vit_optimizer=_CUB_ADAMW,
    lambda_cam_from_epoch=0,
    lambda_cam_period=5,
)
CUB_TWO_CORES = TrainConfig(
    data=_CUB,
    cnn_optimizer=dataclasses.replace(CNN_SGD, lr=0.002, clip=5.0),  # 0.01 diverges under cross entropy
    vit_optimizer=dataclasses.replace(VIT_ADAMW, lr=5e-5),
    schedule=(
        Phase(14, 224, (232, 288), loops=(0, 1), cnn_size=160, side="both"),
        Phase(6, 224, (232, 288), loops=(0, 1, 3), side="both"),
    ),
    consistency_size=112,
    lambda_cam_period=2,
)
CUB_FULL = dataclasses.replace(
    CUB_TWO_CORES,
    batch=32,
    cnn_optimizer=dataclasses.replace(CNN_SGD, lr=0.004, clip=5.0, warmup_steps=100),
    vit_optimizer=dataclasses.replace(VIT_ADAMW, lr=7e-5, warmup_steps=100),
    schedule=(Phase(40, 224, (232, 288), loops=(0, 1, 3), side="both"),),
    lambda_cam_from_epoch=0,
    lambda_cam_period=5,
)

PRESETS: dict[str, tuple[str, TrainConfig]] = {
    "paper": ("the paper's networks with the released optimizer: DeiT-S + ResNet-152, SGD, 10 epochs", PAPER),
    "full": ("DeiT-Tiny + ResNet-50, 336 crops, 8 epochs: for a GPU", FULL),
    "two-cores": ("224 crops, 6 epochs: for a CPU", TWO_CORES),
    "cub-paper": ("birds: DeiT-S + ResNet-50, 60 epochs with the CAM consistency loss by turns", CUB_PAPER),
    "cub-full": ("birds: DeiT-Tiny + ResNet-50, 40 epochs of squashed images: for a GPU", CUB_FULL),
    "cub-two-cores": ("birds: DeiT-Tiny + ResNet-50, 20 epochs of squashed images: for two cores", CUB_TWO_CORES),
    "two-cores-bf16": ("224 crops, then 336: for two cores with bfloat16 instructions", TWO_CORES_BF16),
}


def single_branch(config: TrainConfig, branches: Branches) -> TrainConfig:
    """The baseline of a preset on the same epochs.

    Args:
        config: the preset.
        branches: the CNN alone, or the transformer: TS-CAM (no loops, one 224 tile).

    Returns:
        Its config.
    """
    schedule = config.schedule
    if branches == "vit":
        schedule = tuple(
            dataclasses.replace(phase, crop=config.model.tile, resize=_scaled(phase, config.model.tile), loops=(0,))
            for phase in schedule
        )
    model = dataclasses.replace(config.model, branches=branches)
    return dataclasses.replace(config, model=model, schedule=schedule, lambda_cam=0.0)


def _scaled(phase: Phase, crop: int) -> tuple[int, int]:
    low, high = phase.resize
    return round(low * crop / phase.crop), round(high * crop / phase.crop)
