"""The viewer's modules as the server gives them: with or without a prefix or password, and nothing beside them."""

import json
import re

import httpx
import pytest

from app.cli import AppConfig
from app.viewer.files import HERE, PLOTLY, ROUTE, STANDALONE, modules, page_modules, plotly_js, served, version
from app.viewer.viewer import Viewer
from tests.helpers import http_client
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

PREFIX = "/demo/crt"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address, without the prefix, of a page that stands under `PREFIX` and has a password."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        folder = tiny_checkpoint(tmp_path_factory.mktemp("served") / "tiny")
        config = AppConfig(checkpoint=str(folder), host="127.0.0.1", password="secret")
        with running_app(config) as (demo, _):
            yield f"http://127.0.0.1:{demo.server_port}"


def test_the_page_requests_the_version_that_is_served():
    scripts = {**modules(), PLOTLY: plotly_js()}
    assert served() == {f"{ROUTE}/{version()}/{name}": content for name, content in scripts.items()}
    script = str(Viewer().js_on_load)
    (base,) = re.findall(rf"({ROUTE}/\w+/)`;", script)
    (entry,) = re.findall(r"import\(`\$\{base\}(.*?)`\)", script)
    assert base + entry in served()
    assert f"of {json.dumps(page_modules())}" in script
    assert STANDALONE in modules().keys() - page_modules()  # the entry of a file without a server


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_every_module_is_served_and_may_be_kept(url, prefix):
    with httpx.Client(timeout=http_client.LIMIT_S) as client:
        for path, content in served().items():
            answer = client.get(f"{url}{prefix}{path}")
            assert (answer.status_code, answer.content) == (200, content)
            assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
            assert "immutable" in answer.headers["cache-control"]
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize(
    "name",
    [
        *("viewer.py", "viewer.html", "viewer.css", "main", "main.mjs/", "MAIN.MJS", "", "%00", "main.mjs%00.py", "~"),
        *("../viewer.py", "..%2fviewer.py", "%2e%2e/%2e%2e/page.py", "..%5cviewer.py", "%252e%252e/files.py"),
        *("/etc/passwd", "%2fetc%2fpasswd", ".//main.mjs", "main.mjs;x", str(HERE / "viewer.py")),
    ],
)
def test_nothing_else_is_served(url, prefix, name):
    target = httpx.URL(url).copy_with(raw_path=f"{prefix}{ROUTE}/{version()}/{name}".encode())
    assert http_client.get(target).status_code == 404


def test_scripts_travel_compressed_where_the_browser_can_read_it(url):
    path = f"{url}{ROUTE}/{version()}/{PLOTLY}"
    packed = http_client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < 0.4 * len(plotly_js())
    assert "content-encoding" not in http_client.get(path, headers={"Accept-Encoding": "identity"}).headers


def test_plotly_is_where_the_charts_load_it():
    (address,) = re.findall(r"new URL\('\.\./(.*?)', import\.meta\.url\)", modules()["charts/plotly.mjs"].decode())
    assert address == PLOTLY
    assert b"plotly.js v" in plotly_js()[:100]


def test_another_version_is_not_served(url):
    assert http_client.get(f"{url}{ROUTE}/{'0' * 16}/main.mjs").status_code == 404
    assert http_client.post(f"{url}{ROUTE}/{version()}/main.mjs").status_code == 405


def test_the_password_still_guards_the_page(url):
    assert http_client.get(f"{url}/config").status_code == 401


def test_the_version_follows_the_files(tmp_path):
    for folder in ("a", "b", "c"):
        (tmp_path / folder / "core").mkdir(parents=True)
        (tmp_path / folder / "core" / "store.mjs").write_text("export const a = 1;\n")
        (tmp_path / folder / "notes.txt").write_text(folder)
    (tmp_path / "b" / "core" / "store.mjs").write_text("export const a = 2;\n")
    (tmp_path / "c" / "core" / "store.mjs").rename(tmp_path / "c" / "store.mjs")
    assert set(modules(tmp_path / "a")) == {"core/store.mjs"}
    assert len({version(tmp_path / folder) for folder in ("a", "b", "c")}) == 3
