"""One default for the library, the app and the scripts: what the checkpoint recommends."""

import io
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from app.core.analysis import Analysis, Explorer
from app.core.cache import PredictionCache
from app.core.engine import Engine
from app.core.examples import Example
from app.core.input_sizes import settings_of, start_size
from app.core.models import Model
from app.requests.validation import map_options
from crt.cam_spec import CamSpec, class_ids
from crt.checkpoint import Defaults, load_checkpoint, read_config, write_config
from crt.errors import InvalidSetting
from crt.metrics.scored_class import scored_class
from crt.prediction import Prediction
from crt.prediction_io import InvalidPrediction
from crt.predictor import InferenceConfig, Predictor
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[2]
CAT = ROOT / "app/examples/cat.jpg"
NAMES = ("Groove billed Ani", "dining_table", "Cat", "cat", "Wilson's-Warbler")


@pytest.fixture(scope="module")
def prediction(tmp_path_factory):
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("tiny"))))
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    prediction = predictor.predict(image, InferenceConfig(size=96, loops=3))
    return replace(prediction, default_spec=CamSpec(2, True, "first", (1, 3)))


@pytest.mark.parametrize("name", ["voc", "cub"])
def test_the_default_map_is_the_one_that_the_app_shows_first(name):
    """The page starts from the defaults of the checkpoint; `maps` alone once gave loops 0 and the sum."""
    folder = ROOT / "checkpoints" / name
    defaults, predictor = read_config(folder).defaults, Predictor(load_checkpoint(folder))
    prediction = predictor.predict(CAT, InferenceConfig(size=224, loops=4))
    look = Analysis(np.zeros((*prediction.source, 3), np.uint8), InferenceConfig(), prediction, "s")
    shown = {"loops": defaults.loops, "refined": defaults.refined, "pass_reduction": defaults.pass_reduction}
    shown["blocks"] = defaults.blocks and list(defaults.blocks)
    for method in prediction.methods:
        options = map_options(look, method, shown)
        np.testing.assert_array_equal(prediction.cams(method), prediction.cams(method, **options))
        np.testing.assert_array_equal(prediction.scores(method), prediction.scores(method, options["loops"]))
    stream = io.BytesIO()
    prediction.save(stream)
    loaded = Prediction.load(io.BytesIO(stream.getvalue()))
    assert loaded.default_spec == prediction.default_spec == CamSpec.of(defaults)
    np.testing.assert_array_equal(loaded.cams("crt"), prediction.cams("crt"))
    released = prediction.cams("crt", loops=0, pass_reduction="sum", blocks=None)
    assert not np.allclose(released, prediction.cams("crt"), rtol=0.01)  # so it matters


@pytest.mark.parametrize("name", ["voc", "cub"])
def test_a_predictor_without_settings_sees_what_the_app_shows_first(name):
    """It once saw 336 pixels whatever the checkpoint recommends: those of cub are 224."""
    folder = ROOT / "checkpoints" / name
    predictor, config = Predictor(load_checkpoint(folder)), read_config(folder)
    size = start_size(cast("Model", SimpleNamespace(config=config)))
    wanted, _ = settings_of(size, config.modes[0], np.zeros((9, 9, 3), np.uint8))
    assert predictor.default_settings == wanted
    assert predictor.predict(CAT).provenance["settings"] == asdict(wanted)


def test_a_predictor_without_settings_does_what_its_checkpoint_can(tmp_path):
    """More loops than usual, a size and a mode of its own: for maps, tokens, layers and faithfulness."""
    folder = tiny_checkpoint(tmp_path, deconvolution=True)
    config = read_config(folder)
    write_config(folder, replace(config, defaults=replace(config.defaults, size=64, loops=6)))
    predictor = Predictor(load_checkpoint(folder))
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    prediction = predictor.predict(image)
    assert prediction.spec_of("crt").loops == 6
    assert (prediction.grid.width, prediction.grid.mode) == (64, "deconvolution")
    assert predictor.token(image, at=(0.5, 0.5)).grid == predictor.layers(image).grid == prediction.grid
    assert scored_class(predictor, image, method="crt", index=0).pixels.shape[-1] == 64


