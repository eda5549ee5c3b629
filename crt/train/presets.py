"""The recorded training runs by name (METHOD section 6), and the baselines of one branch."""

from __future__ import annotations

import dataclasses

from crt.train.config import CNN_SGD, RELEASED_SGD, VIT_ADAMW, Branches, DataConfig, ModelConfig, OptimizerConfig, Phase
from crt.train.run_config import TrainConfig

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
