"""The configs of whole training runs, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crt.errors import InvalidSetting
from crt.train.config import CNN_SGD, VIT_ADAMW, DataConfig, ModelConfig, OptimizerConfig, Phase
from crt.train.ranges import COUNT, NOT_NEGATIVE, SHARE, check_fields
from crt.types import Precision


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
        check_fields(self, batch=COUNT, seed=NOT_NEGATIVE, checkpoint_minutes=NOT_NEGATIVE, max_steps=COUNT)

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
    """λ grows in equal steps over so many epochs, and has its value in the next one; 0 switches it on at once."""
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
        check_fields(
            self,
            schedule=(bool, "one phase or more"),
            lambda_cam=NOT_NEGATIVE,
            lambda_cam_from_epoch=NOT_NEGATIVE,
            lambda_cam_ramp_epochs=NOT_NEGATIVE,
            lambda_cam_period=COUNT,
            consistency_size=COUNT,
            ema_decay=SHARE,
            preview=NOT_NEGATIVE,
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
        check_fields(self, epochs=COUNT, crop=COUNT, rescale=between, workers=NOT_NEGATIVE)

    def deciding(self) -> dict[str, Any]:
        """The values that decide the weights, without the folders of one machine."""
        return {k: v for k, v in self.portable().items() if k not in (*RUN_ONLY, "workers")}

    def portable(self) -> dict[str, Any]:
        """As `to_json`, without the folders of one machine."""
        paths = ("out", "checkpoint", "weights")
        return {k: Path(v).name if k in paths else v for k, v in self.to_json().items()}
