"""Weights to start from: a file of one's own fits the backbone, or is refused in one sentence."""

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.layers.pos_embed import resample_abs_pos_embed

from crt.errors import InvalidCheckpoint
from crt.models.cnn import build_resnet
from crt.models.vit_backbone import build_vit
from crt.train.start_from import start_from

CLASSIFIER = ("head.", "head_dist.", "fc_norm.")
TILE = 64


def written(path, network, change=None):
    """A network's tensors as a safetensors file, changed by name; None drops one."""
    state = {name: value for name, value in (network.state_dict() | (change or {})).items() if value is not None}
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return str(path)


def vit(name="test_vit", tile=TILE, seed=0):
    torch.manual_seed(seed)
    return build_vit(name, tile=tile)


def test_a_file_of_another_input_size_is_resampled(tmp_path):
    source, target = vit(tile=96), vit(seed=1)
    start_from(target, written(tmp_path / "a.safetensors", source), CLASSIFIER)
    got, given = target.get_parameter("pos_embed"), source.get_parameter("pos_embed")
    torch.testing.assert_close(got, resample_abs_pos_embed(given, [4, 4]))
    torch.testing.assert_close(got[:, 0], given[:, 0])
    torch.testing.assert_close(target.norm.weight, source.norm.weight)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("vit_small_patch14_reg4_dinov2", (84, 56)),  # registers, and no position embedding before the patches
        ("vit_small_patch14_dinov2", (56, 112)),
        ("vit_tiny_patch16_224", (96, 64)),
    ],
)
def test_position_embeddings_are_resampled_as_timm_does(tmp_path, name, sizes):
    source, target = vit(name, tile=sizes[0]), vit(name, tile=sizes[1], seed=1)
    start_from(target, written(tmp_path / "a.safetensors", source), CLASSIFIER)
    want = timm.models.vision_transformer.checkpoint_filter_fn(source.state_dict(), target)["pos_embed"]
    torch.testing.assert_close(target.get_parameter("pos_embed").detach(), want)


def test_a_distilled_file_and_its_name(tmp_path):
    source, target = vit("deit_tiny_distilled_patch16_224", tile=96), vit("deit_tiny_distilled_patch16_224", seed=1)
    file = written(tmp_path / "a.safetensors", source, {"head_dist.weight": torch.ones(10, 192)})
    start_from(target, file, CLASSIFIER)
    torch.testing.assert_close(target.dist_token, source.dist_token)
    got, given = target.get_parameter("pos_embed"), source.get_parameter("pos_embed")
    torch.testing.assert_close(got[:, :2], given[:, :2])
    with pytest.raises(InvalidCheckpoint, match="has the token of a distilled DeiT: choose a model that is distilled"):
        start_from(vit("deit_tiny_patch16_224"), file, CLASSIFIER)
    plain = written(tmp_path / "b.safetensors", vit("deit_tiny_patch16_224"))
    with pytest.raises(InvalidCheckpoint, match="lacks the token of a distilled DeiT: choose a model that is not"):
        start_from(target, plain, CLASSIFIER)


@pytest.mark.parametrize(
    "prefix",
    [
        "model.",
        "module.",
        "module.model.",
        "model.module.",
        "backbone.",
        "model.backbone.",
        "_orig_mod.",
        "module._orig_mod.",
    ],
)
@pytest.mark.parametrize("head", ["fc.", "{prefix}fc."])
def test_wrappers_prefixes_are_dropped(tmp_path, prefix, head):
    source, target = build_resnet("test_resnet"), build_resnet("test_resnet")
    state = {f"{prefix}{name}": value.contiguous() for name, value in source.state_dict().items()}
    save_file(state | {f"{head.format(prefix=prefix)}weight": torch.ones(2, 2)}, tmp_path / "a.safetensors")
    start_from(target, str(tmp_path / "a.safetensors"), ("fc.",))
    name = "layer4.0.conv1.weight"
    torch.testing.assert_close(target.get_parameter(name), source.get_parameter(name))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm.weight": torch.ones(3)}, r"has the wrong shape of norm\.weight"),
        ({"norm.weight": None}, r"lacks norm\.weight"),
        ({"new.weight": torch.ones(3)}, r"has the unknown new\.weight"),
        ({"pos_embed": torch.ones(1, 12, 64)}, "no square input"),
        ({"pos_embed": torch.ones(17, 64)}, "no square input"),
        ({"patch_embed.proj.weight": torch.ones(64, 3, 14, 14)}, "patches of 14 pixels and the model of 16"),
    ],
)
def test_a_file_that_does_not_fit_gets_a_sentence(tmp_path, change, message):
    with pytest.raises(InvalidCheckpoint, match=message) as caught:
        start_from(vit(), written(tmp_path / "a.safetensors", vit(), change), CLASSIFIER)
    assert str(caught.value).endswith(".") and "a.safetensors" in str(caught.value)


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.ckpt", "a.pth.tar"])
def test_a_file_of_pytorch_is_to_be_converted(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InvalidCheckpoint, match="convert it to safetensors first"):
        start_from(vit(), str(tmp_path / name), CLASSIFIER)


def test_a_home_folder_in_a_path_is_the_user_s(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    source, target = vit(), vit(seed=1)
    written(tmp_path / "a.safetensors", source)
    start_from(target, "~/a.safetensors", CLASSIFIER)
    torch.testing.assert_close(target.cls_token, source.cls_token)


@pytest.mark.parametrize(
    "content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"<html>", b"PK\x03\x04", bytes(8)]
)
def test_a_file_that_is_not_whole_gets_a_sentence(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(
        InvalidCheckpoint, match=r"cannot be read as safetensors \(.*\): fetch or save the whole file again"
    ):
        start_from(vit(), str(tmp_path / "a.safetensors"), CLASSIFIER)
    for missing in (tmp_path / "b.safetensors", tmp_path):
        with pytest.raises(InvalidCheckpoint, match="there is no such file; check the path"):
            start_from(vit(), str(missing), CLASSIFIER)


def test_a_tile_too_large_for_any_machine_is_refused_before_it_is_made():
    with pytest.raises(InvalidCheckpoint, match="a tile of 1000000 pixels is too large"):
        build_vit("deit_tiny_patch16_224", tile=1_000_000)
