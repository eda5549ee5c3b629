"""Files, connections and processes are closed when something goes wrong with them."""

from __future__ import annotations

import errno
import gc
import http.server
import threading
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import httpx
import numpy as np
import pytest
from PIL import Image

from crt.checkpoint.weights import read_tensors
from crt.data import Sample
from crt.data.images import load_image
from crt.errors import CrtError
from crt.evaluation import pipeline_stage as stage
from crt.evaluation.pipeline_stage import read_manifest
from crt.evaluation.wsol_samples import truth_mask
from crt.io_utils import atomic_path
from crt.prediction import Prediction
from crt.pseudo_labels.cam_io import SeedMaps
from crt.pseudo_labels.label_png import read_labels
from scripts.download_voc import extract_voc, fetch
from scripts.loadtest import server as serving
from scripts.loadtest.client import PageClient
from scripts.loadtest.run import load
from scripts.loadtest.server import Server
from scripts.loadtest.users import Deadline, Load

TRUNCATED_ZIP = b"PK\x03\x04" + bytes(60)
DAMAGED = {
    "zip": TRUNCATED_ZIP,
    "npy": b"\x93NUMPY\x01\x00" + bytes(20),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(40),
    "tiff": b"II*\x00\x08\x00\x00\x00" + bytes(40),
    "gif": b"GIF89a" + bytes(20),
    "tar": b"\x1f\x8b" + bytes(40),
    "text": b"{",
    "empty": b"",
}


@pytest.fixture(scope="module", autouse=True)
def _quick_collections() -> Iterator[None]:
    """The garbage collections here cover what is made here alone, not all that was imported before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Fail for every file, socket or process that was not closed."""
    gc.collect()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(warning.message) for warning in seen if issubclass(warning.category, ResourceWarning)] == []


def refused(work: Callable[[], object], kinds: tuple[type[Exception], ...] = (CrtError,)) -> bool:
    """Whether it raises one of these. The exception is dropped, since its traceback would keep things open."""
    try:
        work()
    except kinds:
        return True
    return False


def test_the_check_sees_a_file_that_is_left_open(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(AssertionError, match="unclosed file"), nothing_left_open():
        (tmp_path / "a").open("rb")


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize(
    "read",
    [SeedMaps.load, Prediction.load, load_image, read_labels, read_tensors],
    ids=lambda read: getattr(read, "__qualname__", ""),
)
def test_a_damaged_file_is_refused_and_closed(tmp_path, read: Callable[[Path], object], kind: str):
    path = tmp_path / f"file.{kind}"
    path.write_bytes(DAMAGED[kind])
    with nothing_left_open():
        assert refused(lambda: read(path))


def test_a_zip_that_lacks_an_array_is_closed(tmp_path):
    path = tmp_path / "file.npz"
    np.savez(path, class_ids=np.zeros(1, np.int64))
    with nothing_left_open():
        assert refused(lambda: SeedMaps.load(path)) and refused(lambda: Prediction.load(path))


def test_a_stream_that_the_caller_opened_stays_open(tmp_path):
    path = tmp_path / "file.npz"
    path.write_bytes(TRUNCATED_ZIP)
    with path.open("rb") as stream:
        assert refused(lambda: Prediction.load(stream))
        assert not stream.closed


def test_masks_settings_and_archives_are_closed(tmp_path):
    for kind, data in DAMAGED.items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / stage.SETTINGS).write_bytes(data)
        mask = Sample("a", folder / "a.jpg", (0,), folder / stage.SETTINGS)
        with nothing_left_open():
            assert refused(lambda folder=folder: read_manifest(folder))
            assert refused(lambda mask=mask: truth_mask(mask, (1, 1)))
            assert refused(lambda folder=folder: extract_voc(folder / stage.SETTINGS, folder / "VOCdevkit" / "VOC2012"))


