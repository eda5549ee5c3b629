"""The library as a program or a notebook uses it: `crt.load`, images of every kind, CAMs and masks on the pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crt.checkpoint import CONFIG_FILE, bundled_names, load_checkpoint, locate
from crt.data.images import load_image
from crt.errors import InvalidCheckpoint, InvalidImage
from tests.tiny import tiny_checkpoint


def make_image(height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def to_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)


@pytest.mark.parametrize(
    "tensor",
    [
        to_tensor(make_image()),
        to_tensor(make_image()).contiguous(),
        to_tensor(make_image()) / 255,
        (to_tensor(make_image()) / 255).double().requires_grad_(),
        (to_tensor(make_image()) / 255).half(),
    ],
    ids=["permuted", "uint8", "float", "with-gradients", "half"],
)
def test_a_tensor_is_read_as_its_array(tensor):
    image = load_image(tensor)
    np.testing.assert_array_equal(image, make_image())
    assert image.flags.c_contiguous and image.flags.writeable and not np.shares_memory(image, tensor.detach().numpy())


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (torch.zeros(4, 5), r"shape \(4, 5\); give \(3, H, W\)"),
        (torch.zeros(4, 5, 3), r"shape \(4, 5, 3\); give \(3, H, W\)"),
        (torch.zeros(1, 3, 4, 5), r"shape \(1, 3, 4, 5\)"),
        (torch.zeros(3, 0, 5), "no pixels"),
        (torch.zeros(3, 4, 5, dtype=torch.int64), "holds int64; give uint8, or float"),
        (torch.full((3, 4, 5), 2.0), "from 2 to 2; give floats .* before the image is normalized"),
        (torch.full((3, 4, 5), -1.0), "from -1 to -1"),
        (torch.full((3, 4, 5), torch.nan), "from nan to nan"),
        (torch.zeros(3, 1, 1).expand(3, 10_000, 10_000), "more than the 64,000,000 allowed"),
    ],
)
def test_a_tensor_that_is_no_image_is_refused(tensor, reason):
    with pytest.raises(InvalidImage, match=reason):
        load_image(tensor)


def test_a_bundled_checkpoint_is_found_by_its_name(tmp_path, monkeypatch):
    assert bundled_names() == ["cub", "voc"]
    monkeypatch.chdir(tmp_path)
    for name in bundled_names():
        assert locate(name).name == name and (locate(name) / CONFIG_FILE).is_file()
    with pytest.raises(InvalidCheckpoint, match=r"no folder vok: .* bundled one \(cub, voc\) or a Hub id"):
        locate("vok")


def test_a_folder_of_that_name_in_the_working_directory_wins(tmp_path, monkeypatch):
    tiny_checkpoint(tmp_path / "voc", name="mine", methods=("crt",))
    monkeypatch.chdir(tmp_path)
    assert load_checkpoint("voc").config.name == "mine"


@pytest.mark.parametrize("name", [".", "..", "", "voc/..", "../checkpoints", "/voc", "VOC"])
def test_only_whole_names_are_bundled(name):
    assert name not in bundled_names()
