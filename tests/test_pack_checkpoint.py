"""Runs of the pair and of the baselines become one checkpoint, with the networks for masks if a run has them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crt.checkpoint import Defaults, load_checkpoint, read_config, write_config
from crt.errors import InvalidCheckpoint
from crt.predictor import Predictor, Settings
from scripts.pack_checkpoint import Pack, pack
from tests.tiny import tiny_checkpoint


@pytest.fixture
def runs(tmp_path) -> tuple[Path, ...]:
    """The pair with networks for masks, and each baseline, as training leaves them."""
    pair = tiny_checkpoint(tmp_path / "pair", methods=("crt", "crt_cnn"), masks=True)
    record = {"config": {"seed": 0}, "minutes": 1.0, "relation": {"minutes": 2.0}}
    write_config(pair, replace(read_config(pair), training=record))
    tscam = tiny_checkpoint(tmp_path / "tscam", methods=("tscam",), seed=1)
    cnn = tiny_checkpoint(tmp_path / "cnn", methods=("resnet",), seed=2)
    return pair, tscam, cnn


def test_every_network_and_record_is_in_the_pack(runs, tmp_path):
    out = tmp_path / "packed"
    packed = pack(Pack(runs, out, "all", Defaults(loops=1, threshold=0.3)))
    assert set(packed.networks) == {"crt", "crt_cnn", "tscam", "resnet"} and packed.name == "all"
    assert packed.defaults.threshold == 0.3
    assert set(packed.training) == {"crt+crt_cnn", "tscam", "resnet", "relation"}
    assert packed.training["crt+crt_cnn"] == {"config": {"seed": 0}, "minutes": 1.0}
    loaded = load_checkpoint(out)
    assert loaded.relation is not None and loaded.segmentation is not None
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    whole = Predictor(loaded).trace(image, Settings(size=96))
    for run in runs:
        alone = Predictor(load_checkpoint(run)).trace(image, Settings(size=96))
        for method in alone.methods:
            np.testing.assert_array_equal(whole.maps(method), alone.maps(method))


def test_networks_can_be_left_out(runs, tmp_path):
    packed = pack(Pack(runs[1:], tmp_path / "small", "small", networks=("tscam",)))
    assert list(packed.networks) == ["tscam"] and not (tmp_path / "small" / "resnet.safetensors").exists()
    assert list(load_checkpoint(tmp_path / "small").networks) == ["tscam"]
    with pytest.raises(InvalidCheckpoint, match="No run has crt: choose among tscam, resnet"):
        pack(Pack(runs[1:], tmp_path / "none", "none", networks=("crt",)))


def test_what_does_not_go_together_is_refused(runs, tmp_path):
    pair, tscam, _ = runs
    with pytest.raises(InvalidCheckpoint, match="tscam a second time"):
        pack(Pack((tscam, tscam), tmp_path / "a", "a"))
    other = tiny_checkpoint(tmp_path / "other", methods=("resnet",), classes=("wolf",))
    with pytest.raises(InvalidCheckpoint, match="other classes"):
        pack(Pack((pair, other), tmp_path / "b", "b"))
    second = tiny_checkpoint(tmp_path / "second", methods=("resnet", "tscam"), masks=False)
    config = read_config(pair)
    (second / "relation.safetensors").write_bytes((pair / config.relation.file).read_bytes())
    relation = replace(config.relation, file="relation.safetensors", cnn="resnet")
    write_config(second, replace(read_config(second), relation=relation))
    with pytest.raises(InvalidCheckpoint, match="2 of the runs have a relation network"):
        pack(Pack((pair, second), tmp_path / "c", "c"))
    assert not (tmp_path / "c").exists()
