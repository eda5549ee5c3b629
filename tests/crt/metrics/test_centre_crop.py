import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import v2

from crt.errors import InvalidSetting
from crt.metrics.centre_crop import CentreCrop

corner = st.integers(-20, 20)
box = st.tuples(corner, corner, st.integers(0, 20), st.integers(0, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@pytest.mark.parametrize("source", [(256, 256), (300, 500), (375, 250), (257, 999), (40, 30)])
def test_the_crop_is_torchvision_s(source):
    view = CentreCrop(source)
    rows, cols = torch.meshgrid(*(torch.arange(side, dtype=torch.float32) + 0.5 for side in source), indexing="ij")
    positions = torch.stack([rows, cols])  # where each pixel's centre lies in the image
    resized = v2.functional.resize(positions, [view.resize], antialias=False)
    assert tuple(resized.shape[1:]) == view.resized
    cut = v2.functional.center_crop(resized, [view.crop])
    for y, x in ((100, 100), (60, 150)):  # away from the border, where resizing repeats pixels
        pixel = view.to_source([[x, y, x + 1, y + 1]])[0]
        assert (pixel[0] + pixel[2]) / 2 == pytest.approx(float(cut[1, y, x]), abs=1e-3)
        assert (pixel[1] + pixel[3]) / 2 == pytest.approx(float(cut[0, y, x]), abs=1e-3)


def test_boxes_of_a_crop_by_hand():
    view = CentreCrop((128, 256))  # resized to 256 × 512, cropped at top 16, left 144
    assert (view.resized, view.origin) == ((256, 512), (16, 144))
    np.testing.assert_allclose(view.to_source([[0, 0, 224, 224]]), [[72, 8, 184, 120]])
    np.testing.assert_allclose(view.to_crop([[0, 0, 256, 128]]), [[0, 0, 224, 224]])


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 600), st.integers(1, 600), box)
def test_the_way_to_the_image_and_back(height, width, inside):
    view = CentreCrop((height, width))
    wanted = np.clip(np.add([inside], 30), 0, view.crop)
    np.testing.assert_allclose(view.to_crop(view.to_source(wanted)), wanted, atol=1e-6)


@pytest.mark.parametrize(("source", "resize", "crop"), [((0, 5), 256, 224), ((5, 5), 200, 224), ((5, 5), 5, 0)])
def test_crops_that_cannot_be(source, resize, crop):
    with pytest.raises(InvalidSetting, match="crop"):
        CentreCrop(source, resize, crop)


def test_a_crop_may_be_one_pixel_or_the_whole_short_side():
    assert CentreCrop((5, 5), 8, 8).origin == (0, 0)
    assert CentreCrop((1, 1), 1, 1).resized == (1, 1)
    assert CentreCrop((30, 40), 6, 1).origin == (2, 4)  # 2.5 and 3.5 to even


def test_boxes_are_cut_off_at_the_border():
    view = CentreCrop((100, 200), 50, 40)  # half the size, cropped at top 5, left 30
    np.testing.assert_allclose(view.to_crop([[0, 0, 200, 100], [70, 20, 90, 40]]), [[0, 0, 40, 40], [5, 5, 15, 15]])
    np.testing.assert_allclose(
        view.to_source([[-99, -99, 999, 999], [5, 5, 15, 15]]), [[0, 0, 200, 100], [70, 20, 90, 40]]
    )
