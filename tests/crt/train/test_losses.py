"""The CAM term of a step compares what both networks see of the crop; scores are of the whole map."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch

from crt.models.dual import DualMaps
from crt.models.tiles import TileGrid
from crt.train import crt as training
from crt.train.config import ModelConfig, Phase
from crt.train.losses import classification_loss
from crt.types import Mode
from tests.helpers.narrow import present
from tests.helpers.tiny import TILE
from tests.helpers.tiny_run import tiny_config

LABELS = torch.tensor([[1.0, 0.0]])


def step_losses(model: ModelConfig, maps: DualMaps, crop: int) -> training.Losses:
    """The losses of a step whose networks gave these maps."""
    config = tiny_config(Path("unused"), model=model, schedule=(Phase(1, crop, (crop, crop)),), consistency_size=None)
    networks = cast("Any", lambda *_: maps)
    options = {"epoch": 0, "loops": 0, "patch": 16, "single_label": False}
    return training._losses(networks, torch.zeros(1, 3, 8, 8), None, LABELS, config, **options)


@pytest.mark.parametrize(("mode", "crop"), [("overlap", 72), ("overlap", 96), ("non-overlap", 96)])
def test_padding_does_not_enter_the_cam_term(mode: Mode, crop: int) -> None:
    grid = TileGrid(crop, crop, TILE, 16, mode)
    vit = torch.randn(1, 2, *(side // 16 for side in grid.padded))
    found = step_losses(ModelConfig(tile=TILE, mode=cast("Any", mode)), DualMaps(grid.crop(vit), vit), crop)
    assert float(present(found.cam)) == 0
    torch.testing.assert_close(found.vit, classification_loss(vit, LABELS))


def test_a_second_cnn_has_no_cells_of_a_deconvolution() -> None:
    maps = torch.randn(1, 2, 12, 12)  # more cells than the 8 × 8 that a deconvolution gives a tile of 64 pixels
    model = ModelConfig(tile=TILE, deconvolution=True, second_cnn=True)
    other = maps.clone()
    other[..., -1, -1] += 1
    found = step_losses(model, DualMaps(maps, other), 192)
    assert float(present(found.cam)) > 0
