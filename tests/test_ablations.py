"""The paper's ablations as a list of runs: each row is what it says, and what is done is not done again."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tyro

from crt.agreement import map_correlation
from crt.checkpoint import load_checkpoint, read_config
from crt.datasets import VOC_CLASSES, read_voc
from crt.errors import InvalidSetting
from crt.images import load_image
from crt.multiscale import MapRequest, Views, multi_scale_maps
from crt.predictor import Predictor, Settings
from crt.seeds import to_pixels
from crt.train.ablations import TABLES, Schedule, Table, rows_of, training
from crt.train.config import DataConfig
from scripts import ablate as ablations
from scripts.ablate import MOST_LOOPS, Ablation, ablate, command, main
from tests.test_pipeline import make_devkit
from tests.tiny import RESNET, TILE, VIT, tiny_checkpoint

TINY = Schedule(
    1, TILE, (48, 96), 48, loops=1, batch=2, vit=VIT, cnn=RESNET, vit_weights="random", cnn_weights="random"
)


def tiny_training(name: str, plan: Schedule, seed: int, **where):
    made = training(name, plan, seed, **where)
    data = dataclasses.replace(made.data, workers=0)
    return dataclasses.replace(made, data=data, model=dataclasses.replace(made.model, tile=TILE))


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Ablation:
    base = tmp_path_factory.mktemp("ablate")
    tiny_checkpoint(base / "tiny", classes=VOC_CLASSES)
    return Ablation(
        make_devkit(base / "VOC2012"), base / "out", base / "ablation.json", seeds=(0,), every=2,
        checkpoint=str(base / "tiny"), schedule=TINY, device="cpu", precision="no",
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(config) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablations, "training", tiny_training)
        return ablate(dataclasses.replace(config, tables=("twins", "loops", "modes")))


def test_each_training_changes_one_thing(tmp_path):
    def made(name: str):
        return training(name, TINY, 0, data=DataConfig(), out=tmp_path, precision="no")

    names = {row.training for row in rows_of(TABLES, TINY, 336) if row.training} - {"base"}
    base = made("base").to_json()
    for name in names:
        other = made(name).to_json()
        changed = [key for key in base if base[key] != other[key]]
        # to be interpolated in training, a crop must be larger than the tile that it is shrunk into
        assert changed == (["model", "schedule"] if name == "bilinear" else changed[:1]), (name, changed)
    assert made("coupling_0.2").coupling == 0.2
    assert made("loops_4").schedule[0].loops == (4,)
    with pytest.raises(InvalidSetting, match="no training"):
        made("nonsense")


def test_every_row_is_measured_once_and_says_how_it_was_made(config, done):
    tables: tuple[Table, ...] = ("twins", "loops", "modes")
    wanted = rows_of(tables, TINY, config.size)
    assert [(row["table"], row["name"]) for row in done["rows"]] == [(row.table, row.name) for row in wanted]
    assert done["protocol"]["missing"] == []
    for row in done["rows"]:
        assert row["images"] == 2 and row["minutes"] > 0 and row["machine"]
    assert json.loads(config.json.read_text()) == done
    assert str(config.root.parent) not in config.json.read_text()


def test_loops_are_measured_in_training_and_at_test(done):
    rows = {row["name"]: row for row in done["rows"] if row["table"] == "loops"}
    assert len(rows) == 5
    for row in rows.values():
        assert {f"crt_loops_{count}" for count in range(MOST_LOOPS + 1)} <= set(row["methods"])
        assert {"crt_loops_2_first", "crt_loops_2_last"} <= set(row["methods"])
        assert len(row["similarity"]) == len(row["correlation"]["crt"]) == MOST_LOOPS + 1


def test_the_twins_are_two_cnns(config, done):
    (row,) = [row for row in done["rows"] if row["name"] == "the same CNN twice"]
    assert set(row["methods"]) == {"crt_cnn", "resnet"} and row["similarity"] == []
    assert len(row["correlation"]["resnet"]) == 1
    networks = read_config(config.out / "twins-seed0").networks
    assert {method: spec.kind for method, spec in networks.items()} == {"crt_cnn": "resnet", "resnet": "resnet"}


def test_what_is_done_is_not_done_again(config, done, monkeypatch):
    monkeypatch.setattr(ablations, "_do", None)
    assert ablate(dataclasses.replace(config, tables=("twins", "loops", "modes"))) == done
    later = ablate(dataclasses.replace(config, tables=("coupling",), minutes=0))
    assert len(later["rows"]) == 1  # the base, which other tables have too
    assert later["protocol"]["missing"] == [f"coupling: λ = {value}, seed 0" for value in ("0", "0.01", "0.2")]


def test_the_command_has_what_differs_from_the_defaults_and_no_folder_of_this_machine(config):
    assert command(Ablation(Path("/data/VOC2012"), Path("/runs/ablate"), Path("/x.json"), minutes=9)) == (
        "python -m scripts.ablate --root VOC2012 --out ablate"
    )
    plan = Schedule(cnn_size=None, resize=(200, 400), vit_weights="/home/me/weights/deit.safetensors")
    told = command(Ablation(Path("VOC2012"), Path("out"), tables=("loops",), seeds=(3,), size=None, schedule=plan))
    assert told.endswith(
        "--tables loops --seeds 3 --size None --schedule.resize 200 400 --schedule.cnn-size None "
        "--schedule.vit-weights deit.safetensors"
    )
    back = tyro.cli(Ablation, args=told.split()[3:])
    assert (back.tables, back.seeds, back.size) == (("loops",), (3,), None)
    assert (back.schedule.resize, back.schedule.cnn_size) == ((200, 400), None)
    assert "--checkpoint tiny --precision no" in command(config) and "/" not in command(config)


def test_the_list_is_shown_without_doing_anything(config, capsys):
    main(dataclasses.replace(config, out=config.out / "nothing", list=True))
    assert "the same CNN twice" in capsys.readouterr().out
    assert not (config.out / "nothing").exists()


def test_sizes_are_of_the_picture_at_test(config):
    predictor = Predictor(load_checkpoint(config.checkpoint))
    image = load_image(read_voc(config.root, "train").samples[0].image)
    request = {"x": MapRequest("crt", 1)}
    views = Views((1.0,), flip=False, size=64)
    summed, trace = multi_scale_maps(predictor, image, [0], request, views)
    assert (trace.grid.width, summed["x"].shape) == (64, (1, 70, 101))
    own = predictor.trace(image, Settings(size=64, loops=1))
    maps = own.maps("crt", loops=1, refined=True, classes=[0])
    np.testing.assert_allclose(summed["x"], to_pixels(maps, own.span("crt"), (70, 101)), rtol=1e-5)


def test_correlation_is_one_of_a_map_with_itself_and_does_not_mind_its_size(config):
    predictor = Predictor(load_checkpoint(config.checkpoint))
    image = load_image(read_voc(config.root, "train").samples[0].image)
    trace = predictor.trace(image, Settings(size=96, loops=2))
    assert map_correlation(trace, "resnet", "resnet", 0) == pytest.approx(1)
    plain = map_correlation(trace, "crt", "crt_cnn", 3, loops=2)
    trace.record("crt_cnn").maps[...] *= 7
    assert map_correlation(trace, "crt", "crt_cnn", 3, loops=2) == pytest.approx(plain, abs=1e-5)
    assert -1 < plain < 1
    trace.record("crt_cnn").maps[...] = 0
    assert np.isnan(map_correlation(trace, "crt", "crt_cnn", 3))
