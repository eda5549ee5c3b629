"""The endpoints seen by a program: their descriptions, types and results."""

import json

import numpy as np
import pytest
from gradio.utils import get_function_description
from gradio_client import Client, handle_file
from PIL import Image

from app.cli import AppConfig
from app.page import build
from crt.cam_spec import CamSpec
from crt.checkpoint import CONFIG_FILE
from crt.data import voc_palette
from crt.errors import InvalidSetting
from crt.models.loop import passes
from crt.models.run import run_cnn, run_transformer
from crt.pass_reductions import PASS_REDUCTIONS
from crt.postprocess import cam_to_labels, max_normalize
from crt.prediction import Prediction
from crt.resample import upsample_cam
from tests.helpers import http_client
from tests.helpers.narrow import present
from tests.helpers.running_app import running_app
from tests.helpers.tiny import CLASSES, tiny_checkpoint

BIRDS = CamSpec(1, True, "first", (1, 3))
PARAMETERS = {
    "/cams": {"image", "size", "mode", "loops", "refined", "classes", "pass_reduction", "checkpoint", "method"},
    "/predict": {"image", "size", "mode", "checkpoint"},
    "/masks": {
        *(
            "image",
            "size",
            "mode",
            "method",
            "loops",
            "refined",
            "threshold",
            "classes",
            "pass_reduction",
            "checkpoint",
        )
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a running app with a tiny checkpoint."""
    folder = tmp_path_factory.mktemp("api")
    birds = tiny_checkpoint(folder / "birds", name="birds", classes=("Ani", "Auklet"), seed=3)
    made = json.loads((birds / CONFIG_FILE).read_text())
    own = {"size": 224, "loops": 1, "refined": True, "pass_reduction": "first", "blocks": [1, 3], "threshold": 0.6}
    (birds / CONFIG_FILE).write_text(json.dumps(made | {"defaults": own}))
    config = AppConfig(
        checkpoint=str(tiny_checkpoint(folder / "tiny")), extra_checkpoints=(str(birds),), host="127.0.0.1"
    )
    with running_app(config) as (_, url):
        yield url


@pytest.fixture(scope="module")
def client(server) -> Client:
    return http_client.program(server)


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("image") / "noise.png"
    small = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((80, 60), Image.Resampling.BICUBIC).save(path)
    return str(path)


@pytest.fixture(scope="module")
def prediction(client, image) -> Prediction:
    return Prediction.load(client.predict(handle_file(image), size="224", api_name="/predict"))


def test_every_endpoint_and_parameter_is_described_and_typed(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == set(PARAMETERS)
    for name, reported in endpoints.items():
        assert len(reported["description"]) > 80, name
        parameters = {one["parameter_name"]: one for one in reported["parameters"]}
        assert set(parameters) == PARAMETERS[name]
        for label, one in parameters.items():
            assert one["label"] and not one["label"].startswith("parameter_"), (name, label)
            assert one["python_type"]["type"] not in ("", "Any"), (name, label)
        required = {label for label, one in parameters.items() if not one["parameter_has_default"]}
        assert required == {"image"}, name
        (given,) = reported["returns"]
        assert given["label"] and given["python_type"]["type"] not in ("", "Any")


def test_the_prediction_is_whole_and_holds_the_maps(client, image, prediction):
    assert prediction.classes == CLASSES and prediction.source == (60, 80)
    path = client.predict(handle_file(image), size="224", loops=3, refined=False, classes="dog", api_name="/cams")
    with np.load(path) as arrays:
        for method in prediction.methods:
            loops = 3 if method == "crt" else 0
            wanted = prediction.cams(method, loops=loops, refined=False, classes=[1])
            np.testing.assert_array_equal(arrays[method], wanted)
            np.testing.assert_array_equal(arrays[f"{method}.content_size"], prediction.content_size(method))
            np.testing.assert_array_equal(arrays[f"{method}.scores"], prediction.scores(method, loops)[[1]])


def test_the_mask_is_the_seed_of_the_prediction(client, image, prediction):
    asked = {"size": "224", "method": "tscam", "threshold": 0.4, "classes": "person, cat"}
    with Image.open(client.predict(handle_file(image), **asked, api_name="/masks")) as mask:
        assert (mask.format, mask.mode, mask.size) == ("PNG", "P", (80, 60))
        assert (mask.getpalette() or [])[:63] == voc_palette()[:21].ravel().tolist()
        labels = np.asarray(mask)
    maps = prediction.cams("tscam", refined=True, classes=[2, 0])
    seeds = max_normalize(upsample_cam(maps, prediction.content_size("tscam"), prediction.source))
    np.testing.assert_array_equal(labels, cam_to_labels(seeds, [2, 0], 0.4))
    assert set(np.unique(labels)) == {0, 1, 3}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"method": "vgg"}, "method"),
        ({"threshold": 1}, "threshold"),
        ({"loops": 0.5}, "loop"),
        ({"checkpoint": "unknown"}, "choose among tiny, birds"),
        ({"classes": "cot"}, "Unknown class 'cot': did you mean cat\\?"),
        ({"pass_reduction": "most"}, f"Unknown pass reduction 'most': choose {', '.join(PASS_REDUCTIONS)}"),
        ({"pass_reduction": "most", "method": "resnet"}, "Unknown pass reduction"),
    ],
)
def test_a_mask_that_cannot_be_gets_one_sentence(client, image, changes, reason):
    with pytest.raises(Exception, match=f"(?i){reason}") as error:
        client.predict(handle_file(image), size="224", **changes, api_name="/masks")
    assert "Traceback" not in str(error.value)


def test_another_checkpoint_is_requested_by_its_name(client, image, prediction):
    theirs = Prediction.load(client.predict(handle_file(image), size="224", checkpoint="birds", api_name="/predict"))
    assert theirs.classes == ("Ani", "Auklet") and prediction.classes == CLASSES
    assert theirs.provenance["checkpoint"] == "birds"


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """The functions behind the endpoints, by name."""
    page = build(AppConfig(checkpoint=str(tiny_checkpoint(tmp_path_factory.mktemp("functions") / "tiny"))))
    return {one.api_name: present(one.fn) for one in page.fns.values() if f"/{one.api_name}" in PARAMETERS}


@pytest.fixture
def runs(monkeypatch) -> list[tuple[str, int]]:
    """The networks that run, `vit` or `cnn`, with the passes of each through its encoder."""
    found: list[tuple[str, int]] = []

    def cnn(*given, **named):
        found.append(("cnn", 1))
        return run_cnn(*given, **named)

    def transformer(network, pixels, grid, loops, **named):
        found.append(("vit", passes(loops)))
        return run_transformer(network, pixels, grid, loops, **named)

    monkeypatch.setattr("crt.predictor.run_cnn", cnn)
    monkeypatch.setattr("crt.predictor.run_transformer", transformer)
    return found


@pytest.mark.parametrize(
    ("method", "loops", "wanted"),
    [
        ("", None, [("vit", passes(2))]),  # the tiny one's default
        ("crt", 0, [("vit", passes(0))]),
        ("crt", 4, [("vit", passes(4))]),
        ("tscam", None, [("vit", passes(0))]),
        ("tscam", 3, [("vit", passes(0))]),
        ("resnet", None, [("cnn", 1)]),
        ("crt_cnn", 3, [("cnn", 1)]),
    ],
)
def test_a_mask_runs_its_network_alone_and_no_further_loop(functions, runs, tmp_path, method, loops, wanted):
    path = str(tmp_path / "a.png")
    seed = sum(map(ord, f"{method}{loops}"))  # an image of which nothing is known
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    functions["masks"](path, "224", "bilinear", method, loops)
    assert runs == wanted
    functions["predict"](path, "224", "bilinear", "", None)
    runs.clear()
    functions["masks"](path, "224", "bilinear", method, 1)
    assert runs == []  # what `predict` has recorded answers it too


@pytest.mark.parametrize(("loops", "count"), [(None, 2), (0, 0), (1, 1), (4, 4)])
def test_cams_run_no_further_loop_than_is_requested(functions, runs, tmp_path, loops, count):
    Image.fromarray(np.random.default_rng(2 + count).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(
        tmp_path / "a.png"
    )
    functions["cams"](str(tmp_path / "a.png"), "224", "bilinear", loops)
    assert runs == [("cnn", 1), ("vit", passes(0)), ("vit", passes(count)), ("cnn", 1)]


def test_cams_of_one_network_run_that_alone(functions, runs, tmp_path):
    path = str(tmp_path / "a.png")
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    made = functions["cams"](path, "224", "bilinear", 4, method="tscam")
    assert runs == [("vit", passes(0))]
    names = {"classes", "source", "tscam", "tscam.content_size", "tscam.scores"}
    functions["cams"](path, "224", "bilinear", 4)
    again = functions["cams"](path, "224", "bilinear", 4, method="tscam")  # of all that is recorded now
    for file in (made, again):
        with np.load(file) as arrays:
            assert set(arrays) == names


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("masks", {"method": "vgg"}),
        ("masks", {"method": "crt", "loops": 5}),
        ("masks", {"method": "", "classes": "cot"}),
        ("cams", {"loops": -1}),
        ("cams", {"loops": 0.5}),
        ("cams", {"classes": "cot"}),
        ("cams", {"method": "vgg"}),
    ],
)
def test_what_cannot_be_is_refused_before_a_network_runs(functions, runs, image, name, wrong):
    with pytest.raises(InvalidSetting):
        functions[name](image, "224", "bilinear", **wrong)
    assert runs == []


def test_every_parameter_is_described_to_its_end(tmp_path):
    """What Gradio reads of the docstrings, for the tools of the MCP server."""
    page = build(AppConfig(checkpoint=str(tiny_checkpoint(tmp_path / "tiny"))))
    functions = {one.api_name: present(one.fn) for one in page.fns.values() if f"/{one.api_name}" in PARAMETERS}
    assert {f"/{name}" for name in functions} == set(PARAMETERS)
    for name, function in functions.items():
        _, parameters, returns = get_function_description(function)
        described = {label: text for label, text in parameters.items() if label != "request"}
        assert set(described) == PARAMETERS[f"/{name}"] and returns
        assert [label for label, text in described.items() if not text.endswith(".")] == []
        assert "{" not in present(function.__doc__)
        assert all(one in described.get("pass_reduction", one) for one in PASS_REDUCTIONS)


@pytest.mark.parametrize("checkpoint", ["", "birds"])
def test_missing_values_are_the_defaults_of_the_requested_checkpoint(client, image, checkpoint):
    """Of the other one too, whose defaults are not the page's first."""
    own = BIRDS if checkpoint else CamSpec(2)
    whole = Prediction.load(client.predict(handle_file(image), checkpoint=checkpoint, api_name="/predict"))
    assert whole.default_spec == own
    assert (whole.grid.height, whole.grid.width) == ((168, 224) if checkpoint else (252, 336))
    with np.load(client.predict(handle_file(image), checkpoint=checkpoint, api_name="/cams")) as arrays:
        for method in whole.methods:
            np.testing.assert_array_equal(arrays[method], whole.cams(method))
            np.testing.assert_array_equal(arrays[f"{method}.scores"], whole.scores(method))
    asked = {"classes": whole.classes[0].upper(), "checkpoint": checkpoint}
    with Image.open(client.predict(handle_file(image), **asked, api_name="/masks")) as mask:
        seeds = max_normalize(upsample_cam(whole.cams("crt", classes=[0]), whole.content_size("crt"), whole.source))
        np.testing.assert_array_equal(np.asarray(mask), cam_to_labels(seeds, [0], 0.6 if checkpoint else 0.15))


@pytest.mark.parametrize("pass_reduction", ["", "first", "last"])
def test_a_program_chooses_the_passes_or_leaves_it_to_the_checkpoint(client, image, prediction, pass_reduction):
    asked = {"size": "224", "loops": 3, "classes": "dog"} | (
        {"pass_reduction": pass_reduction} if pass_reduction else {}
    )
    wanted = prediction.cams(
        "crt", loops=3, refined=True, classes=[1], pass_reduction=pass_reduction or "sum"
    )  # the tiny one's default
    with np.load(client.predict(handle_file(image), **asked, api_name="/cams")) as arrays:
        np.testing.assert_array_equal(arrays["crt"], wanted)
    path = client.predict(handle_file(image), **asked, method="crt", threshold=0.4, api_name="/masks")
    seeds = max_normalize(upsample_cam(wanted, prediction.content_size("crt"), prediction.source))
    with Image.open(path) as mask:
        np.testing.assert_array_equal(np.asarray(mask), cam_to_labels(seeds, [1], 0.4))
