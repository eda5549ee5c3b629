"""The app over HTTP: the public endpoint, what is closed, who sees whose files, and a full queue."""

import concurrent.futures
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from app.cli import AppConfig
from crt.prediction import Prediction
from crt.predictor import Predictor
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import CLASSES, tiny_checkpoint


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a running app with a tiny checkpoint."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("client") / "tiny")
    config = AppConfig(checkpoint=str(folder), queue_size=1, max_upload_mb=1, host="127.0.0.1")
    with running_app(config) as (_, url):
        yield url


@pytest.fixture(scope="module")
def client(server) -> Client:
    return http_client.program(server)


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("image") / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    return str(path)


def ask(client: Client, path: str, **changes):
    asked = {"size": "224", "mode": "overlap", "loops": 2, "refined": True, "classes": ""} | changes
    return client.predict(handle_file(path), *asked.values(), api_name="/cams")


def test_maps_come_as_npz(client, image):
    with np.load(ask(client, image, classes="cat, person")) as arrays:
        assert list(arrays["classes"]) == ["cat", "person"]
        assert arrays["crt"].shape == arrays["tscam"].shape == (2, 11, 14)
        assert arrays["resnet"].dtype == np.float32
        assert tuple(arrays["source"]) == (60, 80)
    with np.load(ask(client, image)) as arrays:
        assert list(arrays["classes"]) == list(CLASSES)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"size": "9999"}, "input size"), ({"classes": "${alert(1)}"}, "Unknown class"), ({"loops": 99}, "loop count")],
)
def test_a_wrong_question_gets_one_sentence(client, image, changes, reason):
    with pytest.raises(Exception, match=reason) as error:
        ask(client, image, **changes)
    assert "Traceback" not in str(error.value)


def test_a_file_that_is_no_image_gets_one_sentence(client, tmp_path):
    path = tmp_path / "a.png"
    path.write_text("no image")
    with pytest.raises(Exception, match="not an image"):
        ask(client, str(path))


def test_only_the_documented_endpoints_are_public(client):
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/cams", "/predict", "/masks"]


def test_too_large_an_upload_is_refused(client, tmp_path):
    path = tmp_path / "large.bmp"
    Image.new("RGB", (800, 800)).save(path)
    assert path.stat().st_size > 2**20
    with pytest.raises(Exception, match=r"(?i)size|large|413"):
        ask(client, str(path))


def test_files_outside_the_cache_are_not_served(client, server):
    for path in ("/etc/passwd", "pyproject.toml", "app/cli.py", "../app.py"):
        assert http_client.get(f"{server}gradio_api/file={path}").status_code in (403, 404), path


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Runs of the networks last until the end of the block; the event is set by the first."""
    started, go_on, predict = threading.Event(), threading.Event(), Predictor.predict

    def slow(self, *args, **kwargs):
        started.set()
        go_on.wait(600)
        return predict(self, *args, **kwargs)

    monkeypatch.setattr(Predictor, "predict", slow)
    try:
        yield started
    finally:
        go_on.set()


def test_a_full_queue_has_its_message(client, image, monkeypatch):
    with concurrent.futures.ThreadPoolExecutor(4) as pool, held(monkeypatch) as started:
        running = pool.submit(ask, client, image, mode="bilinear")
        assert started.wait(600)  # of three other questions one may wait
        others = [pool.submit(ask, client, image, mode="bilinear", size=size) for size in ("336", "448", "560")]
        done, _ = concurrent.futures.wait(others, timeout=300, return_when=concurrent.futures.FIRST_COMPLETED)
        assert any("queue" in str(one.exception()).lower() for one in done if one.exception())
    assert running.result(600)


def test_what_is_known_is_answered_while_the_networks_run(client, server, image, monkeypatch):
    known = Path(ask(client, image, mode="bilinear", size="672")).read_bytes()
    with concurrent.futures.ThreadPoolExecutor(2) as pool, held(monkeypatch) as started:
        running = pool.submit(ask, http_client.program(server), image, mode="bilinear", size="560")
        assert started.wait(600)
        again = pool.submit(ask, client, image, mode="bilinear", size="672").result(600)
        assert Path(again).read_bytes() == known and not running.done()
    assert running.result(600)


def test_the_example_of_the_documentation_runs(server, image):
    text = (Path(__file__).parents[2] / "docs/library.md").read_text()
    (block,) = re.findall(r"```python\n(from gradio_client.*?)```", text, re.DOTALL)
    found: dict = {}
    exec(block.replace("http://127.0.0.1:7860", server).replace("photo.jpg", image), found)
    mask = found["mask"]
    assert mask.mode == "P" and mask.size == (80, 60)
    assert 0 < np.mean(np.asarray(mask) == CLASSES.index("cat") + 1) < 1


def test_a_prediction_comes_whole(client, image):
    prediction = Prediction.load(client.predict(handle_file(image), "224", "overlap", api_name="/predict"))
    with np.load(ask(client, image, classes="cat", loops=1)) as arrays:
        expected = prediction.cams("crt", loops=1, refined=True, classes=[CLASSES.index("cat")])
        np.testing.assert_array_equal(arrays["crt"], expected)


def test_every_public_endpoint_and_each_of_its_parameters_is_described(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/cams", "/predict", "/masks"}
    for told in endpoints.values():
        assert len(told["description"]) > 40
        for parameter in told["parameters"]:
            assert parameter["label"] and parameter["type"] and parameter["python_type"]["type"]
