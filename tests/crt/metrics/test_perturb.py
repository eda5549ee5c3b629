import numpy as np
import pytest
import torch

from crt.errors import InvalidSetting
from crt.metrics.perturb import blurred, fitted, imputed, mixed, ranks, shown
from crt.resample import resize_map


def test_the_highest_pixel_ranks_first():
    assert ranks(np.array([[0.5, 3], [-1, 2]], np.float32), 0).tolist() == [[2, 0], [3, 1]]
    assert ranks(np.zeros((2, 3)), 4).dtype == np.int64


def test_pixels_are_mixed_in_the_order_of_their_rank():
    start, end, rank = torch.zeros(3, 2, 2), torch.ones(3, 2, 2), np.array([[2, 0], [3, 1]])
    found = [image[1].tolist() for image in mixed(start, end, rank, np.array([0, 0.25, 0.5, 0.7, 1]))]
    assert found == [[[0, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 1], [0, 1]], [[1, 1], [0, 1]], [[1, 1], [1, 1]]]


def test_a_map_lets_through_its_share_of_the_largest_value():
    assert shown(np.array([[-3.0, 0], [1, 4]])).tolist() == [[0, 0], [0.25, 1]]
    assert shown(np.array([[-3.0, -1]])).tolist() == [[0, 0]]
    assert shown(np.array([[0.25, 0.5]])).tolist() == [[0.5, 1]]


def test_a_blur_mirrors_the_border_with_its_last_pixel():
    image = torch.zeros(3, 1, 5)
    image[:, 0, 0] = 1
    side = np.exp(-0.5)  # of the window of 3 pixels with deviation 1, the middle is 1
    wanted = torch.tensor([1 + side, side, 0, 0, 0]) / (1 + 2 * side)
    found = blurred(image, (3, 1.0))
    torch.testing.assert_close(found, wanted.float().expand(3, 1, 5))
    torch.testing.assert_close(blurred(torch.full((3, 4, 6), 2.0), (5, 2.0)), torch.full((3, 4, 6), 2.0))


def test_a_map_is_fitted_as_every_map_is_resized():
    cam = np.arange(6, dtype=np.float64).reshape(2, 3)
    np.testing.assert_array_equal(fitted(cam, (4, 5)), resize_map(cam.astype(np.float32), (4, 5)))
    same = fitted(cam.T, (3, 2))
    assert same.dtype == np.float32 and same.flags.c_contiguous
    np.testing.assert_array_equal(same, cam.T)
    for bad in (np.zeros(3), np.zeros((1, 2, 3)), np.zeros((0, 2)), np.array([[np.inf]])):
        with pytest.raises(InvalidSetting, match="finite"):
            fitted(bad, (2, 2))


def test_replaced_pixels_alone_have_noise():
    image, rank = torch.ones(3, 8, 8), np.arange(64).reshape(8, 8)
    plain, noisy, again = (
        list(imputed(image, rank, (0.25,), noise=deviation, seed=3)) for deviation in (0.0, 0.5, 0.5)
    )
    assert len(plain) == 2  # without the most and without the least relevant
    for before, after, same in zip(plain, noisy, again, strict=True):
        torch.testing.assert_close(after, same, rtol=0, atol=0)
        moved = (after - before).abs().amax(0) > 1e-6
        assert 15 <= int(moved.sum()) <= 17
        assert 0.3 < float((after - before)[:, moved].std()) < 0.8
    assert bool((noisy[0] != plain[0])[:, :2].any()) and bool((noisy[0] == plain[0])[:, 3:].all())
    assert bool((noisy[1] != plain[1])[:, 6:].any()) and bool((noisy[1] == plain[1])[:, :5].all())
    (other, _) = imputed(image, rank, (0.25,), noise=0.5, seed=4)
    assert (other != noisy[0]).any()
