"""Another checkpoint behind a running page: only one that works takes the place, and no old map is shown after."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from app.cli import AppConfig
from app.core import engine as engines
from app.core.analysis import Explorer
from app.core.cache import PredictionCache
from app.core.checkpoint_sources import ROOT, bundled_checkpoints
from app.core.engine import Engine
from app.page import build
from crt.checkpoint import CONFIG_FILE, load_checkpoint
from crt.checkpoint.weights import file_sha256
from crt.errors import CrtError, InvalidCheckpoint, InvalidSetting
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.narrow import present
from tests.helpers.tiny import tiny_checkpoint

SETTINGS = InferenceConfig(size=96, loops=2)


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "first")


@pytest.fixture(scope="module")
def second(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "second"
    return tiny_checkpoint(folder, classes=("wolf", "${x}"), seed=7)


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "learned", deconvolution=True)


@pytest.fixture
def explorer(first) -> Explorer:
    return Explorer(Engine(str(first)), PredictionCache(10**9), {})


def changed(folder: Path, target: Path, **values) -> Path:
    """A copy of a checkpoint with other entries in its config."""
    shutil.copytree(folder, target)
    config = json.loads((target / CONFIG_FILE).read_text())
    (target / CONFIG_FILE).write_text(json.dumps(config | values))
    return target


def signed(target: Path, method: str) -> Path:
    """Write the hash of a weights file that was changed into the config, as its author would."""
    config = json.loads((target / CONFIG_FILE).read_text())
    config["networks"][method]["sha256"] = file_sha256(target / f"{method}.safetensors")
    (target / CONFIG_FILE).write_text(json.dumps(config))
    return target


def test_a_swap_changes_the_maps_and_the_names(explorer, first, second):
    before = explorer.runs.predict("s", photo(), SETTINGS)
    old = explorer.engine.model
    new = explorer.engine.swap(f" {second} ").result(600)
    assert explorer.engine.model is new and explorer.engine.config.classes == ("wolf", "${x}")
    assert explorer.engine.sha256 == new.sha256 != old.sha256
    after = explorer.runs.predict("s", photo(), SETTINGS)
    assert after.classes == ("wolf", "${x}")
    np.testing.assert_array_equal(after.cams("crt"), Predictor(new.predictor().checkpoint).predict(photo(), SETTINGS).cams("crt"))  # fmt: skip  # noqa: E501
    assert explorer.runs.cached("s", photo(), SETTINGS) is after
    assert explorer.runs.cached("s", photo(), SETTINGS, old) is before
    # The same checkpoint again is another loading: its folder may hold something else by now.
    explorer.engine.swap(str(first)).result(600)
    assert explorer.runs.cached("s", photo(), SETTINGS) is None
    np.testing.assert_array_equal(explorer.runs.predict("s", photo(), SETTINGS).cams("crt"), before.cams("crt"))


def broken(kind: str, first: Path, folder: Path) -> Path | str:
    target = folder / "broken"
    if kind == "missing":
        return folder / "nothing"
    if kind == "no hub id":
        return "no such/name at all"
    if kind == "foreign":
        target.mkdir()
        (target / CONFIG_FILE).write_text('{"architectures": ["BertModel"], "vocab_size": 30522}')
        return target
    if kind == "empty":
        target.mkdir()
        return target
    if kind == "no file":
        shutil.copytree(first, target)
        (target / "crt.safetensors").unlink()
        return target
    if kind == "defaults":
        return changed(first, target, defaults={"size": "large", "threshold": [1]})
    if kind == "name":
        return changed(first, target, name={"a": 1})
    if kind == "classes":  # more names than the weights have channels
        return changed(first, target, classes=["a", "b", "c", "d"])
    shutil.copytree(first, target)
    path = target / "crt.safetensors"
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
        return target
    if kind == "truncated, signed":
        path.write_bytes(path.read_bytes()[:-1000])
        return signed(target, "crt")
    tensors = load_file(path)
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 2)
    tensors[name] = tensors[name][:, :-1].contiguous() if kind == "shape" else torch.full_like(tensors[name], torch.nan)
    save_file(tensors, path)
    return signed(target, "crt")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "There is no folder"),
        ("no hub id", "no folder here and could not be fetched"),
        ("foreign", "not a checkpoint config"),
        ("empty", "has no config.json"),
        ("no file", "names crt.safetensors, which is not there"),
        ("truncated", "damaged"),
        ("truncated, signed", "cannot be read as safetensors"),
        ("shape", "wrong shape"),
        ("classes", "wrong shape"),
        ("values", "not finite"),
        ("defaults", "defaults"),
        ("name", "name must be text"),
    ],
)
def test_a_broken_checkpoint_keeps_the_old_one_and_shows_the_reason(explorer, first, tmp_path, kind, reason):
    before, model = explorer.runs.predict("s", photo(), SETTINGS), explorer.engine.model
    with pytest.raises(CrtError, match=reason) as error:
        explorer.engine.swap(str(broken(kind, first, tmp_path))).result(600)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    assert explorer.engine.model is model
    assert explorer.runs.predict("s", photo(), SETTINGS) is before
    assert explorer.runs.predict("another", photo(), SETTINGS).classes == before.classes


def test_an_unexpected_error_is_logged_and_the_old_one_goes_on(explorer, second, monkeypatch, caplog):
    monkeypatch.setattr(engines, "smoke_test", lambda predictor: 1 / 0)
    with pytest.raises(InvalidCheckpoint, match="server's log"):
        explorer.engine.swap(str(second)).result(600)
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert explorer.engine.swap(str(second)).result(600).config.classes == ("wolf", "${x}")


@pytest.mark.parametrize("name", ["", "   ", "x" * 400, "a\nb", "a\x00b"])
def test_a_name_that_cannot_be_one_is_refused_at_once(explorer, name):
    with pytest.raises(InvalidSetting, match="Hub id"):
        explorer.engine.swap(name)


def test_a_run_ends_with_the_model_it_began_with(explorer, second, monkeypatch):
    began, go_on, predict = threading.Event(), threading.Event(), Predictor.predict
    old = explorer.engine.model

    def slow(self, *args, **kwargs):
        if self is old.predictor():
            began.set()
            assert go_on.wait(600)
        return predict(self, *args, **kwargs)

    monkeypatch.setattr(Predictor, "predict", slow)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(explorer.runs.predict, "s", photo(), SETTINGS)
        assert began.wait(600)
        new = explorer.engine.swap(str(second)).result(600)  # does not wait for the run
        assert explorer.engine.model is new and not running.done()
        go_on.set()
        prediction = running.result(600)
    assert prediction.provenance["checkpoint_sha256"] == old.sha256
    assert explorer.runs.cached("s", photo(), SETTINGS) is None
    assert explorer.runs.cached("s", photo(), SETTINGS, old) is prediction
    assert explorer.runs.predict("s", photo(), SETTINGS).provenance["checkpoint_sha256"] == new.sha256


def test_one_checkpoint_is_loaded_at_a_time(explorer, second, monkeypatch):
    began, go_on = threading.Event(), threading.Event()

    def slow(source):
        began.set()
        assert go_on.wait(600)
        return load_checkpoint(source)

    monkeypatch.setattr("crt.checkpoint.load.load_checkpoint", slow)
    first = explorer.engine.swap(str(second))
    assert began.wait(600)
    with pytest.raises(InvalidSetting, match="being loaded"):
        explorer.engine.swap(str(second))
    go_on.set()
    first.result(600)
    explorer.engine.swap(str(second)).result(600)


def test_many_runs_during_many_swaps_are_each_of_one_model(explorer, first, second):
    def ask(i: int) -> None:
        header, data = explorer._encode(explorer.engine.model, *looked(i))
        assert header and data

    def looked(i: int):
        model = explorer.engine.model
        prediction = explorer.runs.predict(f"s{i}", photo(), SETTINGS, model=model)
        assert prediction.provenance["checkpoint_sha256"] == model.sha256
        assert prediction.classes == model.config.classes
        return prediction, photo(), False, None

    del ask
    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(looked, i) for i in range(12)]
        for folder in (second, first, second):
            explorer.engine.swap(str(folder)).result(600)
        for one in looks:
            one.result(600)


# The page


def listeners(demo) -> list[str]:
    return [target for fn in demo.fns.values() for _, target in fn.targets]


def test_without_the_flag_there_is_no_endpoint_and_no_field(first, second):
    labels = lambda demo: {getattr(block, "label", None) for block in demo.blocks.values()}  # noqa: E731
    plain, own = (
        build(AppConfig(checkpoint=str(first))),
        build(AppConfig(checkpoint=str(first), allow_custom_checkpoints=True)),
    )
    assert "Checkpoint (folder or Hub id)" not in labels(plain)
    assert "Checkpoint (folder or Hub id)" in labels(own)
    assert len(own.fns) == len(plain.fns) + 2  # the button in the browser, and the request
    assert "submit" not in listeners(plain) and "submit" in listeners(own)
    for demo in (plain, own):
        assert set(demo.get_api_info()["named_endpoints"]) == {"/cams", "/predict", "/masks"}


def swap_of(demo):
    """The function behind the button, as (source, mode) -> its outputs."""
    fn = next(fn.fn for fn in demo.fns.values() if any(target == "swap" for _, target in fn.targets))
    return lambda source, mode: fn(Asked(source=source, request="r"), mode)


def test_the_page_receives_the_result(first, second, learned, tmp_path):
    demo = build(AppConfig(checkpoint=str(first), allow_custom_checkpoints=True))
    swap = swap_of(demo)
    refused = swap(str(tmp_path / "none"), "overlap")[0]["swap_answer"]
    assert "There is no folder" in refused["error"] and refused["request"] == "r"
    last, mode, names = swap(str(second), "overlap")
    assert last["swap_answer"]["classes"] == 2
    assert mode["value"] == "overlap" and names["value"] == names["choices"][0]
    last, mode, _ = swap(str(learned), "overlap")  # which this one cannot do
    assert mode["choices"] == ["deconvolution"] and mode["value"] == "deconvolution"
    last, mode, _ = swap(str(first), "deconvolution")  # which the first one cannot do
    assert mode["value"] == "overlap"


class Asked:
    """What Gradio hands to a listener."""

    def __init__(self, **details) -> None:
        self._data = details
        self.session_hash = "s"


def test_a_page_of_the_checkpoint_before_has_to_run_again(first, second, tmp_path):
    demo = build(AppConfig(checkpoint=str(first), allow_custom_checkpoints=True))
    Image.fromarray(photo()).save(tmp_path / "a.png")
    export = present(next(fn.fn for fn in demo.fns.values() if any(target == "export" for _, target in fn.targets)))
    ask = lambda **details: export(Asked(**details), str(tmp_path / "a.png"), "224", "overlap", Asked())[  # noqa: E731
        "export_answer"
    ]
    assert "changed" not in ask(kind="zip", model=None)
    swap_of(demo)(str(second), "overlap")
    reported = ask(kind="zip", request="k", model="the one before")
    assert reported["changed"] is True and "Checkpoint changed" in reported["error"] and reported["request"] == "k"


def test_a_folder_elsewhere_on_the_machine_is_not_sent(explorer, first):
    assert str(first) not in json.dumps(explorer.engine.model.public())
    assert explorer.engine.model.public()["source"] is None


def test_the_precision_is_that_of_all_checkpoints(first, tmp_path, monkeypatch):
    birds = str(tiny_checkpoint(tmp_path / "birds", name="birds"))
    engine = Engine(str(first), extra_checkpoints=[birds], precision="bf16")
    swapped = engine.swap(str(tiny_checkpoint(tmp_path / "later", name="later"))).result()
    assert engine.named("birds").predictor().bfloat16 and swapped.predictor().bfloat16
    assert not Engine(str(first)).predictor().bfloat16
    monkeypatch.setattr("crt.precision.has_bfloat16", lambda: True)
    demo = build(AppConfig(checkpoint=str(first)))
    prediction = Explorer(demo.engine, PredictionCache(10**9), {}).runs.predict("s", photo(), SETTINGS)
    assert prediction.provenance["precision"] == "bfloat16"


@pytest.mark.parametrize("swapped", [False, True])
def test_a_sentence_about_a_checkpoint_names_no_folder_of_the_machine(explorer, tmp_path, swapped):
    hidden = tiny_checkpoint(tmp_path / "hidden" / "mine")
    (hidden / "crt.safetensors").write_bytes(b"damaged")
    with pytest.raises(InvalidCheckpoint) as error:
        explorer.engine.swap(str(hidden)).result() if swapped else Engine(str(hidden)).predictor()
    assert "mine" in str(error.value) and str(tmp_path) not in str(error.value)


def test_several_checkpoints_stand_side_by_side(first, tmp_path):
    birds = tiny_checkpoint(tmp_path / "birds", name="birds", classes=("Ani",), seed=3)
    engine = Engine(str(first), extra_checkpoints=[str(birds)])
    explorer, image = Explorer(engine, PredictionCache(10**9), {}), photo()
    assert engine.names == ["tiny", "birds"]
    assert engine.named("") is engine.named("tiny") is engine.model
    other = engine.named("birds")
    assert engine.known(other.id) is other and engine.known("gone") is None and engine.known(None) is engine.model
    mine = explorer.runs.predict("s", image, SETTINGS)
    theirs = explorer.runs.predict("s", image, SETTINGS, model=other)
    assert (mine.classes, theirs.classes) == (("cat", "dog", "person"), ("Ani",))
    assert explorer.runs.predict("s", image, SETTINGS) is mine  # neither took the other's place in the cache
    again = tiny_checkpoint(tmp_path / "again", name="birds", seed=4)
    with pytest.raises(InvalidSetting, match="named alike"):
        Engine(str(first), extra_checkpoints=[str(birds), str(again)])
    with pytest.raises(InvalidCheckpoint, match="named birds"):
        engine.swap(str(again)).result(600)
    with pytest.raises(InvalidSetting, match="choose among tiny, birds"):
        engine.named("unknown")


def test_the_shipped_checkpoints_are_offered_together_and_no_others(first):
    shipped = {Path(folder).name for folder in bundled_checkpoints("checkpoints/voc")}
    assert shipped == {path.parent.name for path in (ROOT / "checkpoints").glob("*/config.json")} - {"voc"}
    assert bundled_checkpoints("voc") == bundled_checkpoints("checkpoints/voc")
    assert bundled_checkpoints(str(first)) == ()
