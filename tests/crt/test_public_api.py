"""The library as a program or a notebook uses it: `crt.load`, images of every kind, CAMs and masks on the pixels."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import crt
from crt.checkpoint import CONFIG_FILE, bundled_names, load_checkpoint, locate
from crt.data.images import load_image
from crt.errors import InvalidCheckpoint, InvalidImage, InvalidSetting
from crt.postprocess import cam_to_labels, max_normalize
from crt.prediction import Prediction
from crt.prediction_io import InvalidPrediction
from crt.pseudo_labels.label_png import labels_of_image
from crt.resample import upsample_cam
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]


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


# --- the whole way ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def model(folder):
    return crt.load(folder, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def prediction(model):
    return model(make_image())


def outside(code: str, folder: Path) -> str:
    """What a program prints that runs in an empty folder with this package."""
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_the_package_is_imported_without_what_takes_time(tmp_path):
    code = "import crt; print(sorted({'torch', 'numpy', 'timm', 'PIL', 'plotly', 'matplotlib'} & set(sys.modules)))"
    assert outside(code, tmp_path) == "[]"
    assert outside(f"{code[:12]}crt.CamSpec, crt.CrtError; print('torch' in sys.modules)", tmp_path) == "False"


def test_every_name_is_there_and_no_other():
    for name in crt.__all__:
        assert getattr(crt, name) is not None
    assert set(crt.__all__) <= set(dir(crt))
    assert set(crt._MODULES) | {"__version__"} == set(crt.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = crt.nothing  # pyright: ignore[reportAttributeAccessIssue]


def test_names_for_editors_are_those_at_run_time():
    """The imports that an editor reads name the modules that the names come from."""
    block = Path(crt.__file__).read_text().partition("if TYPE_CHECKING:\n")[2].partition("\n\n")[0]
    found = {
        name: module
        for module, names in re.findall(r"from (\S+) import (.+)", block)
        for name in names.split(", ")
    }  # fmt: skip
    assert found == crt._MODULES


@pytest.mark.parametrize(("precision", "bfloat16"), [("fp32", False), ("bf16", True), ("auto", False)])
def test_the_precision_is_that_of_the_networks(folder, precision, bfloat16):
    """`auto` is float32 in these tests, see conftest.py."""
    assert crt.load(folder, precision=precision, device="cpu").bfloat16 is bfloat16


def test_auto_takes_bfloat16_where_the_processor_has_it(folder, monkeypatch):
    monkeypatch.setattr("crt.precision.get_capabilities", lambda: {"amx_bf16": True})
    assert crt.load(folder, device="cpu").bfloat16


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [({"precision": "no"}, "'no': choose auto, fp32 or bf16"), ({"device": "abacus"}, "no device 'abacus' here")],
)
def test_what_cannot_be_loaded_is_refused(folder, keywords, reason):
    with pytest.raises(InvalidSetting, match=reason):
        crt.load(folder, **keywords)


def same(one: Prediction, two: Prediction) -> None:
    assert one.methods == two.methods and one.source == two.source
    for method in one.methods:
        np.testing.assert_allclose(one.cams(method), two.cams(method), rtol=1e-5, atol=1e-6)


def test_one_image_of_any_kind_gives_one_prediction(model, prediction, tmp_path):
    Image.fromarray(make_image()).save(tmp_path / "photo.png")
    path = tmp_path / "photo.png"
    for image in (path, str(path), path.read_bytes(), Image.open(path), to_tensor(make_image()), model_input()):
        same(model(image), prediction)


def model_input() -> torch.Tensor:
    return to_tensor(make_image()) / 255


def test_several_images_give_a_list(model):
    images = [make_image(seed=seed) for seed in (1, 2)]
    alone = [model(image) for image in images]
    stacked = np.stack(images)
    batches = (images, tuple(images), stacked, torch.from_numpy(stacked).permute(0, 3, 1, 2))
    for batch in batches:
        found = model(batch)
        assert isinstance(found, list) and len(found) == 2
        for one, two in zip(found, alone, strict=True):
            same(one, two)
    assert len(model([images[0]])) == 1 and model([]) == [] and model(torch.zeros(0, 3, 8, 8)) == []


def test_the_image_that_cannot_be_read_is_named(model):
    with pytest.raises(InvalidImage, match=r"^Image 2 of 3: There is no file nothing\.jpg; check the path\.$"):
        model([make_image(), "nothing.jpg", make_image()])
    with pytest.raises(InvalidImage, match=r"^Image 1 of 2: This tensor has shape \(1, 8, 8\)"):
        model(torch.zeros(2, 1, 8, 8))


def test_settings_reach_the_networks(model):
    config = crt.InferenceConfig(size=64, loops=1, methods=("tscam",))
    found = model([make_image()], config)[0]
    assert found.methods == ("tscam",) and max(found.grid.height, found.grid.width) == 64


def test_the_method_is_crt_unless_another_is_named(model, prediction):
    np.testing.assert_array_equal(prediction.cams(), prediction.cams("crt"))
    other = model(make_image(), crt.InferenceConfig(size=96, methods=("crt_cnn", "tscam")))
    assert other.default_method == other.methods[0] == "tscam"
    np.testing.assert_array_equal(other.cam("cat"), other.cam("cat", method="tscam"))


@pytest.mark.parametrize("method", ["crt", "tscam", "resnet", "crt_cnn"])
def test_a_cam_is_on_the_pixels_of_the_image(prediction, method):
    cam, raw = prediction.cam("dog", method=method), prediction.cam(1, method=method, normalize=False)
    assert cam.shape == raw.shape == (60, 80) and cam.dtype == raw.dtype == np.float32
    cells = prediction.cams(method, classes="dog")
    np.testing.assert_array_equal(raw, upsample_cam(cells, prediction.content_size(method), (60, 80))[0])
    np.testing.assert_array_equal(cam, max_normalize(raw))
    assert raw.max() > 0 and cam.max() == pytest.approx(1, abs=1e-3)


def test_settings_of_a_cam_are_those_of_cams(prediction):
    for settings in (
        {"loops": 0},
        {"refined": False},
        {"spec": crt.CamSpec(loops=1, refined=True, pass_reduction="last", blocks=(2, 3))},
        {"pass_reduction": "first", "blocks": (0, 1)},
    ):
        cells = prediction.cams("crt", classes="cat", **settings)
        want = upsample_cam(cells, prediction.content_size("crt"), (60, 80))[0]
        np.testing.assert_array_equal(prediction.cam("cat", normalize=False, **settings), want)
        assert not np.array_equal(prediction.cam("cat", normalize=False), want)
        np.testing.assert_array_equal(
            prediction.mask("cat", threshold=0.4, **settings), prediction.cam("cat", **settings) > 0.4
        )


@pytest.mark.parametrize("threshold", [None, 0, 0.15, 0.3, 0.77, 1, np.float64(0.3)])
@pytest.mark.parametrize("method", ["crt", "resnet"])
def test_a_mask_has_the_labels_of_its_class(prediction, method, threshold):
    mask = prediction.mask("dog", method=method, threshold=threshold)
    assert mask.shape == (60, 80) and mask.dtype == np.bool_
    level = prediction.default_threshold if threshold is None else threshold
    seeds = prediction.cam("dog", method=method)[None]
    np.testing.assert_array_equal(mask, cam_to_labels(seeds, [1], level) == 2)
    cells = prediction.cams(method, classes="dog")
    np.testing.assert_array_equal(
        mask, labels_of_image(cells, prediction.content_size(method), (60, 80), [1], level) == 2
    )


def test_the_threshold_is_the_checkpoints(tmp_path):
    folder = tiny_checkpoint(tmp_path, methods=("resnet",))
    config = json.loads((folder / CONFIG_FILE).read_text())
    config["defaults"]["threshold"] = 0.6
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    found = crt.load(folder)(make_image())
    assert found.default_threshold == 0.6
    np.testing.assert_array_equal(found.mask("cat"), found.mask("cat", threshold=0.6))
    assert found.mask("cat").sum() < found.mask("cat", threshold=0.15).sum()
    stream = io.BytesIO()
    found.save(stream)
    assert Prediction.load(io.BytesIO(stream.getvalue())).default_threshold == 0.6


def with_header(prediction: Prediction, change) -> io.BytesIO:
    """The file of a Prediction, its header changed in place by `change`."""
    stream, changed = io.BytesIO(), io.BytesIO()
    prediction.save(stream)
    with np.load(io.BytesIO(stream.getvalue())) as found:
        arrays = {name: found[name] for name in found.files}
    header = json.loads(str(arrays.pop("header")))
    change(header)
    np.savez(changed, header=np.array(json.dumps(header)), **arrays)
    return io.BytesIO(changed.getvalue())


def test_a_file_without_a_threshold_is_refused(prediction):
    without = with_header(prediction, lambda header: header.pop("default_threshold"))
    with pytest.raises(InvalidPrediction, match="not a Prediction"):
        Prediction.load(without)


@pytest.mark.parametrize("value", ["0.3", None, True, -0.1, 1.5, float("nan"), [0.3]])
def test_a_file_with_another_threshold_is_refused(prediction, value):
    with pytest.raises(InvalidPrediction, match="the default threshold is not a number from 0 to 1"):
        Prediction.load(with_header(prediction, lambda header: header.update(default_threshold=value)))


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda p: p.cam("cot"), "did you mean cat"),
        (lambda p: p.cam(["cat", "dog"]), "2 classes are given, and a CAM is of one"),
        (lambda p: p.cam([]), "0 classes are given"),
        (lambda p: p.cam("cat", method="vgg"), "no vgg network"),
        (lambda p: p.cam("cat", loops=9), "loops 0 to 4, not 9"),
        (lambda p: p.mask("cat", threshold=1.5), r"threshold is 1\.5: choose 0 to 1"),
        (lambda p: p.mask("cat", threshold=float("nan")), "threshold is nan"),
    ],
)
def test_what_is_not_recorded_is_refused(prediction, ask, reason):
    with pytest.raises(InvalidSetting, match=reason):
        ask(prediction)


def test_a_prediction_keeps_its_image_on_request(model, prediction):
    np.testing.assert_array_equal(prediction.image, make_image())
    assert model.predict(make_image()).image is None
    stream = io.BytesIO()
    prediction.save(stream)
    assert Prediction.load(io.BytesIO(stream.getvalue())).image is None


def test_the_example_of_the_documentation_runs(folder, tmp_path, monkeypatch):
    text = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(import crt\n.*?)```", text, re.DOTALL)
    Image.fromarray(make_image()).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(block.replace('"voc"', repr(str(folder))), found)
    assert found["mask"].shape == found["cam"].shape == (60, 80)
    assert found["figure"].to_dict()["data"]
    assert Prediction.load(tmp_path / "prediction.npz").methods
