"""Seeds: alignment on the pixel grid, flips, normalisation and labels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from crt.errors import InvalidSetting
from crt.models.resize import resize_bilinear
from crt.postprocess import cam_to_labels, max_normalize
from crt.resample import resize_map, upsample_cam


def test_to_pixels_is_the_bilinear_resize_where_the_span_is_whole() -> None:
    maps = np.random.default_rng(0).random((3, 5, 7)).astype(np.float32)
    want = F.interpolate(torch.from_numpy(maps)[None], (80, 112), mode="bilinear", align_corners=False)[0]
    np.testing.assert_allclose(upsample_cam(maps, (5, 7), (80, 112)), want, atol=1e-6)


@pytest.mark.parametrize("size", [(80, 112), (3, 2), (5, 7), (1, 1)])
def test_every_bilinear_resize_is_the_same(size: tuple[int, int]) -> None:
    cam = np.random.default_rng(1).random((5, 7)).astype(np.float32)
    found = resize_map(cam, size)
    tensor = resize_bilinear(torch.from_numpy(cam)[None, None], size)[0, 0]
    np.testing.assert_allclose(found, tensor, atol=1e-6)
    np.testing.assert_allclose(found, cv2.resize(cam, size[::-1], interpolation=cv2.INTER_LINEAR), atol=1e-6)
    np.testing.assert_allclose(found, upsample_cam(cam[None], cam.shape, size)[0])


@settings(max_examples=60, deadline=None)
@given(value=st.floats(0, 1e6, width=32), cells=st.integers(1, 30), pixels=st.integers(1, 90))
def test_a_map_without_a_pattern_gets_none(value: float, cells: int, pixels: int) -> None:
    assert (resize_map(np.full((cells, cells), value, np.float32), (pixels, pixels)) == np.float32(value)).all()


def test_to_pixels_leaves_out_the_cells_of_padding() -> None:
    maps = np.zeros((1, 2, 3), np.float32)
    maps[:, :, 2] = 1  # the last column lies under an image that spans 2.25 of 3 cells
    wide = upsample_cam(maps, (2, 2.25), (32, 36))
    assert wide[0, 0, -1] == pytest.approx((36 - 0.5) / 16 - 0.5 - 1, abs=1e-6)
    np.testing.assert_allclose(wide, upsample_cam(maps, (2, 3), (32, 48))[:, :, :36], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(width=st.integers(17, 90), at=st.floats(0.1, 0.9))
def test_a_flipped_view_lands_where_the_plain_one_does(width: int, at: float) -> None:
    """A bright peak drawn on cells of the image and of its mirror image peaks within one cell of itself."""
    span = width / 16
    cells = -(-width // 16)
    centres = np.arange(cells) + 0.5

    def peak(x: float) -> np.ndarray:
        return np.exp(-((centres - x * span) ** 2)).astype(np.float32)[None, None].repeat(2, 1)

    plain = upsample_cam(peak(at), (2, span), (32, width))[0, 0]
    turned = upsample_cam(peak(1 - at), (2, span), (32, width), flipped=True)[0, 0]
    centre = [float((row * np.arange(width)).sum() / row.sum()) for row in (plain, turned)]
    assert abs(centre[0] - centre[1]) < 4


def test_normalise_has_no_nan() -> None:
    maps = np.stack([np.zeros((4, 4)), np.full((4, 4), 3.0)]).astype(np.float32)
    got = max_normalize(maps)
    assert np.isfinite(got).all()
    assert got[0].max() == 0
    assert got[1].max() == pytest.approx(1, abs=1e-4)
    assert max_normalize(np.zeros((0, 4, 4), np.float32)).shape == (0, 4, 4)


def test_label_map_puts_background_first() -> None:
    seeds = np.array([[[0.1, 0.15, 0.9]], [[0.2, 0.15, 0.9]]], dtype=np.float32)
    assert cam_to_labels(seeds, [2, 7], float(np.float32(0.15))).tolist() == [[8, 0, 3]]
    assert cam_to_labels(np.zeros((0, 2, 2), np.float32), [], 0.15).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(InvalidSetting):
        cam_to_labels(seeds, [1])
