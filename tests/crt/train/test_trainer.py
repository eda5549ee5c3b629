"""The training loop: resumable to the same weights, the same on two processes, and honest about what goes wrong."""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from PIL import Image

from crt.checkpoint import load_checkpoint
from crt.data import read_voc
from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting
from crt.models.dual import DualBranch, DualMaps
from crt.models.vit import TransformerBranch
from crt.precision import has_bfloat16, resolve
from crt.predictor import Predictor
from crt.train import crt as training
from crt.train.config import CNN_SGD, VIT_ADAMW, Branches, DataConfig, ModelConfig, Phase, split_root
from crt.train.crops import random_crop
from crt.train.crt import train
from crt.train.data import CropPlan, repeat_factors
from crt.train.export import portable
from crt.train.fast_layers import write_attention_out
from crt.train.losses import Losses, dual_loss
from crt.train.metric_logger import TrainingDiverged
from crt.train.optim import JointOptimizer, build_optimizer, poly
from crt.train.presets import PRESETS, single_branch
from crt.train.preview import MapPreview, fixed_images
from crt.train.run_config import TrainConfig
from crt.train.state import STATE_FILE
from crt.train.trainer import Trainer
from crt.types import IMAGENET_MEAN, IMAGENET_STD
from scripts.provenance import run_record
from scripts.train_crt import read_images
from tests.helpers.narrow import instance, present
from tests.helpers.tiny_run import run, tiny_config, tiny_images
from tests.scripts.test_run_pipeline import make_devkit

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def losses(out: Path) -> list[dict[str, float]]:
    with (out / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{key: float(value) for key, value in row.items() if value and key != "images_per_second"} for row in rows]


def weights(out: Path) -> tuple[str, ...]:
    return tuple(spec.sha256 for spec in load_checkpoint(out).config.networks.values())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert run(out).finished
    return out


def test_a_run_writes_a_checkpoint_that_loads_strictly(whole: Path) -> None:
    checkpoint = load_checkpoint(whole)
    assert set(checkpoint.networks) == {"crt", "crt_cnn"}
    assert checkpoint.config.networks["crt"].trained_loops == (0, 1, 2)
    assert (whole / "train.json").exists()
    assert checkpoint.config.training["minutes"] > 0
    assert checkpoint.config.training["images_per_class"] == {"square": 11, "disc": 10}
    assert "cores" in checkpoint.config.training["machine"] or torch.cuda.is_available()
    assert list((whole / "tensorboard").iterdir())
    rows = losses(whole)
    assert [row["step"] for row in rows] == list(range(8))
    assert rows[-1]["total"] < rows[0]["total"]
    for row in rows:  # λ = 0 in the first epoch, then Eq. 2
        lambda_cam = 0.1 if row["epoch"] >= 1 else 0.0
        assert row["total"] == pytest.approx(row["cnn"] + row["vit"] + lambda_cam * row["cam"], rel=1e-4)


