"""The paper's ablations as a declared list: which networks are trained, and how each row is tested."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from crt.errors import InvalidSetting
from crt.train.config import CNN_SGD, VIT_ADAMW, DataConfig, ModelConfig, Phase
from crt.train.ranges import COUNT, NOT_NEGATIVE, check_fields
from crt.train.run_config import TrainConfig
from crt.types import Mode, Precision

AblationTable = Literal["consistency", "loops", "branches", "modes", "sizes"]
TABLES: tuple[AblationTable, ...] = get_args(AblationTable)


@dataclass(frozen=True)
class AblationRow:
    """One row of a table: what is trained, and how it is measured.

    Attributes:
        table: that it belongs to.
        name: its title.
        training: its name, which rows of several tables share; None for the shipped checkpoint.
        mode: of the images at test.
        size: pixels of their long side at test.
    """

    table: AblationTable
    name: str
    training: str | None
    mode: Mode = "overlap"
    size: int | None = None


@dataclass(frozen=True)
class Schedule:
    """What all trainings share. The defaults are short, for a CPU; the paper's is 10 epochs of 336 crops.

    Attributes:
        epochs: Epochs of each training.
        crop: Pixels of the square crop.
        resize: Least and largest long side of an image before it is cropped.
        batch: Images of a step.
        vit: The transformer's name in timm.
        cnn: The CNN's name in timm.
        cnn_weights: As for the transformer.
    """

    epochs: int = 4
    crop: int = 224
    resize: tuple[int, int] = (160, 320)
    cnn_size: int | None = 160
    """The CNN sees the crop at this size; in the trainings of Fig. 1 both branches see the crop itself."""
    loops: int = 3
    """The loop count in training, where the table is not about it."""
    batch: int = 16
    vit: str = "deit_tiny_patch16_224"
    cnn: str = "resnet50"
    vit_weights: str = "timm"
    """As in `scripts.train_crt`: `timm`, or a file."""
    cnn_weights: str = "timm"

    def __post_init__(self) -> None:
        check_fields(self, epochs=COUNT, crop=COUNT, cnn_size=COUNT, loops=NOT_NEGATIVE, batch=COUNT)


def rows_of(tables: tuple[AblationTable, ...], plan: Schedule, size: int | None) -> tuple[AblationRow, ...]:
    """The rows of the tables asked for.

    Args:
        tables: names.
        plan: what the trainings share.
        size: pixels of the long side at test, where a row has none of its own.

    Returns:
        The rows in the order in which they are done.
    """

    def looped(count: int) -> AblationRow:
        return AblationRow("loops", f"{count} in training", "base" if count == plan.loops else f"loops_{count}")

    def moded(name: str, mode: Mode, side: int) -> AblationRow:
        """A row of Table 2: trained with the mode and on crops of the size that it is tested with."""
        own = "base" if (mode, side) == ("overlap", plan.crop) else f"mode_{mode}_{side}"
        return AblationRow("modes", name, own, mode, side)

    every = (
        AblationRow("consistency", "λ = 0.1", "base"),
        *map(looped, (3, 0, 1)),
        AblationRow("consistency", "λ = 0", "lambda_0"),
        AblationRow("branches", "CNN + transformer", "base" if plan.cnn_size in (None, plan.crop) else "same-size"),
        AblationRow("branches", "the same CNN twice", "second-cnn"),
        looped(2),
        AblationRow("consistency", "λ = 0.01", "lambda_0.01"),
        AblationRow("consistency", "λ = 0.2", "lambda_0.2"),
        moded("one tile of 224", "overlap", 224),
        moded("overlap, 336", "overlap", 336),
        moded("side by side, 448", "non-overlap", 448),
        moded("interpolated to 28 × 28", "bilinear", 448),
        moded("deconvolution to 28 × 28", "deconvolution", 448),
        *(AblationRow("sizes", f"{side} px", None, "overlap", side) for side in range(224, 673, 112)),
        looped(4),
    )
    return tuple(dataclasses.replace(row, size=row.size or size) for row in every if row.table in tables)


def training(name: str, plan: Schedule, seed: int, *, data: DataConfig, out: Path, precision: Precision) -> TrainConfig:
    """The training that a name of the list stands for, resumable.

    A crop of another size than the plan's comes from images resized in proportion, so that it shows the same part of
    the image, and the CNN sees it at the plan's size.

    Args:
        name: of the list.
        plan: what the trainings share.
        seed: of this run.
        data: the images.
        out: its folder.
        precision: of the networks' arithmetic.

    Returns:
        The config.

    Raises:
        InvalidSetting: there is no such name.
    """
    kind, _, value = name.partition("_")
    loops, lambda_cam = plan.loops, 0.1
    crop, cnn_size = plan.crop, plan.cnn_size
    model = ModelConfig(vit=plan.vit, cnn=plan.cnn, vit_weights=plan.vit_weights, cnn_weights=plan.cnn_weights)
    if kind == "loops":
        loops = int(value)
    elif kind == "lambda":
        lambda_cam = float(value)
    elif kind == "second-cnn":
        model, cnn_size = dataclasses.replace(model, second_cnn=True), None
    elif kind == "same-size":
        cnn_size = None
    elif kind == "mode":
        mode, _, side = value.partition("_")
        crop, cnn_size = int(side), plan.cnn_size or plan.crop
        if mode == "deconvolution":
            model = dataclasses.replace(model, deconvolution=True)
        else:
            model = dataclasses.replace(model, mode=mode)
    elif name != "base":
        raise InvalidSetting(f"There is no training {name!r} in the list.")
    low, high = (round(side * crop / plan.crop) for side in plan.resize)
    return TrainConfig(
        out=out,
        batch=plan.batch,
        seed=seed,
        precision=precision,
        resume=True,
        data=data,
        model=model,
        schedule=(Phase(plan.epochs, crop, (low, high), (loops,), cnn_size),),
        cnn_optimizer=CNN_SGD,
        vit_optimizer=VIT_ADAMW,
        lambda_cam=lambda_cam,
        consistency_size=plan.crop // 2,
    )
