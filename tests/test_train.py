"""The training loop: resumable to the same weights, the same on two processes, and honest about what goes wrong."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from crt.checkpoint import load_checkpoint
from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting
from crt.precision import bfloat16_speedup, resolve
from crt.train import engine
from crt.train.config import PRESETS, TrainConfig, single_branch
from crt.train.data import CropPlan, random_crop
from crt.train.optim import poly
from crt.train.preview import MapPreview, fixed_pictures
from crt.train.readings import TrainingDiverged
from crt.train.state import STATE_FILE
from tests.tiny_run import run, tiny_config, tiny_images

ROOT = Path(__file__).parents[1]
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
    assert "cores" in checkpoint.config.training["machine"] or torch.cuda.is_available()
    assert list((whole / "tensorboard").iterdir())
    rows = losses(whole)
    assert [row["step"] for row in rows] == list(range(8))
    assert rows[-1]["total"] < rows[0]["total"]
    for row in rows:  # λ = 0 in the first epoch, then Eq. 2
        coupling = 0.1 if row["epoch"] >= 1 else 0.0
        assert row["total"] == pytest.approx(row["cnn"] + row["vit"] + coupling * row["couple"], rel=1e-4)


def test_resume_after_a_stop_gives_the_same_weights(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert not run(out, stop_after=3).finished
    assert not run(out, stop_after=6, resume=True).finished
    assert run(out, resume=True).finished
    assert weights(out) == weights(whole)
    assert losses(out) == losses(whole)


def test_kill_at_any_moment_then_resume_gives_the_same_weights(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "tests.tiny_run", str(out)]
    kills = 0
    for wanted in (2, 5):
        process = subprocess.Popen([*command, "--resume"], cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if (out / STATE_FILE).exists() and (out / "log.csv").exists() and len(losses(out)) >= wanted:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.01)
        process.wait()
    assert kills >= 1
    subprocess.run([*command, "--resume"], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True)
    assert weights(out) == weights(whole)
    assert losses(out) == losses(whole)


def test_two_processes_give_the_losses_of_one(whole: Path, tmp_path: Path) -> None:
    """The gradients of the shares are averaged in another order: losses agree to 1e-3 relative over 8 steps."""
    out = tmp_path / "run"
    tiny_images(tmp_path / "pictures")
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
        [*command, "-m", "tests.tiny_run", str(out)], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True
    )
    one, two = losses(whole), losses(out)
    assert len(two) == len(one)
    for a, b in zip(one, two, strict=True):
        assert a["loops"] == b["loops"]
        for term in ("total", "cnn", "vit", "couple"):
            assert b[term] == pytest.approx(a[term], rel=1e-3)


@pytest.mark.parametrize(("branches", "method"), [("cnn", "resnet"), ("vit", "tscam")])
def test_baselines_come_from_the_same_loop(branches: str, method: str, tmp_path: Path) -> None:
    config = tiny_config(tmp_path / "run")
    config = single_branch(config, branches)
    images = tiny_images(tmp_path / "pictures")
    assert engine.train(config, images).finished
    assert set(load_checkpoint(tmp_path / "run").networks) == {method}
    assert all("couple" not in row for row in losses(tmp_path / "run"))


def test_ts_cam_is_one_tile_without_loops() -> None:
    config = single_branch(PRESETS["full"][1], "vit")
    assert all(phase.loops == (0,) and phase.crop == config.model.tile for phase in config.schedule)
    assert config.schedule[0].resize == (140, 280)


def test_another_config_cannot_resume(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(out, stop_after=1)
    with pytest.raises(InvalidCheckpoint, match="other settings"):
        run(out, resume=True, seed=1)
    with pytest.raises(InvalidCheckpoint, match="--resume"):
        run(out)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = engine.dual_loss

    def broken(*args: object, **kwargs: object):
        result = real(*args, **kwargs)
        return result._replace(total=result.total * float("nan"))

    run(tmp_path / "run", stop_after=2)
    monkeypatch.setattr(engine, "dual_loss", broken)
    with pytest.raises(TrainingDiverged, match="step 2"):
        run(tmp_path / "run", resume=True)
    monkeypatch.undo()
    assert run(tmp_path / "run", resume=True).finished


def test_preview_is_called_after_each_epoch(tmp_path: Path) -> None:
    seen: list[int] = []
    images = tiny_images(tmp_path / "pictures")
    engine.train(tiny_config(tmp_path / "run"), images, preview=lambda model, epoch: seen.append(epoch))
    assert seen == [0, 1]


def test_the_sheet_of_maps_is_drawn_and_leaves_training_alone(whole: Path, tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "pictures")
    preview = MapPreview(fixed_pictures(images, 3), tmp_path / "maps", size=64, loops=2)
    torch.set_num_threads(1)
    engine.train(tiny_config(tmp_path / "run"), images, preview=preview)
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["epoch_01.png", "epoch_02.png"]
    with Image.open(tmp_path / "maps" / "epoch_02.png") as sheet:
        assert sheet.width > 3 * 200  # the picture and two branches
    assert weights(tmp_path / "run") == weights(whole)


def test_fixed_pictures_are_the_same_every_time(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "pictures")
    assert [sample.id for sample in fixed_pictures(images, 3).samples] == ["00", "07", "15"]
    assert len(fixed_pictures(images, 99)) == 16


def test_crops_depend_on_seed_epoch_and_picture_alone(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "pictures")
    config = tiny_config(tmp_path / "run")
    a, b = CropPlan(images, config), CropPlan(images, config)
    order = [3, 9, 0, 31]
    first = {i: a[i][0] for i in order}
    for i in reversed(order):
        assert torch.equal(b[i][0], first[i])
    assert not torch.equal(CropPlan(images, replace(config, seed=1))[0][0], first[0])
    epoch = [a[i][1].tolist() for i in range(16)]
    assert sorted(epoch) == sorted(images.targets().tolist())  # every picture once an epoch


def test_a_size_of_both_sides_squashes_the_whole_picture_into_the_crop() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[10:30, 40:] = 255  # the right half, in the middle of the height
    crop = random_crop(image, 64, (64, 64), np.random.default_rng(1), "both")[0]
    bright = crop > crop.mean()
    rows, columns = (bright.any(axis).nonzero().flatten() for axis in (1, 0))
    assert abs(rows.min() - 16) <= 1 and abs(rows.max() - 47) <= 1 and abs(len(columns) - 32) <= 1


def test_the_slow_attention_of_cpus_is_left_out_where_training_is_in_bfloat16(tmp_path: Path) -> None:
    model = run(tmp_path / "run", stop_after=1).model
    assert {attention.fused_attn for attention in model.vit.attentions} == {True}
    engine.write_attention_out(model)
    assert {attention.fused_attn for attention in model.vit.attentions} == {False}


def test_random_crop_zero_fills_small_pictures_and_never_stretches() -> None:
    image = np.full((40, 80, 3), 255, np.uint8)
    for seed in range(20):
        crop = random_crop(image, 64, (32, 48), np.random.default_rng(seed))
        assert crop.shape == (3, 64, 64)
        filled = (crop[0] != 0).sum().item()
        long_side = int(np.random.default_rng(seed).integers(32, 49))
        assert filled == long_side * max(1, round(long_side / 2))


def test_loops_of_a_step_follow_the_phase(tmp_path: Path) -> None:
    plan = CropPlan(tiny_images(tmp_path / "pictures"), tiny_config(tmp_path / "run"))
    assert {plan.loops(step) for step in range(4)} <= {0, 1}
    assert {plan.loops(step) for step in range(4, 8)} <= {0, 2}


def test_settings_that_cannot_work_say_so(tmp_path: Path) -> None:
    images = tiny_images(tmp_path / "pictures")
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


def test_precision_auto_decides_from_a_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("no", "cpu") == "no"
    assert resolve("auto", "cpu") == "no"
    monkeypatch.setattr("crt.precision.bfloat16_speedup", lambda: 3.0)
    assert (resolve("auto", "cpu"), resolve("auto", "mps"), resolve("no", "cpu")) == ("bf16", "no", "no")
    monkeypatch.undo()
    assert bfloat16_speedup(side=64, seconds=0.01) > 0