def test_a_stored_example_has_the_default_of_the_checkpoint_of_today(tmp_path):
    """Its file is older than the header with the checkpoint's defaults."""
    explorer = Explorer(Engine(str(ROOT / "checkpoints/voc")), PredictionCache(10**9), {})
    stored, spec = Prediction.load(ROOT / "app/examples/cat.npz"), CamSpec.of(explorer.engine.config.defaults)

    class Stored:
        image = np.zeros((2, 2, 3), np.uint8)

        def stored(self, sha256, settings):
            return stored

    explorer.examples["it"] = cast("Example", Stored())
    assert explorer.runs.predict("s", Stored.image, InferenceConfig()).default_spec == spec != CamSpec()


def test_keywords_take_the_place_of_single_fields(prediction):
    base = prediction.default_spec
    for words, spec in [
        ({}, base),
        ({"loops": 3}, replace(base, loops=3)),
        ({"refined": False}, replace(base, refined=False)),
        ({"pass_reduction": "sum"}, replace(base, pass_reduction="sum")),
        ({"blocks": [2, 3]}, replace(base, blocks=(2, 3))),
        ({"blocks": None}, replace(base, blocks=None)),
        ({"loops": 0, "blocks": None, "pass_reduction": "last"}, CamSpec(0, True, "last", None)),
    ]:
        np.testing.assert_array_equal(
            prediction.cams("crt", **words), prediction.cams("crt", spec=spec), err_msg=str(words)
        )
        words.pop("refined", None)
        np.testing.assert_array_equal(prediction.attention("crt", **words), prediction.attention("crt", spec=spec))
    found = [prediction.cams("crt", spec=spec) for spec in (base, replace(base, loops=3), replace(base, blocks=None))]
    assert not any(np.allclose(found[0], other) for other in found[1:])
    np.testing.assert_array_equal(
        prediction.cams("crt", spec=CamSpec(1), loops=3), prediction.cams("crt", spec=CamSpec(3))
    )
    np.testing.assert_array_equal(prediction.scores("crt"), prediction.scores("crt", 2))


def test_networks_without_loops_and_short_records_have_the_default_cut_to_them(prediction):
    for method in ("tscam", "resnet"):
        assert prediction.spec_of(method).loops == 0
        assert prediction.spec_of(method, CamSpec(4)).loops == 0
        np.testing.assert_array_equal(
            prediction.cams(method), prediction.cams(method, spec=replace(prediction.default_spec, loops=0))
        )
    many = replace(prediction, default_spec=CamSpec(8, True, "first", (1, 900)))
    assert many.spec_of("crt").loops == 3
    np.testing.assert_array_equal(many.cams("crt"), prediction.cams("crt", loops=3, blocks=range(1, 6)))
    with pytest.raises(InvalidSetting, match="loops 0 to 3, not 4"):  # what is asked for is never cut
        prediction.cams("crt", spec=CamSpec(4))


@pytest.mark.parametrize(
    "values",
    [
        {"loops": -1},
        {"loops": 1.0},
        {"loops": True},
        {"refined": 1},
        {"pass_reduction": "max"},
        {"blocks": (2, 1)},
        {"blocks": (-1, 1)},
        {"blocks": (0, 10**9)},
        {"blocks": (0, 1, 2)},
        {"blocks": (0.0, 1)},
    ],
)
def test_specs_that_cannot_be(values):
    with pytest.raises(InvalidSetting):
        CamSpec(**values)


def test_the_paper_s_spec_is_that_of_a_checkpoint_without_defaults():
    assert CamSpec() == CamSpec.of(Defaults())


