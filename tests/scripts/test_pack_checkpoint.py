"""Runs of the pair and of the baselines become one checkpoint, with the networks for masks if a run has them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crt.checkpoint import Defaults, load_checkpoint, read_config, write_config
from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.predictor import InferenceConfig, Predictor
from scripts.pack_checkpoint import DefaultOptions, Pack, pack
from tests.helpers.in_process import run_command
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]


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
    packed = pack(Pack(runs, out, "all", DefaultOptions(loops=1, threshold=0.3)))
    assert set(packed.networks) == {"crt", "crt_cnn", "tscam", "resnet"} and packed.name == "all"
    assert packed.defaults.threshold == 0.3
    assert set(packed.training) == {"crt+crt_cnn", "tscam", "resnet", "relation"}
    assert packed.training["crt+crt_cnn"] == {"config": {"seed": 0}, "minutes": 1.0}
    loaded = load_checkpoint(out)
    assert loaded.relation is not None and loaded.segmentation is not None
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    whole = Predictor(loaded).predict(image, InferenceConfig(size=96))
    for run in runs:
        alone = Predictor(load_checkpoint(run)).predict(image, InferenceConfig(size=96))
        for method in alone.methods:
            np.testing.assert_array_equal(whole.cams(method), alone.cams(method, spec=whole.default_spec))


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
    relation = present(read_config(pair).relation)
    (second / "relation.safetensors").write_bytes((pair / relation.file).read_bytes())
    relation = replace(relation, file="relation.safetensors", cnn="resnet")
    write_config(second, replace(read_config(second), relation=relation))
    with pytest.raises(InvalidCheckpoint, match="2 of the runs have an IRN"):
        pack(Pack((pair, second), tmp_path / "c", "c"))
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        (DefaultOptions(size=0), "defaults.size must be a whole number from 32 to 2048, not 0"),
        (DefaultOptions(loops=99), "defaults.loops must be a whole number from 0 to 8, not 99"),
        (DefaultOptions(threshold=float("nan")), "JSON"),
        (DefaultOptions(blocks=(4, 2)), "blocks are 4 to 2: give the first and the last, counted from 1"),
        (DefaultOptions(blocks=(0, 5)), "blocks are 0 to 5: give the first and the last, counted from 1"),
        (DefaultOptions(blocks=(1, 7)), r"counted from 0, must lie within 0 to 5, the blocks of tscam, not \[0, 6\]"),
    ],
)
def test_defaults_out_of_their_range_are_refused_and_nothing_is_written(runs, tmp_path, defaults, message):
    out = tmp_path / "packed"
    for existing in (False, True):
        if existing:
            out.mkdir()
            (out / "README.md").write_text("a card")
        before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
        with pytest.raises((InvalidCheckpoint, InvalidSetting), match=message):
            pack(Pack(runs[1:], out, "all", defaults))
        assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


def test_a_pack_goes_over_an_older_one(runs, tmp_path):
    out = tmp_path / "packed"
    pack(Pack(runs, out, "old"))
    (out / "README.md").write_text("a card")
    pack(Pack(runs, out, "new", DefaultOptions(size=64)))
    assert load_checkpoint(out).config.name == "new" and (out / "README.md").read_text() == "a card"


def test_records_of_training_are_kept_when_packs_are_packed_again(runs, tmp_path):
    pair, tscam, cnn = runs
    for run, seed in ((tscam, 1), (cnn, 2)):
        write_config(run, replace(read_config(run), training={"config": {"seed": seed}, "minutes": 3.0}))
    once = pack(Pack((pair, tscam), tmp_path / "once", "once"))
    assert set(once.training) == {"crt+crt_cnn", "tscam", "relation"}
    again = pack(Pack((tmp_path / "once", cnn), tmp_path / "again", "again"))
    assert again.training == {**once.training, "resnet": {"config": {"seed": 2}, "minutes": 3.0}}
    assert read_config(tmp_path / "again").training == again.training
    small = pack(Pack((tmp_path / "once", cnn), tmp_path / "small", "small", networks=("crt_cnn",)))
    assert set(small.training) == {"crt+crt_cnn", "relation"}


def test_records_that_contradict_are_refused(runs, tmp_path):
    pair, tscam, _ = runs
    config = read_config(tscam)
    write_config(tscam, replace(config, training={"minutes": 1.0, "relation": {"minutes": 9.0}}))
    for order in ((pair, tscam), (tscam, pair)):
        with pytest.raises(InvalidCheckpoint, match=r"record of the training of (a )?relation"):
            pack(Pack(order, tmp_path / "a", "a"))
    write_config(tscam, replace(config, training={"crt+crt_cnn": {"minutes": 9.0}}))
    with pytest.raises(InvalidCheckpoint, match=r"second record of the training of crt\+crt_cnn"):
        pack(Pack((pair, tscam), tmp_path / "a", "a"))
    assert not (tmp_path / "a").exists()


def test_files_that_would_lie_on_each_other_or_are_missing_are_refused(runs, tmp_path):
    _, tscam, cnn = runs
    (tscam / "tscam.safetensors").rename(tscam / "resnet.safetensors")
    config = read_config(tscam)
    networks = {"tscam": replace(config.networks["tscam"], file="resnet.safetensors")}
    write_config(tscam, replace(config, networks=networks))
    with pytest.raises(InvalidCheckpoint, match=r"cnn has a second resnet.safetensors: rename one"):
        pack(Pack((tscam, cnn), tmp_path / "a", "a"))
    (cnn / "resnet.safetensors").unlink()
    with pytest.raises(InvalidCheckpoint, match=r"cnn names resnet.safetensors, which is not there"):
        pack(Pack((cnn,), tmp_path / "a", "a"))
    with pytest.raises(InvalidCheckpoint, match="no run to pack"):
        pack(Pack((), tmp_path / "a", "a"))
    assert not (tmp_path / "a").exists()


def test_a_relation_network_is_left_out_with_its_resnet(runs, tmp_path, capsys):
    pack(Pack(runs, tmp_path / "whole", "whole", networks=("crt", "crt_cnn")))
    assert capsys.readouterr().out == ""
    packed = pack(Pack((tmp_path / "whole",), tmp_path / "small", "small", networks=("crt",)))
    reported = "The IRN is left out: it needs crt_cnn, which --networks does not name.\n"
    assert capsys.readouterr().out == reported
    assert packed.relation is None and set(packed.training) == {"crt+crt_cnn"}
    loaded = load_checkpoint(tmp_path / "small")
    assert list(loaded.networks) == ["crt"] and loaded.relation is None and loaded.segmentation is not None
    assert sorted(path.name for path in (tmp_path / "small").iterdir()) == [
        "config.json", "crt.safetensors", "segmentation.safetensors",
    ]  # fmt: skip


def test_each_network_keeps_its_own_mean_and_std(runs, tmp_path):
    tscam = read_config(runs[1])
    spec = replace(tscam.networks["tscam"], mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    write_config(runs[1], replace(tscam, networks={"tscam": spec}))
    packed = pack(Pack(runs, tmp_path / "packed", "packed"))
    assert packed.networks["tscam"] == spec and packed.networks["crt"].mean != spec.mean


def test_how_the_defaults_were_chosen_is_recorded(runs, tmp_path):
    reported = {"chosen_on": "voc2012_train_animals", "command": "python -m scripts.evaluate seeds"}
    first = pack(Pack(runs, tmp_path / "a", "a", chosen_on=reported["chosen_on"], chosen_by=reported["command"]))
    assert first.training["defaults"] == reported
    again = pack(Pack((tmp_path / "a",), tmp_path / "b", "b", DefaultOptions(loops=1)))
    assert again.training == {key: value for key, value in first.training.items() if key != "defaults"}


def test_the_command_counts_blocks_from_1_and_the_checkpoint_from_0(runs, tmp_path):
    words = ["--runs", runs[1], "--out", tmp_path / "x", "--name", "x", "--defaults.blocks", 2, 6]
    done = run_command("scripts.pack_checkpoint", *words)
    assert done.returncode == 0 and "'blocks': (2, 6)" in done.stdout
    assert read_config(tmp_path / "x").defaults == Defaults(blocks=(1, 5))


def test_the_command_refuses_bad_defaults_in_one_line(runs, tmp_path):
    words = ["--runs", runs[1], "--out", tmp_path / "x", "--name", "x", "--defaults.size", 0]
    done = run_command("scripts.pack_checkpoint", *words)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and "defaults.size" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
