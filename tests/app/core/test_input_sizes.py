from typing import Any, cast

import numpy as np
import pytest

from app.core.input_sizes import COARSE_PATCHES, NATIVE_LIMIT, choice_of, coarse_input, settings_of
from crt.errors import InvalidSetting
from crt.models.tiles import TileGrid
from crt.network_input import network_input_size
from crt.predictor import InferenceConfig


def test_settings_of_the_page():
    image = np.zeros((90, 120, 3), np.uint8)
    assert settings_of("336", "overlap", image)[0].size == 336
    assert settings_of("native", "overlap", image) == (InferenceConfig(size=None), False)
    assert settings_of("native", "overlap", np.zeros((2, NATIVE_LIMIT + 1, 3), np.uint8)) == (
        InferenceConfig(size=NATIVE_LIMIT),
        True,
    )
    missing = cast("Any", None)  # what a browser may leave out
    for size, mode in (("337", "overlap"), ("336", "sideways"), ("", "overlap"), (missing, missing)):
        with pytest.raises(InvalidSetting):
            settings_of(size, mode, image)


@pytest.mark.parametrize(("size", "side"), [("336", 120), ("native", 120), ("native", 2), ("native", NATIVE_LIMIT + 1)])
def test_the_choices_of_a_config_are_those_that_gave_it(size, side):
    settings, _ = settings_of(size, "bilinear", np.zeros((2, side, 3), np.uint8))
    assert choice_of(settings) == (size, "bilinear")


def coarse(height: int, width: int, size: str = "336", mode: Any = "overlap") -> Any:
    image = np.broadcast_to(np.uint8(0), (height, width, 3))
    return coarse_input(
        image, TileGrid(*network_input_size(height, width, settings_of(size, mode, image)[0]), mode=mode)
    )


@pytest.mark.parametrize(
    ("height", "width", "size", "larger"),
    [
        (1000, 12000, "336", ("native", (112, NATIVE_LIMIT))),
        (12000, 1000, "336", ("native", (NATIVE_LIMIT, 112))),
        (1000, 4000, "336", ("448", (112, 448))),
        (40, 300, "224", ("native", (40, 300))),  # not enlarged
    ],
)
def test_a_larger_size_is_offered_where_the_shorter_side_has_few_patches(height, width, size, larger):
    offered = coarse(height, width, size)["larger"]
    assert (offered["size"], offered["input"]) == larger


@pytest.mark.parametrize("mode", ["bilinear", "deconvolution"])
def test_no_size_is_offered_that_gives_no_more_patches(mode):
    assert coarse(1000, 12000, "native") is None
    assert coarse(40, 12000) == {"larger": None}  # one patch high at any size
    assert coarse(20, 240, "native") == {"larger": None}
    assert coarse(1000, 12000, "336", mode) == {"larger": None}  # the whole image is one tile at any size


@pytest.mark.parametrize(("height", "width"), [(300, 400), (500, 333), (1, 1), (112, 336)])
def test_an_image_with_enough_patches_needs_none(height, width):
    enough = min(height, width) * 336 / max(height, width) > 16 * (COARSE_PATCHES - 1)
    assert enough and coarse(height, width) is None
