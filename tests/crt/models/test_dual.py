import pytest
import torch
import torch.nn.functional as F

from crt.errors import InvalidSetting
from crt.models.cnn import CnnBranch, build_resnet
from crt.models.consistency import cam_consistency_loss
from crt.models.dual import DualBranch, SecondCnn
from crt.models.resize import resize_bilinear
from crt.models.tiles import TileGrid
from tests.helpers.narrow import present
from tests.helpers.small_vits import small_branch

GRID = TileGrid(64, 64, 64)


def test_the_consistency_loss_is_the_mean_distance_of_the_resized_maps():
    cnn, vit = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 7, 6)
    one, other = (F.interpolate(maps, (9, 8), mode="bilinear", align_corners=True) for maps in (cnn, vit))
    torch.testing.assert_close(cam_consistency_loss(cnn, vit, (9, 8)), (one - other).abs().mean())
    loss = cam_consistency_loss(torch.full((1, 2, 3, 3), 1.5).half(), torch.full((1, 2, 5, 5), -0.5), (8, 8))
    assert loss.dtype == torch.float32 and float(loss) == 2


def test_edges_stay_where_they_are_unless_corners_are_aligned():
    maps = torch.tensor([[[[0.0, 1.0]]]])
    torch.testing.assert_close(resize_bilinear(maps, (1, 4)), torch.tensor([[[[0, 0.25, 0.75, 1]]]]))
    corners = resize_bilinear(maps, (1, 4), align_corners=True)
    torch.testing.assert_close(corners, torch.tensor([[[[0, 1 / 3, 2 / 3, 1]]]]))


def test_each_branch_has_images_of_its_own():
    cnn, vit = CnnBranch(build_resnet("test_resnet"), 3).eval(), small_branch()
    one, other = torch.randn(1, 3, 48, 32), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        found = DualBranch(cnn, vit)(one, other, 1, GRID)
        torch.testing.assert_close(present(found.cnn), cnn(one))
        torch.testing.assert_close(present(found.vit), vit(other, 1, GRID))
        assert DualBranch(cnn, None)(one, None, 0, GRID).vit is None
        assert DualBranch(None, vit)(None, other, 0, GRID).cnn is None


def test_a_second_cnn_takes_the_place_of_the_transformer():
    second = SecondCnn(build_resnet("test_resnet"), 3).eval()
    images = torch.randn(1, 3, 48, 48)
    with torch.no_grad():
        torch.testing.assert_close(present(DualBranch(None, second)(None, images, 3, GRID).vit), second(images))


def test_one_branch_is_needed():
    with pytest.raises(InvalidSetting, match="at least one branch"):
        DualBranch(None, None)
