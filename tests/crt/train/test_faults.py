"""What goes wrong in training: a full disk, two writers, a loss that is no number. Each is an error, and resumable."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from crt.checkpoint import CONFIG_FILE, METHODS, CheckpointConfig, load_checkpoint
from crt.data import VOC_CLASSES, read_voc
from crt.errors import InvalidCheckpoint, InvalidSetting
from crt.pseudo_labels.affinity import RelationLosses
from crt.train import crt as training
from crt.train import deeplab as segmentation
from crt.train import export, state
from crt.train import irn as relation
from crt.train.deeplab import train_deeplab
from crt.train.irn import train_relation
from crt.train.lock import LOCK_FILE, FolderInUse, exclusive_lock
from crt.train.log import TrainLog
from crt.train.losses import Losses
from crt.train.mask_configs import DeepLabConfig, RelationConfig
from crt.train.metric_logger import TrainingDiverged
from crt.train.state import STATE_FILE, DiskFull, raise_on_full_disk
from tests.helpers.tiny import RESNET, tiny_checkpoint
from tests.helpers.tiny_run import run, tiny_config, tiny_images
from tests.scripts.test_run_pipeline import make_devkit

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
HOLD = """
import sys, time
from pathlib import Path
from crt.train.lock import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(120)
"""
Start = Callable[..., object]
"""(output folder, further settings) -> what the training function gives."""
LOSSES = {
    "crt": (training, "dual_loss"),
    "irn": (relation, "irn_losses"),
    "deeplab": (segmentation, "mask_loss"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    make_devkit(folder / "VOC2012")
    tiny_checkpoint(folder / "tiny", classes=VOC_CLASSES)
    return folder


@pytest.fixture(scope="module")
def starts(base: Path) -> dict[str, Start]:
    """The three trainings, small: four steps and a state after each."""
    torch.set_num_threads(1)
    images = read_voc(base / "VOC2012", "train", masks="required")
    common = {"checkpoint": str(base / "tiny"), "precision": "fp32", "batch": 2, "epochs": 2, "workers": 0}
    common |= {"checkpoint_minutes": 0.0}

    def irn(out: Path, **changes: object) -> object:
        return train_relation(RelationConfig(**{"out": out, "crop": 64, "radius": 4, **common, **changes}), images)

    def deeplab(out: Path, **changes: object) -> object:
        settings = {"out": out, "cnn": RESNET, "weights": "crt_cnn", "stride": 16, "crop": 65, **common, **changes}
        return train_deeplab(DeepLabConfig(**settings), images)

    return {"crt": run, "irn": irn, "deeplab": deeplab}


@pytest.fixture(scope="module")
def whole(starts: dict[str, Start], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """The weights of trainings that nothing happened to."""
    found = {}
    for what, start in starts.items():
        out = tmp_path_factory.mktemp(what) / "run"
        start(out)
        found[what] = weights(out)
    return found


def weights(out: Path) -> tuple[str, ...]:
    """Hashes of all weight files of a finished training."""
    config = load_checkpoint(out).config
    more = (config.relation, config.segmentation)
    return (*(spec.sha256 for spec in config.networks.values()), *(spec.sha256 for spec in more if spec is not None))


def says_one_sentence(error: BaseException, *words: str) -> None:
    text = str(error)
    assert "\n" not in text and text.endswith(".") and all(word in text for word in words), text


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen]]:
    """A folder, and another process that writes into it."""
    out = tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(out)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        yield out, process
        process.kill()


@pytest.mark.parametrize("what", LOSSES)
def test_the_second_writer_is_refused_and_a_dead_one_blocks_no_other(what, starts, holder) -> None:
    out, process = holder
    with pytest.raises(FolderInUse) as error:
        starts[what](out)
    says_one_sentence(error.value, f"process {process.pid} on ", "choose another output folder")
    assert not (out / STATE_FILE).exists() and not (out / "log.csv").exists()  # nothing was touched
    process.kill()
    process.wait()
    assert (out / LOCK_FILE).read_text().startswith(f"process {process.pid} ")  # the lock file of the dead one
    starts[what](out, max_steps=1)
    assert (out / STATE_FILE).exists()


@pytest.mark.parametrize("classes", [VOC_CLASSES[::-1], VOC_CLASSES[:3]])
def test_a_checkpoint_of_other_classes_is_refused_before_the_training(classes, base, starts, tmp_path) -> None:
    other = tiny_checkpoint(tmp_path / "other", classes=classes)
    with pytest.raises(InvalidSetting, match=f"not those of {other}: name a checkpoint of these classes"):
        starts["deeplab"](tmp_path / "run", checkpoint=str(other), weights="random")
    with pytest.raises(InvalidCheckpoint, match="There is no folder"):
        starts["deeplab"](tmp_path / "run", checkpoint=str(base / "typo"), weights="random")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("what", ["irn", "deeplab"])
def test_a_checkpoint_is_in_place_only_once_it_loads(what, base, starts, tmp_path) -> None:
    shutil.copytree(base / "tiny", tmp_path / "tiny")
    damaged = tmp_path / "tiny" / "tscam.safetensors"
    out, whole = tmp_path / "run", damaged.read_bytes()
    starts[what](out, checkpoint=str(tmp_path / "tiny"), max_steps=3)
    real = export.write_config

    def write(folder: Path, config: CheckpointConfig) -> None:
        (folder / damaged.name).write_bytes(b"damaged")  # as a copy may be that a full disk cut short
        real(folder, config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "write_config", write)
        with pytest.raises(InvalidCheckpoint, match="tscam"):
            starts[what](out, checkpoint=str(tmp_path / "tiny"), resume=True)
    assert not (out / CONFIG_FILE).exists() and not list(out.glob(".checkpoint-*"))
    assert starts[what](out, checkpoint=str(tmp_path / "tiny"), resume=True)
    assert set(load_checkpoint(out).networks) == set(METHODS) and (out / damaged.name).read_bytes() == whole


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), exclusive_lock(tmp_path / "new" / "out"):
            raise ZeroDivisionError
    taken = subprocess.run(
        [sys.executable, "-c", HOLD.replace("120", "0"), str(tmp_path / "new" / "out")],
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    assert taken.stdout == b"held\n"


@pytest.mark.parametrize("what", LOSSES)
def test_a_full_disk_is_an_error_and_the_run_goes_on_from_the_state_before(what, starts, whole, tmp_path, monkeypatch):
    out, saves, real = tmp_path / "run", [], state.save_file

    def save(tensors, path, metadata=None):
        saves.append(path)
        if len(saves) < 3:
            real(tensors, path, metadata=metadata)
            return
        Path(path).write_bytes(b"half of a state")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(state, "save_file", save)
    with pytest.raises(DiskFull) as error:
        starts[what](out)
    says_one_sentence(error.value, "disk", "full", "make room", "set resume", "still good")
    assert len(saves) == 3 and not saves[2].exists()  # the half is gone, the state before it is whole
    monkeypatch.undo()
    starts[what](out, resume=True)
    assert weights(out) == whole[what]


def test_a_disk_that_is_full_before_the_first_state_keeps_nothing(starts, tmp_path, monkeypatch) -> None:
    def write(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TrainLog, "write", write)
    with pytest.raises(DiskFull) as error:
        starts["crt"](tmp_path / "run")
    says_one_sentence(error.value, "nothing was kept")
    monkeypatch.undo()
    assert starts["crt"](tmp_path / "run", resume=True, max_steps=1)


def test_other_trouble_with_the_disk_keeps_its_own_words(tmp_path: Path) -> None:
    for trouble in (OSError(errno.EIO, "Input/output error"), SafetensorError("Error: I/O error (os error 5)")):
        with pytest.raises(type(trouble), match=r"(?i)i.*/o.* error"), raise_on_full_disk(tmp_path):
            raise trouble


@pytest.mark.parametrize("what", LOSSES)
def test_a_loss_that_is_no_number_is_an_error_and_the_state_before_it_is_good(
    what, starts, whole, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    starts[what](out, max_steps=2)
    module, name = LOSSES[what]
    real = getattr(module, name)

    def broken(*args: object, **kwargs: object) -> object:
        result = real(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            return result * float("nan")
        if isinstance(result, RelationLosses):
            return replace(result, dp_fg=result.dp_fg * float("nan"))
        return result._replace(total=result.total * float("nan"))

    monkeypatch.setattr(module, name, broken)
    with pytest.raises(TrainingDiverged) as error:
        starts[what](out, resume=True)
    says_one_sentence(error.value, "nan", "step 2", "learning rate", "still good")
    monkeypatch.undo()
    starts[what](out, resume=True)
    assert weights(out) == whole[what]


@pytest.mark.parametrize("when", ["loss", "preview"])
def test_the_log_is_closed_however_the_run_ends(starts, tmp_path, monkeypatch, when) -> None:
    logs: list[TrainLog] = []
    write, close = TrainLog.write, TrainLog.close
    closed: list[TrainLog] = []
    monkeypatch.setattr(TrainLog, "write", lambda self, *rest: (logs.append(self), write(self, *rest))[1])
    monkeypatch.setattr(TrainLog, "close", lambda self: (closed.append(self), close(self))[1])
    calls = []

    def fail(*args: Any, **kwargs: Any) -> Losses:
        calls.append(args)
        if when == "loss" and len(calls) < 3:
            return real(*args, **kwargs)
        raise RuntimeError("no memory")

    real = training.dual_loss
    config = tiny_config(tmp_path / "run")
    if when == "loss":
        monkeypatch.setattr(training, "dual_loss", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        training.train(config, tiny_images(tmp_path / "images"), preview=fail if when == "preview" else None)
    assert closed == [logs[0]] and logs[0].stream is not None and logs[0].stream.closed


def test_a_loss_that_is_no_number_at_once_promises_no_state(starts, tmp_path, monkeypatch) -> None:
    real = training.dual_loss

    def broken(*args: Any, **kwargs: Any) -> Losses:
        losses = real(*args, **kwargs)
        return losses._replace(total=losses.total * float("nan"))

    monkeypatch.setattr(training, "dual_loss", broken)
    with pytest.raises(TrainingDiverged) as error:
        starts["crt"](tmp_path / "run")
    says_one_sentence(error.value, "step 0", "nothing was kept")


@pytest.mark.parametrize("what", ["crt", "irn", "deeplab"])
def test_a_folder_that_is_a_checkpoint_is_left_alone(what, starts, base, tmp_path) -> None:
    """The trainings for masks once returned as finished, and added nothing to it."""
    out = Path(shutil.copytree(base / "tiny", tmp_path / "run"))
    with pytest.raises(InvalidCheckpoint) as caught:
        starts[what](out)
    says_one_sentence(caught.value, str(out), "already holds a checkpoint", "choose another output folder")
    assert weights(out) == weights(base / "tiny")
    assert not (out / STATE_FILE).exists()
