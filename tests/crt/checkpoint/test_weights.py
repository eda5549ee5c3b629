"""Weights that are not finite are refused when they are loaded, by the name of the tensor."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from crt.checkpoint import load_checkpoint
from crt.checkpoint.backbone_weights import load_backbone
from crt.checkpoint.convert import convert
from crt.checkpoint.weights import file_sha256, load_strict
from crt.errors import InvalidCheckpoint
from crt.models.cnn import build_resnet
from crt.models.vit_backbone import build_vit
from tests.helpers.foreign_files import resnet, saved
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture
def folder(tmp_path):
    return tiny_checkpoint(tmp_path / "tiny", masks=True)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("crt", "vit.cls_token"),
        ("crt_cnn", "resnet.bn1.running_var"),
        ("relation", "mean"),
        ("segmentation", "aspp.branches.0.bias"),
    ],
)
def test_weights_that_are_not_finite_are_refused_by_name(folder, file, name, value):
    path = folder / f"{file}.safetensors"
    tensors = load_file(path)
    tensors[name].view(-1)[-1] = value
    save_file(tensors, path)
    raw = json.loads((folder / "config.json").read_text())
    (raw["networks"].get(file) or raw[file])["sha256"] = file_sha256(path)
    (folder / "config.json").write_text(json.dumps(raw))
    with pytest.raises(InvalidCheckpoint) as caught:
        load_checkpoint(folder)
    said = str(caught.value)
    assert said.startswith(f"{file}.safetensors has values that are not finite in {name}: ") and said.endswith(".")


def test_a_network_keeps_its_weights_when_a_file_is_refused(tmp_path):
    network = torch.nn.Linear(2, 2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    save_file({"weight": torch.zeros(2, 2), "bias": torch.tensor([0.0, torch.nan])}, tmp_path / "x.safetensors")
    with pytest.raises(InvalidCheckpoint, match="not finite in bias"):
        load_strict(network, tmp_path / "x.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    large = {"weight": torch.zeros(2, 2).double(), "bias": torch.tensor([0.0, 1e200], dtype=torch.float64)}
    save_file(large, tmp_path / "y.safetensors")
    with pytest.raises(InvalidCheckpoint, match="not finite in bias"):  # finite in the file, but not as float32
        load_strict(network, tmp_path / "y.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize(("kind", "name"), [("vit", "pos_embed"), ("vit", "norm.bias"), ("cnn", "bn1.running_var")])
def test_a_backbone_is_not_loaded_with_values_that_are_not_finite(tmp_path, kind, name, dtype, value):
    source = build_vit("test_vit", tile=96) if kind == "vit" else build_resnet("test_resnet")
    target = build_vit("test_vit", tile=64) if kind == "vit" else build_resnet("test_resnet")
    before = {key: tensor.clone() for key, tensor in target.state_dict().items()}
    state = {key: tensor.to(dtype).contiguous() for key, tensor in source.state_dict().items()}
    state[name].view(-1)[-1] = value
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(InvalidCheckpoint) as caught:
        load_backbone(target, tmp_path / "x.safetensors", ("head.", "fc."))
    assert str(caught.value).startswith(f"x.safetensors has values that are not finite in {name}: ")
    assert all(torch.equal(tensor, before[key]) for key, tensor in target.state_dict().items())


def test_an_imported_file_is_not_taken_with_values_that_are_not_finite(tmp_path):
    state = resnet()
    state["layer1.0.bn1.running_var"][3] = float("inf")
    with pytest.raises(InvalidCheckpoint, match=r"x\.pth has values that are not finite in layer1\.0\.bn1\."):
        convert(saved(tmp_path / "x.pth", state))


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.bool])
def test_a_backbone_is_not_loaded_with_whole_numbers(tmp_path, dtype):
    source = build_resnet("test_resnet")
    state = {key: tensor.contiguous() for key, tensor in source.state_dict().items()}
    state["layer1.0.conv1.weight"] = state["layer1.0.conv1.weight"].mul(100).to(dtype)
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(InvalidCheckpoint, match=r"x\.safetensors has numbers of the type .* quantized"):
        load_backbone(source, tmp_path / "x.safetensors", ("fc.",))


def test_negative_variances_are_refused_as_they_would_give_no_numbers(tmp_path):
    source = build_resnet("test_resnet")
    state = {key: tensor.contiguous() for key, tensor in source.state_dict().items()}
    state["bn1.running_var"] = -torch.ones_like(state["bn1.running_var"])
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(InvalidCheckpoint, match=r"x\.safetensors has negative variances in bn1\.running_var: "):
        load_backbone(source, tmp_path / "x.safetensors", ("fc.",))
    with pytest.raises(InvalidCheckpoint, match=r"x\.safetensors has negative variances in bn1\.running_var: "):
        load_strict(source, tmp_path / "x.safetensors")
