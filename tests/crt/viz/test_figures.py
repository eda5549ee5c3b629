import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib import colormaps

from crt.errors import InvalidSetting
from crt.viz.colours import colour, colour_bar, fit, outline, overlay
from crt.viz.sheet import Panel, contact_sheet


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (72, 96, 3), dtype=np.uint8)


def test_colours_run_from_zero_to_vmax():
    table = np.array([colormaps["viridis"](x, bytes=True)[:3] for x in (0.0, 0.5, 1.0)])
    values = np.array([[0.0, 1.0, 2.0]])
    np.testing.assert_array_equal(colour(values)[0], table)
    np.testing.assert_array_equal(colour(values, vmax=1)[0, 1:], table[[2, 2]])
    np.testing.assert_array_equal(colour(np.array([[-5.0, np.nan]]))[0], table[[0, 0]])


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float32, (4, 5), elements=st.floats(width=32)),
    st.none() | st.floats(allow_nan=True),
    st.floats(0, 1),
)
def test_an_overlay_is_a_image_whatever_the_map(values, vmax, opacity):
    image = np.full((4, 5, 3), 200, np.uint8)
    with np.errstate(all="raise", under="ignore"):
        drawn = overlay(image, values, opacity=opacity, vmax=vmax)
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8


def test_opacity_mixes_the_colour_and_the_image(image):
    values = np.random.default_rng(1).random(image.shape[:2])
    np.testing.assert_array_equal(overlay(image, values, opacity=0), image)
    np.testing.assert_array_equal(overlay(image, values, opacity=1), colour(values))
    half = overlay(image, np.zeros_like(values), opacity=0.5).astype(float)
    np.testing.assert_allclose(half, (image + colour(np.zeros((1, 1)))[0, 0].astype(float)) / 2, atol=0.51)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": np.zeros((3, 3))}, "resize the map"),
        ({"opacity": 1.5}, "choose 0 to 1"),
        ({"opacity": float("nan")}, "choose 0 to 1"),
        ({"colormap": "rainbow-of-unknown"}, "no colour map"),
    ],
)
def test_what_cannot_be_drawn_is_refused(image, arguments, message):
    with pytest.raises(InvalidSetting, match=message):
        overlay(**{"image": image, "values": np.zeros(image.shape[:2]), **arguments})


def test_an_outline_is_on_the_edge_and_changes_only_it():
    image, mask = np.full((9, 9, 3), 100, np.uint8), np.zeros((9, 9), bool)
    mask[3:6, 3:6] = True
    drawn = outline(image, mask)
    assert (drawn[3, 3:6] == 255).all()
    assert (drawn[2, 3:6] == 0).all()
    assert (drawn[4, 4] == 100).all()
    assert (drawn[0] == 100).all()
    assert (image == 100).all()
    for flat in (np.zeros_like(mask), np.ones_like(mask)):
        np.testing.assert_array_equal(outline(image, flat), image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (50, 60)])
def test_any_image_fits(shape):
    small = fit(np.zeros((*shape, 3), np.uint8), 100)
    assert 1 <= small.shape[1] <= 100
    assert 1 <= small.shape[0] <= 160


def test_a_colour_bar_rises():
    bar = colour_bar(50, 4, colormap="gray")
    assert bar.shape == (4, 50, 3)
    assert (np.diff(bar[0, :, 0].astype(int)) >= 0).all()
    assert (bar[0, 0, 0], bar[0, -1, 0]) == (0, 255)


def test_a_sheet_holds_its_images_and_its_words():
    red = np.full((40, 60, 3), (255, 0, 0), np.uint8)
    bare = contact_sheet([[Panel(red)], [Panel(red), Panel(red)]], width=60)
    assert bare.mode == "RGB"
    assert bare.width == 2 * 60 + 3 * 12
    assert (np.asarray(bare) == (255, 0, 0)).all(-1).sum() == 3 * 40 * 60
    full = contact_sheet([[Panel(red, ("Title", "a line " * 20, "x" * 90))]], title="T", notes=["note"], bar=("0", "1"))
    assert full.height > bare.height
    assert (np.asarray(full) < 128).all(-1).any()


@pytest.mark.parametrize("rows", [[], [[]]])
def test_an_empty_sheet_is_refused(rows):
    with pytest.raises(InvalidSetting, match="at least one image"):
        contact_sheet(rows)