def test_resume_after_a_stop_gives_the_same_weights(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert not run(out, max_steps=3).finished
    assert not run(out, max_steps=6, resume=True).finished
    assert run(out, resume=True).finished
    assert weights(out) == weights(whole)
    assert losses(out) == losses(whole)


def test_kill_at_any_moment_then_resume_gives_the_same_weights(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    processes = multiprocessing.get_context("forkserver")  # a clean process, whose imports are done once for all
    processes.set_forkserver_preload(["tests.helpers.tiny_run"])
    kills = 0
    for wanted in (2, 5):
        process = processes.Process(target=run, args=(out,), kwargs={"resume": True})
        process.start()
        while process.is_alive():
            if (out / STATE_FILE).exists() and (out / "log.csv").exists() and len(losses(out)) >= wanted:
                process.kill()
                kills += 1
                break
            time.sleep(0.01)
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
    assert kills >= 1
    assert run(out, resume=True).finished
    assert weights(out) == weights(whole)
    assert losses(out) == losses(whole)


@pytest.mark.nightly
def test_two_processes_give_the_losses_of_one(whole: Path, tmp_path: Path) -> None:
    """The gradients of the shares are averaged in another order: losses agree to 1e-3 relative over 8 steps."""
    out = tmp_path / "run"
    tiny_images(tmp_path / "images")
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    subprocess.run(
        [*command, "-m", "tests.helpers.tiny_run", str(out)], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True
    )
    one, two = losses(whole), losses(out)
    assert len(two) == len(one)
    for a, b in zip(one, two, strict=True):
        assert a["loops"] == b["loops"]
        for term in ("total", "cnn", "vit", "cam"):
            assert b[term] == pytest.approx(a[term], rel=1e-3)


@pytest.mark.parametrize(("branches", "method"), [("cnn", "resnet"), ("vit", "tscam")])
def test_baselines_come_from_the_same_loop(branches: Branches, method: str, tmp_path: Path) -> None:
    config = tiny_config(tmp_path / "run")
    config = single_branch(config, branches)
    images = tiny_images(tmp_path / "images")
    assert training.train(config, images).finished
    assert set(load_checkpoint(tmp_path / "run").networks) == {method}
    assert all("cam" not in row for row in losses(tmp_path / "run"))


def test_ts_cam_is_one_tile_without_loops() -> None:
    config = single_branch(PRESETS["full"][1], "vit")
    assert all(phase.loops == (0,) and phase.crop == config.model.tile for phase in config.schedule)
    assert config.schedule[0].resize == (140, 280)


def test_another_config_cannot_resume(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(out, max_steps=1)
    with pytest.raises(InvalidCheckpoint, match="other settings"):
        run(out, resume=True, seed=1)
    with pytest.raises(InvalidCheckpoint, match="set resume"):
        run(out)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = training.dual_loss

    def broken(*args: Any, **kwargs: Any) -> Losses:
        result = real(*args, **kwargs)
        return result._replace(total=result.total * float("nan"))

    run(tmp_path / "run", max_steps=2)
    monkeypatch.setattr(training, "dual_loss", broken)
    with pytest.raises(TrainingDiverged, match="step 2"):
        run(tmp_path / "run", resume=True)
    monkeypatch.undo()
    assert run(tmp_path / "run", resume=True).finished


def test_preview_is_called_after_each_epoch(tmp_path: Path) -> None:
    seen: list[int] = []
    images = tiny_images(tmp_path / "images")
    training.train(tiny_config(tmp_path / "run"), images, preview=lambda model, epoch: seen.append(epoch))
    assert seen == [0, 1]


def test_the_sheet_of_maps_is_drawn_and_leaves_training_alone(whole: Path, tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images")
    preview = MapPreview(fixed_images(images, 3), tmp_path / "maps", size=64, loops=2)
    torch.set_num_threads(1)
    training.train(tiny_config(tmp_path / "run"), images, preview=preview)
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["epoch_01.png", "epoch_02.png"]
    with Image.open(tmp_path / "maps" / "epoch_02.png") as sheet:
        assert sheet.width > 3 * 200  # the image and two branches
    assert weights(tmp_path / "run") == weights(whole)


def test_the_sheet_of_maps_has_the_mode_of_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, modes = tiny_images(tmp_path / "images"), []
    predict = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", lambda *args: modes.append(args[2].mode) or predict(*args))
    for name, changes in (("whole", {"deconvolution": True}), ("shrunk", {"mode": "bilinear"})):
        model = replace(tiny_config(tmp_path).model, **changes)
        preview = MapPreview(fixed_images(images, 1), tmp_path / name, size=64, loops=0, mode=model.crop_mode)
        preview(training.build_model(tiny_config(tmp_path, model=model), 2), 0)
        assert (tmp_path / name / "epoch_01.png").exists()
    assert modes == ["deconvolution", "bilinear"]


def test_fixed_images_are_the_same_every_time(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images")
    assert [sample.id for sample in fixed_images(images, 3).samples] == ["00", "07", "15"]
    assert len(fixed_images(images, 99)) == 16


def test_crops_depend_on_seed_epoch_and_image_alone(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images")
    config = tiny_config(tmp_path / "run")
    a, b = CropPlan(images, config), CropPlan(images, config)
    order = [3, 9, 0, 31]
    first = {i: a[i][0] for i in order}
    for i in reversed(order):
        assert torch.equal(b[i][0], first[i])
    assert not torch.equal(CropPlan(images, replace(config, seed=1))[0][0], first[0])
    epoch = [a[i][1].tolist() for i in range(16)]
    assert sorted(epoch) == sorted(images.targets().tolist())  # every image once an epoch


def test_a_size_of_both_sides_squashes_the_whole_image_into_the_crop() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[10:30, 40:] = 255  # the right half, in the middle of the height
    crop = random_crop(image, 64, (64, 64), np.random.default_rng(1), "both")[0]
    bright = crop > crop.mean()
    rows, columns = (bright.any(axis).nonzero().flatten() for axis in (1, 0))
    assert abs(rows.min() - 16) <= 1 and abs(rows.max() - 47) <= 1 and abs(len(columns) - 32) <= 1


def test_the_slow_attention_of_cpus_is_left_out_where_training_is_in_bfloat16(tmp_path: Path) -> None:
    model = run(tmp_path / "run", max_steps=1).model
    attentions = instance(TransformerBranch, model.vit).attentions
    assert {attention.fused_attn for attention in attentions} == {True}
    write_attention_out(model)
    assert {attention.fused_attn for attention in attentions} == {False}


def test_random_crop_zero_fills_small_images_and_never_stretches() -> None:
    image = np.full((40, 80, 3), 255, np.uint8)
    for seed in range(20):
        crop = random_crop(image, 64, (32, 48), np.random.default_rng(seed))
        assert crop.shape == (3, 64, 64)
        filled = (crop[0] != 0).sum().item()
        long_side = int(np.random.default_rng(seed).integers(32, 49))
        assert filled == long_side * max(1, round(long_side / 2))


def test_loops_of_a_step_follow_the_phase(tmp_path: Path) -> None:
    plan = CropPlan(tiny_images(tmp_path / "images"), tiny_config(tmp_path / "run"))
    assert {plan.loops(step) for step in range(4)} <= {0, 1}
    assert {plan.loops(step) for step in range(4, 8)} <= {0, 2}


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "images")
    with pytest.raises(InvalidSetting, match="fill one batch"):
        CropPlan(images, tiny_config(tmp_path, batch=64))
    with pytest.raises(InvalidSetting, match="shared by 3"):
        CropPlan(images, tiny_config(tmp_path)).loader(0, processes=3)
    with pytest.raises(CrtError):
        TrainConfig().phase_of(99)


def test_poly_is_the_paper_schedule_with_a_ramp() -> None:
    assert poly(0, 100) == 1
    assert poly(50, 100) == pytest.approx(0.5**0.9)
    assert poly(200, 100) == poly(99, 100)
    assert poly(0, 100, warmup=50) == pytest.approx(1 / 50)


@pytest.mark.parametrize("flag", ["amx_bf16", "avx512_bf16"])
def test_precision_auto_decides_from_the_processor(monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    assert [resolve("auto", "cpu") for _ in range(5)] == ["bf16" if has_bfloat16() else "fp32"] * 5
    monkeypatch.setattr("crt.precision.get_capabilities", lambda: {"avx512_f": True, flag: True})
    assert (resolve("auto", "cpu"), resolve("auto", "mps"), resolve("fp32", "cpu")) == ("bf16", "fp32", "fp32")
    monkeypatch.setattr("crt.precision.get_capabilities", lambda: {"avx512_f": True, flag: False})
    assert (resolve("auto", "cpu"), resolve("bf16", "cpu")) == ("fp32", "bf16")
    with pytest.raises(InvalidSetting, match="fp16 needs a GPU"):
        resolve("fp16", "cpu")


@pytest.mark.parametrize(("major", "precision"), [(7, "fp16"), (8, "bf16"), (9, "bf16")])
def test_precision_auto_does_not_emulate_on_a_gpu(monkeypatch: pytest.MonkeyPatch, major: int, precision: str) -> None:
    """Turing and older make bfloat16 tensors, but have no instructions for their products."""
    monkeypatch.setattr("torch.version.hip", None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: SimpleNamespace(major=major))
    monkeypatch.setattr("torch.cuda._check_bf16_tensor_supported", lambda _: True)
    assert resolve("auto", "cuda") == precision


def test_a_resumed_run_keeps_the_precision_that_auto_chose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    capabilities = {"avx512_bf16": False}
    monkeypatch.setattr("crt.precision.get_capabilities", lambda: capabilities)
    run(out, precision="auto", max_steps=3)
    capabilities["avx512_bf16"] = True  # the same run, taken to a machine that could do otherwise
    assert run(out, precision="auto", resume=True).finished
    assert load_checkpoint(out).config.training["precision"] == "fp32"
    AcceleratorState._reset_state(reset_partial_state=True)  # a process has one precision
    with pytest.raises(InvalidCheckpoint, match="other settings"):
        run(out, precision="bf16", resume=True)
    AcceleratorState._reset_state(reset_partial_state=True)


def test_weight_decay_is_not_for_norms_biases_and_embeddings(tmp_path: Path) -> None:
    model = training.build_model(tiny_config(tmp_path), 2)
    decayed = {}
    parts = list(training._param_groups(model, tiny_config(tmp_path)).values())
    for part in parts:
        optimizer = build_optimizer(part.body, part.head, part.config)
        weight_decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
        decayed |= {name: weight_decay[id(p)] > 0 for name, p in (*part.body, *part.head)}
    spared = {name for name, decays in decayed.items() if not decays}
    assert {"pos_embed", "cls_token", "norm.bias", "blocks.0.norm1.weight", "layer4.0.bn1.weight"} <= spared
    assert all(
        decayed[name] for name in ("patch_embed.proj.weight", "blocks.3.attn.qkv.weight", "layer4.0.conv1.weight")
    )
    assert not any(name.endswith("bias") or ".norm" in name or ".bn" in name for name in set(decayed) - spared)
    last = parts[-1]
    released = build_optimizer(last.body, last.head, replace(last.config, decay_all=True))
    assert {group["weight_decay"] for group in released.param_groups} == {last.config.weight_decay}


def test_a_joint_optimizer_steps_as_its_parts_do_and_resumes(tmp_path: Path) -> None:
    def parts() -> tuple[list[torch.nn.Parameter], list[torch.optim.Optimizer]]:
        a, b = (torch.nn.Parameter(torch.arange(4.0).view(2, 2) + k) for k in range(2))
        return [a, b], [torch.optim.SGD([a], lr=0.1, momentum=0.9), torch.optim.AdamW([b], lr=0.1)]

    def steps(parameters: list[torch.nn.Parameter], optimizers: list, count: int) -> None:
        for _ in range(count):
            for parameter in parameters:
                parameter.grad = parameter.detach().cos()
            for optimizer in optimizers:
                optimizer.step()

    wanted, single = parts()
    steps(wanted, single, 6)
    first, halves = parts()
    joint = JointOptimizer(halves)
    steps(first, [joint], 3)
    again, others = parts()
    for parameter, value in zip(again, first, strict=True):
        parameter.data.copy_(value)
    resumed = JointOptimizer(others)
    resumed.load_state_dict(joint.state_dict())
    steps(again, [resumed], 3)
    for parameter, value in zip(again, wanted, strict=True):
        assert torch.equal(parameter, value)


def test_a_gradient_scaler_changes_nothing_and_is_resumed(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scale is a power of two, so scaled gradients are the same numbers; both branches have bounded norms."""
    clipped = {"cnn_optimizer": replace(CNN_SGD, clip=0.5), "vit_optimizer": replace(VIT_ADAMW, clip=0.5)}
    plain = tmp_path / "plain" / "run"
    run(plain, **clipped)
    scalers = []
    prepare = Trainer.prepare.__func__

    def with_scaler(cls: type[Trainer], *args: object) -> Trainer:
        trainer = prepare(cls, *args)
        trainer.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=4)
        scalers.append(trainer.accelerator.scaler)
        return trainer

    monkeypatch.setattr(Trainer, "prepare", classmethod(with_scaler))
    scaled = tmp_path / "scaled" / "run"
    run(scaled, max_steps=5, **clipped)
    assert scalers[0].get_scale() == 2048
    run(scaled, resume=True, **clipped)
    assert scalers[1].get_scale() == 4096  # grown at steps 4 and 8, counted through the interruption
    assert weights(scaled) == weights(plain)


def test_a_moving_average_is_exported_and_resumed(tmp_path: Path) -> None:
    whole, parted = tmp_path / "a" / "run", tmp_path / "b" / "run"
    result = run(whole, ema_decay=0.9)
    run(parted, ema_decay=0.9, max_steps=3)
    assert run(parted, ema_decay=0.9, resume=True).finished
    assert weights(whole) == weights(parted)
    assert weights(whole / "last") == weights(parted / "last") != weights(whole)
    for folder, pair in ((whole / "last", result.model), (whole, present(result.average))):
        kept = instance(TransformerBranch, load_checkpoint(folder).networks["crt"]).head.classifier.weight
        trained = instance(TransformerBranch, pair.vit).head.classifier.weight
        torch.testing.assert_close(kept, trained.detach().half().float())


def test_lambda_cam_grows_in_equal_steps() -> None:
    config = TrainConfig(schedule=(Phase(6, 224, (160, 320)),), lambda_cam=0.1, lambda_cam_from_epoch=1)
    assert [config.lambda_cam_at(epoch) for epoch in range(3)] == [0, 0.1, 0.1]
    ramped = replace(config, lambda_cam_ramp_epochs=3)
    assert [ramped.lambda_cam_at(epoch) for epoch in range(6)] == pytest.approx([0, 0.025, 0.05, 0.075, 0.1, 0.1])


def test_images_of_rare_classes_are_shown_more_often(tmp_path: Path) -> None:
    targets = np.zeros((100, 3), np.float32)
    targets[:, 0] = 1
    targets[:4, 1] = targets[:1, 2] = 1
    factors = repeat_factors(targets, 0.16)
    assert factors[0] == pytest.approx(4) and factors[1] == pytest.approx(2) and (factors[4:] == 1).all()
    with pytest.raises(InvalidSetting, match="above 0"):
        repeat_factors(targets, 0)
    images = tiny_images(tmp_path / "images")
    rare = replace(images.samples[0], labels=(0, 1))
    skewed = replace(images, samples=(rare, *(replace(sample, labels=(0,)) for sample in images.samples[1:])))
    plan = CropPlan(skewed, tiny_config(tmp_path, data=DataConfig(repeat_below=0.5, workers=0)))
    orders = [plan.order(np.random.default_rng(seed)) for seed in range(200)]
    assert {len(order) for order in orders} == {16}
    shown = np.bincount(np.concatenate(orders), minlength=16) / 200
    expected = np.sqrt(8) * 16 / (15 + np.sqrt(8))
    assert shown[0] == pytest.approx(expected, rel=0.1) and shown[1:].max() < 1
    twice = next(order for order in orders if (order == 0).sum() > 1)
    first, second = np.flatnonzero(twice == 0)[:2]
    plan._orders[0] = twice
    assert not torch.equal(plan[int(first)][0], plan[int(second)][0])  # other crops of the same image


@pytest.mark.parametrize(
    ("root", "wanted"),
    [
        ("data/VOC2012", ("data/VOC2012", ("train_aug",))),
        ("data/VOC2012:train_aug,train_extra", ("data/VOC2012", ("train_aug", "train_extra"))),
        ("data/VOC2007: train", ("data/VOC2007", ("train",))),
        (r"C:\data\VOC2012", (r"C:\data\VOC2012", ("train_aug",))),
        (r"C:\data\VOC2012:val", (r"C:\data\VOC2012", ("val",))),
        ("/a:b/VOC2012", ("/a:b/VOC2012", ("train_aug",))),
    ],
)
def test_a_root_may_have_splits_of_its_own(root: str, wanted: tuple[str, tuple[str, ...]]) -> None:
    assert split_root(root, ("train_aug",)) == (Path(wanted[0]), wanted[1])


def test_a_folder_with_a_colon_in_its_name_is_a_root(tmp_path: Path) -> None:
    (tmp_path / "set:1").mkdir()
    assert split_root(str(tmp_path / "set:1"), ("train",)) == (tmp_path / "set:1", ("train",))
    with pytest.raises(InvalidSetting, match="empty split name"):
        split_root("VOC2012:train,", ())


def test_two_devkits_have_their_own_splits(tmp_path: Path) -> None:
    make_devkit(tmp_path / "VOC2012")
    make_devkit(tmp_path / "VOC2007")
    roots = (f"{tmp_path / 'VOC2012'}:train", f"{tmp_path / 'VOC2007'}:val")
    images = read_images(DataConfig(roots=roots, splits=("nothing",)))
    wanted = [*read_voc(tmp_path / "VOC2012", "train").samples, *read_voc(tmp_path / "VOC2007", "val").samples]
    assert [sample.image for sample in images.samples] == [sample.image for sample in wanted]


def test_images_per_second_are_those_of_the_steps_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the start of the worker processes, nor a preview, nor two losses read at once, is taken for a step."""
    clock = [0.0]
    monkeypatch.setattr("crt.train.metric_logger.time.perf_counter", lambda: clock[0])

    def slow_loss(*args: Any, **kwargs: Any) -> Losses:
        clock[0] += 2.0
        return dual_loss(*args, **kwargs)

    monkeypatch.setattr(training, "dual_loss", slow_loss)
    loader = CropPlan.loader

    def slow_loader(self: CropPlan, start: int, **options: int) -> object:
        clock[0] += 100.0
        return loader(self, start, **options)

    monkeypatch.setattr(CropPlan, "loader", slow_loader)

    def preview(model: torch.nn.Module, epoch: int) -> None:
        clock[0] += 1000.0

    out = tmp_path / "run"
    train(tiny_config(out, checkpoint_minutes=60.0), tiny_images(tmp_path / "images"), preview=preview)
    with (out / "log.csv").open(newline="") as stream:
        rates = [float(row["images_per_second"]) for row in csv.DictReader(stream)]
    assert rates == pytest.approx([4 / 2.0] * 8)


def test_a_training_keeps_how_it_was_started(tmp_path: Path) -> None:
    out, images = tmp_path / "run", tiny_images(tmp_path / "images")
    started = {"preset": "two-cores", "command": "python -m scripts.train_crt two-cores", "commit": "abc"}
    train(tiny_config(out, max_steps=3), images, record=started)
    train(tiny_config(out, resume=True), images, record={"preset": None, "command": "--resume", "commit": "def"})
    training = load_checkpoint(out).config.training
    assert {key: training[key] for key in started} == started
    assert training["config"]["schedule"] and training["precision"] == "fp32"


def test_the_record_of_a_command_is_portable() -> None:
    argv = ["full", "--data.roots", "/somewhere/VOC2012:train,val", "--out=/home/me/runs/pair", "--batch", "8"]
    record = run_record("scripts.train_crt", PRESETS, argv)
    assert record["preset"] == "full"
    assert record["command"] == "python -m scripts.train_crt full --data.roots VOC2012:train,val --out=pair --batch 8"
    assert run_record("scripts.train_crt", PRESETS, ["--batch", "8"])["preset"] is None
    slashed = run_record("scripts.train_crt", PRESETS, ["--data.roots", "/somewhere/VOC2012/:train", "/else/own/"])
    assert slashed["command"].endswith("--data.roots VOC2012:train own")


def test_a_record_of_a_config_has_no_folder_of_one_machine() -> None:
    roots = ("/somewhere/VOC2012:train,val", "/somewhere/VOC2007/:train", "/else/own/")
    data = DataConfig(roots=roots, image_root=Path("/home/me/images"))
    model = ModelConfig(vit_weights="/home/me/vit.safetensors", cnn_weights="/home/me/cnn.safetensors")
    values = portable(TrainConfig(out=Path("/home/me/run"), data=data, model=model))
    assert values["data"]["roots"] == ["VOC2012:train,val", "VOC2007:train", "own"]
    assert values["data"]["image_root"] == "images"
    assert not [value for value in str(values).split("'") if value.startswith("/")]


def test_each_branch_is_trained_on_images_of_its_own_normalization(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    forward = DualBranch.forward

    def watched(self: DualBranch, cnn: torch.Tensor, vit: torch.Tensor, *rest: Any) -> DualMaps:
        seen.append((cnn, vit))
        return forward(self, cnn, vit, *rest)

    monkeypatch.setattr(DualBranch, "forward", watched)
    out = tmp_path / "run"
    pair = replace(tiny_config(out).model, cnn="resnet10t")  # of ImageNet's normalization; the tiny networks have one
    run(out, model=pair, schedule=(Phase(1, 64, (40, 60), loops=(0,)),))
    networks = load_checkpoint(out).config.networks
    assert (networks["crt"].mean, networks["crt_cnn"].mean) == ((0.5, 0.5, 0.5), IMAGENET_MEAN)
    for cnn, vit in seen:
        padding = (vit == 0).all(1, keepdim=True)
        assert padding.any() and not padding.all() and torch.equal(padding, (cnn == 0).all(1, keepdim=True))
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        raw = cnn * std + mean
        torch.testing.assert_close(torch.where(padding, 0, (raw - 0.5) / 0.5), vit, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"loops": (9,)}, "loop counts"), ({"loops": ()}, "loop counts"), ({"crop": 0}, "1 or more"),
     ({"resize": (320, 160)}, "smaller size first"), ({"epochs": 0}, "1 or more")],
)  # fmt: skip
def test_a_phase_that_cannot_be_is_refused_at_the_start(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        Phase(**{"epochs": 1, "crop": 224, "resize": (160, 320), **changes})
