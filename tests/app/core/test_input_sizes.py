from typing import Any, cast

import numpy as np
import pytest

from app.core.input_sizes import NATIVE_LIMIT, choice_of, settings_of
from crt.errors import InvalidSetting
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
