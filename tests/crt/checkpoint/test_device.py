"""The device is given once, and every network of a checkpoint goes there."""

import pytest
import torch

from crt.checkpoint import load_checkpoint
from crt.errors import InvalidSetting
from crt.predictor import Predictor
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

META = torch.device("meta")


@pytest.fixture
def folder(tmp_path):
    return tiny_checkpoint(tmp_path / "tiny", masks=True)


def places(checkpoint) -> dict[str, set[torch.device]]:
    """Where the parameters and buffers of each network lie, found by its attributes and not by what moves them."""
    networks = {**checkpoint.networks, "relation": checkpoint.relation, "segmentation": checkpoint.segmentation}
    return {
        name: {tensor.device for tensor in (*network.parameters(), *network.buffers())}
        for name, network in networks.items()
    }


def everywhere(device: torch.device) -> dict[str, set[torch.device]]:
    return {name: {device} for name in ("crt", "tscam", "crt_cnn", "resnet", "relation", "segmentation")}


@pytest.mark.parametrize("device", ["meta", META])
def test_the_predictor_takes_all_networks_along(folder, device):
    checkpoint = load_checkpoint(folder)
    assert places(checkpoint) == everywhere(torch.device("cpu"))
    predictor = Predictor(checkpoint, device=device)
    assert predictor.device == META and places(predictor.checkpoint) == everywhere(META)


def test_the_device_is_given_once(folder):
    checkpoint = load_checkpoint(folder, device="meta")
    assert places(checkpoint) == everywhere(META) and checkpoint.device == META
    assert Predictor(checkpoint).device == META and places(checkpoint) == everywhere(META)


def test_networks_on_several_devices_need_one_named(folder):
    checkpoint = load_checkpoint(folder)
    present(checkpoint.segmentation).to("meta")
    with pytest.raises(InvalidSetting, match=r"several devices: call its to\(\) with one\.$"):
        Predictor(checkpoint)
    assert Predictor(checkpoint, device="meta").device == META
