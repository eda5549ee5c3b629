"""Weights that are not finite are refused when they are loaded, by the name of the tensor."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from crt.checkpoint import load_checkpoint
from crt.errors import InvalidCheckpoint
from crt.weights import file_sha256, load_strict
from tests.tiny import tiny_checkpoint


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
