"""Sentences and tables of the page on the method that the code and the examples must bear out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.core.examples import Example, shipped
from crt.cam_spec import CamSpec
from crt.prediction import Prediction
from crt.train.presets import PRESETS
from tests.docs.blocks import ROOT

METHOD = (ROOT / "docs/method.md").read_text(encoding="utf-8")
CELL = 16  # points a side of a patch at which a mask is drawn


def spread(attention: np.ndarray) -> float:
    """The number of patches that would have the same entropy if all had the same attention."""
    share = attention / attention.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def on_object(attention: np.ndarray, polygons: list[list[list[float]]]) -> float:
    """The share of the attention that lies on the object."""
    h, w = attention.shape
    mask = Image.new("L", (w * CELL, h * CELL))
    for ring in polygons:
        ImageDraw.Draw(mask).polygon([(x * w * CELL, y * h * CELL) for x, y in ring], fill=1)
    inside = np.asarray(mask, np.float64).reshape(h, CELL, w, CELL).mean((1, 3))
    return float((attention * inside).sum() / attention.sum())


@pytest.mark.parametrize("example", shipped(), ids=lambda example: example.id)
def test_the_second_pass_attends_to_more_patches_and_less_to_the_object(example: Example) -> None:
    assert "the attention of the second pass is spread over more patches than that of the first" in " ".join(
        METHOD.split()
    )
    prediction = Prediction.load(Path(str(example.prediction)))
    first, second = (
        prediction.attention("crt", spec=CamSpec(2, pass_reduction=reduction)).astype(np.float64)
        for reduction in ("first", "last")
    )
    assert spread(second) > spread(first)
    for mask in example.masks:
        assert on_object(second, mask["polygons"]) < on_object(first, mask["polygons"])


def test_the_presets_of_localization_are_those_of_the_code() -> None:
    table = METHOD.partition("| | `cub-paper`")[2].partition("\n\n")[0].splitlines()
    names = [name.strip(" `") for name in f"`cub-paper`{table[0]}".split("|") if name.strip()]
    rows = {
        name.strip(): [value.strip() for value in values]
        for _, name, *values, _ in (line.split("|") for line in table[2:])
    }
    configs = [PRESETS[name][1] for name in names]
    assert rows["epochs"] == [str(sum(phase.epochs for phase in config.schedule)) for config in configs]
    assert rows["batch"] == [str(config.batch) for config in configs]
    assert rows["period of the loss"] == [str(config.lambda_cam_period) for config in configs]
    for network, optimizers in (
        ("transformer's rate", [config.vit_optimizer for config in configs]),
        ("CNN's rate", [config.cnn_optimizer for config in configs]),
    ):
        rates = [value.partition(",")[0] for value in rows[network]]
        assert [float(rate) for rate in rates if rate != "the same"] == [
            one.lr for one, rate in zip(optimizers, rates, strict=True) if rate != "the same"
        ]
