"""A map over an image as one panel of a figure shows it."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from crt.viz.colours import fade_alpha
from crt.viz.layer import LabelLayer, MapLayer, Style, blend
from crt.viz.plots import Plot, plot

IMAGE = np.full((1, 5, 3), 200, np.uint8)
VALUES = np.array([[0, 0.25, 0.5, 0.75, 1]], np.float32)


def test_labels_have_a_light_line_on_a_wider_dark_one_and_specks_have_none():
    image, colours = np.full((40, 60, 3), 120, np.uint8), np.array([(0, 0, 0), (255, 0, 0)], np.uint8)
    labels = np.zeros((20, 30), np.uint8)
    labels[2:12, 2:12] = 1
    drawn = []
    for speck in (0, 1):
        labels[16:18, 20:23] = speck
        layer = LabelLayer(labels.copy(), colours, ("background", "cat"))
        figure = plot(image, [Plot("Seed", layer=layer)], Style())
        drawn.append([one for axes in figure.axes for one in axes.patches if isinstance(one, PathPatch)])
    for dark, light in drawn:
        assert (to_hex(dark.get_edgecolor()), to_hex(light.get_edgecolor())) == ("#000000", "#ffffff")
        assert light.get_linewidth() < dark.get_linewidth() < 3 * light.get_linewidth()
    for one, other in zip(*drawn, strict=True):
        np.testing.assert_array_equal(one.get_path().vertices, other.get_path().vertices)


def test_a_map_that_fades_leaves_the_image_where_it_is_zero_and_is_whole_from_half_of_its_scale():
    whole = MapLayer(VALUES, 1.0, "")
    faded, tinted = (blend(IMAGE, one, Style()).astype(int) for one in (replace(whole, faded=True), whole))
    assert (faded[0, 0] == 200).all() and (tinted[0, 0] != 200).any()
    np.testing.assert_array_equal(faded[0, 2:], tinted[0, 2:])
    np.testing.assert_allclose(faded[0, 1], (tinted[0, 1] + 200) / 2, atol=2)


def test_a_signed_map_fades_in_the_middle():
    alpha = fade_alpha(np.array([[-2.0, -1, -0.5, 0, 0.5, 1, np.nan]]), 2.0, signed=True)
    np.testing.assert_allclose(alpha, [[1, 1, 0.5, 0, 0.5, 1, 0]], atol=0.01)


@pytest.mark.parametrize("vmax", [0.0, -1.0])
def test_a_map_without_a_scale_is_transparent(vmax):
    assert not fade_alpha(VALUES, vmax).any()
