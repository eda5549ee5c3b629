"""The dense CRF: what goes in, what must come out whatever the image, and that labels follow its edges."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidImage, InvalidSetting
from crt.postprocess import cam_to_labels
from crt.pseudo_labels.crf import DEEPLAB_CRF, FLOOR, IRN_CRF, CrfSettings, crf_labels, crf_probabilities, crf_seeds

ROOT = Path(__file__).resolve().parents[3]
NONE = replace(IRN_CRF, iterations=0)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def halves(height: int = 24, width: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """An image dark on the left and bright on the right with some noise, and which half each pixel is in."""
    image = noise(height, width) // 16
    image[:, width // 2 :] += 200
    return image, np.repeat([[0] * (width // 2) + [1] * (width // 2)], height, 0)


def test_the_presets_are_those_of_the_two_programs() -> None:
    assert CrfSettings(10, 3, 3, 50, 5, 10) == IRN_CRF
    assert CrfSettings(10, 1, 3, 67, 3, 4) == DEEPLAB_CRF


@pytest.mark.dense_crf
@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    labels=st.integers(1, 5),
    iterations=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_any_image_gives_probabilities_and_the_same_ones_again(size, labels, iterations, seed) -> None:
    image = noise(size[0], size[1], seed)
    probs = np.random.default_rng(seed).random((labels, *size))
    asked = replace(DEEPLAB_CRF, iterations=iterations)
    got = crf_probabilities(image, probs, asked)
    assert got.shape == probs.shape and got.dtype == np.float32
    assert np.isfinite(got).all() and got.min() >= 0
    np.testing.assert_allclose(got.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(crf_probabilities(image, probs, asked), got)


@pytest.mark.dense_crf
def test_views_and_read_only_arrays_do_as_well() -> None:
    image, half = halves()
    probs = np.stack([0.6 - 0.2 * half, 0.4 + 0.2 * half], -1)  # (H, W, 2)
    want = crf_probabilities(np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(probs.transpose(2, 0, 1)))
    image.flags.writeable = probs.flags.writeable = False
    np.testing.assert_array_equal(crf_probabilities(image[:, ::-1], probs.transpose(2, 0, 1)), want)
    labels = crf_labels(image[::2, ::-1], half[::2, ::-1], 2)
    np.testing.assert_array_equal(labels, crf_labels(image[::2, ::-1].copy(), half[::2, ::-1].copy(), 2))


@pytest.mark.dense_crf
def test_without_iterations_or_weights_the_probabilities_come_back() -> None:
    image = noise(6, 7)
    probs = np.random.default_rng(1).dirichlet(np.ones(3), (6, 7)).transpose(2, 0, 1)
    np.testing.assert_allclose(crf_probabilities(image, probs, replace(DEEPLAB_CRF, iterations=0)), probs, atol=1e-5)
    apart = replace(DEEPLAB_CRF, gaussian_compat=0, bilateral_compat=0)
    np.testing.assert_allclose(crf_probabilities(image, probs, apart), probs, atol=1e-5)
    sure = np.stack([np.ones((6, 7)), np.zeros((6, 7))])
    np.testing.assert_allclose(crf_probabilities(image, sure, NONE)[1], FLOOR, rtol=1e-3)


@pytest.mark.dense_crf
def test_labels_move_to_the_edge_of_the_image_and_specks_go() -> None:
    image, half = halves()
    labels = half.astype(np.uint8)
    labels[:, 16:19] = 0  # three columns too far
    labels[5, 5] = 1
    got = crf_labels(image, labels, 2)
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, half)
    without_colour = crf_labels(image, labels, 2, settings=replace(IRN_CRF, bilateral_compat=0))
    assert (without_colour[:, 17] == 0).all()  # it is the colour that moved them


@pytest.mark.dense_crf
def test_one_label_and_whole_number_types() -> None:
    image = noise(4, 5)
    np.testing.assert_array_equal(crf_labels(image, np.zeros((4, 5), np.int32), 1), np.zeros((4, 5)))
    assert crf_labels(image, np.zeros((4, 5), np.int16), 3).dtype == np.int16


@pytest.mark.dense_crf
def test_gt_prob_is_how_hard_a_label_is_to_move() -> None:
    image, half = halves()
    labels = half.copy()
    labels[:, 16:19] = 0
    loose, firm = (crf_labels(image, labels, 2, gt_prob=p, settings=CrfSettings(2)) for p in (0.6, 0.999999))
    assert (loose != labels).sum() > (firm != labels).sum()


@pytest.mark.dense_crf
@settings(max_examples=30, deadline=None)
@given(maps=st.integers(0, 4), threshold=st.floats(0.05, 0.9), confidence=st.floats(0.1, 0.95), seed=st.integers(0, 99))
def test_seeds_before_the_first_step_are_the_label_map(maps, threshold, confidence, seed) -> None:
    seeds = np.random.default_rng(seed).random((maps, 5, 6)).astype(np.float32)
    got = crf_seeds(noise(5, 6), seeds, threshold, NONE, confidence=confidence)
    assert got.shape == (maps + 1, 5, 6)
    np.testing.assert_array_equal(got.argmax(0), cam_to_labels(seeds, range(maps), threshold))
    assert got.max() <= confidence + (1 - confidence) / (maps + 1) + 1e-5


@pytest.mark.dense_crf
def test_seeds_reach_the_edge_of_the_thing() -> None:
    image, half = halves()
    seeds = np.zeros((1, 24, 32), np.float32)
    seeds[0, :, 19:] = 0.8
    seeds[0, :, 13:19] = 0.1  # below the threshold, on both sides of the edge
    assert (cam_to_labels(seeds, [0], 0.15) != half).any()
    np.testing.assert_array_equal(crf_seeds(image, seeds, 0.15).argmax(0), half)


@pytest.mark.dense_crf
def test_no_class_is_all_background() -> None:
    np.testing.assert_allclose(crf_seeds(noise(3, 4), np.zeros((0, 3, 4)), 0.2), 1)


@pytest.mark.parametrize("name", ["gaussian_sxy", "bilateral_sxy", "bilateral_srgb"])
@pytest.mark.parametrize("value", [0, 0.99, -3, math.nan, math.inf])
def test_spreads_below_one_are_refused(name, value) -> None:
    with pytest.raises(InvalidSetting, match=name):
        CrfSettings(**{name: value})


@pytest.mark.parametrize("change", [{"iterations": -1}, {"gaussian_compat": -1}, {"bilateral_compat": math.nan}])
def test_other_settings_out_of_range_are_refused(change) -> None:
    with pytest.raises(InvalidSetting):
        CrfSettings(**change)


@pytest.mark.parametrize(
    ("shape", "kind"), [((4, 5), np.uint8), ((4, 5, 4), np.uint8), ((4, 5, 3), float), ((0, 5, 3), np.uint8)]
)
def test_what_is_no_image_is_refused(shape, kind) -> None:
    with pytest.raises(InvalidImage):
        crf_labels(np.zeros(shape, kind), np.zeros(shape[:2], int), 2)


def test_maps_that_do_not_fit_are_refused() -> None:
    image, maps = noise(4, 5), np.full((2, 4, 5), 0.5)
    holes = np.where(np.arange(5) == 2, math.nan, maps)
    for call in (
        lambda: crf_labels(image, np.zeros((5, 4), int), 2),
        lambda: crf_labels(image, np.zeros((4, 5)), 2),
        lambda: crf_labels(image, np.full((4, 5), 2), 2),
        lambda: crf_labels(image, np.full((4, 5), -1), 2),
        lambda: crf_labels(image, np.zeros((4, 5), int), 0),
        lambda: crf_labels(image, np.zeros((4, 5), int), 2, gt_prob=1),
        lambda: crf_probabilities(image, maps[:, :3]),
        lambda: crf_probabilities(image, maps[0]),
        lambda: crf_probabilities(image, maps[:0]),
        lambda: crf_probabilities(image, holes),
        lambda: crf_seeds(image, maps[:, :3], 0.2),
        lambda: crf_seeds(image, maps[0], 0.2),
        lambda: crf_seeds(image, -maps, 0.2),
        lambda: crf_seeds(image, holes, 0.2),
        lambda: crf_seeds(image, maps, 0),
        lambda: crf_seeds(image, maps, math.nan),
        lambda: crf_seeds(image, maps, 0.2, confidence=1),
    ):
        with pytest.raises(InvalidSetting):
            call()


def test_without_pydensecrf_the_message_names_it() -> None:
    """In a process of its own, where the package cannot be imported."""
    code = """
import sys
sys.modules["pydensecrf"] = None
import numpy as np
from crt.errors import InvalidSetting
from crt.pseudo_labels import confident, crf
image, labels = np.zeros((4, 4, 3), np.uint8), np.eye(4, dtype=np.int64)
for run in (
    lambda: crf.crf_labels(image, labels, 2),
    lambda: crf.crf_probabilities(image, np.stack([1.0 - labels, labels])),
    lambda: crf.crf_seeds(image, labels[None].astype(np.float32), 0.3),
):
    try:
        run()
    except InvalidSetting as error:
        print(error)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == 3 * "The dense CRF is not installed: install pydensecrf2, or go on without it.\n"
