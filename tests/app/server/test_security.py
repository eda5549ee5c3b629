"""Files: nothing outside the uploads is read, no address is fetched, uploads go, and sessions do not meet."""

import http.server
import io
import json
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio import route_utils
from PIL import Image

from app import page as ui
from app.cli import AppConfig
from app.core.analysis import Explorer
from app.server.security import NO_FETCH, UNREADABLE, holds_address
from crt.predictor import Predictor
from scripts.loadtest.client import Outcome, PageClient
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

ROOT = Path(__file__).parents[3]
META = {"_type": "gradio.FileData"}
EXAMPLE = ROOT / "app" / "examples" / "cat.jpg"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("files") / "tiny")


@pytest.fixture(scope="module")
def served(checkpoint):
    """A running app and its address."""
    config = AppConfig(checkpoint=str(checkpoint), host="127.0.0.1")
    with running_app(config) as served:
        yield served


@pytest.fixture(scope="module")
def page_client(served) -> PageClient:
    return PageClient(served[1], "one")


@pytest.fixture(scope="module")
def image(page_client) -> dict:
    return uploaded(page_client, 0)


@pytest.fixture(scope="module")
def secret(tmp_path_factory) -> Path:
    """An image of the machine that was not uploaded."""
    path = tmp_path_factory.mktemp("secret") / "secret.png"
    Image.new("RGB", (80, 60), (9, 200, 30)).save(path)
    return path


def uploaded(page_client: PageClient, seed: int) -> dict:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(stream, "PNG")
    found = page_client.upload("a.png", stream.getvalue())
    assert isinstance(found, dict)
    return found


def inputs(endpoint, image) -> list:
    pairs = zip(endpoint.kinds, endpoint.values, strict=True)
    return [image if kind in ("image", "file") else value for kind, value in pairs]


def named(page_client: PageClient, start: str):
    return next(endpoint for endpoint in page_client.endpoints if endpoint.name.startswith(start))


def with_images(page_client: PageClient) -> list:
    return [endpoint for endpoint in page_client.endpoints if {"image", "file"} & set(endpoint.kinds)]


def test_good_questions_are_answered(page_client, image):
    for start in ("change/", "click/masks", "click/predict"):
        endpoint = named(page_client, start)
        assert page_client.send(endpoint, inputs(endpoint, image)).kind == "answered", endpoint.name


ROUTES = (
    "gradio_api/file={}",
    "gradio_api/file/{}",
    "gradio_api/file=/tmp/gradio/{}",
    "static/{}",
    "assets/{}",
    "svelte/{}",
    "gradio_api/stream/{}",
    "gradio_api/proxy=file://{}",
    "gradio_api/custom_component/{}/client/x/y",
    "{}",
)


def ways(path: Path) -> set[str]:
    """One file as a hostile client would name it."""
    plain = str(path)
    up = "../" * 12 + plain.lstrip("/")
    return {
        *(plain, up, plain.lstrip("/"), f"/{plain}", f"./{plain}", f"file://{plain}", up.replace("../", "..\\")),
        up.replace("../", "..%2f"),
        up.replace("../", "%2e%2e/"),
        up.replace("../", "%252e%252e%252f"),
        up.replace("../", "....//"),
        up.replace("../", "..%c0%af"),
        plain.replace("/", "%2f"),
        f"{plain}%00.png",
        f"{plain}?x",
        f"{plain}/.",
    }


def test_no_route_serves_a_file_of_the_machine(served, checkpoint, secret):
    _, url = served
    targets = (
        *(Path("/etc/passwd"), Path("/proc/self/environ"), secret, ROOT / "pyproject.toml", ROOT / "app/cli.py"),
        *(checkpoint / "config.json", checkpoint / "crt.safetensors", checkpoint.parent, EXAMPLE),
    )
    asked = 0
    with httpx.Client(base_url=url, timeout=300) as client:
        for target in targets:
            content = target.read_bytes()[:400] if target.is_file() else b"nothing is like this"
            for route in ROUTES:
                for way in ways(target):
                    asked += 1
                    answer = client.send(client.build_request("GET", url + route.format(way)))
                    assert content not in answer.content, (route, way)
                    page = answer.headers.get("content-type", "").startswith("text/html")
                    assert answer.status_code in (307, 400, 403, 404, 405, 422) or page, (route, way)
    assert asked > 1000


