"""The ranges of a training's settings: a message at once, not a traceback or a spoilt run hours later."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from crt.errors import InvalidSetting
from crt.train.config import CNN_SGD, DataConfig
from crt.train.mask_configs import DEEPLAB_PRESETS, RelationConfig
from crt.train.presets import PRESETS
from crt.train.run_config import TrainConfig
from tests.helpers.in_process import run_command

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("config", "field", "wrong"),
    [
        (TrainConfig(), "batch", (0, -4)),
        (TrainConfig(), "seed", (-1,)),
        (TrainConfig(), "checkpoint_minutes", (-1.0, math.nan)),
        (TrainConfig(), "max_steps", (0,)),
        (TrainConfig(), "schedule", ((),)),
        (TrainConfig(), "lambda_cam", (-0.1, math.nan, math.inf)),
        (TrainConfig(), "lambda_cam_from_epoch", (-1,)),
        (TrainConfig(), "lambda_cam_ramp_epochs", (-1,)),
        (TrainConfig(), "lambda_cam_period", (0, -5)),
        (TrainConfig(), "consistency_size", (0,)),
        (TrainConfig(), "ema_decay", (-0.1, 1.0, 1.5, math.nan)),
        (TrainConfig(), "preview", (-1,)),
        (DataConfig(), "workers", (-1,)),
        (DataConfig(), "repeat_below", (0.0, 1.5, math.nan)),
        (CNN_SGD, "lr", (0.0, -0.1, math.nan, math.inf)),
        (CNN_SGD, "weight_decay", (-1e-4,)),
        (CNN_SGD, "momentum", (-0.1, 1.0)),
        (CNN_SGD, "head_factor", (0.0,)),
        (CNN_SGD, "warmup_steps", (-1,)),
        (CNN_SGD, "power", (-1.0,)),
        (CNN_SGD, "lr_step_epochs", (0,)),
        (CNN_SGD, "clip", (0.0, -1.0)),
        (RelationConfig(), "batch", (0,)),
        (RelationConfig(), "epochs", (0,)),
        (RelationConfig(), "crop", (0,)),
        (RelationConfig(), "rescale", ((1.5, 0.5), (0.0, 1.0))),
        (RelationConfig(), "workers", (-1,)),
    ],
)
def test_a_field_outside_its_range_is_refused(config, field: str, wrong: tuple) -> None:
    for value in wrong:
        with pytest.raises(InvalidSetting, match=rf"^{field} is .*: give .+\.$"):
            replace(config, **{field: value})


def test_every_preset_is_within_the_ranges() -> None:
    for _, config in (*PRESETS.values(), *DEEPLAB_PRESETS.values()):
        assert replace(config) == config


def test_the_command_prints_one_sentence() -> None:
    result = run_command("scripts.train_crt", "full", "--ema-decay", "1.5")
    assert result.returncode == 2
    assert "ema_decay is 1.5: give 0 or more and less than 1." in result.stderr
    assert "Traceback" not in result.stderr
