import pytest
import timm
import torch
from timm.models.vision_transformer import VisionTransformer

from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.models.vit import TransformerBranch
from crt.models.vit_backbone import build_vit
from tests.helpers.narrow import present
from tests.helpers.small_vits import KINDS, SMALL


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def test_a_distilled_deit_has_two_prefix_tokens():
    net = TransformerBranch(build_vit("deit_tiny_distilled_patch16_224", tile=64), 2).eval()
    assert net.num_prefix_tokens == 2
    tiles = torch.randn(1, 3, 64, 64)
    steps = list(net.steps(tiles, 1))
    assert steps[1].tokens.shape == (1, 16, 192)
    assert present(steps[1].cls_attn).shape == (12, 1, 3, 16)
    torch.testing.assert_close(steps[0].tokens, net.vit.forward_features(tiles)[:, 2:])


def test_build_vit_takes_any_tile_and_patch():
    assert build_vit("test_vit", tile=96).patch_embed.grid_size == (6, 6)
    with torch.device("meta"):
        branch = TransformerBranch(build_vit("vit_small_patch14_reg4_dinov2", tile=224), 2)
    assert (branch.tile, branch.patch, branch.side, branch.num_prefix_tokens) == (224, 14, 16, 5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("swin_tiny_patch4_window7_224", "is not a plain timm VisionTransformer|square tiles"),
        ("eva02_tiny_patch14_224", "is not a plain timm VisionTransformer"),
        ("vit_base_patch16_gap_224", "has no class token"),
        ("vit_base_patch16_siglip_224", "has no class token"),
        ("resnet18", "not a vision transformer"),
        ("vit_medium_patch16_rope_reg1_gap_256", "is not a plain timm VisionTransformer|has no class token"),
        ("vit_small_r26_s32_224", "has a stem"),
        ("vit_relpos_small_patch16_224", "is not a plain|blocks of its own|square tiles"),
    ],
)
def test_models_that_do_not_fit_get_a_sentence(name, message):
    assert timm.is_model(name)
    with torch.device("meta"), pytest.raises(InvalidCheckpoint, match=message) as caught:
        build_vit(name)
    assert name in str(caught.value)
    assert str(caught.value).endswith(".")


def test_unknown_names_are_a_setting():
    with pytest.raises(InvalidSetting, match=r"timm\.list_models"):
        build_vit("vit_of_none")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"img_size": 48}, "even number"),
        ({"img_size": (64, 96)}, "square patches and tiles"),
        ({"patch_size": (16, 8), "img_size": 64}, "square patches and tiles"),
        ({"class_token": False, "global_pool": "avg"}, "no class token"),
    ],
)
def test_a_network_of_one_s_own_is_checked_too(kwargs, message):
    with pytest.raises(InvalidCheckpoint, match=message):
        TransformerBranch(VisionTransformer(**{**SMALL, **KINDS["plain"], **kwargs}), 2)
