"""A map over an image as one panel of a figure shows it."""

from dataclasses import replace

import numpy as np
import pytest

from crt.viz.colours import fade_alpha
from crt.viz.layer import MapLayer, Style, blend

IMAGE = np.full((1, 5, 3), 200, np.uint8)
VALUES = np.array([[0, 0.25, 0.5, 0.75, 1]], np.float32)


def test_a_map_that_fades_leaves_the_image_where_it_is_zero_and_is_whole_from_half_of_its_scale():
    whole = MapLayer(VALUES, 1.0, "")
    faded, tinted = (blend(IMAGE, one, Style()).astype(int) for one in (replace(whole, faded=True), whole))
    assert (faded[0, 0] == 200).all() and (tinted[0, 0] != 200).any()
    np.testing.assert_array_equal(faded[0, 2:], tinted[0, 2:])
    np.testing.assert_allclose(faded[0, 1], (tinted[0, 1] + 200) / 2, atol=2)


def test_a_signed_map_fades_in_the_middle():
    alpha = fade_alpha(np.array([[-2.0, -1, -0.5, 0, 0.5, 1, np.nan]]), 2.0, signed=True)
    np.testing.assert_allclose(alpha, [[1, 1, 0.5, 0, 0.5, 1, 0]], atol=0.01)


@pytest.mark.parametrize("top", [0.0, -1.0])
def test_a_map_without_a_scale_is_transparent(top):
    assert not fade_alpha(VALUES, top).any()
