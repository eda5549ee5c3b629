"""A client's wrong values are reported as such; everything else is an internal error, with its traceback in the log."""

import errno
import io
from pathlib import Path
from unittest.mock import AsyncMock

import numpy as np
import pytest
from gradio_client import handle_file
from PIL import Image

from app.cli import AppConfig
from app.core.decoded import read
from app.core.messages import INTERNAL_ERROR
from app.core.uploads import ImageUpload
from app.server.security import UNREADABLE, RouteFilter
from app.viewer import Viewer
from crt.errors import InvalidImage
from crt.predictor import Predictor
from scripts.loadtest.client import PageClient, wrong
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tiny_checkpoint(tmp_path_factory.mktemp("errors") / "tiny")
    config = AppConfig(checkpoint=str(folder), host="127.0.0.1")
    with running_app(config) as (_, address):
        yield address


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("image") / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    return path


def message_of(url: str, image: Path, session: str) -> str:
    """What the page of a session receives when an image is chosen."""
    page_client = PageClient(url, session)
    uploaded = page_client.upload("a.png", image.read_bytes())
    assert isinstance(uploaded, dict)
    endpoint = next(one for one in page_client.endpoints if one.name.startswith("change/"))
    outcome = page_client.send(endpoint, endpoint.good(uploaded))
    page_client.close()
    return outcome.message


def broken(error: Exception):
    def fail(*_args, **_named):
        raise error

    return fail


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("x"), ValueError("our bug"), FULL])
def test_a_program_receives_an_internal_error(url, image, monkeypatch, caplog, error):
    monkeypatch.setattr(Predictor, "predict", broken(error))
    with pytest.raises(Exception, match="Internal error: try again") as raised:
        http_client.program(url).predict(handle_file(str(image)), "224", "overlap", api_name="/predict")
    assert "Traceback" not in str(raised.value)
    assert "Traceback" in caplog.text and type(error).__name__ in caplog.text


@pytest.mark.parametrize(
    ("owner", "name"), [(ImageUpload, "preprocess"), (Viewer, "postprocess"), (Predictor, "predict")]
)
def test_the_page_receives_an_internal_error_wherever_it_happens(url, tmp_path, monkeypatch, caplog, owner, name):
    image = tmp_path / "new.png"  # of which no Prediction is cached
    pixels = np.random.default_rng(len(name)).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(image)
    monkeypatch.setattr(owner, name, broken(FULL))
    assert message_of(url, image, name) == wrong(INTERNAL_ERROR)  # how the client of tests calls it
    assert "Traceback" in caplog.text and "No space left on device" in caplog.text


def test_values_of_another_type_are_the_clients(url, image, caplog):
    page_client = PageClient(url, "errors")
    endpoint = next(one for one in page_client.endpoints if one.name.startswith("change/"))
    for value in (3, "x", [1], {"path": 1}):
        assert page_client.send(endpoint, [value, *endpoint.values[1:]]).message == UNREADABLE, value
    page_client.close()
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "theirs"),
    [
        ("POST", "/gradio_api/queue/join", True),
        ("POST", "/gradio_api/call/nothing", True),
        ("GET", "/gradio_api/file=x", True),
        ("GET", "/", False),
        ("GET", "/config", False),
        ("GET", "/theme.css", False),
    ],
)
def test_an_error_of_a_route_is_the_clients_only_where_it_reads_something(method, path, theirs):
    error, send = KeyError("x"), AsyncMock()
    scope = {"type": "http", "method": method, "path": path}
    answering = RouteFilter(broken(error))(scope, AsyncMock(), send)
    with pytest.raises(StopIteration if theirs else KeyError):
        answering.send(None)
    assert [sent.args[0].get("status") for sent in send.await_args_list][:1] == ([400] if theirs else [])


def test_a_file_that_is_gone_differs_from_a_disk_that_fails(tmp_path, monkeypatch):
    for path in (str(tmp_path / "gone"), str(tmp_path), "a\0b", "x" * 5000):
        with pytest.raises(InvalidImage, match="no longer here"):
            read(path)
    for number in (errno.EMFILE, errno.EIO, errno.EACCES):
        monkeypatch.setattr(io, "open", broken(OSError(number, "no")))
        with pytest.raises(OSError, match="no"):
            read(str(tmp_path / "a.png"))
