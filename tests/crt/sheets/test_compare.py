from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from crt.checkpoint import load_checkpoint
from crt.errors import InvalidSetting
from crt.models.outputs import CnnOutputs
from crt.predictor import InferenceConfig, Predictor
from crt.sheets.compare import Extra, settings_line, side_by_side
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (72, 96, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prediction(folder, image):
    return Predictor(load_checkpoint(folder)).predict(image, InferenceConfig(size=96, loops=2))


def test_side_by_side_has_a_column_per_method_and_a_row_per_class(prediction, image):
    one = side_by_side(prediction, image, [0], loops=2, refined=True, width=96)
    two = side_by_side(prediction, image, [0, 2], loops=2, refined=False, threshold=0.15, width=96)
    few = side_by_side(prediction, image, [0], loops=2, refined=True, methods=["crt"], width=96)
    extra = Extra("Grad-CAM", np.zeros((1, 5, 6), np.float32), (4.5, 6.0))
    more = side_by_side(prediction, image, [0], loops=2, refined=True, extras=[extra], threshold=0.1, width=96)
    assert one.width == two.width == 5 * (96 + 12) + 12
    assert two.height > one.height
    assert few.width == 2 * (96 + 12) + 12
    assert more.width == one.width + 96 + 12
    with pytest.raises(InvalidSetting, match="no deit network"):
        side_by_side(prediction, image, [0], loops=1, refined=True, methods=cast("Any", ["deit"]))


def test_a_prediction_of_nothing_makes_a_figure(prediction, image):
    empty = replace(
        prediction, records={"resnet": CnnOutputs(np.zeros((3, 5, 6), np.float32), np.zeros(3, np.float32))}
    )
    side_by_side(empty, image, [0], loops=2, refined=True, threshold=0.15)


def test_the_settings_line_is_enough_to_make_it_again(prediction):
    line = settings_line(prediction, loops=2, refined=True)
    for part in ("96 × 72 px", "overlap", "loops 2", "refined", "4 tiles", "tiny", prediction.provenance["checkpoint_sha256"][:8]):  # fmt: skip  # noqa: E501
        assert part in line
    assert "pass" not in line  # loops are the setting; the page has the same
    assert "not refined" in settings_line(prediction, loops=0, refined=False)
