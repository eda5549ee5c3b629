"""For those who host the page: health, password, and a limit of questions per client."""

import json
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from gradio_client import handle_file
from PIL import Image
from starlette.requests import Request as Asked

from app.cli import AppConfig
from app.gradio_compat import LOGIN_COOKIE
from app.server.hosting import CLIENTS, USER, RateLimit, client_of
from crt.errors import InvalidCheckpoint, InvalidSetting
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    return str(tiny_checkpoint(tmp_path_factory.mktemp("hosting") / "tiny"))


@pytest.fixture
def serve(checkpoint):
    """Start an app with these settings -> its Blocks and its address."""
    with ExitStack() as apps:

        def start(**settings):
            return apps.enter_context(running_app(AppConfig(checkpoint=checkpoint, host="127.0.0.1", **settings)))

        yield start


def test_the_health_of_the_server_needs_no_password(serve):
    demo, url = serve(password="secret")
    demo.engine.model.predictor()
    with urlopen(f"{url}health") as answer:
        assert json.load(answer) == {
            "status": "ok",
            "checkpoint": "tiny",
            "cache_mib": {"held": 0, "limit": AppConfig.cache_mb},
        }
    loaded: Future = Future()
    demo.engine.model = replace(demo.engine.model, loaded=loaded)
    with urlopen(f"{url}health") as answer:
        assert json.load(answer)["status"] == "loading"
    loaded.set_exception(InvalidCheckpoint("no"))
    with pytest.raises(HTTPError) as error:
        urlopen(f"{url}health")
    assert error.value.code == 503


def test_only_the_password_opens_the_page(serve, monkeypatch):
    monkeypatch.setenv("CRT_PASSWORD", "secret")
    _, url = serve()
    with pytest.raises(HTTPError) as error:
        urlopen(f"{url}config")
    assert error.value.code == 401
    with pytest.raises(Exception, match=r"(?i)credentials|auth|401|login"):
        http_client.program(url, auth=(USER, "guess"))
    assert http_client.program(url, auth=(USER, "secret")).view_api(return_format="dict")


def test_the_cookie_for_other_sites_is_partitioned(serve):
    _, url = serve(password="secret")
    with urlopen(Request(f"{url}login", data=f"username={USER}&password=secret".encode())) as answer:
        cookies = answer.headers.get_all("Set-Cookie")
    inside = [cookie for cookie in cookies if "SameSite=none; Secure; Partitioned" in cookie]
    assert len(cookies) == 2 and len(inside) == 1 and all(cookie.startswith(LOGIN_COOKIE) for cookie in cookies)


def test_a_client_over_the_limit_gets_the_seconds_to_wait(serve, tmp_path, monkeypatch):
    monkeypatch.setattr("app.server.hosting.WINDOW", 3600.0)  # s: the networks may take more than a minute
    _, url = serve(requests_per_minute=3)
    Image.new("RGB", (80, 60), (200, 30, 30)).save(tmp_path / "a.png")
    client = http_client.program(url)

    def ask() -> object:
        return client.predict(handle_file(str(tmp_path / "a.png")), size="224", api_name="/predict")

    ask()  # an upload and a question
    with pytest.raises(Exception, match=r"Rate limit reached|429"):
        ask()
    with pytest.raises(HTTPError) as error:
        urlopen(Request(f"{url}gradio_api/queue/join", data=b"{}", headers={"Content-Type": "application/json"}))
    assert error.value.code == 429 and 3000 < int(error.value.headers["Retry-After"]) <= 3600
    assert "try again in" in json.load(error.value)["detail"]
    with urlopen(url) as page:  # to look is not to ask
        assert page.status == 200


def test_a_minute_slides_and_clients_do_not_share():
    now = [0.0]
    limit = RateLimit(2, clock=lambda: now[0])
    assert [limit.wait("a"), limit.wait("a"), limit.wait("b")] == [0, 0, 0]
    now[0] = 10
    assert limit.wait("a") == 50
    now[0] = 60
    assert limit.wait("a") == 0 and limit.wait("a") == 0 and limit.wait("a") == 60
    for i in range(CLIENTS + 5):
        limit.wait(f"client {i}")
    assert len(limit._times) == CLIENTS


def test_a_client_cannot_choose_its_address(monkeypatch):
    headers = [(b"x-forwarded-for", b"1.1.1.1, 9.9.9.9")]
    request = Asked({"type": "http", "headers": headers, "client": ("5.5.5.5", 1)})
    assert client_of(request) == "5.5.5.5"
    monkeypatch.setenv("SPACE_ID", "user/space")
    assert client_of(request) == "9.9.9.9"


def test_a_limit_of_nothing_is_refused(checkpoint):
    with pytest.raises(InvalidSetting, match="--requests-per-minute is 0"):
        AppConfig(checkpoint=checkpoint, requests_per_minute=0)