FOREIGN = (
    lambda path: {"path": path},  # Gradio's images need no mark
    lambda path: {"path": path, "meta": META},
    lambda path: {"path": path, "meta": {"_type": "other"}},
    lambda path: {"path": path, "url": path, "is_stream": True, "meta": META},
    lambda path: {"path": None, "url": path, "meta": META},
    lambda path: {"path": path, "meta": {}},
    lambda path: path,
    lambda path: [{"path": path, "meta": META}],
)


@pytest.mark.parametrize("shape", range(len(FOREIGN)))
def test_no_endpoint_opens_a_file_that_was_not_uploaded(page_client, secret, checkpoint, shape, monkeypatch):
    opened: list[str] = []
    analyze = Explorer.analyze

    def noted(self, path, *args, **kwargs):
        opened.append(path)
        return analyze(self, path, *args, **kwargs)

    monkeypatch.setattr(Explorer, "analyze", noted)
    for endpoint in with_images(page_client):
        for path in (
            str(secret),
            str(EXAMPLE),
            "app/examples/cat.jpg",
            "/etc/passwd",
            str(checkpoint / "config.json"),
        ):
            outcome = page_client.send(
                endpoint, inputs(endpoint, FOREIGN[shape](path)), {"method": "crt", "act": "keep"}
            )
            nothing = FOREIGN[shape](path) == {"path": None, "url": path, "meta": META}  # a page without an image
            assert outcome.kind == "refused" or (nothing and outcome.kind == "answered"), (endpoint.name, path)
    assert not [path for path in opened if path]


def test_an_event_brings_no_file(page_client, image, secret):
    for endpoint in page_client.endpoints:
        if endpoint.name.startswith(("reopen/", "inspect/")):
            event = {"method": "crt", "act": "show", "x": {"path": str(secret), "meta": META}}
            assert page_client.send(endpoint, inputs(endpoint, image), event).message == UNREADABLE


