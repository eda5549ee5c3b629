"""After loading, every tensor of every network equals its file, for each embedded checkpoint."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from crt.checkpoint import load_checkpoint
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[3]
EMBEDDED = sorted(path.parent for path in (ROOT / "checkpoints").glob("*/config.json"))


def differing(network: nn.Module, stored: dict[str, Tensor], without: str | None = None) -> list[str]:
    """Names of tensors that differ from the file, or that only one of both has."""
    held = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked") and not (without and name.startswith(f"{without}."))
    }
    alone = held.keys() ^ {name for name in stored if not name.endswith("num_batches_tracked")}
    both = held.keys() & stored.keys()
    return sorted([*alone, *(name for name in both if not torch.equal(held[name], stored[name].to(held[name].dtype)))])


def check(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    raw = json.loads((folder / "config.json").read_text())
    for method, spec in raw["networks"].items():
        assert differing(checkpoint.networks[method], load_file(folder / spec["file"])) == [], method
    for part, without in (("relation", "resnet"), ("segmentation", None)):
        network, spec = getattr(checkpoint, part), raw.get(part)
        assert (network is None) == (spec is None)
        if network is not None:
            assert differing(network, load_file(folder / spec["file"]), without) == [], part
    if checkpoint.relation is not None:
        stored = load_file(folder / raw["networks"][raw["relation"]["cnn"]]["file"])
        resnet = {name.removeprefix("resnet."): value for name, value in stored.items() if name.startswith("resnet.")}
        assert differing(checkpoint.relation.resnet, resnet) == []


def test_there_are_embedded_checkpoints():
    assert {folder.name for folder in EMBEDDED} >= {"voc", "cub"}


@pytest.mark.parametrize("folder", EMBEDDED, ids=lambda folder: folder.name)
def test_every_tensor_of_an_embedded_checkpoint_equals_its_file(folder):
    check(folder)


@pytest.mark.parametrize("deconvolution", [False, True])
def test_every_tensor_of_a_checkpoint_with_all_networks_equals_its_file(tmp_path, deconvolution):
    check(tiny_checkpoint(tmp_path / "tiny", masks=True, deconvolution=deconvolution))


def test_a_changed_tensor_is_seen(tmp_path):
    folder = tiny_checkpoint(tmp_path / "tiny", methods=("crt_cnn",))
    network = load_checkpoint(folder).networks["crt_cnn"]
    with torch.no_grad():
        network.get_buffer("resnet.bn1.running_mean")[0] += 1e-3
    assert differing(network, load_file(folder / "crt_cnn.safetensors")) == ["resnet.bn1.running_mean"]
