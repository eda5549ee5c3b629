"""The page under a path prefix, `GRADIO_ROOT_PATH`, behind a proxy that strips it and behind one that keeps it."""

import pytest

from app.cli import AppConfig
from app.server.security import route_path
from tests.app.server.test_routes import CLOSED, filled
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

PREFIX = "/demo/crt"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address, without the prefix, of a page that stands under `PREFIX` and takes two questions a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        folder = tiny_checkpoint(tmp_path_factory.mktemp("prefix") / "tiny")
        config = AppConfig(checkpoint=str(folder), host="127.0.0.1", requests_per_minute=2)
        with running_app(config) as (demo, address):
            yield f"http://127.0.0.1:{demo.server_port}" if PREFIX in address else address.rstrip("/")


@pytest.mark.parametrize("prefix", ["", PREFIX, PREFIX * 2])
def test_closed_routes_stay_closed(url, prefix):
    for route in (*map(filled, CLOSED), "/viewer/x", "/anything"):
        answer = http_client.post(f"{url}{prefix}{route}", json={"session_hash": "one"})
        assert answer.status_code == 404 and answer.json()["detail"].startswith("Not found. Open"), route


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_what_is_open_stays_open(url, prefix):
    assert http_client.get(f"{url}{prefix}/health").json()["checkpoint"] == "tiny"
    assert http_client.get(f"{url}{prefix}/config").json()["root"].endswith(PREFIX)
    assert http_client.get(f"{url}{prefix}", follow_redirects=True).text.startswith("<!doctype html>")


def test_questions_are_counted_with_and_without_the_prefix(url):
    statuses = [
        http_client.post(f"{url}{prefix}/gradio_api/queue/join", json={}).status_code for prefix in ("", PREFIX, PREFIX)
    ]
    assert statuses[2] == 429 and 429 not in statuses[:2]


@pytest.mark.parametrize(
    ("path", "stripped"),
    [(f"{PREFIX}/x", "/x"), (f"{PREFIX * 2}/x", "/x"), (PREFIX, PREFIX), (f"{PREFIX}x", f"{PREFIX}x"), ("/x", "/x")],
)
def test_only_whole_prefixes_are_stripped(path, stripped):
    assert route_path({"path": path, "root_path": PREFIX}) == stripped
