"""Which routes are open: for each that Gradio registers a decision, so that a new one fails here and stays closed."""

import asyncio
import re
from unittest.mock import AsyncMock, call

import httpx
import pytest

from app.cli import AppConfig
from app.gradio_compat import LOGIN_ROUTES, MCP_ROUTES, registered_paths
from app.server.security import ALLOWED, NOT_HERE, OWN, RouteFilter
from app.viewer.files import ROUTE
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

API = "/gradio_api"
CLOSED = (
    "/login",
    "/logout",
    "/monitoring",
    "/monitoring/summary",
    "/monitoring/{key}",
    "/openapi.json",
    "/pwa_icon",
    "/pwa_icon/{size}",
    "/svelte/{path:path}",
    f"{API}/api/{{api_name}}",
    f"{API}/custom_component/{{id}}/{{environment}}/{{type}}/{{file_name}}",
    f"{API}/component_server",
    f"{API}/deep_link",
    f"{API}/dev/reload",
    f"{API}/file/{{path:path}}",
    f"{API}/login_check",
    f"{API}/openapi.json",
    f"{API}/process_recording",
    f"{API}/proxy={{url_path:path}}",
    f"{API}/queue/status",
    f"{API}/run/{{api_name}}",
    f"{API}/runs",
    f"{API}/stream/{{event_id}}",
    f"{API}/stream/{{event_id}}/close",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist-file",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist.m3u8",
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/{{segment_id}}.{{ext}}",
    f"{API}/theme.css",
    f"{API}/token",
    f"{API}/undo-vibe-edit",
    f"{API}/user",
    f"{API}/vibe-code",
    f"{API}/vibe-edit",
    f"{API}/vibe-starter-queries",
)
"""What Gradio registers and neither the page nor a program needs; the first two are open with a password."""
OURS = {"/health", f"{ROUTE}/{{version}}/{{name:path}}"}
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A running app without a password, and its address."""
    config = AppConfig(checkpoint=str(tiny_checkpoint(tmp_path_factory.mktemp("routes") / "tiny")), host="127.0.0.1")
    with running_app(config) as (demo, url):
        yield demo, url.rstrip("/")


def filled(template: str) -> str:
    """A path that the route of this template answers."""
    return re.sub(r"{\w+(:path)?}", "x", template)


def test_each_route_that_is_registered_is_decided(served):
    registered = {path.removesuffix("/") or "/" for path in registered_paths(served[0].app.routes)}
    optional = set(MCP_ROUTES)  # mounted only where its package is installed
    assert registered - optional - OURS - set(ALLOWED) == set(CLOSED)
    assert set(ALLOWED) <= registered


def test_only_what_is_allowed_is_open():
    routes, others = RouteFilter(AsyncMock()), RouteFilter(AsyncMock(), login=True, mcp=True)
    both = {f"{API}/call/v2/{{api_name}}": ("GET", "POST")}  # it is also the event x of an endpoint v2
    for template, methods in {**ALLOWED, **LOGIN_ROUTES, **MCP_ROUTES, **both}.items():
        for method in METHODS:
            assert routes.allows(method, filled(template)) is (template in ALLOWED and method in methods), template
            assert others.allows(method, filled(template)) is (method in methods), template
    for template in set(CLOSED) - set(LOGIN_ROUTES):
        for method in METHODS:
            assert not others.allows(method, filled(template)), template
    assert all(routes.allows("GET", path) for path in OWN)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/x",
            "",
            "//",
            "/config/x",
            "/assets",
            "/static",
            "/CONFIG",
            "/config%00",
            "/a\0",
            "/theme.css\n",
            "/health/",
        ),
        *(f"{API}", f"{API}/", f"{API}/mcp", f"{API}/file", f"{API}/FILE=/tmp/x", f"{API}/call/a/b/c", "/login", ROUTE),
        *(f"{API}/file={start}x" for start in ("http://", "hTTps://", " http:", "\thttps://")),
        f"{ROUTE}/main.mjs",
    ],
)
def test_what_is_near_an_open_route_is_closed(path):
    assert not RouteFilter(AsyncMock()).allows("GET", path)


@pytest.mark.parametrize("path", ["/config/", f"{API}/info/", f"{API}/file=/tmp/http/x.png", f"{API}/call/v2/a/b"])
def test_an_open_route_may_be_written_so(path):
    assert RouteFilter(AsyncMock()).allows("GET", path)


def test_a_closed_route_is_not_found(served):
    for template in CLOSED:
        for method in ("GET", "POST"):
            answer = httpx.request(method, served[1] + filled(template), json={"session_hash": "one"})
            assert (answer.status_code, answer.json()) == (404, {"detail": NOT_HERE}), template


def test_no_socket_is_opened():
    app, send = AsyncMock(), AsyncMock()
    asyncio.run(RouteFilter(app)({"type": "websocket", "path": f"{API}/queue/join"}, AsyncMock(), send))
    assert send.await_args_list == [call({"type": "websocket.close", "code": 1000})] and not app.await_count
