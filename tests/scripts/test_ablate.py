"""The paper's ablations as a list of runs: each row is what its name is, and what is done is not done again."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as functional
import tyro
from PIL import Image

from crt.analysis.consistency import map_correlation
from crt.cam_spec import CamSpec
from crt.checkpoint import Defaults, load_checkpoint, read_config
from crt.data import VOC_CLASSES, Sample, read_voc
from crt.data.images import load_image
from crt.errors import CrtError, InvalidSetting
from crt.multiscale import MethodSpec, TTAConfig, multi_scale_maps
from crt.predictor import InferenceConfig, Predictor
from crt.resample import upsample_cam
from crt.train.ablations import TABLES, AblationRow, AblationTable, Schedule, rows_of, training
from crt.train.config import DataConfig
from crt.train.data import CropPlan
from crt.train.export import portable
from scripts import ablation_runs
from scripts.ablate import Ablation, ablate, command, main, pilot, protocol
from scripts.ablation_runs import MOST_LOOPS, Runs, read_data
from scripts.output import write_json
from scripts.report.ablation_rows import MODES
from scripts.report.sections import KINDS
from tests.helpers.tables import as_dict
from tests.helpers.tiny import RESNET, TILE, VIT, tiny_checkpoint
from tests.scripts.test_run_pipeline import make_devkit

TINY = Schedule(
    1, TILE, (48, 96), 48, loops=1, batch=2, vit=VIT, cnn=RESNET, vit_weights="random", cnn_weights="random"
)


TABLES_DONE: tuple[AblationTable, ...] = ("branches", "loops", "modes")


def tiny_training(name: str, plan: Schedule, seed: int, **where):
    made = training(name, plan, seed, **where)
    data = dataclasses.replace(made.data, workers=0)
    return dataclasses.replace(made, data=data, model=dataclasses.replace(made.model, tile=TILE))


@pytest.fixture(scope="module", autouse=True)
def _tiny_networks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablation_runs, "training", tiny_training)
        yield


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Ablation:
    base = tmp_path_factory.mktemp("ablate")
    tiny_checkpoint(base / "tiny", classes=VOC_CLASSES)
    root = make_devkit(base / "VOC2012")
    return Ablation(
        root, base / "out", base / "ablation.json", data=(f"{root}:train,val",), seeds=(0,), stride=2,
        checkpoint=str(base / "tiny"), schedule=TINY, device="cpu", precision="fp32",
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(config) -> dict:
    return ablate(dataclasses.replace(config, tables=TABLES_DONE))


def test_each_training_changes_one_thing(tmp_path):
    def made(name: str):
        return training(name, TINY, 0, data=DataConfig(), out=tmp_path, precision="fp32")

    names = {row.training for row in rows_of(TABLES, TINY, 336) if row.training} - {"base"}
    base = made("base").to_json()
    for name in names:
        other = made(name).to_json()
        changed = [key for key in base if base[key] != other[key]]
        # A mode has a crop of its own, which shows the same part of the image.
        several = name in ("second-cnn", "mode_non-overlap_448", "mode_bilinear_448", "mode_deconvolution_448")
        assert changed == (["model", "schedule"] if several else changed[:1]), (name, changed)
    second, pair = made("second-cnn").to_json(), made("same-size").to_json()
    assert [key for key in pair if pair[key] != second[key]] == ["model"]
    assert made("lambda_0.2").lambda_cam == 0.2
    assert made("loops_4").schedule[0].loops == (4,)
    with pytest.raises(InvalidSetting, match="no training"):
        made("nonsense")


def test_every_row_is_measured_once_and_records_how_it_was_made(config, done):
    wanted = rows_of(TABLES_DONE, TINY, config.size)
    assert [(row["table"], row["name"]) for row in done["rows"]] == [(row.table, row.name) for row in wanted]
    assert done["protocol"]["missing"] == []
    for row in done["rows"]:
        assert row["images"] == 2 and row["minutes"] > 0 and row["machine"]
    assert json.loads(config.json.read_text()) == done
    assert str(config.root.parent) not in config.json.read_text()


def test_every_training_records_how_it_was_started(config, done):
    for row in done["rows"]:
        if row["training"]:
            record = read_config(config.out / f"{row['training']}-seed{row['seed']}").training
            assert record["command"].startswith("python -m scripts.ablate") and "commit" in record


def test_loops_are_measured_in_training_and_at_test(done):
    rows = {row["name"]: row for row in done["rows"] if row["table"] == "loops"}
    assert len(rows) == 5
    for row in rows.values():
        assert {f"crt_loops_{count}" for count in range(MOST_LOOPS + 1)} <= set(row["methods"])
        assert {"crt_loops_2_first", "crt_loops_2_last"} <= set(row["methods"])
        assert len(row["similarity"]) == len(row["correlation"]["crt"]) == MOST_LOOPS + 1


def test_two_cnns_stand_in_place_of_a_cnn_and_a_transformer(config, done):
    (row,) = [row for row in done["rows"] if row["name"] == "the same CNN twice"]
    assert set(row["methods"]) == {"crt_cnn", "resnet"} and row["similarity"] == []
    assert len(row["correlation"]["resnet"]) == 1
    networks = read_config(config.out / "second-cnn-seed0").networks
    assert {method: spec.type for method, spec in networks.items()} == {"crt_cnn": "resnet", "resnet": "resnet"}


def test_the_branches_of_fig_1_see_crops_of_one_size(tmp_path, config, done):
    for plan in (Schedule(), Schedule(cnn_size=None), TINY):
        rows = {row.name: row for row in rows_of(("branches",), plan, 336)}
        for row in rows.values():
            made = training(row.training or "", plan, 0, data=DataConfig(), out=tmp_path, precision="fp32")
            assert all(phase.cnn_size in (None, phase.crop) for phase in made.schedule), row
    section = KINDS["rows"](done, Defaults())
    (branches,) = [table for table in section.tables if table.head[0].startswith("two branches")]
    assert not any("different sizes" in sentence for sentence in branches.caption)


@pytest.mark.parametrize("plan", [Schedule(), Schedule(crop=336, resize=(210, 420), cnn_size=None)])
def test_rows_of_table_2_are_trained_as_they_are_tested(plan, tmp_path):
    rows = rows_of(("modes",), plan, 336)
    assert [(row.name, row.mode, row.size) for row in rows] == [(name, *key) for key, name in MODES.items()]
    sizes = set()
    for row in rows:
        made = training(row.training or "", plan, 0, data=DataConfig(), out=tmp_path, precision="fp32")
        mode = "deconvolution" if made.model.deconvolution else made.model.mode
        (phase,) = made.schedule
        assert (mode, phase.crop) == (row.mode, row.size)
        sizes.add(phase.cnn_size or phase.crop)
    assert sizes == {plan.cnn_size or plan.crop}  # what the CNN sees is the same in every row


def test_rows_of_table_2_see_the_same_parts_of_the_images(tmp_path, config):
    smooth = np.linspace(0, 255, 120 * 160).reshape(120, 160)
    image = np.repeat(smooth[..., None], 3, 2).astype(np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(image).save(path)
    images = dataclasses.replace(read_data(config.data), samples=(Sample("a", path, (0,)),) * 2)
    seen = []
    for row in rows_of(("modes",), Schedule(), 336):
        made = training(row.training or "", Schedule(batch=1), 0, data=DataConfig(), out=tmp_path, precision="fp32")
        crop, _ = CropPlan(images, made)[0]
        seen.append(functional.interpolate(crop, (28, 28), mode="area"))
    for one in seen[1:]:
        assert (one - seen[0]).abs().mean() < 0.1 * seen[0].abs().mean()


def test_what_is_done_is_not_done_again(config, done, monkeypatch):
    monkeypatch.setattr(Runs, "_do", None)
    assert ablate(dataclasses.replace(config, tables=TABLES_DONE)) == done
    later = ablate(dataclasses.replace(config, tables=("consistency",), json=None, time_budget=0))
    assert len(later["rows"]) == 1  # the base, which other tables have too
    assert later["protocol"]["missing"] == [f"consistency: λ = {value}, seed 0" for value in ("0", "0.01", "0.2")]


def test_an_ablation_goes_on_from_its_result_file_alone(config, done, tmp_path, monkeypatch):
    moved = dataclasses.replace(config, tables=TABLES_DONE, out=tmp_path / "out", json=tmp_path / "ablation.json")
    write_json(moved.json, done)
    monkeypatch.setattr(Runs, "_do", None)
    assert ablate(moved) == done
    part = ablate(dataclasses.replace(moved, tables=("branches",), seeds=(1,), time_budget=0))
    assert sorted(part["rows"], key=str) == sorted(done["rows"], key=str)  # what was not asked for is kept
    assert part["protocol"]["seeds"] == [0, 1] and len(part["protocol"]["missing"]) == 2
    for changes in ({"stride": 1}, {"train_stride": 2}, {"schedule": dataclasses.replace(TINY, batch=1)}):
        with pytest.raises(InvalidSetting, match="seed 0 with other settings: choose another --json"):
            ablate(dataclasses.replace(moved, **changes))
    for content in ('{"pilot": []}', "[]", "", "3"):
        moved.json.write_text(content)
        with pytest.raises(InvalidSetting, match="no result of an ablation: choose another --json"):
            ablate(moved)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": ("ROOT:train",)},
        {"train_stride": 2},
        {"stride": 1},
        {"eval_split": "val"},
        {"schedule": dataclasses.replace(TINY, batch=1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_rows_of_other_settings_are_not_taken_for_these(config, done, changes, monkeypatch):
    monkeypatch.setattr(Runs, "_do", None)
    changes = {key: (f"{config.root}:train",) if key == "data" else value for key, value in changes.items()}
    with pytest.raises(InvalidSetting, match="other settings: choose another --out"):
        ablate(dataclasses.replace(config, tables=TABLES_DONE, json=None, **changes))


def test_sizes_are_measured_anew_with_other_weights(config, tmp_path):
    wanted = dataclasses.replace(config, tables=("sizes",), out=tmp_path / "out", json=tmp_path / "sizes.json")
    made = ablate(dataclasses.replace(wanted, checkpoint=str(tiny_checkpoint(tmp_path / "one", classes=VOC_CLASSES))))
    assert len(made["rows"]) == 5 and made["rows"][0]["made_from"]["weights"]
    other = tiny_checkpoint(tmp_path / "other", classes=VOC_CLASSES, seed=1)
    with pytest.raises(InvalidSetting, match="has sizes: 224 px, seed 0 with other settings"):
        ablate(dataclasses.replace(wanted, checkpoint=str(other)))


@pytest.mark.parametrize(
    "changes", [{"stride": 0}, {"train_stride": -1}, {"time_budget": float("nan")}, {"device": "cuda:99"}, {"size": 0}],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_wrong_settings_end_it_before_the_first_training(config, changes, monkeypatch):
    monkeypatch.setattr(Runs, "_do", None)
    with pytest.raises(CrtError):
        dataclasses.replace(config, **changes).runs()
    with pytest.raises(InvalidSetting, match="crop is 0"):
        Schedule(crop=0)


def test_training_images_come_from_several_roots_and_splits(config, tmp_path):
    second = make_devkit(tmp_path / "VOC2007")
    images = read_data((f"{config.root}:train,val", f"{second}:val"))
    assert len(images) == 8 and len(read_data((f"{config.root}:train", f"{config.root}:train,val"))) == 6
    reported = Ablation(Path("/data/VOC2012"), Path("out")).data
    assert reported == ("/data/VOC2012:train", "/data/VOC2007:train")
    for wrong in ("VOC2012", ":train", "VOC2012:", "VOC2012:train,"):
        with pytest.raises(InvalidSetting, match="ROOT:SPLIT,SPLIT"):
            read_data((wrong,))


def test_the_report_names_what_was_trained_on(done):
    facts = as_dict(KINDS["rows"](done, Defaults()).tables[-1])
    assert facts["training images"] == "VOC2012:train,val (6 images, 0 of aeroplane to 2 of dog)"
    assert facts["seeds"] == "0" and "batch 2" in facts["training"]


def test_every_nth_image_is_trained_on(config):
    whole, thinned = (dataclasses.replace(config, train_stride=stride) for stride in (1, 4))
    samples = whole.runs().images.samples
    assert thinned.runs().images.samples == samples[::4] and len(samples) > 4
    made = KINDS["rows"]({"protocol": protocol(thinned, thinned.runs()) | {"missing": []}, "rows": []}, Defaults())
    assert as_dict(made.tables[-1])["training images"].startswith("every 4th image of VOC2012:train,val (2 images, ")


def separated(least: int) -> Callable[..., dict]:
    """Measurements in place of trainings: λ = 0.1 is well above λ = 0 from a number of epochs on."""

    def do(runs: Runs, row: AblationRow, seed: int) -> dict:
        gain = 5 + (seed - 10) / 10 if runs.schedule.epochs >= least else seed - 11
        best = 40 + 10 * seed + (gain if row.training == "base" else 0)
        config = portable(runs._training(row, seed))
        return {
            "seed": seed,
            "minutes": 2.0,
            "machine": "a machine",
            "config": config,
            "methods": {"crt_loops_1": {"miou_best": best}},
        }

    return do


def test_the_pilot_chooses_the_shortest_schedule_that_separates(config, tmp_path, monkeypatch):
    monkeypatch.setattr(Runs, "_do", separated(4))
    wanted = dataclasses.replace(config, out=tmp_path / "out", json=tmp_path / "pilot.json", pilot_seeds=(10, 11, 12))
    result = pilot(dataclasses.replace(wanted, pilot=(8, 2, 4)))
    assert result["chosen"] == 4
    assert [(row["epochs"], row["verdict"]) for row in result["pilot"]] == [(2, "inconclusive"), (4, "holds")]
    assert result["pilot"][1]["gaps"] == pytest.approx([5, 5.1, 5.2]) and result["pilot"][1]["minutes"] == 12
    assert json.loads((tmp_path / "pilot.json").read_text()) == json.loads(json.dumps(result))
    monkeypatch.setattr(Runs, "_do", None)  # it goes on where it was
    assert pilot(dataclasses.replace(wanted, pilot=(8, 2, 4))) == result
    section = KINDS["pilot"](json.loads((tmp_path / "pilot.json").read_text()), Defaults())
    assert section.tables[0].rows[1] == (
        "4 epochs", "+5.1 (+5.0 to +5.2)", "holds (95 % interval +4.9 to +5.3, 3 seeds)", "12",
    )  # fmt: skip
    facts = as_dict(section.tables[-1])
    assert facts["chosen"].startswith("4 epochs, the shortest") and "--pilot 8 2 4" in section.command
    assert result["protocol"]["pilot_seeds"] == [10, 11, 12] and result["protocol"]["seeds"] == [0]
    assert facts["seeds"] == "10, 11, 12; the ablation has others" and facts["machine"] == "a machine"
    shared = {**result, "protocol": {k: v for k, v in result["protocol"].items() if k != "pilot_seeds"}}
    assert as_dict(KINDS["pilot"](shared, Defaults()).tables[-1])["seeds"].startswith("0, those of the ablation too")
    none = pilot(dataclasses.replace(wanted, pilot=(2,)))
    assert none["chosen"] is None
    assert as_dict(KINDS["pilot"](none, Defaults()).tables[-1])["chosen"].startswith("none")


def test_a_pilot_trains_both_rows_of_every_seed_and_stops_in_time(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ablation_runs, "MOST_LOOPS", 0)  # it is measured at the loop count of the schedule all the same
    wanted = dataclasses.replace(config, out=tmp_path / "out", json=None, pilot_seeds=(3, 4, 5))
    stopped = pilot(dataclasses.replace(wanted, pilot=(2,), time_budget=0))
    assert stopped["pilot"] == [] and stopped["chosen"] is None
    main(dataclasses.replace(wanted, pilot=(2,)))
    rows = sorted(path.name for path in (tmp_path / "out/pilot-2/rows").iterdir())
    assert rows == [f"{name}-overlap-336-seed{seed}.json" for name in ("base", "lambda_0") for seed in (3, 4, 5)]
    assert "2 epochs: λ = 0.1 against λ = 0" in capsys.readouterr().out
    for changes, message in (
        ({"pilot_seeds": (3, 4, 4), "pilot": (2,)}, "needs 3 seeds"),
        ({"seeds": (2, 3), "pilot": (2,)}, "shares seed 3 with the ablation"),
        ({"pilot": (1,)}, "λ is 0"),
    ):
        with pytest.raises(InvalidSetting, match=message):
            pilot(dataclasses.replace(wanted, **changes))


def test_the_command_has_what_differs_from_the_defaults_and_no_folder_of_this_machine(config):
    usual = "python -m scripts.ablate --root VOC2012 --out ablate --data VOC2012:train VOC2007:train"
    assert command(Ablation(Path("/data/VOC2012"), Path("/runs/ablate"), Path("/x.json"), time_budget=9)) == usual
    plan = Schedule(cnn_size=None, resize=(200, 400), vit_weights="/home/me/weights/deit.safetensors")
    reported = command(Ablation(Path("VOC2012"), Path("out"), tables=("loops",), seeds=(3,), size=None, schedule=plan))
    assert reported.endswith(
        "--tables loops --seeds 3 --size None --schedule.resize 200 400 --schedule.cnn-size None "
        "--schedule.vit-weights deit.safetensors"
    )
    back = tyro.cli(Ablation, args=reported.split()[3:])
    assert (back.tables, back.seeds, back.size) == (("loops",), (3,), None)
    assert back.data == ("VOC2012:train", "VOC2007:train")
    assert (back.schedule.resize, back.schedule.cnn_size) == ((200, 400), None)
    assert {"--checkpoint tiny", "--precision fp32"} <= set(re.findall(r"--\S+ \S+", command(config)))
    assert "/" not in command(config)
    assert Ablation.seeds == (0, 1, 2)


def test_the_list_is_shown_without_doing_anything(config, capsys):
    main(dataclasses.replace(config, out=config.out / "nothing", dry_run=True))
    assert "the same CNN twice" in capsys.readouterr().out
    assert not (config.out / "nothing").exists()


def test_sizes_are_of_the_image_at_test(config):
    predictor = Predictor(load_checkpoint(config.checkpoint))
    image = load_image(read_voc(config.root, "train").samples[0].image)
    request = {"x": MethodSpec("crt", CamSpec(1))}
    views = TTAConfig((1.0,), flip=False, size=64)
    summed, prediction = multi_scale_maps(predictor, image, [0], request, views)
    assert (prediction.grid.width, summed["x"].shape) == (64, (1, 70, 101))
    own = predictor.predict(image, InferenceConfig(size=64, loops=1))
    maps = own.cams("crt", loops=1, refined=True, classes=[0])
    np.testing.assert_allclose(summed["x"], upsample_cam(maps, own.content_size("crt"), (70, 101)), rtol=1e-5)


def test_correlation_is_one_of_a_map_with_itself_at_any_size(config):
    predictor = Predictor(load_checkpoint(config.checkpoint))
    image = load_image(read_voc(config.root, "train").samples[0].image)
    prediction = predictor.predict(image, InferenceConfig(size=96, loops=2))
    assert map_correlation(prediction, "resnet", "resnet", 0) == pytest.approx(1)
    plain = map_correlation(prediction, "crt", "crt_cnn", 3, loops=2)
    prediction.record("crt_cnn").cams[...] *= 7
    assert map_correlation(prediction, "crt", "crt_cnn", 3, loops=2) == pytest.approx(plain, abs=1e-5)
    assert map_correlation(prediction, "crt", "crt_cnn", prediction.classes[3], loops=2) == pytest.approx(plain)
    assert -1 < plain < 1
    prediction.record("crt_cnn").cams[...] = 0
    assert np.isnan(map_correlation(prediction, "crt", "crt_cnn", 3))
