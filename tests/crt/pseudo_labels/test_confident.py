"""Confident labels: three answers to two questions, before and after the CRF."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidImage, InvalidSetting
from crt.pseudo_labels.confident import confident_labels
from crt.pseudo_labels.crf import IRN_CRF
from crt.pseudo_labels.settings import BACKGROUND, FOREGROUND
from crt.types import IGNORE

PLAIN = replace(IRN_CRF, iterations=0)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.dense_crf
@settings(max_examples=40, deadline=None)
@given(maps=st.integers(1, 3), seed=st.integers(0, 99), low=st.floats(0.05, 0.4), high=st.floats(0.4, 0.9))
def test_without_the_crf_they_are_two_thresholds(maps, seed, low, high) -> None:
    seeds = np.random.default_rng(seed).random((maps, 4, 6)).astype(np.float32) ** 2
    keys = [7, 0, 19][:maps]
    got = confident_labels(noise(4, 6), seeds, keys, foreground=high, background=low, settings=PLAIN)
    best = seeds.max(0)
    names = np.array(keys)[seeds.argmax(0)] + 1
    want = np.where(best > np.float32(high), names, np.where(best > np.float32(low), IGNORE, 0))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, want)


@pytest.mark.dense_crf
def test_the_crf_takes_the_sure_part_to_the_edges() -> None:
    image = noise(20, 30) // 16
    image[:, 15:] += 200
    seeds = np.zeros((1, 20, 30), np.float32)
    seeds[0, :, 18:] = 0.9
    seeds[0, :, 12:18] = 0.25
    got = confident_labels(image, seeds, [3])
    assert (got[:, 15:] == 4).all() and (got[:, :12] != 4).all()
    plain = confident_labels(image, seeds, [3], settings=PLAIN)
    assert (plain[:, 12:18] == IGNORE).all() and (plain[:, :12] == 0).all() and (plain[:, 18:] == 4).all()


@pytest.mark.dense_crf
def test_a_image_without_classes_is_background() -> None:
    assert not confident_labels(noise(3, 4), np.zeros((0, 3, 4), np.float32), []).any()
    assert not confident_labels(noise(1, 1), np.zeros((1, 1, 1), np.float32), [2]).any()


def test_what_does_not_fit_is_refused() -> None:
    image, seeds = noise(3, 4), np.zeros((1, 3, 4), np.float32)
    assert BACKGROUND < FOREGROUND
    for foreground, background in ((0.1, 0.2), (FOREGROUND, 0), (1.2, BACKGROUND)):
        with pytest.raises(InvalidSetting, match="larger for foreground"):
            confident_labels(image, seeds, [1], foreground=foreground, background=background)
    with pytest.raises(InvalidSetting):
        confident_labels(image, seeds, [1, 2])
    with pytest.raises(InvalidSetting):
        confident_labels(image, seeds[:, :2], [1])
    with pytest.raises(InvalidImage):
        confident_labels(image[..., :2], seeds, [1])
