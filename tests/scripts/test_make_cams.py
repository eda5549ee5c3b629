"""Seeds on disk: what they hold, that a run goes on where it stopped, and that nothing half written counts as done."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from crt.cam_spec import CamSpec
from crt.checkpoint import load_checkpoint
from crt.data import VOC_CLASSES, Sample, read_voc
from crt.data.images import load_image
from crt.errors import CrtError, InvalidDataset, InvalidSetting
from crt.evaluation.pipeline_stage import SETTINGS, require
from crt.multiscale import MethodSpec, TTAConfig, multi_scale_maps
from crt.postprocess import max_normalize
from crt.predictor import InferenceConfig, Predictor
from crt.pseudo_labels import cam_io as seed_files
from crt.pseudo_labels.cam_io import SUFFIX, SeedMaps, is_done
from crt.resample import upsample_cam
from crt.train import distributed_stage
from scripts.make_cams import Seeds
from tests.crt.data.test_readers import add_image, write_split
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[2]
IDS = ["2007_000001", "2007_000002", "2007_000003"]
LABELS = (["cat", "person"], ["dog"], ["bus"])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    return str(tiny_checkpoint(tmp_path_factory.mktemp("seeds") / "tiny", classes=VOC_CLASSES))


@pytest.fixture
def voc(tmp_path) -> Path:
    root, rng = tmp_path / "VOC2012", np.random.default_rng(0)
    for name, labels in zip(IDS, LABELS, strict=True):
        add_image(root, name, labels)
        pixels = rng.integers(0, 256, (9, 13, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((101, 70)).save(root / "JPEGImages" / f"{name}.jpg")
    write_split(root, "train", IDS)
    return root


def config(voc: Path, checkpoint: str, **changes) -> Seeds:
    return Seeds(**{"root": voc, "out": voc.parent / "seeds", "checkpoint": checkpoint, "scales": (1.0,)} | changes)


def strided(predictor: Predictor, sample: Sample, wanted: MethodSpec) -> np.ndarray:
    """The strided maps put together from the maps of cells, each view by itself."""
    image, total = load_image(sample.image), np.zeros((len(sample.labels), 18, 26), np.float32)
    for flipped in (False, True):
        view = np.ascontiguousarray(image[:, ::-1]) if flipped else image
        prediction = predictor.predict(view, InferenceConfig(size=None, loops=wanted.spec.loops))
        maps = prediction.cams(wanted.method, spec=wanted.spec, classes=sample.labels)
        total += upsample_cam(maps, prediction.content_size(wanted.method), (18, 26), flipped=flipped)
    return max_normalize(total)


@pytest.mark.parametrize(
    ("changes", "request_"),
    [
        ({}, MethodSpec("crt", CamSpec(2, refined=True))),  # the tiny checkpoint's defaults
        ({"loops": 1, "refined": False}, MethodSpec("crt", CamSpec(1, refined=False))),
        ({"blocks": (2, 6)}, MethodSpec("crt", CamSpec(2, blocks=(1, 5)))),  # people count from 1
        ({"method": "resnet"}, MethodSpec("resnet", CamSpec(0))),
    ],
)
def test_seeds_are_the_normalised_maps_of_the_labels(voc, checkpoint, changes, request_):
    made = config(voc, checkpoint, precision="fp32", **changes)
    assert made.run().new == 3
    predictor = Predictor(load_checkpoint(checkpoint))
    for sample in read_voc(voc, "train").samples:
        seeds = SeedMaps.load(made.out / f"{sample.id}.npz")
        assert seeds.class_ids.tolist() == list(sample.labels)
        assert seeds.high_res.shape == (len(sample.labels), 70, 101) and seeds.strided.shape[1:] == (18, 26)
        summed, _ = multi_scale_maps(
            predictor, load_image(sample.image), sample.labels, {"x": request_}, TTAConfig((1.0,))
        )
        np.testing.assert_allclose(seeds.high_res, max_normalize(summed["x"]), atol=1e-3)
        np.testing.assert_allclose(seeds.strided, strided(predictor, sample, request_), atol=0.03)


def test_a_run_goes_on_where_it_stopped(voc, checkpoint):
    made = config(voc, checkpoint)
    made.run()
    first, second, third = (made.out / f"{name}.npz" for name in IDS)
    kept = first.stat().st_mtime_ns
    second.write_bytes(second.read_bytes()[:-40])
    third.unlink()
    with pytest.raises(InvalidDataset, match=IDS[2]):
        require(made.out, read_voc(voc, "train"), SUFFIX, "scripts.make_cams")
    result = made.run()
    assert (result.new, result.before) == (2, 1)
    assert first.stat().st_mtime_ns == kept
    assert all(is_done(made.out, s.id, s.labels) for s in read_voc(voc, "train").samples)
    require(made.out, read_voc(voc, "train"), SUFFIX, "scripts.make_cams")


def test_a_full_disk_names_the_image_and_leaves_nothing_behind(voc, checkpoint, monkeypatch):
    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(seed_files.np, "savez_compressed", full)
    with pytest.raises(CrtError, match=f"{IDS[0]}: No space left on device"):
        config(voc, checkpoint).run()
    assert [path.name for path in (voc.parent / "seeds").iterdir()] == [SETTINGS]


def test_other_settings_need_another_folder(voc, checkpoint):
    config(voc, checkpoint).run()
    with pytest.raises(InvalidSetting, match="made with other settings"):
        config(voc, checkpoint, loops=0).run()


def test_what_cannot_be_done_is_refused(voc, checkpoint, tmp_path):
    one = tiny_checkpoint(tmp_path / "one", classes=VOC_CLASSES, methods=("crt",))
    with pytest.raises(InvalidSetting, match="has no tscam"):
        config(voc, str(one), method="tscam").run()
    with pytest.raises(InvalidSetting, match="classes"):
        config(voc, str(tiny_checkpoint(tmp_path / "two"))).run()
    (voc / "JPEGImages" / f"{IDS[1]}.jpg").write_bytes(b"no image")
    with pytest.raises(CrtError, match=IDS[1]):
        config(voc, checkpoint).run()


@pytest.mark.parametrize(
    "change", [{"class_ids": np.array(["a"], object)}, {"strided": np.zeros((1, 2, 2))}, {"class_ids": None}]
)
def test_a_foreign_file_is_refused_by_its_id(tmp_path, change):
    arrays = {"class_ids": np.array([1]), "strided": np.zeros((1, 3, 3)), "high_res": np.zeros((1, 9, 9))}
    np.savez(tmp_path / "2007_1.npz", **{name: v for name, v in (arrays | change).items() if v is not None})
    with pytest.raises(InvalidDataset, match="2007_1"):
        SeedMaps.load(tmp_path / "2007_1.npz")


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_processes_without_a_gpu_know_of_each_other(monkeypatch, device):
    requested = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(
        distributed_stage,
        "PartialState",
        lambda cpu: requested.append(cpu) or SimpleNamespace(device=torch.device("cpu")),
    )
    assert distributed_stage.DistributedStage.of(device, "fp32").device == torch.device("cpu")
    assert requested == [True]  # accelerate counts the processes of a machine without a GPU only on request


@pytest.mark.nightly
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_two_processes_share_the_images(voc, checkpoint, device):
    made = config(voc, checkpoint, precision="fp32")
    made.run()
    words = ["--root", voc, "--out", voc.parent / "shared", "--checkpoint", checkpoint, "--scales", "1"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    reported = subprocess.run(
        [*launch, "-m", "scripts.make_cams", *map(str, words), "--precision", "fp32", "--device", device],
        cwd=ROOT, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    ).stdout  # fmt: skip
    assert sorted(re.findall(r"(\d) images made, 0 were", reported)) == ["1", "2"]
    for name in IDS:
        alone, together = SeedMaps.load(made.out / f"{name}.npz"), SeedMaps.load(voc.parent / "shared" / f"{name}.npz")
        np.testing.assert_allclose(alone.high_res, together.high_res, atol=1e-3)
    assert json.loads((voc.parent / "shared" / SETTINGS).read_text())["method"] == "crt"


def test_a_view_beyond_the_largest_size_is_refused_before_any_network_runs(tmp_path, monkeypatch):
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path)))
    monkeypatch.setattr(predictor, "predict", lambda *given: pytest.fail("the networks ran"))
    image, request = np.zeros((1000, 1500, 3), np.uint8), {"it": MethodSpec("resnet", CamSpec(0))}
    wanted = r"1500 × 1000 pixels has a longer side of 3000 at scale 2, and the limit is 2048: .* up to 1024 first\.$"
    with pytest.raises(InvalidSetting, match=wanted):
        multi_scale_maps(predictor, image, [0], request, TTAConfig())
    with pytest.raises(InvalidSetting, match="input size is 2100: choose 32 to 2048"):
        TTAConfig((0.5,), size=2100)
    monkeypatch.undo()
    small = multi_scale_maps(predictor, image, [0], request, TTAConfig((1.0, 2.0), flip=False, size=64))[0]
    assert small["it"].shape == (1, 1000, 1500)
