"""CAMs of other methods reach the page with the values of their files."""

import base64

import numpy as np
import pytest

from app.gallery.cams import saved_file
from crt.data.cam_files import UNNAMED
from crt.errors import InvalidCam


def values(saved: dict) -> np.ndarray:
    """As `keepSaved` reads them."""
    steps = np.frombuffer(base64.b64decode(saved["values"]), "<u2").reshape(saved["h"], saved["w"])
    return steps / 65535 * saved["max"]


def test_a_map_has_its_values_above_zero_its_range_and_its_size():
    cam = np.array([[-2, 0, 1], [0.5, 4, 3]], np.float32)
    saved = saved_file("Grad-CAM", {UNNAMED: cam}, "cat", (20, 30))
    assert saved["name"] == "Grad-CAM"
    (one,) = saved["cams"]
    assert (one["label"], one["h"], one["w"], one["size"]) == ("cat", 2, 3, [2, 3])
    assert (one["low"], one["high"], one["max"]) == (-2, 4, 4)
    np.testing.assert_allclose(values(one), np.maximum(cam, 0), atol=4 / 65535)


def test_each_class_has_its_map_and_an_empty_one_stays_empty():
    cams = {"cat": np.ones((2, 2), np.float32), "dog": np.zeros((2, 2), np.float32)}
    saved = saved_file("Other", cams, "person", (8, 8))["cams"]
    assert [one["label"] for one in saved] == ["cat", "dog"]
    assert [values(one).max() for one in saved] == [1, 0]


def test_a_large_map_is_averaged_over_areas():
    cam = np.zeros((1024, 2048), np.float32)
    cam[:4, :4] = 8
    (one,) = saved_file("Other", {"cat": cam}, "cat", (1024, 2048))["cams"]
    assert (one["h"], one["w"], one["size"]) == (256, 512, [1024, 2048])
    assert one["max"] == pytest.approx(8) and one["high"] == 8
    assert values(one)[0, 0] == pytest.approx(8) and values(one)[1:].max() == 0


def test_many_maps_are_made_smaller():
    cams = {str(i): np.ones((512, 512), np.float32) for i in range(64)}
    saved = saved_file("Other", cams, "0", (512, 512))["cams"]
    assert sum(one["h"] * one["w"] for one in saved) <= 2**20
    assert all(one["max"] == pytest.approx(1) for one in saved)


def test_a_map_of_another_shape_is_refused():
    with pytest.raises(InvalidCam, match="does not fit the image"):
        saved_file("Other", {"cat": np.ones((10, 10), np.float32)}, "cat", (20, 40))