class Listener(http.server.BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 - of the only one there is

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(EXAMPLE.read_bytes())

    do_HEAD = do_GET  # noqa: N815 - so they are called
    do_POST = do_GET  # noqa: N815

    def log_message(self, format, *args):
        pass


@pytest.fixture
def listener():
    """A server of ours that should not be asked -> its address, and what it was asked."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Listener.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}/image.jpg", Listener.asked
    server.shutdown()
    server.server_close()


def test_the_listener_receives_the_request(listener):
    address, asked = listener
    assert http_client.get(address).status_code == 200 and asked == ["/image.jpg"]


def test_no_endpoint_fetches_an_address(page_client, served, listener, monkeypatch):
    address, asked = listener
    fetched: list[str] = []

    async def fetch(url, *args, **kwargs):  # Gradio refuses addresses of this machine itself, but no others
        fetched.append(url)
        raise AssertionError(url)

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", fetch)
    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_get", fetch)
    shapes = (
        {"path": address, "meta": META},
        {"path": address, "url": address, "meta": META},
        {"path": address.upper().replace("/PICTURE.JPG", "/x"), "meta": META},
        {"path": "https://example.org/x.png", "meta": META},
        {"path": None, "url": address, "meta": META},
        {"path": address},
    )
    for endpoint in page_client.endpoints:
        for shape in shapes:
            data = [shape] * len(endpoint.kinds)  # in every parameter, whether it is for files or not
            if data:
                kind = page_client.send(endpoint, data, {"pic": address, "x": shape}).kind
                assert kind == "refused" or (kind == "answered" and not shape["path"]), endpoint.name
    routes = ("file={}", "file/{}", "proxy={}", "file=%68ttp{}", "stream/{}", "file= {}")
    for route in routes:
        target = address.removeprefix("http") if "%68" in route else address
        assert http_client.get(f"{served[1]}gradio_api/{route.format(target)}").status_code in (403, 404), route
    http_client.get(f"{served[1]}?pic={address}&deep_link={address}&view={address}")
    assert asked == [] and fetched == []


def test_the_refusal_of_an_address_has_advice(page_client):
    endpoint = named(page_client, "click/masks")
    outcome = page_client.send(endpoint, inputs(endpoint, {"path": "https://example.org/x.png", "meta": META}))
    assert outcome.message == NO_FETCH


def test_addresses_are_found_wherever_they_are():
    deep: object = {"path": " HTTPS://x"}
    for _ in range(5000):
        deep = [{"a": deep}]
    assert holds_address(deep)
    assert not holds_address([{"path": 3}, {"url": "http://x"}, "http://x", None, {"path": "/http:"}])


def test_an_upload_is_deleted_after_its_time(checkpoint, monkeypatch):
    monkeypatch.setattr(ui, "HOUR", 1)  # then files go after two seconds
    delete, used = route_utils.delete_files_created_by_app, threading.Event()
    monkeypatch.setattr(
        route_utils,
        "delete_files_created_by_app",
        lambda blocks, age: delete(blocks, age) if used.is_set() or age is None else None,
    )
    config = AppConfig(checkpoint=str(checkpoint), host="127.0.0.1")
    with running_app(config) as (demo, url):
        assert demo.delete_cache == (1, 2)
        page_client = PageClient(url, "short")
        path = Path(uploaded(page_client, int(time.time()) % 10**6)["path"])
        endpoint = named(page_client, "click/predict")
        answer = page_client.send(endpoint, inputs(endpoint, {"path": str(path), "meta": META}))
        made = Path(answer.data[0]["path"])
        assert path.is_file() and made.is_file()
        used.set()
        deadline = time.monotonic() + 300
        while (path.exists() or made.exists()) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not path.exists() and not made.exists()
        assert page_client.file(str(path)).status_code == 403
        gone = page_client.send(endpoint, inputs(endpoint, {"path": str(path), "meta": META}))
        assert gone == Outcome("refused", "This image is no longer here: choose it again.", gone.seconds)


def test_a_session_finds_no_image_of_another(served, page_client, monkeypatch):
    other = PageClient(served[1], "two")
    theirs = uploaded(page_client, 77)
    endpoint = named(page_client, "click/predict")
    assert page_client.send(endpoint, inputs(endpoint, theirs)).kind == "answered"
    runs: list[int] = []
    predict = Predictor.predict

    def counted(self, *args, **kwargs):
        runs.append(1)
        return predict(self, *args, **kwargs)

    monkeypatch.setattr(Predictor, "predict", counted)
    assert other.send(endpoint, inputs(endpoint, theirs)).kind == "answered" and not runs  # whoever has these pixels
    assert other.send(endpoint, inputs(endpoint, uploaded(other, 78))).kind == "answered" and runs == [1]
    page = json.dumps(http_client.get(f"{served[1]}config").json())
    assert theirs["path"] not in page and Path(theirs["path"]).parent.name not in page
    parent = Path(theirs["path"]).parent.parent
    for folder in (parent, parent / "", Path(theirs["path"]).parent):
        assert page_client.file(str(folder)).status_code == 403  # nothing lists what others uploaded
    reopen = named(other, "reopen/reopen")
    for pic in ("sha." + "0" * 32, "sha." + Path(theirs["path"]).parent.name[:32]):
        asked = {"act": "show", "pic": pic}
        outcome = other.send(reopen, inputs(reopen, None), asked)
        assert outcome.kind == "refused" and "no longer on the server" in outcome.message  # no link was made


def test_values_that_no_component_reads_are_refused_without_a_traceback(page_client, image, capfd):
    endpoint = named(page_client, "change/")
    for data in ([], [image], [3], ["x"] * 5, [image, [1], {}, 5, None], [{"path": 1, "meta": 2}] * 5):
        outcome = page_client.send(endpoint, data)
        assert outcome.kind == "refused" and outcome.message == UNREADABLE, data
    assert "Traceback" not in "".join(capfd.readouterr())