def test_a_file_without_a_spec_or_with_a_wrong_one_is_refused(prediction, tmp_path):
    path = tmp_path / "changed.npz"
    prediction.save(path)
    with np.load(path) as arrays:
        kept = dict(arrays)
    header = json.loads(str(kept["header"]))
    assert header["default_spec"] == {"loops": 2, "refined": True, "pass_reduction": "first", "blocks": [1, 3]}

    def rewrite(changed: dict[str, Any]) -> None:
        members: dict[str, Any] = {**kept, "header": np.array(json.dumps(changed))}
        np.savez(path, **members)

    without = {name: value for name, value in header.items() if name != "default_spec"}
    rewrite(without)
    with pytest.raises(InvalidPrediction, match="not a Prediction"):
        Prediction.load(path)
    for spec in ({"loops": -1}, {"blocks": [3, 1]}, {"colour": 1}, [], None):
        rewrite(header | {"default_spec": spec})
        with pytest.raises(InvalidPrediction, match="not a Prediction"):
            Prediction.load(path)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (0, [0]),
        ([2, "groove_billed ANI"], [2, 0]),
        ("DINING TABLE", [1]),
        (("dining-table", np.int64(1)), [1, 1]),
        ("cat", [3]),
        ("Cat", [2]),
        ("CAT", [2]),
        ("wilson's warbler", [4]),
        ([], []),
    ],
)
def test_classes_by_number_or_name(asked, wanted):
    assert class_ids(asked, NAMES) == wanted


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("groove bild ani", r"Unknown class 'groove bild ani': did you mean Groove billed Ani\?$"),
        ("zebra", r"Unknown class 'zebra': choose among Groove billed Ani, dining_table, .*\.$"),
        (5, r"Unknown class 5: choose classes between 0 and 4, or names\.$"),
        (-1, "between 0 and 4"),
        (0.5, "between 0 and 4"),
        ([None], "between 0 and 4"),
    ],
)
def test_unknown_classes_are_named_with_what_is_like_them(asked, message):
    with pytest.raises(InvalidSetting, match=message):
        class_ids(asked, NAMES)


def test_maps_take_names(prediction):
    np.testing.assert_array_equal(prediction.cams("crt", classes="Person"), prediction.cams("crt", classes=[2]))
    np.testing.assert_array_equal(
        prediction.cams("resnet", classes=["dog", 0]), prediction.cams("resnet", classes=[1, 0])
    )


def test_the_command_takes_names_numbers_and_the_checkpoint_s_defaults(tmp_path, capsys):
    from scripts.explain import Explain, explain

    folder = str(tiny_checkpoint(tmp_path / "tiny"))
    result = explain(Explain(CAT, checkpoint=folder, size=96, classes=("DOG", "0")))
    assert list(result["classes"]) == ["dog", "cat"]
    assert (result["loops"], result["refined"]) == (2, True)
    with pytest.raises(InvalidSetting, match=r"did you mean dog\?"):
        explain(Explain(CAT, checkpoint=folder, size=96, classes=("dogg",)))


def test_a_prediction_of_some_methods_names_those_it_was_made_without(prediction, tmp_path):
    """Only a checkpoint that lacks a network is called so."""
    predictor = Predictor(load_checkpoint(tiny_checkpoint(tmp_path, methods=("resnet", "tscam"))))
    some = predictor.predict(CAT, InferenceConfig(size=96, loops=0, methods=("resnet",)))
    stream = io.BytesIO()
    some.save(stream)
    for one in (some, Prediction.load(io.BytesIO(stream.getvalue()))):
        wanted = (
            r"^This Prediction was recorded without tscam, which its checkpoint has: "
            r'run the image again with "tscam" among the methods of InferenceConfig, .*\.$'
        )
        for ask in (one.cams, one.scores, one.attention, one.content_size, one.record):
            with pytest.raises(InvalidSetting, match=wanted):
                ask("tscam")
            with pytest.raises(InvalidSetting, match=r"^This checkpoint has no crt network: choose among resnet\.$"):
                ask("crt")
    unknown = replace(some, provenance={})
    with pytest.raises(InvalidSetting, match=r"^This Prediction holds no crt: .* if the checkpoint has crt\.$"):
        unknown.cams("crt")


def test_specs_and_class_names_need_no_torch():
    code = "import sys; import crt.cam_spec; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=600, check=False).returncode == 0