def test_a_full_disk_leaves_no_file_behind(tmp_path):
    (tmp_path / "a").write_text("before")

    def fill() -> None:
        with atomic_path(tmp_path / "a") as temporary, temporary.open("w") as file:
            file.write("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with nothing_left_open():
        assert refused(fill, (OSError,))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "before")]


def test_an_image_that_is_read_is_closed(tmp_path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.tif")
    with nothing_left_open():
        assert load_image(tmp_path / "a.tif").shape == (8, 8, 3)


class Refusing(http.server.BaseHTTPRequestHandler):
    """Every answer is a refusal with a body."""

    status = 503

    def do_GET(self) -> None:
        body = b'{"status": "broken"}'
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def answers(monkeypatch) -> list[HTTPError]:
    """Every refusal that `urlopen` raised; garbage collection would close one without a warning."""
    found: list[HTTPError] = []
    open_url = urllib.request.urlopen

    def noted(*words: Any, **options: Any) -> Any:
        try:
            return open_url(*words, **options)
        except HTTPError as error:
            found.append(error)
            raise

    monkeypatch.setattr(urllib.request, "urlopen", noted)
    monkeypatch.setattr(serving, "urlopen", noted)
    return found


@pytest.mark.parametrize("status", [404, 416, 500])
def test_connections_of_refused_downloads_are_closed(url, answers, tmp_path, monkeypatch, status: int):
    monkeypatch.setattr(Refusing, "status", status)
    (tmp_path / "file.part").write_bytes(b"beginning")
    with nothing_left_open():
        assert refused(lambda: fetch(f"{url}file", "0" * 32, tmp_path / "file"))
    assert answers and all(answer.closed for answer in answers)


def test_connections_to_a_page_that_is_not_well_are_closed(url, answers, monkeypatch):
    clients: list[httpx.Client] = []

    class Noted(httpx.Client):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            clients.append(self)

    monkeypatch.setattr(httpx, "Client", Noted)
    server = Server(())
    server.url = url
    with nothing_left_open():
        assert server.health() == {"status": "broken"}
        assert not serving._answers(url)
        assert refused(lambda: PageClient(url, "one"), (KeyError,))
    assert len(answers) == 2 and all(answer.closed for answer in answers)
    assert len(clients) == 1 and clients[0].is_closed


def test_a_process_that_does_not_end_is_killed(tmp_path, monkeypatch):
    """A page that hangs in its own shutdown must not outlive the command."""
    (tmp_path / "app.py").write_text(
        "import signal, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path('ready').touch()\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(serving, "SERVER_STOP_S", 0.3)
    monkeypatch.setattr(serving, "_answers", lambda _: (tmp_path / "ready").exists())
    with nothing_left_open():
        with serving.served((), tmp_path / "log", root=tmp_path) as server:
            process = server._process
            assert process is not None and process.poll() is None
        assert process.poll() is not None
        del process, server


def test_a_load_that_breaks_off_does_not_wait_for_its_time_to_be_up(monkeypatch, tmp_path):
    """The user in the browser runs in a pool, which waits for it at its end."""

    class Page:
        url, resident_mib = "http://127.0.0.1:1/", 1.0

        def health(self) -> dict:
            raise ConnectionError("the page is gone")

    @contextmanager
    def page(*_: object, **__: object) -> Iterator[Page]:
        yield Page()

    ended = threading.Event()

    def read(config: Load, server: Server, images: list[str], until: Deadline, *_: object) -> None:
        while not until.passed:
            time.sleep(0.01)
        ended.set()

    class Nobody:
        def __init__(self, *_: object, **__: object) -> None: ...
        def predict(self, *_: object, **__: object) -> None: ...

    monkeypatch.setattr("scripts.loadtest.run.served", page)
    monkeypatch.setattr("gradio_client.Client", Nobody)
    monkeypatch.setattr("scripts.loadtest.run.browse", read)
    monkeypatch.setattr("scripts.loadtest.run.use", lambda *_: None)
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        load(Load(users=1, minutes=10))
    assert ended.is_set() and time.monotonic() - began < 300
