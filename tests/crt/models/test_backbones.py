"""Backbones by any timm name; one that does not fit, or whose weights cannot be fetched, gets one sentence."""

import os
import subprocess
import sys
from typing import Any, cast

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.layers.pos_embed import resample_abs_pos_embed

from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting
from crt.models.cnn import build_resnet
from crt.models.vit_backbone import build_vit

TILE = 64


def cfg_of(network: torch.nn.Module) -> dict[str, Any]:
    """timm's record of a backbone."""
    return cast("dict[str, Any]", network.pretrained_cfg)


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("vit_tiny_patch16_224.augreg_in21k", 0.5),
        ("vit_tiny_patch16_224.augreg_in21k_ft_in1k", 0.5),
        ("vit_small_patch16_224.dino", 0.485),
        ("deit_tiny_patch16_224", 0.485),
        ("deit_tiny_distilled_patch16_224.fb_in1k", 0.485),
        ("test_vit.r160_in1k", 0.5),
    ],
)
def test_any_tag_gives_its_model_and_its_mean(name, mean):
    assert cfg_of(build_vit(name, tile=TILE))["mean"][0] == mean
    assert len(cfg_of(build_vit(name, tile=TILE))["std"]) == 3


def test_a_resnet_has_its_mean_too():
    assert cfg_of(build_resnet("resnet18.fb_ssl_yfcc100m_ft_in1k"))["mean"] == (0.485, 0.456, 0.406)
    assert cfg_of(build_resnet("test_resnet"))["std"] == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("build", "name"), [(build_vit, "vit_tiny_patch16_224"), (build_resnet, "resnet18")])
def test_an_unknown_tag_lists_those_there_are(build, name):
    with pytest.raises(InvalidSetting, match=r"timm has no weights 'of_none' of .*choose among .*in1k"):
        build(f"{name}.of_none")


@pytest.mark.parametrize(
    "name",
    [
        "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256", "eva02_tiny_patch14_224", "beit_base_patch16_224",
        "beitv2_base_patch16_224", "convnext_atto", "test_convnext", "cait_xxs24_224", "xcit_nano_12_p16_224",
        "pvt_v2_b0", "pit_ti_224", "levit_128s", "mobilenetv3_small_050", "efficientnet_b0", "mixer_s16_224",
        "maxvit_pico_rw_256", "vit_relpos_small_patch16_224", "vit_small_r26_s32_224", "naflexvit_base_patch16_gap",
        "hiera_tiny_224", "twins_svt_small", "tnt_s_patch16_224", "volo_d1_224", "deit3_small_patch16_224_gap",
        "samvit_base_patch16_224", "vitamin_small_224", "davit_tiny", "coat_lite_tiny", "crossvit_9_240", "resnet18",
        "vit_base_patch16_siglip_224", "regnetx_002", "vgg11", "fastvit_t8", "tiny_vit_5m_224", "edgenext_xx_small",
    ],
)  # fmt: skip
@pytest.mark.parametrize("pretrained", [False, True])
def test_other_families_are_refused_by_one_sentence_before_anything_is_fetched(name, pretrained, monkeypatch):
    monkeypatch.setattr("crt.models.backbones._pretrained_overlay", lambda *_: pytest.fail("weights were searched for"))
    with pytest.raises(CrtError) as caught:
        build_vit(name, pretrained=pretrained)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and name in message
    assert isinstance(caught.value, InvalidCheckpoint) or "timm has no model" in message


@pytest.mark.parametrize("raised", [RuntimeError("odd"), KeyError("x"), AttributeError("no\nway"), ZeroDivisionError()])
def test_whatever_timm_s_constructor_raises_is_the_sentence(raised, monkeypatch):
    def broken(*args, **kwargs):
        raise raised

    monkeypatch.setattr(timm, "create_model", broken)
    with pytest.raises(InvalidCheckpoint, match=r"^test_vit is not a vision transformer with square tiles of 224 px"):
        build_vit("test_vit")
    with pytest.raises(InvalidCheckpoint, match=r"^test_resnet is not a timm ResNet"):
        build_resnet("test_resnet")


@pytest.mark.parametrize("tile", [0, -16, 100, 16])
def test_a_tile_that_no_patches_fit_is_refused(tile):
    with pytest.raises(InvalidCheckpoint):
        build_vit("test_vit", tile=tile)


def test_a_vit_whose_norm_is_behind_the_pooling_has_no_weights_for_tokens():
    with pytest.raises(InvalidCheckpoint, match="last norm behind the pooling"):
        build_vit("eva_large_patch14_196", tile=196, pretrained=True)


OFFLINE = """
import time
from crt.models.cnn import build_resnet
from crt.errors import InvalidSetting
from crt.models.vit_backbone import build_vit
start = time.perf_counter()
names = ["resnet18", "deit_tiny_patch16_224", "vit_tiny_patch16_224.augreg_in21k"]
for name in names:
    build = build_resnet if name == "resnet18" else build_vit
    try:
        build(name, pretrained=True)
    except InvalidSetting as error:
        print(error)
print(time.perf_counter() - start)
"""


@pytest.mark.parametrize("variables", [{"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_network_pretrained_weights_end_with_one_sentence_at_once(tmp_path, variables):
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        env={**os.environ, "HF_HOME": str(tmp_path), "TORCH_HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    *lines, seconds = done.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert "cannot be fetched" in line and "local safetensors file" in line and "random weights" in line
    assert float(seconds) < 120  # the Hub's client alone would try for 46 s for each of the three


def test_weights_in_the_hub_s_cache_need_no_network(tmp_path, monkeypatch):
    torch.manual_seed(3)
    source = timm.create_model("test_vit")
    folder = tmp_path / "models--timm--test_vit.r160_in1k"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    save_file(source.state_dict(), folder / "snapshots" / "abc" / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("crt.models.backbones.get_session", lambda: pytest.fail("the network was asked"))
    found = build_vit("test_vit", tile=TILE, pretrained=True)
    for name in ("norm.weight", "blocks.5.mlp.fc2.weight"):
        torch.testing.assert_close(found.get_parameter(name), source.get_parameter(name))
    resampled = resample_abs_pos_embed(source.get_parameter("pos_embed"), [4, 4])
    torch.testing.assert_close(found.get_parameter("pos_embed").detach(), resampled.detach())


def test_a_model_without_weights_is_refused_by_name():
    with pytest.raises(InvalidSetting, match="no pretrained weights of vit_small_patch16_36x1_224"):
        build_vit("vit_small_patch16_36x1_224", pretrained=True)


def test_looking_before_building_changes_no_random_number():
    torch.manual_seed(0)
    first = build_vit("test_vit", tile=TILE).pos_embed
    torch.manual_seed(0)
    again = timm.create_model("test_vit", num_classes=0, global_pool="", img_size=TILE).pos_embed
    torch.testing.assert_close(first, again, rtol=0, atol=0)
