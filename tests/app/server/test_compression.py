"""What the server compresses: the page and its description, and nothing that streams."""

import httpx
import pytest

from app.cli import AppConfig
from app.gradio_compat import API
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint


@pytest.fixture(scope="module", params=["", "/crt"])
def url(request, tmp_path_factory):
    """The address of a page, of one behind a prefix too."""
    config = AppConfig(checkpoint=str(tiny_checkpoint(tmp_path_factory.mktemp("gzip") / "tiny")), host="127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            patch.setenv("GRADIO_ROOT_PATH", request.param)
        with running_app(config) as (_, address):
            yield str(httpx.URL(address).copy_with(path="/")).rstrip("/") + request.param


@pytest.mark.parametrize("path", ["/", "/config", f"{API}/info"])
def test_texts_are_compressed_for_those_who_take_it(url, path):
    plain, packed = (
        http_client.get(f"{url}{path}", headers={"Accept-Encoding": kind}) for kind in ("identity", "gzip")
    )
    assert plain.status_code == packed.status_code == 200
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert abs(len(packed.content) - len(plain.content)) < 100  # some values are new at every request


def test_what_streams_is_sent_as_it_is(url):
    with httpx.stream("GET", f"{url}{API}/heartbeat/s", headers={"Accept-Encoding": "gzip"}, timeout=60) as beats:
        assert beats.status_code == 200 and "content-encoding" not in beats.headers
